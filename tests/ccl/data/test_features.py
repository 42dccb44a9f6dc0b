"""Features as people release them, matched to a manifest."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.errors import DataError
from ccl.data.features import (
    feature_shape,
    match_features,
    read_features,
    stem_of,
    write_features,
)
from ccl.data.ledger import Ledger

IDS = ("v_Archery_g01_c01", "v_Archery_g01_c02", "v_Biking_g02_c01")
RANDOM = np.random.default_rng(0).standard_normal((99, 50))
VALUES = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(params=["released", "one array a video", "folder", "nested folder", "imported"])
def source(request, tmp_path):
    """The same features in each form that is read."""
    if request.param == "released":
        path = tmp_path / "f.npz"
        np.savez(path, video_id=np.array(IDS), class_name=np.array(["a"] * 3), embedding=VALUES)
    elif request.param == "one array a video":
        path = tmp_path / "f.npz"
        np.savez(path, **dict(zip(IDS, VALUES, strict=True)))
    elif request.param == "imported":
        path = tmp_path / "f.parquet"
        write_features(path, dict(zip(IDS, VALUES, strict=True)))
    else:
        path = tmp_path / "features"
        for name, values in zip(IDS, VALUES, strict=True):
            inner = name.split("_")[1] if request.param == "nested folder" else ""
            (path / inner).mkdir(parents=True, exist_ok=True)
            np.save(path / inner / f"{name}.npy", values[None])
    return path


def test_every_form_gives_the_same(source):
    manifest = [f"{name.split('_')[1]}/{name}" for name in IDS] + ["Other/v_Other_g01_c01"]
    matched = match_features(read_features(source), manifest)
    assert set(matched.embeddings) == set(manifest[:3])
    for name, values in zip(manifest, VALUES, strict=False):
        assert matched.embeddings[name].tolist() == values.tolist()
        assert matched.embeddings[name].dtype == np.float32
    assert matched.without == ("Other/v_Other_g01_c01",)
    assert (matched.unmatched, matched.duplicates, matched.ambiguous) == ((), (), ())


def save(path, ids, values):
    np.savez(path, video_id=np.array(ids), embedding=np.array(values, np.float32))
    return read_features(path)


def test_what_is_wrong_is_told_apart(tmp_path):
    raw = save(
        tmp_path / "f.npz",
        ["a/one.avi", "one", "two", "stranger", "same"],
        [[1, 1], [2, 2], [np.nan, 1], [3, 3], [4, 4]],
    )
    matched = match_features(raw, ["a/one", "a/two", "a/same", "b/same"])
    assert matched.duplicates == ("a/one",)
    assert matched.embeddings["a/one"].tolist() == [1, 1]  # the first stays
    assert matched.unmatched == ("stranger",)
    assert matched.ambiguous == ("same",)
    assert matched.not_finite == ("a/two",)
    assert matched.without == ("a/same", "b/same")
    ledger = Ledger()
    matched.tell(ledger, {"a/one", "a/same"})
    assert len(ledger.problems) == 3
    elsewhere = Ledger()
    matched.tell(elsewhere, {"a/same"})
    assert len(elsewhere.problems) == 2


def test_the_very_id_goes_before_its_last_part(tmp_path):
    raw = save(tmp_path / "f.npz", ["b/same"], [[4, 4]])
    assert set(match_features(raw, ["a/same", "b/same"]).embeddings) == {"b/same"}


def test_vectors_of_another_length_are_named(tmp_path):
    folder = tmp_path / "f"
    folder.mkdir()
    shapes = {"a": (3,), "b": (3,), "c": (5,), "d": (2, 3)}
    for name, value in {key: np.ones(shape) for key, shape in shapes.items()}.items():
        np.save(folder / f"{name}.npy", value)
    raw = read_features(folder)
    assert [name for name, _ in raw.vectors] == ["a", "b"]
    assert raw.unusable == ("c", "d")


def objects(path):
    np.savez(path, video_id=np.array(["a"]), embedding=np.array([{"x": 1}], dtype=object))


def damaged(path, first, last):
    """Compressed features with some bytes turned over, or cut off where ``last`` is None."""
    whole = io.BytesIO()
    np.savez_compressed(whole, video_id=np.arange(99).astype(str), embedding=RANDOM)
    data = bytearray(whole.getvalue())
    end = len(data) if last is None else last
    data[first:end] = b"" if last is None else bytes(x ^ 0x5A for x in data[first:end])
    path.write_bytes(bytes(data))


BAD = {
    "cut": lambda path: damaged(path, 2000, None),
    "checksum": lambda path: damaged(path, 5000, 5100),
    "stream": lambda path: damaged(path, 700, 2000),
    "no lists": lambda path: np.savez(path, video_id="a", embedding=3.0),
    "text": lambda path: path.write_text("no arrays"),
    "empty": lambda path: path.write_bytes(b""),
    "objects": objects,
    "no values": lambda path: np.savez(path, video_id=np.array(["a"])),
    "unequal": lambda path: np.savez(path, video_id=np.array(["a"]), embedding=np.ones((2, 3))),
    "folder without arrays": lambda path: path.mkdir(),
}


def test_unequal_numbers_are_told(tmp_path):
    BAD["unequal"](tmp_path / "bad.npz")
    with pytest.raises(DataError, match="it has 1 in video_id, and 2 in embedding"):
        read_features(tmp_path / "bad.npz")


@pytest.mark.parametrize("kind", BAD)
def test_what_holds_no_features_is_refused(tmp_path, kind):
    path = tmp_path / "bad.npz"
    BAD[kind](path)
    with pytest.raises(DataError, match="holds no features"):
        read_features(path)


def test_a_bare_array_is_refused(tmp_path):
    np.save(tmp_path / "f.npy", np.ones((3, 2)))
    with pytest.raises(DataError, match="single array without ids"):
        read_features(tmp_path / "f.npy")


def test_shape_without_reading(tmp_path):
    write_features(tmp_path / "f.parquet", dict(zip(IDS, VALUES, strict=True)))
    assert feature_shape(tmp_path / "f.parquet") == (3, 4)
    (tmp_path / "g.parquet").write_bytes(b"x")
    with pytest.raises(DataError, match="holds no features"):
        feature_shape(tmp_path / "g.parquet")


@given(st.text(alphabet="abc._-", min_size=1))
def test_stems_of_what_is_no_media_file_stay(name):
    assert stem_of(f"x/{name}_") == f"{name}_"
    assert stem_of(f"x/y/{name}q.avi") == f"{name}q"


def test_the_released_features(shared):
    """Every one of the 6,837 finds its video among the names of the official lists."""
    folder = shared / "data" / "ucf51"
    lines = [
        line.split()[0]
        for name in ("trainlist01.txt", "testlist01.txt")
        for line in (folder / "ucfTrainTestlist" / name).read_text().splitlines()
    ]
    manifest = [line.removesuffix(".avi") for line in lines]
    raw = read_features(folder / "audio_features_cnn14_emb512.npz")
    matched = match_features(raw, manifest)
    assert len(raw.vectors) == len(matched.embeddings) == 6837
    assert (matched.unmatched, matched.duplicates, matched.unusable) == ((), (), ())
    with np.load(folder / "audio_features_cnn14_emb512.npz") as arrays:
        for row in (0, 1234, 6836):
            video_id = next(v for v in manifest if v.endswith("/" + arrays["video_id"][row]))
            assert np.array_equal(matched.embeddings[video_id], arrays["embedding"][row])
