"""Fixtures for losses and networks: the authors' values, one thread, a naive loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Threads that wait for each other are slow where tests run in parallel.

    And ranks have one: PyTorch chooses some convolutions by the number of threads.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Golden:
    """The entries of a file of reference values, as tensors."""

    def __init__(self, path):
        with np.load(path) as archive:
            self.entries = {name: torch.from_numpy(archive[name]) for name in archive.files}

    def below(self, prefix: str) -> dict[str, Tensor]:
        found = {
            name.removeprefix(f"{prefix}/"): value.clone()
            for name, value in self.entries.items()
            if name.startswith(f"{prefix}/")
        }
        assert found, f"nothing below {prefix}"
        return found


@pytest.fixture(scope="session")
def released(shared):
    return Golden(shared / "golden" / "ccl_released.npz")


@pytest.fixture(scope="session")
def repdistiller(shared):
    return Golden(shared / "golden" / "repdistiller.npz")


@pytest.fixture(scope="session")
def close() -> Callable[[Tensor, Tensor, float], None]:
    """Check agreement relative to the largest entry: what float32 can promise of a gradient."""

    def check(ours: Tensor, theirs: Tensor, tolerance: float = 1e-5) -> None:
        assert ours.shape == theirs.shape
        error = (ours.detach() - theirs).abs().max()
        assert error <= tolerance * theirs.abs().max(), (error, theirs.abs().max())

    return check


@pytest.fixture(scope="session")
def naive_nce() -> Callable[[Tensor, Tensor, Tensor, float], Tensor]:
    """The multi-class NCE as it is defined, entry by entry; differentiable."""

    def cosine(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum() / ((a * a).sum().sqrt() * (b * b).sum().sqrt())

    def nce(f1: Tensor, f2: Tensor, targets: Tensor, temperature: float) -> Tensor:
        rows = []
        for i in range(len(f1)):
            weights = [(cosine(f1[i], f2[j]) / temperature).exp() for j in range(len(f2))]
            p = [weight / sum(weights) for weight in weights]
            same = [-p[j].log() for j in range(len(f2)) if targets[i] == targets[j]]
            other = [-(1 - p[j]).log() for j in range(len(f2)) if targets[i] != targets[j]]
            rows.append(sum(sum(costs) / len(costs) for costs in (same, other) if costs))
        return sum(rows) / len(rows)

    return nce
