from functools import partial

import pytest
import torch

from ccl.losses.rkd import rkd


def huber(x):
    return x * x / 2 if x.abs() < 1 else x.abs() - 0.5


def distances(x):
    n = len(x)
    pairs = {
        (i, j): ((x[i] - x[j]) ** 2).sum().sqrt() for i in range(n) for j in range(n) if i != j
    }
    mean = sum(pairs.values()) / len(pairs)
    return {pair: distance / mean for pair, distance in pairs.items()}


def angle(x, i, j, k):
    if i in {j, k}:
        return 0 * x.sum()
    a, b = x[j] - x[i], x[k] - x[i]
    return (a * b).sum() / ((a * a).sum() * (b * b).sum()).sqrt()


def naive(student, teacher, distance_weight=25.0, angle_weight=50.0):
    n = len(student)
    s, t = distances(student), distances(teacher)
    distance = sum(huber(s[pair] - t[pair]) for pair in s) / n**2
    costs = [
        huber(angle(student, i, j, k) - angle(teacher, i, j, k))
        for i in range(n)
        for j in range(n)
        for k in range(n)
    ]
    return distance_weight * distance + angle_weight * sum(costs) / n**3


def test_the_authors_values(check_authors):
    check_authors("rkd", rkd)


@pytest.mark.parametrize("weights", [(25.0, 50.0), (1.0, 0.0), (0.0, 1.0)])
@pytest.mark.parametrize("widths", [(4, 4), (3, 6)])
def test_a_naive_loop_in_double(check_naive, weights, widths):
    names = dict(zip(("distance_weight", "angle_weight"), weights, strict=True))
    check_naive(partial(rkd, **names), partial(naive, **names), seed=0, widths=widths)


@pytest.mark.parametrize(
    ("student", "without"),
    [([[1.0], [1], [1]], 1), ([[1.0], [1], [2]], 0), ([[1.0]], 1), ([[1.0], [3]], 0)],
)
def test_batches_without_a_scale_are_counted(student, without):
    student = torch.tensor(student)
    teacher = torch.arange(float(len(student)))[:, None]
    result = rkd(student, teacher)
    assert result.loss.isfinite()
    assert result.counts["without_distance"] == without
