from __future__ import annotations

import pytest
import torch

from ccl.evaluation.exact import exact_products
from ccl.training.job import products


def switches():
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_tf32_is_forbidden_within_and_allowed_as_before_afterwards(precision):
    with products(precision):
        before = switches()
        with exact_products():
            assert switches() == (False, False)
        assert switches() == before
        with pytest.raises(KeyError), exact_products():
            raise KeyError
        assert switches() == before
