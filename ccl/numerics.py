"""Numerics that losses and networks share: precision, unit vectors, masked means, seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
R = TypeVar("R")

HALVES = (torch.float16, torch.bfloat16)


def full_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function of tensors compute in float32 or float64, also under autocast.

    Half-precision arguments are widened to float32; float32 and float64 stay as they are.
    """
    call: Callable[..., R] = function

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        device = next((x.device.type for x in args if isinstance(x, Tensor)), "cpu")
        with torch.autocast(device, enabled=False):
            wide = {name: _widen(value) for name, value in kwargs.items()}
            return call(*map(_widen, args), **wide)

    return wrapped


def _widen(value: object) -> object:
    return widen(value) if isinstance(value, Tensor) else value


def widen(x: Tensor) -> Tensor:
    """Return a tensor of half precision as float32, and any other as it is."""
    return x.float() if x.dtype in HALVES else x


def small_value(dtype: torch.dtype) -> float:
    """Return the size below which a vector counts as zero: its direction cannot be told.

    It is the root of the smallest normal number, so that dividing by it does not overflow.

    >>> small_value(torch.float32) < 1e-18
    True
    """
    return float(torch.finfo(dtype).tiny ** 0.5)


def zero_rows(x: Tensor) -> Tensor:
    """Return which vectors (last dimension) count as zero, as bool of shape ``x.shape[:-1]``.

    >>> zero_rows(torch.tensor([[0.0, 0.0], [0.0, 1e-9]])).tolist()
    [True, False]
    """
    return _largest(x, keepdim=False) <= small_value(x.dtype)


def unit_rows(x: Tensor) -> Tensor:
    """Divide each vector by its Euclidean length; zero vectors stay zero and get no gradient.

    Vectors of any finite length are told apart from zero and from overflow, because each is
    first divided by its largest entry. ``torch.nn.functional.normalize`` instead multiplies the
    gradient of a zero vector by 1e12, and loses vectors shorter than 1e-12.

    Args:
        x: (..., D), float32 or float64.

    >>> unit_rows(torch.tensor([[3e-30, 4e-30], [0.0, 0.0], [3e-10, 4e-10]])).tolist()
    [[0.0, 0.0], [0.0, 0.0], [0.6000000238418579, 0.800000011920929]]
    """
    largest = _largest(x, keepdim=True)
    zero = largest <= small_value(x.dtype)
    scaled = torch.where(zero, 0, x) / torch.where(zero, 1, largest)
    length = torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
    return scaled / torch.where(zero, 1, length)


def _largest(x: Tensor, *, keepdim: bool) -> Tensor:
    if x.shape[-1] == 0:
        return x.detach().sum(dim=-1, keepdim=keepdim)
    return x.detach().abs().amax(dim=-1, keepdim=keepdim)


def unit_scale(x: Tensor) -> Tensor:
    """Divide all of x by its largest magnitude, where a common factor cancels later on.

    >>> unit_scale(torch.tensor([[1e30], [-2e30]])).tolist()
    [[0.5], [-1.0]]
    """
    largest = x.detach().abs().max() if x.numel() else x.new_ones(())
    return x / torch.where(largest > 0, largest, 1)


def keep_rows(x: Tensor, present: Tensor | None) -> Tensor:
    """Put zeros, without gradient, in the rows that are absent, whatever stands there.

    Args:
        x: (B, ...); absent rows may hold NaN.
        present: bool (B,), or None where all are.

    >>> keep_rows(torch.tensor([[1.0], [float("nan")]]), torch.tensor([True, False])).tolist()
    [[1.0], [0.0]]
    """
    if present is None:
        return x
    return torch.where(present.view(-1, *[1] * (x.ndim - 1)), x, 0)


def all_present(x: Tensor, present: Tensor | None) -> Tensor:
    """Return ``present``, or a mask of the same meaning where it is None: bool (B,)."""
    if present is None:
        return torch.ones(x.shape[0], dtype=torch.bool, device=x.device)
    return present


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of the values where the mask is true, and zero where it nowhere is.

    >>> float(masked_mean(torch.tensor([1.0, 5.0]), torch.tensor([True, False])))
    1.0
    >>> float(masked_mean(torch.tensor([1.0, 5.0]), torch.tensor([False, False])))
    0.0
    """
    return torch.where(mask, values, 0).sum() / mask.sum().clamp_min(1)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from a generator of one's own within the block: modules then start from ``seed``.

    PyTorch's layers draw from the global generator of the CPU; it is put back afterwards.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
