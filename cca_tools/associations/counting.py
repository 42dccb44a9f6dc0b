"""Counts over the loaded tags: which videos count, and how often each pair is met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cca_tools.associations.loading import IS_COUNTED, require_finite_scores
from cca_tools.associations.units import Integers, Units
from cca_tools.taggers.labels import LabelSpace
from cca_tools.taggers.ontology import ancestors, ontology_mids
from cca_tools.tagging.rows import STATUSES

UNTAGGED = "untagged"
_SCORE_SCALE = 2**32  # scores are summed as whole numbers, so that the order of rows is no matter
_ROWS_AT_ONCE = 200_000


@dataclass(frozen=True)
class Counts:
    """How often video classes and audio classes are met together.

    Args:
        class_names: (C,) all video classes of the manifest, in alphabetical order.
        classes: One row a video class: ``class_name``, ``videos`` in the manifest, ``support``
            (counted videos), ``groups`` (of these), then one column a status and ``untagged``.
        class_id: (P,) video class of each pair that occurs.
        code: (P,) its audio class, as a position in the label space.
        videos: (P,) counted videos with both.
        mean_score: (P,) mean score of the audio class in these videos.
    """

    class_names: tuple[str, ...]
    classes: pd.DataFrame
    class_id: Integers
    code: Integers
    videos: Integers
    mean_score: NDArray[np.float64]

    @property
    def support(self) -> Integers:
        """(C,) counted videos of each video class."""
        return self.classes["support"].to_numpy(dtype=np.int64)


def collapse_parents(database: duckdb.DuckDBPyConnection, labels: LabelSpace) -> None:
    """Leave out of every top-k the audio classes whose descendant stands in it too."""
    descendants: list[list[str]] = [[] for _ in labels.mids]
    positions = {mid: position for position, mid in enumerate(labels.mids)}
    known = set(ontology_mids())
    for mid in known.intersection(labels.mids):
        for ancestor in ancestors(mid):
            if ancestor in positions:
                descendants[positions[ancestor]].append(mid)
    database.execute(
        "CREATE TABLE ontology AS SELECT $1::audio_class[][] AS descendants", [descendants]
    )
    kept = (
        "list_transform(codes, lambda c: "
        "NOT list_has_any(codes, descendants[enum_code(c)::INTEGER + 1]))"
    )
    database.execute(
        f"""CREATE TABLE collapsed AS SELECT class_id, unit_id, status,
        list_where(codes, {kept}) AS codes, list_where(scores, {kept}) AS scores
        FROM tagged, ontology"""
    )
    database.execute("DROP TABLE tagged")
    database.execute("ALTER TABLE collapsed RENAME TO tagged")


def count_pairs(database: duckdb.DuckDBPyConnection) -> Counts:
    """Count videos by class and status, and pairs over the videos that count."""
    classes = _count_classes(database)
    pairs = _fetch(
        database,
        f"""SELECT class_id::BIGINT AS class_id, enum_code(code)::BIGINT AS code,
        count(*) AS videos, coalesce(sum(whole), 0)::DOUBLE AS score_sum, count(whole) AS finite
        FROM (SELECT class_id, code, try_cast(score * {_SCORE_SCALE} AS BIGINT) AS whole
              FROM (SELECT class_id, unnest(codes) AS code, unnest(scores)::DOUBLE AS score
                    FROM tagged WHERE {IS_COUNTED}))
        GROUP BY ALL ORDER BY ALL""",
    )
    require_finite_scores(database, int(pairs["videos"].sum()), int(pairs["finite"].sum()))
    return Counts(
        class_names=tuple(classes["class_name"]),
        classes=classes,
        class_id=pairs["class_id"],
        code=pairs["code"],
        videos=pairs["videos"],
        mean_score=pairs["score_sum"] / _SCORE_SCALE / pairs["videos"],
    )


def _fetch(database: duckdb.DuckDBPyConnection, query: str) -> dict[str, NDArray[Any]]:
    columns = database.execute(query).fetchnumpy()
    return {name: np.asarray(values) for name, values in columns.items()}


def _count_classes(database: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    statuses = ", ".join(
        f"count(*) FILTER (status = '{status}') AS {status}" for status in STATUSES
    )
    filled = ", ".join(
        f"coalesce({name}, 0) AS {name}" for name in ("support", "groups", *STATUSES)
    )
    frame: pd.DataFrame = database.execute(
        f"""WITH listed AS (SELECT class_id, count(*) AS videos FROM videos GROUP BY ALL),
        met AS (SELECT class_id, count(*) AS met, count(*) FILTER ({IS_COUNTED}) AS support,
            count(DISTINCT unit_id) FILTER ({IS_COUNTED}) AS groups, {statuses}
            FROM tagged GROUP BY ALL)
        SELECT class_name, videos, {filled}, videos - coalesce(met, 0) AS {UNTAGGED}
        FROM classes JOIN listed USING (class_id) LEFT JOIN met USING (class_id)
        ORDER BY class_id"""
    ).df()
    return frame.astype({name: "int64" for name in frame.columns if name != "class_name"})


def iterate_units(
    database: duckdb.DuckDBPyConnection, support: Integers, wanted: NDArray[np.bool_]
) -> Iterator[list[tuple[int, Units]]]:
    """Give video classes and the units of each, in parts: only a part is in memory at a time.

    Args:
        database: With the table ``tagged``.
        support: (C,) counted videos of each video class.
        wanted: (C,) which classes to give.
    """
    part_of = np.cumsum(support) // _ROWS_AT_ONCE
    for part in np.unique(part_of[wanted]):
        inside = np.flatnonzero((part_of == part) & wanted)
        owner, units = fetch_units(database, int(inside[0]), int(inside[-1]))
        yield [one for one in split_by_class(owner, units) if wanted[one[0]]]


def fetch_units(
    database: duckdb.DuckDBPyConnection, first_class: int, last_class: int
) -> tuple[Integers, Units]:
    """Return the units of a range of video classes, both ends included, and the class of each."""
    where = f"{IS_COUNTED} AND class_id BETWEEN {first_class} AND {last_class}"
    units = _fetch(
        database,
        f"""SELECT unit_id, any_value(class_id)::BIGINT AS class_id, count(*) AS size
        FROM tagged WHERE {where} GROUP BY unit_id ORDER BY unit_id""",
    )
    cells = _fetch(
        database,
        f"""SELECT unit_id, enum_code(code)::BIGINT AS code, count(*) AS videos
        FROM (SELECT unit_id, unnest(codes) AS code FROM tagged WHERE {where}) GROUP BY ALL""",
    )
    unit = np.searchsorted(units["unit_id"], cells["unit_id"])
    order = np.argsort(unit * (cells["code"].max(initial=0) + 1) + cells["code"])
    found = Units(
        sizes=units["size"],
        unit=unit[order],
        code=cells["code"][order],
        videos=cells["videos"][order],
    )
    return units["class_id"], found


def split_by_class(owner: Integers, units: Units) -> Iterator[tuple[int, Units]]:
    """Give the units of each video class by itself; ``owner`` (U,) and ``units.unit`` ascend."""
    for class_id in np.unique(owner):
        first, last = np.searchsorted(owner, [class_id, class_id + 1])
        begin, end = np.searchsorted(units.unit, [first, last])
        yield (
            int(class_id),
            Units(
                sizes=units.sizes[first:last],
                unit=units.unit[begin:end] - first,
                code=units.code[begin:end],
                videos=units.videos[begin:end],
            ),
        )
