"""The Jensen-Shannon divergence of two sets of predictions."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ccl.losses.counted import Counted, row_counts
from ccl.numerics import all_present, full_precision, keep_rows, masked_mean


@full_precision
def jensen_shannon(p_logits: Tensor, q_logits: Tensor, *, present: Tensor | None = None) -> Counted:
    r"""Return the mean over rows of KL(P || M) / 2 + KL(Q || M) / 2, with M = (P + Q) / 2.

    In nats: at least 0, at most log 2, symmetric. Source: CCL (CVPR 2021), supplement,
    Algorithm A, line 5. The published code computes something else under this name: see
    ``ccl.losses.symmetric_kl``.

    Args:
        p_logits: (B, C).
        q_logits: (B, C).
        present: bool (B,).

    >>> sure = torch.tensor([[1000.0, 0.0]])
    >>> round(float(jensen_shannon(sure, sure.flip(1)).loss), 6)  # log 2
    0.693147
    """
    here = all_present(p_logits, present)
    log_p = keep_rows(p_logits, present).log_softmax(dim=1)
    log_q = keep_rows(q_logits, present).log_softmax(dim=1)
    rows = divergence_of_log_probs(log_p, log_q)
    return Counted(_within_bounds(masked_mean(rows, here)), row_counts(here))


def divergence_of_log_probs(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Return the divergence of each row, (B,), from two sets of log-probabilities (B, C).

    The value is brought into [0, log 2], which rounding can leave by the last digit; the
    gradient is that of the formula.
    """
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    rows = (log_p.exp() * (log_p - log_m) + log_q.exp() * (log_q - log_m)).sum(dim=1) / 2
    return _within_bounds(rows)


def _within_bounds(divergence: Tensor) -> Tensor:
    # the float32 nearest to log 2 lies above it: half an epsilon off gives the one below
    most = math.log(2) * (1 - torch.finfo(divergence.dtype).eps / 2)
    return divergence + (divergence.clamp(0, most) - divergence).detach()
