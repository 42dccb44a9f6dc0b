"""The pack on disk: whatever ends a run, every line of the index is true."""

from __future__ import annotations

import hashlib
import io
import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import ccl.data.pack as pack_module
from cca_tools.errors import DataError, UsageError, WorkspaceError
from cca_tools.media.frames import SIZE_DTYPE, FrameSampling
from ccl.data.frame_store import FrameStore
from ccl.data.pack import (
    PackRow,
    PackWriter,
    data_path,
    find_damaged,
    index_path,
    read_index,
    read_sampling,
    remove_pack,
)

SAMPLING = FrameSampling(short_side=16)


def pictures_of(seed, num_frames):
    """Flat pictures, which JPEG keeps nearly as they are."""
    levels = np.random.default_rng(seed).integers(0, 256, (num_frames, 1, 1, 3))
    return np.broadcast_to(levels, (num_frames, 16, 24, 3)).astype(np.uint8)


def packed_bytes(pictures):
    jpegs = []
    for picture in pictures:
        encoded = io.BytesIO()
        Image.fromarray(picture).save(encoded, "JPEG", quality=95)
        jpegs.append(encoded.getvalue())
    return b"".join(jpegs) + np.array([len(one) for one in jpegs], SIZE_DTYPE).tobytes()


def add(writer, video_id, num_frames=3, seed=None):
    pictures = pictures_of(len(video_id) if seed is None else seed, num_frames)
    data = packed_bytes(pictures)
    spill = writer.folder / ".writing-test"
    spill.write_bytes(data)
    row = PackRow(
        video_id, "ok", num_bytes=len(data), num_frames=num_frames, height=16, width=24, fps=5.0,
        sha256=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip
    writer.add(row, spill)
    return pictures


def check(folder, expected):
    """The pack has these videos, each as it was given."""
    store = FrameStore.open(folder)
    assert set(store.video_ids) == set(expected)
    for i, video_id in enumerate(store.video_ids):
        pictures = expected[video_id]
        assert store.num_frames(i) == len(pictures)
        assert store.shape(i) == (16, 24)
        order = [*range(len(pictures))[::-1], 0]
        got = store.read(i, order).astype(int)
        assert np.abs(got - pictures[order]).max() <= 6
    assert find_damaged(folder, read_index(folder).values()) == []
    return store


def test_what_is_added_is_read(tmp_path):
    writer = PackWriter(tmp_path / "frames", SAMPLING)
    expected = {name: add(writer, name, seed=i) for i, name in enumerate(["a", "b/c", "ü\udcff"])}
    writer.add(PackRow("bad", "decode_error", "damaged"), None)
    store = check(writer.folder, expected)
    assert store.why_absent("bad") == "decode_error"
    assert store.why_absent("never") == "not prepared"
    assert store.fps(0) == 5.0
    assert read_sampling(writer.folder) == SAMPLING


def test_looped_frames_are_decoded_once(tmp_path, monkeypatch):
    writer = PackWriter(tmp_path, SAMPLING)
    pictures = add(writer, "a", 2)
    store = FrameStore.open(tmp_path)
    calls = []
    real = store._decoded
    monkeypatch.setattr(store, "_decoded", lambda *a: calls.append(1) or real(*a))
    got = store.read(0, [0, 1, 0, 1, 0]).astype(int)
    assert np.abs(got - pictures[[0, 1, 0, 1, 0]]).max() <= 6
    assert len(calls) == 2


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_cut_anywhere_it_goes_on(tmp_path_factory, data):
    """A kill leaves a prefix of what would have been written, in the order of writing."""
    folder = tmp_path_factory.mktemp("p")
    writer = PackWriter(folder, SAMPLING)
    expected = {}
    states = [(0, 0)]
    for number in range(4):
        expected[f"v{number}"] = add(writer, f"v{number}", number + 1, seed=number)
        states.append(tuple(p.stat().st_size for p in (data_path(folder, 0), index_path(folder))))
    step = data.draw(st.integers(0, 3), "videos that are whole")
    (data_from, index_from), (data_to, index_to) = states[step], states[step + 1]
    if data.draw(st.booleans(), "killed while writing the frames"):
        size = data.draw(st.integers(data_from, data_to))
        index_size = index_from
    else:
        size, index_size = data_to, data.draw(st.integers(index_from, index_to - 1))
    os.truncate(data_path(folder, 0), size)
    os.truncate(index_path(folder), index_size)
    (folder / ".writing-left").write_bytes(b"half a video")
    again = PackWriter(folder, SAMPLING)
    assert set(again.rows) == {f"v{number}" for number in range(step)}
    for number in range(step, 4):
        expected[f"v{number}"] = add(again, f"v{number}", number + 1, seed=number)
    check(folder, expected)
    assert data_path(folder, 0).stat().st_size == states[-1][0]  # nothing is wasted
    assert not (folder / ".writing-left").exists()


def test_a_failed_write_leaves_the_pack_as_it_was(tmp_path, monkeypatch):
    writer = PackWriter(tmp_path, SAMPLING)
    expected = {"a": add(writer, "a")}
    size = data_path(tmp_path, 0).stat().st_size

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError, match="full"):
        add(writer, "b")
    monkeypatch.undo()
    assert data_path(tmp_path, 0).stat().st_size == size
    check(tmp_path, expected)


