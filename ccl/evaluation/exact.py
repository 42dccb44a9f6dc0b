"""Full float32 within a block, so that numbers do not depend on how a run was trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def exact_products() -> Iterator[None]:
    """Convolve and multiply matrices in full float32, whatever is allowed outside."""
    cudnn = torch.backends.cudnn
    allowed, precision = cudnn.allow_tf32, torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")  # of GPUs and CPUs
    cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
        cudnn.allow_tf32 = allowed
