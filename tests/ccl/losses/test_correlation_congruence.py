import pytest
import torch

from ccl.losses.correlation_congruence import correlation_congruence


def naive(student, teacher):
    costs = [
        sum(
            (student[i, d] - teacher[i, d]).abs() * (student[i + 1, d] - teacher[i + 1, d]).abs()
            for d in range(student.shape[1])
        )
        for i in range(len(student) - 1)
    ]
    return sum(costs) / len(costs)


def test_the_authors_values(check_authors):
    check_authors("correlation_congruence", correlation_congruence)


def test_a_naive_loop_in_double(check_naive):
    check_naive(correlation_congruence, naive, seed=2)


def test_rows_round_an_absent_one_are_neighbours():
    student, teacher = torch.tensor([[1.0], [50.0], [3.0]]), torch.zeros(3, 1)
    present = torch.tensor([True, False, True])
    assert correlation_congruence(student, teacher, present=present).loss.item() == 3


@pytest.mark.parametrize(("present", "few"), [([1, 1, 1], 0), ([1, 1, 0], 0), ([0, 1, 0], 1)])
def test_fewer_than_two_rows_are_counted(present, few):
    result = correlation_congruence(
        torch.ones(3, 2), torch.zeros(3, 2), present=torch.tensor(present).bool()
    )
    assert result.counts["too_few_rows"] == few
    assert result.loss.item() == (0 if few else 2)
