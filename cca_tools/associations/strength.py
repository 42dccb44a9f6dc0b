"""How strongly an audio class goes with a video class: measures on counts, element by element.

Symbols: N counted videos, s of them in the video class (its support), t of them with the audio
class in their top-k, v of them with both. All functions take arrays that broadcast together, or
plain numbers, and return float64. An undefined value is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def _floats(*values: ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.asarray(value, dtype=np.float64) for value in values)


def share(videos: ArrayLike, support: ArrayLike) -> Floats:
    """Return v / s, the part of the class's videos that have the audio class; NaN where s = 0.

    >>> share([3, 1], 4).tolist()
    [0.75, 0.25]
    """
    v, s = _floats(videos, support)
    with np.errstate(invalid="ignore", divide="ignore"):
        return v / s


def lift(videos: ArrayLike, support: ArrayLike, total: ArrayLike, num_videos: int) -> Floats:
    """Return (v / s) / (t / N), the share over the share in the whole dataset; NaN where t = 0.

    >>> lift(3, 4, 6, 16).item()
    2.0
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return share(videos, support) / share(total, num_videos)


def npmi(videos: ArrayLike, support: ArrayLike, total: ArrayLike, num_videos: int) -> Floats:
    """Return the normalised pointwise mutual information, in [-1, 1].

    ln[(v / N) / ((s / N) (t / N))] / -ln(v / N): 1 where each is found only with the other, 0
    where they are independent, -1 (by continuity) where v = 0 < s, t. NaN where s or t is 0, and
    where every video of the dataset has both, 0 / 0.

    Source: G. Bouma, Normalized (pointwise) mutual information in collocation extraction, 2009.

    >>> npmi([2, 1, 0], [2, 2, 2], [2, 2, 2], 4).tolist()
    [1.0, 0.0, -1.0]
    """
    v, s, t = np.broadcast_arrays(*_floats(videos, support, total))
    with np.errstate(invalid="ignore", divide="ignore"):
        information = np.log(v * num_videos / (s * t))
        value = information / -np.log(v / num_videos)
    value = np.where(v == 0, -1.0, value)
    return np.where((s == 0) | (t == 0) | (v == num_videos), np.nan, np.clip(value, -1.0, 1.0))


def log_odds_z(
    videos: ArrayLike, class_tokens: ArrayLike, total: ArrayLike, num_tokens: float
) -> Floats:
    """Return the weighted log-odds ratio of a class against the rest, over its standard error.

    A token is one audio class in one video's top-k. With y = v among the n = ``class_tokens`` of
    the class, and y' = t - v among the n' = T - n of the other classes (T = ``num_tokens``), and
    the dataset itself as Dirichlet prior, a = t and a0 = T:

    delta = ln[(y + a) / (n + a0 - y - a)] - ln[(y' + a) / (n' + a0 - y' - a)],
    z = delta / sqrt(1 / (y + a) + 1 / (y' + a)).

    NaN where t = 0, and where the dataset has one audio class only.

    Source: B. L. Monroe, M. P. Colaresi, K. M. Quinn, Fightin' Words, Political Analysis 2008,
    section 3: log-odds ratios with an informative Dirichlet prior, and their z-scores.

    >>> log_odds_z(2, 4, 2, 8).round(3).item()
    1.058
    """
    y, n, a = np.broadcast_arrays(*_floats(videos, class_tokens, total))
    rest_y, rest_n = a - y, num_tokens - n
    with np.errstate(invalid="ignore", divide="ignore"):
        odds = (y + a) / (n + num_tokens - y - a)
        rest_odds = (rest_y + a) / (rest_n + num_tokens - rest_y - a)
        z = np.log(odds / rest_odds) / np.sqrt(1 / (y + a) + 1 / (rest_y + a))
    return np.where(a == 0, np.nan, z)
