"""The multi-class noise-contrastive loss of CCL, in log space and without (B, B, D) memory."""

from __future__ import annotations

import torch
from torch import Tensor

from ccl.losses.counted import Counted, row_counts
from ccl.numerics import all_present, full_precision, keep_rows, unit_rows


@full_precision
def multi_class_nce(
    f1: Tensor,
    f2: Tensor,
    targets: Tensor,
    *,
    temperature: float,
    present: Tensor | None = None,
    exclude_self: bool = False,
) -> Counted:
    r"""Pull together rows of one class across two sets of embeddings, push others apart.

    With :math:`p_{ij} = \mathrm{softmax}_j(\cos(f1_i, f2_j) / \tau)`, row i costs the mean of
    :math:`-\log p_{ij}` over the j of its class plus the mean of :math:`-\log(1 - p_{ij})` over
    the j of other classes; the loss is the mean over rows. It is not symmetric in f1 and f2.

    Source: CCL (CVPR 2021), supplement, Algorithm A; yanbeic/CCL at b590483, loss/nce_loss.py.
    Ours differs from that code in three ways: no 1e-10 within the logarithms, no division by
    zero for a batch of one class, and cosines by one product of matrices in place of the
    squared differences of all pairs.

    Degenerate cases: see ``contrast_rows``. Zero vectors have a cosine of zero to everything.

    Args:
        f1: (B, D), any length of vectors.
        f2: (B, D); row i belongs to the same video as row i of f1, and so to its class.
        targets: (B,), integer classes.
        temperature: Above 0; divides cosines.
        present: bool (B,); absent rows are left out as rows and as columns.
        exclude_self: Leave out the pairs (i, i), as one must where f1 and f2 are the same.

    >>> f = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
    >>> result = multi_class_nce(f, f, torch.tensor([0, 1]), temperature=1.0)
    >>> round(float(result.loss), 6)  # -2 log(e / (e + 1))
    0.626523
    """
    here = all_present(f1, present)
    f1, f2 = keep_rows(f1, present), keep_rows(f2, present)
    similarity = (unit_rows(f1) / temperature) @ unit_rows(f2).T  # (B, B)
    positive = targets[:, None] == targets[None, :]
    valid = here[:, None] & here[None, :]
    if exclude_self:
        valid = valid & ~torch.eye(len(here), dtype=torch.bool, device=here.device)
    result = contrast_rows(similarity, positive, valid, here)
    return Counted(result.loss, row_counts(here, f1, f2) | result.counts)


def contrast_rows(similarity: Tensor, positive: Tensor, valid: Tensor, counted: Tensor) -> Counted:
    """Compute the multi-class NCE from a matrix of similarities, over its valid entries.

    A row without positives leaves out the first term, one without negatives the second; they
    are counted as ``rows_without_positives`` and ``rows_without_negatives``. In a row with a
    single valid entry p is 1 whatever the similarity; if that entry is a negative its cost
    would be infinite, so it is left out too and the row counts as one without negatives.
    Without counted rows the loss is zero.

    Args:
        similarity: (N, M), cosines divided by the temperature.
        positive: bool (N, M), true where row and column are of one class.
        valid: bool (N, M), the entries that take part.
        counted: bool (N,), the rows over which the mean goes.
    """
    pull = positive & valid
    push = ~positive & valid & (valid.sum(dim=1, keepdim=True) > 1)
    num_pull, num_push = pull.sum(dim=1), push.sum(dim=1)
    if similarity.numel() == 0:
        log_p = log_not_p = similarity
    else:
        log_p, log_not_p = log_softmax_pair(similarity, valid)
    per_pull, per_push = (1 / n.clamp_min(1).to(log_p.dtype)[:, None] for n in (num_pull, num_push))
    weight = torch.where(pull, per_pull, torch.where(push, per_push, 0))
    cost = -weight * torch.where(pull, log_p, log_not_p)
    counts = {
        "rows_without_positives": ((num_pull == 0) & counted).sum(),
        "rows_without_negatives": ((num_push == 0) & counted).sum(),
    }
    return Counted(cost.sum() / counted.sum().clamp_min(1), counts)


def log_softmax_pair(similarity: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Return log p and log(1 - p) of the softmax over the valid entries of each row.

    ``log1p(-p)`` is exact for all but the largest p of a row, which alone can exceed one half;
    there 1 - p is the softmax mass of all other entries, summed as such. Both results are
    finite everywhere; what stands at invalid entries has no meaning.

    Args:
        similarity: (N, M), neither of them zero.
        valid: bool (N, M).

    >>> log_p, log_not_p = log_softmax_pair(torch.tensor([[60.0, 0.0]]), torch.tensor([[True] * 2]))
    >>> log_not_p[0].tolist()[0]  # log(exp(-60)); 1 - p is 0 in float32
    -60.0
    """
    lowest = torch.finfo(similarity.dtype).min / 4
    logits = torch.where(valid, similarity, lowest)
    top = logits.detach().argmax(dim=1, keepdim=True)  # (N, 1)
    log_rest = logits.scatter(1, top, lowest).logsumexp(dim=1, keepdim=True)
    log_total = torch.logaddexp(logits.gather(1, top), log_rest)
    log_p = logits - log_total
    p = torch.where(valid.scatter(1, top, False), log_p.exp(), 0)
    return log_p, torch.log1p(-p).scatter(1, top, log_rest - log_total)
