"""The symmetric Kullback-Leibler divergence: what the published CCL code calls 'JSD'."""

from __future__ import annotations

from torch import Tensor

from ccl.losses.counted import Counted, row_counts
from ccl.numerics import all_present, full_precision, keep_rows, masked_mean


@full_precision
def symmetric_kl(p_logits: Tensor, q_logits: Tensor, *, present: Tensor | None = None) -> Counted:
    r"""Return the mean over rows of KL(P || Q) + KL(Q || P), which is not bounded.

    Both are one sum, :math:`\sum_k (p_k - q_k)(\log p_k - \log q_k)`. Source: yanbeic/CCL at
    b590483, loss/jsd_loss.py, which weights it by one half; ours takes no weight and adds no
    1e-10 within the logarithms.

    Args:
        p_logits: (B, C).
        q_logits: (B, C).
        present: bool (B,).

    >>> import torch
    >>> p = torch.tensor([[0.75, 0.25]]).log()
    >>> round(float(symmetric_kl(p, p.flip(1)).loss), 6)  # log 3
    1.098612
    """
    here = all_present(p_logits, present)
    log_p = keep_rows(p_logits, present).log_softmax(dim=1)
    log_q = keep_rows(q_logits, present).log_softmax(dim=1)
    rows = ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=1)
    return Counted(masked_mean(rows, here), row_counts(here))
