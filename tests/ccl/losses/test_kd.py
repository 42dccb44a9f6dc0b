from functools import partial

import pytest

from ccl.losses.kd import kd


def naive(student, teacher, temperature):
    rows = []
    for s_row, t_row in zip(student / temperature, teacher / temperature, strict=True):
        s = [x.exp() / sum(y.exp() for y in s_row) for x in s_row]
        t = [x.exp() / sum(y.exp() for y in t_row) for x in t_row]
        rows.append(sum(b * (b / a).log() for a, b in zip(s, t, strict=True)))
    return temperature**2 * sum(rows) / len(rows)


def test_the_authors_values(check_authors):
    check_authors("kd", kd)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_a_naive_loop_in_double(check_naive, temperature):
    check_naive(
        partial(kd, temperature=temperature), partial(naive, temperature=temperature), seed=0
    )
