"""Where a thing stands, how big it is, and how far it is turned."""

from __future__ import annotations

from dataclasses import dataclass

from cca_tools.demo.canvas import Point, turned


@dataclass(frozen=True)
class Place:
    """A place in a picture, with coordinates of its own.

    Attributes:
        x: Of its origin, in picture heights.
        y: Of its origin, downwards.
        size: How many picture heights its unit is.
        angle: By which it is turned, in radians, clockwise.
        way: 1, or -1 for its mirror image.
    """

    x: float
    y: float
    size: float = 1.0
    angle: float = 0.0
    way: int = 1

    def at(self, across: float, down: float) -> Point:
        """Return where a point of its own coordinates lies in the picture.

        >>> Place(0.5, 0.5, size=0.1).at(1, 2)
        (0.6, 0.7)
        """
        spot = (self.x + self.way * self.size * across, self.y + self.size * down)
        return turned(spot, self.angle, (self.x, self.y)) if self.angle else spot
