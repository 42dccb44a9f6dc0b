import pytest
import torch

from ccl.losses.cross_entropy import cross_entropy


def test_the_mean_goes_over_rows_that_are_present():
    logits = torch.tensor([[0.5, 0.25, 0.25], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]]).double().log()
    targets = torch.tensor([1, 1, 99])  # 99 is no class, and is not looked at
    present = torch.tensor([True, True, False])
    result = cross_entropy(logits, targets, present=present)
    assert result.loss.item() == pytest.approx(-(torch.tensor([0.25, 0.7]).log().mean().item()))
    assert (int(result.counts["rows"]), int(result.counts["absent"])) == (2, 1)
