import pytest

from ccl.losses.pkt import pkt


def shares(x):
    unit = [row / (row * row).sum().sqrt() for row in x]
    rows = [[((a * b).sum() + 1) / 2 for b in unit] for a in unit]
    return [[entry / sum(row) for entry in row] for row in rows]


def naive(student, teacher):
    costs = [
        t * ((t + 1e-7) / (s + 1e-7)).log()
        for s_row, t_row in zip(shares(student), shares(teacher), strict=True)
        for s, t in zip(s_row, t_row, strict=True)
    ]
    return sum(costs) / len(costs)


def test_the_authors_values(check_authors):
    check_authors("pkt", pkt)


@pytest.mark.parametrize("widths", [(4, 4), (3, 6)])
def test_a_naive_loop_in_double(check_naive, widths):
    check_naive(pkt, naive, seed=0, widths=widths)
