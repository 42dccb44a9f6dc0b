"""The proportional-odds model, with a ridge penalty and weighted rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
NUM_LEVELS = 3
_LEAST = 1e-12  # probability of a level, so that its logarithm is finite
_MOST_STEPS = 100
_CONVERGED = 1e-12


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
    features and free thresholds, by Newton's method. The likelihood is log-concave
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
    start = np.maximum.accumulate(start + 1e-3 * np.arange(len(start)))
    problem = _Problem.of(rows, levels, penalty, counts)
    best = _minimise(problem, np.concatenate([np.zeros(rows.shape[1]), start]))
    return OrdinalModel(mean, scale, best[: rows.shape[1]], best[rows.shape[1] :])


@dataclass(frozen=True)
class _Problem:
    """Rows as directions: how the upper and lower end of each row's level move with parameters.

    Args:
        upper: (N, D + K - 1), zero where the level has no upper end.
        lower: (N, D + K - 1), zero where it has no lower end.
        has_upper: (N,) bool.
        has_lower: (N,) bool.
        ridge: (D + K - 1,), the penalty of each parameter.
        counts: (N,) weights of the rows.
    """

    upper: Floats
    lower: Floats
    has_upper: NDArray[np.bool_]
    has_lower: NDArray[np.bool_]
    ridge: Floats
    counts: Floats

    @classmethod
    def of(cls, rows: Floats, levels: Integers, penalty: float, counts: Floats) -> _Problem:
        ends = np.eye(NUM_LEVELS - 1)
        has_upper, has_lower = levels < NUM_LEVELS - 1, levels > 0
        upper = np.hstack([-rows, ends[np.minimum(levels, NUM_LEVELS - 2)]])
        lower = np.hstack([-rows, ends[np.maximum(levels - 1, 0)]])
        ridge = np.repeat([penalty, 0.0], [rows.shape[1], NUM_LEVELS - 1])
        return cls(
            upper * has_upper[:, None], lower * has_lower[:, None],
            has_upper, has_lower, ridge, counts,
        )  # fmt: skip

    def chances(self, parameters: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the distribution function at both ends of each level, and its probability."""
        upper = np.where(self.has_upper, expit(self.upper @ parameters), 1.0)
        lower = np.where(self.has_lower, expit(self.lower @ parameters), 0.0)
        return upper, lower, np.maximum(upper - lower, _LEAST)

    def loss(self, parameters: Floats) -> float:
        """Return minus the penalised log-likelihood; infinite where thresholds are out of order."""
        thresholds = parameters[-(NUM_LEVELS - 1) :]
        if (np.diff(thresholds) <= 0).any():
            return np.inf
        prob = self.chances(parameters)[2]
        return float(-self.counts @ np.log(prob) + (self.ridge * parameters**2).sum() / 2)

    def derivatives(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Return the gradient (P,) and the second derivatives (P, P) of the loss."""
        upper, lower, prob = self.chances(parameters)
        a, b = upper * (1 - upper) / prob, lower * (1 - lower) / prob
        gradient = -(self.upper.T @ (self.counts * a) - self.lower.T @ (self.counts * b))
        both = self.upper.T @ (self.lower * (self.counts * a * b)[:, None])
        of_upper = self.counts * (a * a - a * (1 - 2 * upper))
        of_lower = self.counts * (b * b + b * (1 - 2 * lower))
        second = (
            self.upper.T @ (self.upper * of_upper[:, None])
            + self.lower.T @ (self.lower * of_lower[:, None])
            - both
            - both.T
        )
        return gradient + self.ridge * parameters, second + np.diag(self.ridge)


def _minimise(problem: _Problem, parameters: Floats) -> Floats:
    """Newton's method; each step is halved until the loss falls."""
    loss = problem.loss(parameters)
    damping = 1e-9 * np.eye(len(parameters))
    for _ in range(_MOST_STEPS):
        gradient, second = problem.derivatives(parameters)
        step = np.linalg.solve(second + damping, gradient)
        if not gradient @ step > _CONVERGED:
            break
        scale = 1.0
        while scale > 1e-8 and problem.loss(parameters - scale * step) >= loss:
            scale /= 2
        parameters = parameters - scale * step
        fallen, loss = loss, problem.loss(parameters)
        if fallen - loss < _CONVERGED:
            break
    return parameters
