"""Each annotator's own order of the classes, drawn once by his name and recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, insert, select

from cca_tools.labels.schema import orders


def recorded(connection: Connection, annotator: str) -> list[str]:
    """Return the order as far as it is drawn."""
    query = select(orders.c.class_name).where(orders.c.annotator == annotator)
    return list(connection.execute(query.order_by(orders.c.position)).scalars())


def extend(connection: Connection, annotator: str, class_names: Sequence[str]) -> list[str]:
    """Draw the order of the classes that have none yet, record it behind the others, return all."""
    known = recorded(connection, annotator)
    new = draw(annotator, sorted(set(class_names) - set(known)), len(known))
    if new:
        connection.execute(
            insert(orders),
            [
                {"annotator": annotator, "class_name": name, "position": position}
                for position, name in enumerate(new, start=len(known))
            ],
        )
    return known + new


def draw(annotator: str, class_names: Sequence[str], drawn_before: int = 0) -> list[str]:
    """Return the classes in an order that depends on the annotator's name alone.

    >>> draw("Ada", ["a", "b", "c", "d"]) == draw("Ada", ["a", "b", "c", "d"])
    True
    """
    seed = hashlib.sha256(f"{annotator}\n{drawn_before}".encode()).digest()
    generator = np.random.default_rng(list(seed))
    return [class_names[index] for index in generator.permutation(len(class_names))]
