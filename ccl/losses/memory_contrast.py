"""Telling an item's own vector from vectors drawn at random: two objectives and a constant."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ccl.numerics import full_precision, masked_mean

EPSILON = 1e-7


@full_precision
def nce_objective(log_density: Tensor, num_items: int, present: Tensor) -> Tensor:
    r"""Return the binary noise-contrastive loss, summed over K + 1 pairs, averaged over rows.

    With the model's density h of a pair, K draws a positive and a uniform noise density 1/N,
    :math:`-\log \frac{h_0}{h_0 + K/N} - \sum_{k>0} \log \frac{K/N}{h_k + K/N}`.

    Source: CRD (ICLR 2020), Eq. 18 of its appendix; HobbitLong/RepDistiller at b84f547,
    crd/criterion.py, of which we keep the 1e-7 that it adds to both denominators. Here it is
    computed from log h, so that no temperature overflows.

    Args:
        log_density: (B, K + 1), log h; the positive first.
        num_items: N.
        present: bool (B,).

    >>> equal = torch.zeros(1, 2)  # h = 1 and K / N = 1: each of the two is a coin flip
    >>> round(float(nce_objective(equal, 1, torch.tensor([True]))), 5)  # 2 log 2
    1.38629
    """
    noise = (log_density.shape[1] - 1) / num_items
    log_noise = log_density.new_full((), noise + EPSILON).log()
    log_both = torch.logaddexp(log_density, log_noise)
    positive = log_both[:, 0] - log_density[:, 0]
    negative = (log_both[:, 1:] - math.log(noise)).sum(dim=1) if noise > 0 else 0
    return masked_mean(positive + negative, present)


@full_precision
def softmax_objective(log_density: Tensor, present: Tensor) -> Tensor:
    """Return the mean over rows of -log of the positive's share among its K + 1 pairs.

    Source: CMC (ECCV 2020): an (m + 1)-way softmax classification over m draws.

    Args:
        log_density: (B, K + 1), up to a constant of each row; the positive first.
        present: bool (B,).

    >>> round(float(softmax_objective(torch.zeros(1, 4), torch.tensor([True]))), 5)  # log 4
    1.38629
    """
    return masked_mean(log_density.logsumexp(dim=1) - log_density[:, 0], present)


class Partition(nn.Module):
    """The constant Z that turns exp(similarity / T) into a density over the N items.

    It is estimated from the first batch seen in training, N times the mean, and fixed from then
    on. At evaluation before that, a batch uses its own estimate and nothing is kept.

    Source: HobbitLong/RepDistiller at b84f547, crd/memory.py.
    """

    log_z: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("log_z", torch.tensor(float("nan")))

    @full_precision
    def forward(self, logits: Tensor, num_items: int, present: Tensor) -> Tensor:
        """Return log density, (B, K + 1), from similarity / T of the same shape."""
        flat = logits.detach().masked_fill(~present[:, None], float("-inf"))
        num_pairs = (present.sum() * logits.shape[1]).to(logits.dtype)
        estimate = flat.logsumexp(dim=(0, 1)) - num_pairs.log() + math.log(num_items)
        log_z = torch.where(self.log_z.isnan(), estimate, self.log_z.to(estimate.dtype))
        if self.training:  # a batch without present rows estimates NaN, and leaves it unset
            self.log_z.copy_(log_z)
        return logits - torch.where(log_z.isnan(), 0, log_z)
