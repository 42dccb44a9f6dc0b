"""The contract that every layout keeps; a new one needs a sample in conftest.py."""

from __future__ import annotations

import math

import pytest

from cca_tools.datasets.base import PROBLEMS, Annotations, Layout
from cca_tools.datasets.index import index, run_index
from cca_tools.datasets.manifest import COLUMNS, SPLITS, read_manifest, video_path
from cca_tools.datasets.registry import LAYOUTS, SUBSETS, layout_named, subset_named
from cca_tools.errors import DataError, UsageError

NAMES = sorted(LAYOUTS)


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def sample(name, samples, tmp_path):
    return samples[name](tmp_path / "data")


@pytest.fixture
def layout(name, sample):
    return LAYOUTS[name](sample.root, sample.annotations)


def test_every_layout_has_a_sample(samples):
    assert set(samples) == set(LAYOUTS)


def test_it_goes_by_its_name(name):
    kind = layout_named(name)
    assert issubclass(kind, Layout)
    assert kind.name == name
    assert kind.about


def test_building_touches_no_disk(name, tmp_path):
    LAYOUTS[name](tmp_path / "nowhere", Annotations(tmp_path / "neither", 3))


def test_a_root_that_is_not_there_is_told(name, tmp_path):
    layout = LAYOUTS[name](tmp_path / "nowhere")
    with pytest.raises(DataError, match="nowhere"):
        layout.read()


def test_it_lists_what_is_there(layout, sample):
    listing = layout.read()
    assert {e.video_id: e.class_name for e in listing.entries.values()} == sample.ids
    assert [entry.video_id for entry in listing.entries.values()] == list(listing.entries)
    assert all(entry.split in SPLITS for entry in listing.entries.values())
    assert listing.problems == []


def test_reading_twice_gives_the_same(layout):
    first, second = layout.read(), layout.read()
    assert list(map(repr, first.entries.values())) == list(map(repr, second.entries.values()))


def test_validate_names_the_missing_file_and_no_other(layout, sample):
    missing = [problem.item for problem in layout.validate()]
    assert missing == [sample.missing]
    (layout.media_root / sample.missing).unlink(missing_ok=True)  # a broken link
    (layout.media_root / sample.missing).touch()
    assert layout.validate() == []


def test_annotation_files_are_those_given(layout, sample):
    files = layout.annotation_files()
    given = sample.annotations.splits
    assert all(file.is_file() for file in files)
    assert bool(files) == (given is not None)
    assert all(given in (file, file.parent) for file in files)


def test_index_gives_every_row_with_its_file(name, layout, sample, tmp_path):
    indexed = run_index(layout, None, tmp_path / "out", {"progress": False, "workers": 1})
    manifest = indexed.manifest
    assert list(manifest.columns) == list(COLUMNS)
    assert dict(zip(manifest["video_id"], manifest["class_name"], strict=True)) == sample.ids
    for row in manifest.to_dict("records"):
        there = row["path"] != sample.missing
        assert video_path(row).is_file() == there
        assert (row["bytes"] > 0) == there
        assert (row["duration_s"] > 0) == (there or not math.isnan(row["end_s"]))
        assert row["group"]
    assert [p.kind for p in indexed.report.problems if p.is_failure] == ["missing_file"]
    assert read_manifest(tmp_path / "out/manifest.parquet").equals(manifest)


def test_skipping_what_is_missing(name, sample, tmp_path):
    given = sample.annotations
    manifest = index(
        sample.root,
        name,
        splits=given.splits,
        split=given.split,
        workspace=tmp_path / "out",
        columns=given.columns,
        on_missing="skip",
        probe=False,
    )
    assert sample.missing not in set(manifest["path"])
    assert len(manifest) == len(sample.ids) - 1


def test_unknown_names_list_the_known_ones():
    with pytest.raises(UsageError, match=r"no layout 'ucf'\. Layouts are ucf101, vggsound,"):
        layout_named("ucf")
    with pytest.raises(UsageError, match=r"no subset 'ucf50'\. Subsets are ucf51"):
        subset_named("ucf50")
    assert len(SUBSETS["ucf51"]()) == 51


def test_every_kind_of_problem_is_explained():
    assert all(isinstance(failure, bool) and meaning for failure, meaning in PROBLEMS.values())
