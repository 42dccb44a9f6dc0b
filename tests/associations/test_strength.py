from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.associations.strength import lift, log_odds_z, npmi, share

# the 20 videos of a dataset: 5 of the class, 8 with the audio class, 4 with both
V, S, T, N = 4, 5, 8, 20


def test_share_and_lift_are_these_fractions() -> None:
    assert share(V, S).item() == float(Fraction(4, 5))
    assert lift(V, S, T, N).item() == float(Fraction(4, 5) / Fraction(8, 20))


def test_npmi_is_what_its_definition_says() -> None:
    joint, of_class, of_audio = V / N, S / N, T / N
    expected = math.log(joint / (of_class * of_audio)) / -math.log(joint)
    assert npmi(V, S, T, N).item() == pytest.approx(expected, rel=1e-12)


def test_undefined_is_nan_and_never_a_warning() -> None:
    with np.errstate(all="raise"):
        assert np.isnan(share(0, 0))
        assert np.isnan(lift(0, 5, 0, 20))
        assert np.isnan(npmi(20, 20, 20, 20))
        assert np.isnan(npmi(0, 0, 3, 20))
        assert np.isnan(log_odds_z(0, 5, 0, 20))
        assert np.isnan(log_odds_z(7, 7, 9, 9))
    assert npmi(0, 5, 8, 20).item() == -1.0


counts = st.integers(1, 60).flatmap(
    lambda n: st.tuples(st.integers(1, n), st.integers(1, n), st.just(n))
)


@given(counts, st.data())
def test_npmi_is_bounded_symmetric_and_zero_at_independence(
    margins: tuple[int, int, int], data: st.DataObject
) -> None:
    s, t, n = margins
    v = data.draw(st.integers(max(0, s + t - n), min(s, t)))
    value = npmi(v, s, t, n).item()
    if v == n:
        assert math.isnan(value)
        return
    assert -1.0 <= value <= 1.0
    assert value == npmi(v, t, s, n).item()
    if v * n == s * t:
        assert value == pytest.approx(0.0, abs=1e-12)
    elif v:
        assert (value > 0) == (v * n > s * t)


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20)), min_size=1, max_size=6))
def test_the_mean_lift_over_videos_is_one(classes: list[tuple[int, int]]) -> None:
    supports = [s for s, _ in classes]
    videos = [min(v, s) for s, v in classes]
    total, n = sum(videos), sum(supports)
    if total:
        weighted = sum(
            s / n * lift(v, s, total, n).item() for v, s in zip(videos, supports, strict=True)
        )
        assert weighted == pytest.approx(1.0, rel=1e-12)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 50), st.integers(1, 50))
def test_log_odds_change_sign_when_class_and_rest_change_places(
    y: int, rest_y: int, others: int, rest_others: int
) -> None:
    total = y + rest_y
    if total == 0:
        return
    n, rest_n = y + others, rest_y + rest_others
    forth = log_odds_z(y, n, total, n + rest_n).item()
    back = log_odds_z(rest_y, rest_n, total, n + rest_n).item()
    assert forth == pytest.approx(-back, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("y", "n", "total", "tokens"), [(40, 200, 120, 3000), (1, 300, 90, 1500)])
def test_log_odds_are_the_mean_over_the_spread_of_the_dirichlet_posterior(
    y: int, n: int, total: int, tokens: int
) -> None:
    # two audio classes, this one and all others: a Dirichlet posterior is then a Beta
    rng = np.random.default_rng(0)
    here = rng.beta(y + total, n - y + tokens - total, 400_000)
    rest_y, rest_n = total - y, tokens - n
    there = rng.beta(rest_y + total, rest_n - rest_y + tokens - total, 400_000)
    ratio = np.log(here / (1 - here)) - np.log(there / (1 - there))
    assert log_odds_z(y, n, total, tokens).item() == pytest.approx(
        ratio.mean() / ratio.std(), rel=0.03
    )
