"""Full float32 within a block, so that numbers do not depend on how a run was trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def exact_products() -> Iterator[None]:
    """Convolve and multiply matrices on a GPU in full float32, whatever is allowed outside.

    It turns the same two switches as training does. ``set_float32_matmul_precision`` is a third:
    once it is used beside them, PyTorch refuses to say what holds.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
