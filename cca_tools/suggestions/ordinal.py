"""The proportional-odds model, with a ridge penalty and weighted rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
NUM_LEVELS = 3
_LEAST = 1e-12  # probability of a level, so that its logarithm is finite


@dataclass(frozen=True)
class OrdinalModel:
    """P(level <= k | x) = expit(thresholds[k] - w . (x - mean) / scale).

    Args:
        mean: (D,) of the training rows.
        scale: (D,) standard deviation of the training rows; 1 where they do not vary.
        weights: (D,) effect of one standard deviation on the log-odds of a higher level.
        thresholds: (K - 1,) ascending.
    """

    mean: Floats
    scale: Floats
    weights: Floats
    thresholds: Floats

    def contributions(self, features: ArrayLike) -> Floats:
        """Return (N, D): what each feature adds to the log-odds of a higher level."""
        rows = np.atleast_2d(np.asarray(features, dtype=np.float64))
        return (rows - self.mean) / self.scale * self.weights

    def probs(self, features: ArrayLike) -> Floats:
        """Return (N, K) probabilities of the levels, the lowest first."""
        score = self.contributions(features).sum(axis=1)
        return _probs(score, self.thresholds)


def _probs(score: Floats, thresholds: Floats) -> Floats:
    below = expit(thresholds[None, :] - score[:, None])
    ends = np.zeros((len(score), 1)), np.ones((len(score), 1))
    steps: Floats = np.diff(np.concatenate([ends[0], below, ends[1]], axis=1), axis=1)
    return steps


def fit_ordinal(
    features: Floats, levels: Integers, penalty: float, row_weights: Floats | None = None
) -> OrdinalModel:
    """Fit the proportional-odds model by penalised maximum likelihood.

    Minimises -sum_i r_i log P(y_i | x_i) + penalty / 2 * |w|^2 over the effects of standardised
    features and free thresholds, by L-BFGS with the exact gradient. The likelihood is log-concave
    in effects and thresholds (Pratt 1981), so the optimum is the only one.

    Args:
        features: (N, D), finite.
        levels: (N,) in 0..K-1, each met at least once with a weight above zero.
        penalty: Above zero, it also keeps separable data finite; 0 is plain maximum likelihood.
        row_weights: (N,) how much each row counts; None means 1 each.

    Source: P. McCullagh, Regression models for ordinal data, JRSS B 1980. Differs from
    statsmodels' ``OrderedModel`` by penalty and weights alone.

    >>> rows = np.arange(6.0)[:, None]
    >>> model = fit_ordinal(rows, np.array([0, 0, 1, 1, 2, 2]), 1.0)
    >>> model.probs([[0.0], [2.5], [5]]).argmax(axis=1).tolist()
    [0, 1, 2]
    """
    counts = np.ones(len(levels)) if row_weights is None else row_weights
    mean = np.average(features, axis=0, weights=counts)
    scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=counts))
    scale = np.where(scale > 1e-12, scale, 1.0)
    rows = (features - mean) / scale
    met = np.bincount(levels, weights=counts, minlength=NUM_LEVELS)
    start = logit(np.clip(np.cumsum(met)[:-1] / met.sum(), 0.01, 0.99))
    gaps = np.log(np.maximum(np.diff(start), 0.05))
    first = np.concatenate([np.zeros(rows.shape[1]), start[:1], gaps])
    best = minimize(
        _loss, first, args=(rows, levels, penalty, counts), jac=True, method="L-BFGS-B"
    ).x
    weights, thresholds = _unpack(best, rows.shape[1])
    return OrdinalModel(mean, scale, weights, thresholds)


def _unpack(parameters: Floats, num_features: int) -> tuple[Floats, Floats]:
    """Return effects and thresholds; the gaps between these are kept as logarithms."""
    first, gaps = parameters[num_features], np.exp(parameters[num_features + 1 :])
    thresholds = first + np.concatenate([[0.0], np.cumsum(gaps)])
    return parameters[:num_features], thresholds


def _loss(
    parameters: Floats, rows: Floats, levels: Integers, penalty: float, counts: Floats
) -> tuple[float, Floats]:
    num = rows.shape[1]
    weights, thresholds = _unpack(parameters, num)
    below = expit(thresholds[None, :] - (rows @ weights)[:, None])  # (N, K - 1)
    slope = below * (1 - below)
    pad = np.zeros((len(rows), 1))
    upper, lower = np.hstack([below, pad + 1]), np.hstack([pad, below])
    d_upper, d_lower = np.hstack([slope, pad]), np.hstack([pad, slope])
    every = np.arange(len(rows))
    prob = np.maximum(upper[every, levels] - lower[every, levels], _LEAST)
    high, low = d_upper[every, levels] / prob * counts, d_lower[every, levels] / prob * counts
    by_threshold = np.array(
        [low[levels == k + 1].sum() - high[levels == k].sum() for k in range(len(thresholds))]
    )
    after = np.cumsum(by_threshold[::-1])[::-1]  # a gap moves every threshold above it
    gaps = after[1:] * np.exp(parameters[num + 1 :])
    gradient = np.concatenate([rows.T @ (high - low) + penalty * weights, after[:1], gaps])
    loss = -(counts * np.log(prob)).sum() + penalty / 2 * weights @ weights
    return float(loss), gradient
