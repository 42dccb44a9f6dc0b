import math

import pytest
import torch

from ccl.losses.cmc import Cmc, CmcSettings
from ccl.losses.memory import MemorySettings

MEMORY = MemorySettings(num_items=9, width=4, temperature=0.3)
WIDTHS = {"video": 3, "audio": 5, "image": 2}


def batch(seed=0, rows=4):
    generator = torch.Generator().manual_seed(seed)
    views = {
        name: torch.randn(rows, width, generator=generator, dtype=torch.float64)
        for name, width in WIDTHS.items()
    }
    index = torch.randperm(9, generator=generator)[:rows]
    return views, index, torch.randint(9, (rows, 3), generator=generator)


def make(core=None, objective="softmax", seed=0):
    return Cmc(WIDTHS, CmcSettings(MEMORY, core, objective), seed=seed).double()


def costs(logits, objective):
    """Each row's cost from exp(similarity / T), entry by entry."""
    if objective == "softmax":
        return [-(row[0] / sum(row)).log() for row in logits]
    z = sum(x.item() for row in logits for x in row) / sum(map(len, logits)) * 9
    noise = 3 / 9
    return [
        -(row[0] / z / (row[0] / z + noise + 1e-7)).log()
        - sum((noise / (x / z + noise + 1e-7)).log() for x in row[1:])
        for row in logits
    ]


def naive(cmc, views, index, negatives, pairs, objective):
    unit = {}
    for name, x in views.items():
        linear = cmc.heads[name].linear
        mapped = [linear.weight @ row + linear.bias for row in x]
        unit[name] = [row / (row * row).sum().sqrt() for row in mapped]
    total = 0
    for a, b in pairs:
        memory = cmc.memories[b].vectors.clone()
        items = [[int(i), *row.tolist()] for i, row in zip(index, negatives, strict=True)]
        logits = [
            [((memory[item] * anchor).sum() / 0.3).exp() for item in row]
            for anchor, row in zip(unit[a], items, strict=True)
        ]
        rows = costs(logits, objective)
        total = total + sum(rows) / len(rows)
    return total


@pytest.mark.parametrize("objective", ["softmax", "nce"])
@pytest.mark.parametrize(
    ("core", "pairs"),
    [
        (None, ["video audio", "video image", "audio image"]),
        ("video", ["video audio", "video image"]),
    ],
)
def test_a_naive_loop_in_double(close, objective, core, pairs):
    cmc, (views, index, negatives) = make(core, objective), batch()
    ours, theirs = (
        {name: x.clone().requires_grad_() for name, x in views.items()} for _ in range(2)
    )
    ways = [way for pair in pairs for way in (pair.split(), pair.split()[::-1])]
    expected = naive(cmc, theirs, index, negatives, ways, objective)
    expected.backward()
    result = cmc(ours, index, negatives)
    result.loss.backward()
    assert result.loss.item() == pytest.approx(expected.item(), rel=1e-9)
    for name in WIDTHS:
        close(ours[name].grad, theirs[name].grad, 1e-9)


@pytest.mark.parametrize("objective", ["softmax", "nce"])
def test_gradcheck(objective):
    cmc, (views, index, negatives) = make(objective=objective), batch()
    cmc(views, index, negatives)
    cmc.eval()

    def loss(*tensors):
        return cmc(dict(zip(WIDTHS, tensors, strict=True)), index, negatives).loss

    assert torch.autograd.gradcheck(loss, tuple(x.requires_grad_() for x in views.values()))


def test_training_remembers_and_evaluation_does_not():
    cmc, (views, index, negatives) = make("video", "nce"), batch()
    before = {name: value.clone() for name, value in cmc.state_dict().items()}
    cmc.eval()
    cmc(views, index, negatives)
    for name, value in cmc.state_dict().items():
        torch.testing.assert_close(value, before[name], equal_nan=True)
    cmc.train()
    cmc(views, index, negatives)
    for name in WIDTHS:
        moved = cmc.memories[name].vectors != before[f"memories.{name}.vectors"]
        assert set(moved.any(dim=1).nonzero().flatten().tolist()) == set(index.tolist())
    assert all(partition.log_z.isfinite() for partition in cmc.partitions.values())


def test_a_row_takes_part_in_the_pairs_that_it_has():
    cmc, (views, index, negatives) = make(), batch()
    before = cmc.memories["audio"].vectors.clone()
    audio = torch.tensor([True, False, False, False])
    views["audio"] = views["audio"].masked_fill(~audio[:, None], math.nan).requires_grad_()
    result = cmc(views, index, negatives, present={"audio": audio})
    result.loss.backward()
    # three pairs of four rows; audio is in two of them
    assert (int(result.counts["rows"]), int(result.counts["absent"])) == (1 + 1 + 4, 3 + 3)
    assert views["audio"].grad[1:].abs().sum() == 0
    assert all(p.grad.isfinite().all() for p in cmc.parameters())
    changed = (cmc.memories["audio"].vectors != before).any(dim=1)
    assert changed.nonzero().flatten().tolist() == [int(index[0])]


def test_no_audio_at_all_leaves_the_other_views():
    cmc, (views, index, negatives) = make(core="video"), batch()
    none = {"audio": torch.zeros(4, dtype=torch.bool)}
    result = cmc(views, index, negatives, present=none)
    other = make(core="video")
    pairs = [("video", "image"), ("image", "video")]
    expected = naive(other, views, index, negatives, pairs, "softmax")
    assert result.loss.item() == pytest.approx(expected.item(), rel=1e-9)


def test_order_does_not_matter():
    views, index, negatives = batch()
    order = torch.tensor([3, 1, 0, 2])
    moved = {name: x[order] for name, x in views.items()}
    plain = make()(views, index, negatives).loss
    again = make()(moved, index[order], negatives[order]).loss
    assert again.item() == pytest.approx(plain.item(), rel=1e-12)


@pytest.mark.parametrize(("widths", "core"), [({"video": 3}, None), (WIDTHS, "smell")])
def test_it_needs_two_views_and_a_core_among_them(widths, core):
    with pytest.raises(ValueError, match="two views and a core among them"):
        Cmc(widths, CmcSettings(MEMORY, core), seed=0)
