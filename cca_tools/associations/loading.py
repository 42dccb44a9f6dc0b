"""Bring a manifest and the tags of one run into the database, and check them on the way.

Tables made: ``classes`` (class_name, class_id), ``videos`` (video_id, class_id, unit_id), one row
a video of the manifest, and ``tagged`` (class_id, unit_id, status, codes, scores), one row a video
that is in the manifest and in the tags; codes and scores are cut to the top k.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cca_tools.associations.database import quote
from cca_tools.associations.sources import TAG_COLUMNS, blame_shard, check_shards
from cca_tools.errors import CcaError, DataError, UsageError
from cca_tools.taggers.labels import LabelSpace
from cca_tools.tagging.rows import COUNTED, STATUSES

IS_COUNTED = f"status IN ({', '.join(map(quote, COUNTED))})"
_AGAIN = "Tag again with `cca-tools tag-audio --restart`"
_MANIFEST_COLUMNS = ("video_id", "class_name", "group")


@dataclass(frozen=True)
class Tags:
    """The tags of one run: Parquet shards or a frame, and their label space."""

    source: Sequence[Path] | pd.DataFrame
    labels: LabelSpace


def load_manifest(database: duckdb.DuckDBPyConnection, manifest: Path | pd.DataFrame) -> None:
    """Make the tables ``classes`` and ``videos``.

    Raises:
        DataError: The manifest is absent, damaged, empty, lacks a column, or repeats an id.
    """
    source = _manifest_relation(database, manifest)
    database.execute(
        f"""CREATE VIEW manifest AS SELECT video_id, class_name,
        CASE WHEN coalesce("group", '') = '' THEN video_id ELSE "group" END AS unit_name,
        coalesce("group", '') = '' AS single FROM {source}"""
    )
    rows, ids = _fetch_row(database, "SELECT count(*), count(DISTINCT video_id) FROM manifest")
    if not rows:
        raise DataError("the manifest has no videos", "Make one with `cca-tools index`")
    (named,) = _fetch_row(database, "SELECT count(*) FROM manifest WHERE class_name <> ''")
    if not named:
        raise DataError(
            f"none of the {rows} videos of the manifest has a class",
            "Index with a layout that tells the classes: `cca-tools index --help`",
        )
    if ids < rows:
        raise DataError(
            f"the manifest has {rows} rows but {ids} different video ids",
            "Give every video an id of its own",
        )
    database.execute(
        """CREATE TABLE classes AS SELECT class_name,
        (row_number() OVER (ORDER BY class_name) - 1)::INTEGER AS class_id
        FROM (SELECT DISTINCT class_name FROM manifest)"""
    )
    database.execute(
        """CREATE TABLE videos AS SELECT video_id, class_id,
        (dense_rank() OVER (ORDER BY class_id, single, unit_name))::INTEGER - 1 AS unit_id
        FROM manifest JOIN classes USING (class_name)"""
    )


def require_classes(database: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    """See that the manifest has video classes of these names.

    Raises:
        UsageError: One is missing; the message lists some of those that there are.
    """
    rows = database.execute("SELECT class_name FROM classes ORDER BY 1").fetchall()
    known = [str(row[0]) for row in rows]
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known[:5]
            raise UsageError(
                f"there is no video class {name!r}",
                f"Give one of the {len(known)} classes, such as {', '.join(close)}",
            )


def _manifest_relation(database: duckdb.DuckDBPyConnection, manifest: Path | pd.DataFrame) -> str:
    if isinstance(manifest, pd.DataFrame):
        names = [str(name) for name in manifest.columns]
    else:
        try:
            names = pq.read_schema(manifest).names
        except FileNotFoundError as error:
            raise DataError(
                f"the manifest {manifest} is not there", "Make one with `cca-tools index`"
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(
                f"the manifest {manifest} is damaged: {_first_line(error)}", "Index again"
            ) from error
    missing = [name for name in _MANIFEST_COLUMNS if name not in names]
    if missing:
        raise DataError(
            f"the manifest lacks {', '.join(missing)}", "Make one with `cca-tools index`"
        )
    if isinstance(manifest, Path):
        return f"read_parquet({quote(str(manifest))})"
    return _register(database, "manifest_frame", manifest[list(_MANIFEST_COLUMNS)])


def _register(database: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> str:
    database.register(name, pa.Table.from_pandas(frame, preserve_index=False))
    return name


DEFAULT_TOP_K = 10


def load_tags(
    database: duckdb.DuckDBPyConnection, tags: Tags, wanted_top_k: int | None
) -> tuple[int, int]:
    """Make the table ``tagged`` and check it.

    Returns:
        The number of tags without a manifest row, and the top k that was taken.

    Raises:
        DataError: No tags, a damaged shard, an unknown status or audio class, more than one run,
            an id or an audio class twice, or scores that are not one finite number each.
        UsageError: ``wanted_top_k`` is more than was stored.
    """
    shards = () if isinstance(tags.source, pd.DataFrame) else tags.source
    check_shards(shards)
    database.execute(f"CREATE VIEW tags AS SELECT * FROM {_tags_relation(database, tags)}")
    members = ", ".join(map(quote, tags.labels.mids))
    database.execute(f"CREATE TYPE audio_class AS ENUM ({members})")
    try:
        rows = _check_rows(database)
        stored = _stored_top_k(database)
        top_k = wanted_top_k or min(DEFAULT_TOP_K, stored or DEFAULT_TOP_K)
        database.execute(
            f"""CREATE TABLE tagged AS SELECT class_id, unit_id, status,
            mids[1:{top_k}]::audio_class[] AS codes, scores[1:{top_k}] AS scores
            FROM tags JOIN videos USING (video_id)"""
        )
        _check_lists(database, top_k)
    except duckdb.ConversionException as error:
        raise DataError(
            f"the tags have the audio class {_unknown_class(error)}, which the label space "
            f"{tags.labels.name} lacks",
            _AGAIN,
        ) from error
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        blame_shard(shards)
        raise DataError(f"the tags cannot be read: {_first_line(error)}", _AGAIN) from error
    (joined,) = _fetch_row(database, "SELECT count(*) FROM tagged")
    return rows - joined, top_k


def _stored_top_k(database: duckdb.DuckDBPyConnection) -> int | None:
    (stored,) = _fetch_row(database, f"SELECT min(len(mids)) FROM tags WHERE {IS_COUNTED}")
    return None if stored is None else int(stored)


def _tags_relation(database: duckdb.DuckDBPyConnection, tags: Tags) -> str:
    if not isinstance(tags.source, pd.DataFrame):
        return f"read_parquet([{', '.join(quote(str(shard)) for shard in tags.source)}])"
    missing = [name for name in TAG_COLUMNS if name not in tags.source.columns]
    if missing:
        raise DataError(f"the tags lack {', '.join(missing)}", "Give what `tag_audio` returned")
    return _register(database, "tags_frame", tags.source[list(TAG_COLUMNS)])


def _check_rows(database: duckdb.DuckDBPyConnection) -> int:
    rows, ids, runs = _fetch_row(
        database,
        "SELECT count(*), count(DISTINCT video_id), count(DISTINCT fingerprint) FROM tags",
    )
    if not rows:
        raise DataError("there are no tags", "Run `cca-tools tag-audio` first")
    if runs != 1:
        raise DataError(f"the tags are of {runs} runs, which are never mixed", _AGAIN)
    if ids != rows:
        raise _bad_video(
            database,
            "video_id IN (SELECT video_id FROM tags GROUP BY 1 HAVING count(*) > 1)",
            "has tags more than once",
        )
    return int(rows)


def _check_lists(database: duckdb.DuckDBPyConnection, top_k: int) -> None:
    stored = _stored_top_k(database)
    if stored is not None and stored < top_k:
        raise UsageError(
            f"--top-k is {top_k}, but only {stored} audio classes a video were stored",
            f"Give --top-k {max(stored, 1)}, or tag again with "
            f"`cca-tools tag-audio --top-k {top_k}`",
        )
    known = ", ".join(map(quote, STATUSES))
    checks = {
        "has a status that is not known": f"status IS NULL OR status NOT IN ({known})",
        "lacks scores": f"{IS_COUNTED} AND len(codes) IS DISTINCT FROM len(scores)",
        "has an audio class twice in its top k": (
            f"{IS_COUNTED} AND len(list_distinct(codes)) < len(codes)"
        ),
    }
    filters = ", ".join(f"count(*) FILTER ({condition})" for condition in checks.values())
    found = _fetch_row(database, f"SELECT {filters} FROM tagged")
    for bad, (problem, condition) in zip(found, checks.items(), strict=True):
        if bad:
            raise _bad_video(database, condition.replace("codes", f"mids[1:{top_k}]"), problem)


def require_finite_scores(database: duckdb.DuckDBPyConnection, counted: int, finite: int) -> None:
    """See that all ``counted`` scores are finite.

    Raises:
        DataError: They are not; the message names a video.
    """
    if finite < counted:
        condition = (
            f"{IS_COUNTED} AND len(list_filter(scores, lambda s: coalesce(isfinite(s), false)))"
            " < len(scores)"
        )
        raise _bad_video(database, condition, "has a score that is not finite")


def _bad_video(database: duckdb.DuckDBPyConnection, condition: str, problem: str) -> CcaError:
    video, count = _fetch_row(
        database, f"SELECT min(video_id), count(*) FROM tags WHERE {condition}"
    )
    others = f" (and {count - 1} rows more)" if count > 1 else ""
    return DataError(f"video {video!r} {problem}{others}", _AGAIN)


def _fetch_row(database: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row: tuple[int, ...] = database.execute(query).fetchone() or ()
    return row


def _unknown_class(error: duckdb.ConversionException) -> str:
    found = re.search(r"string ('.*?') to ENUM", str(error))
    return found[1] if found else "that cannot be read"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
