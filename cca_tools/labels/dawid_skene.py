"""Dawid and Skene's model: the likely level of each class, and how each annotator errs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

MISSING = -1


@dataclass(frozen=True)
class DawidSkene:
    """What the model finds.

    Args:
        probabilities: (classes, levels), rows sum to 1.
        priors: (levels,), how frequent each level is.
        confusions: (annotators, levels, answers), how each annotator answers to each true level.
        log_likelihood: Of the answers, at the last step.
        converged: Whether the steps ended because nothing changed any more.
    """

    probabilities: NDArray[np.float64]
    priors: NDArray[np.float64]
    confusions: NDArray[np.float64]
    log_likelihood: float
    converged: bool


def dawid_skene(
    answers: NDArray[np.int64],
    num_levels: int,
    num_answers: int,
    *,
    smoothing: float = 0.01,
    max_steps: int = 1000,
) -> DawidSkene:
    """Return the likely levels by expectation maximisation, begun at the shares of the votes.

    Args:
        answers: (classes, annotators): 0 to ``num_levels - 1`` are the levels, further answers
            (such as unsure) no level of their own; `MISSING` where there is none.
        num_levels: How many true levels there are.
        num_answers: How many answers can be given; at least ``num_levels``.
        smoothing: Added to every count, so that few answers do not make certainties; 0 gives
            the published maximum likelihood.
        max_steps: At most.

    Source: A. P. Dawid and A. M. Skene, *Maximum Likelihood Estimation of Observer Error-Rates
    Using the EM Algorithm*, Applied Statistics 28, 1979.

    >>> found = dawid_skene(np.array([[0, 0, 0], [1, 1, 1], [1, 1, 0]]), 2, 2)
    >>> found.probabilities.argmax(axis=1).tolist()
    [0, 1, 1]
    """
    given = (answers[:, :, None] == np.arange(num_answers)).astype(np.float64)  # (n, people, ans)
    votes = given.sum(axis=1)[:, :num_levels]
    total = votes.sum(axis=1, keepdims=True)
    probabilities = np.where(total > 0, votes / np.maximum(total, 1), 1 / num_levels)
    before = -np.inf
    for step in range(max_steps):
        priors = _shares(probabilities.sum(axis=0), smoothing)
        counted = np.einsum("nl,npa->pla", probabilities, given)
        confusions = _shares(counted, smoothing)
        joint = _log(priors) + np.einsum("npa,pla->nl", given, _log(confusions))
        evidence = logsumexp(joint, axis=1, keepdims=True)
        probabilities = np.exp(joint - evidence)
        likelihood = float(evidence.sum())
        if step and abs(likelihood - before) <= 1e-10 * max(abs(likelihood), 1):
            return DawidSkene(probabilities, priors, confusions, likelihood, converged=True)
        before = likelihood
    return DawidSkene(probabilities, priors, confusions, before, converged=False)


def _shares(counts: NDArray[np.float64], smoothing: float) -> NDArray[np.float64]:
    counts = counts + smoothing
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), 1 / counts.shape[-1])


def _log(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(shares, 1e-300))  # finite, so that nothing given times it is 0
