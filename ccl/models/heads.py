"""Heads that bring an embedding into a space of another width."""

from __future__ import annotations

from torch import Tensor, nn

from ccl.numerics import unit_rows, widen


class UnitHead(nn.Module):
    """A linear map onto the unit sphere; what comes out is float32 or wider.

    Source: HobbitLong/RepDistiller at b84f547, crd/criterion.py, ``Embed``. A map that gives
    zero stays zero here, and is NaN there.

    Args:
        width: Of what comes in.
        feature_width: Of what goes out.
    """

    def __init__(self, width: int, feature_width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, feature_width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width) to unit vectors (B, feature_width)."""
        return unit_rows(widen(self.linear(widen(x))))
