import pytest

from ccl.losses.similarity_preserving import similarity_preserving


def gram(x):
    rows = [[(a * b).sum() for b in x] for a in x]
    return [[entry / sum(e * e for e in row).sqrt() for entry in row] for row in rows]


def naive(student, teacher):
    errors = [
        (s - t) ** 2
        for s_row, t_row in zip(gram(student), gram(teacher), strict=True)
        for s, t in zip(s_row, t_row, strict=True)
    ]
    return sum(errors) / len(errors)


def test_the_authors_values(check_authors):
    check_authors("similarity_preserving", similarity_preserving)


@pytest.mark.parametrize("widths", [(4, 4), (3, 6)])
def test_a_naive_loop_in_double(check_naive, widths):
    check_naive(similarity_preserving, naive, seed=1, widths=widths)
