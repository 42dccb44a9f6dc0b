import pytest
import torch

from ccl.losses.symmetric_kl import symmetric_kl


def naive(p_logits, q_logits):
    rows = []
    for p_row, q_row in zip(p_logits, q_logits, strict=True):
        p = [x.exp() / sum(y.exp() for y in p_row) for x in p_row]
        q = [x.exp() / sum(y.exp() for y in q_row) for x in q_row]
        pairs = list(zip(p, q, strict=True))
        rows.append(
            sum(a * (a / b).log() for a, b in pairs) + sum(b * (b / a).log() for a, b in pairs)
        )
    return sum(rows) / len(rows)


@pytest.mark.parametrize("seed", range(3))
def test_a_naive_loop_in_double(check_naive, seed):
    check_naive(symmetric_kl, naive, seed)


@pytest.mark.parametrize("case", ["small", "ucf51"])
def test_the_authors_values(released, close, case):
    entry = released.below(f"jsd_released/{case}")
    p, q = entry["p_logits"].requires_grad_(), entry["q_logits"].requires_grad_()
    loss = entry["weight"] * symmetric_kl(p, q).loss
    loss.backward()
    assert loss.item() == pytest.approx(float(entry["loss"]), rel=1e-5)
    close(p.grad, entry["grad_p"])
    close(q.grad, entry["grad_q"])


def test_it_has_no_bound():
    p = torch.tensor([[100.0, 0.0]])
    assert symmetric_kl(p, -p).loss.item() == pytest.approx(200)
