"""The two sides of the benchmark take the same step: all parameters agree after it."""

import torch

from benchmarks.train_step import SIDES, make_batch, our_step, released_step


def state_of(step):
    """Tensors that a step closes over, by the order of their making."""
    cells = {name: cell.cell_contents for name, cell in
             zip(step.__code__.co_freevars, step.__closure__, strict=True)}  # fmt: skip
    if "job" in cells:
        job = cells["job"]
        return [*job.student.parameters(), *job.method.parameters()]
    return [
        *cells["model"].parameters(),
        *(p for c in cells["compositions"] for p in c.parameters()),
    ]


def test_ours_and_the_released_form_agree():
    device = torch.device("cpu")
    batch = make_batch(6, "tiny", ("audio",), device)
    ours = our_step(SIDES["ccl-released, fp32"], batch, "tiny", device)
    theirs = released_step(batch, "tiny", device)
    a, b = state_of(ours), state_of(theirs)
    assert len(a) == len(b)
    with torch.no_grad():
        for x, y in zip(a, b, strict=True):
            y.copy_(x)
    before = [x.detach().clone() for x in a]
    ours()
    theirs()
    for x, y, old in zip(a, b, before, strict=True):
        assert not torch.equal(x, old)
        assert (x - y).abs().max() <= 1e-3 * (x - old).abs().max() + 2e-7 * old.abs().max()