def test_a_later_line_replaces_an_earlier_one(tmp_path):
    writer = PackWriter(tmp_path, SAMPLING)
    add(writer, "a", 2, seed=1)
    newer = add(writer, "a", 5, seed=2)
    check(tmp_path, {"a": newer})


def test_files_are_not_endless(tmp_path, monkeypatch):
    monkeypatch.setattr(pack_module, "LARGEST_FILE", 4000)
    writer = PackWriter(tmp_path, SAMPLING)
    expected = {f"v{i}": add(writer, f"v{i}", 3, seed=i) for i in range(8)}
    assert len(list(tmp_path.glob("frames-*.bin"))) > 2
    check(tmp_path, expected)
    expected["w"] = add(PackWriter(tmp_path, SAMPLING), "w", 3, seed=9)
    check(tmp_path, expected)


def test_lost_files_of_frames_are_packed_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(pack_module, "LARGEST_FILE", 4000)
    writer = PackWriter(tmp_path, SAMPLING)
    expected = {f"v{i}": add(writer, f"v{i}", 3, seed=i) for i in range(6)}
    lost = {row.video_id for row in writer.rows.values() if row.file == 1}
    data_path(tmp_path, 1).unlink()
    with pytest.raises(DataError, match="missing or shorter"):
        FrameStore.open(tmp_path)
    again = PackWriter(tmp_path, SAMPLING)
    assert set(expected) - set(again.rows) == lost
    check(tmp_path, {name: one for name, one in expected.items() if name not in lost})


def test_a_shortened_file_loses_only_what_is_gone(tmp_path):
    writer = PackWriter(tmp_path, SAMPLING)
    expected = {f"v{i}": add(writer, f"v{i}", 3, seed=i) for i in range(4)}
    os.truncate(data_path(tmp_path, 0), writer.rows["v3"].offset + 10)
    again = PackWriter(tmp_path, SAMPLING)
    assert set(again.rows) == {"v0", "v1", "v2"}
    expected["v3"] = add(again, "v3", 3, seed=3)
    check(tmp_path, expected)


def test_damage_is_seen(tmp_path):
    writer = PackWriter(tmp_path, SAMPLING)
    add(writer, "a")
    add(writer, "b")
    row = writer.rows["b"]
    with data_path(tmp_path, 0).open("r+b") as file:
        file.seek(row.offset)
        file.write(b"no picture")
    store = FrameStore.open(tmp_path)
    assert find_damaged(tmp_path, writer.rows.values()) == ["b"]
    with pytest.raises(DataError, match=r"b are damaged.*--verify"):
        store.read(1, [0])


def test_a_damaged_line_is_named(tmp_path):
    writer = PackWriter(tmp_path, SAMPLING)
    add(writer, "a")
    text = index_path(tmp_path).read_text()
    index_path(tmp_path).write_text("{}\n" + text)
    with pytest.raises(DataError, match="line 1 of"):
        read_index(tmp_path)


def test_lines_are_plain_json(tmp_path):
    writer = PackWriter(tmp_path, SAMPLING)
    writer.add(PackRow("a", "timeout", fps=None), None)
    (line,) = index_path(tmp_path).read_text().splitlines()
    assert json.loads(line)["status"] == "timeout"


def test_another_sampling_is_refused_with_the_difference(tmp_path):
    PackWriter(tmp_path, SAMPLING)
    with pytest.raises(UsageError, match=r"short_side was 16, now 32.*--restart"):
        PackWriter(tmp_path, FrameSampling(short_side=32))
    remove_pack(tmp_path)
    PackWriter(tmp_path, FrameSampling(short_side=32))


def test_no_frames_is_an_error_with_the_command(tmp_path):
    with pytest.raises(DataError, match="cca-tools prepare"):
        FrameStore.open(tmp_path)
