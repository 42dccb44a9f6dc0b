from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import DataError
from cca_tools.suggestions.probe_sources import read_probe_data, sample
from cca_tools.workspace import Workspace

from .studies import DIM, LABELS, write_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(write_study(tmp_path_factory.mktemp("both"), ("scores", "embedding")))


def stored(workspace: Workspace, column: str) -> dict[str, np.ndarray]:
    frames = [pq.read_table(path).to_pandas() for path in sorted(workspace.tags.glob("*.parquet"))]
    rows = pd.concat(frames)
    return dict(zip(rows["video_id"], rows[column], strict=True))


def test_embeddings_of_the_tags_meet_their_videos(study: Workspace) -> None:
    data = read_probe_data(study)
    expected = stored(study, "embedding")
    assert data.embeddings.shape == (96, DIM)
    assert data.embeddings.dtype == np.float32
    for video_id, row in zip(data.videos["video_id"], data.embeddings, strict=True):
        np.testing.assert_array_equal(row, expected[video_id])
    assert data.notices == ()
    assert all(path.is_file() for path in data.inputs)


def test_without_embeddings_the_scores_serve(tmp_path: Path) -> None:
    workspace = Workspace(write_study(tmp_path / "w", ("scores",)))
    data = read_probe_data(workspace)
    assert data.embeddings.shape == (96, len(LABELS))
    first = stored(workspace, "scores_all")[data.videos["video_id"].iloc[0]].astype(np.float64)
    np.testing.assert_allclose(data.embeddings[0], np.log(first / (1 - first)), rtol=1e-3)


def test_with_neither_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--keep scores,embedding"):
        read_probe_data(Workspace(write_study(tmp_path / "w", ())))


def test_only_what_counts_is_read(tmp_path: Path) -> None:
    workspace = Workspace(write_study(tmp_path / "w"))
    path = sorted(workspace.tags.glob("*.parquet"))[0]
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[0] |= {"status": "silent", "embedding": None, "mids": [], "scores": []}
    rows[2] |= {"status": "timeout", "embedding": None}
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), path)
    data = read_probe_data(workspace)
    assert len(data.videos) == 94
    expected = stored(workspace, "embedding")
    for video_id, row in zip(data.videos["video_id"], data.embeddings, strict=True):
        np.testing.assert_array_equal(row, expected[video_id])


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_a_file_of_features_serves_instead(study: Workspace, tmp_path: Path, suffix: str) -> None:
    ids = read_manifest(study.manifest)["video_id"].to_numpy(dtype=str)[::-1]
    values = np.arange(len(ids) * 3, dtype=np.float32).reshape(-1, 3)
    path = tmp_path / f"features{suffix}"
    if suffix == ".npz":
        np.savez(path, video_id=ids, embedding=values)
    else:
        pd.DataFrame({"video_id": ids, "embedding": list(values)}).to_parquet(path)
    data = read_probe_data(study, path)
    expected = dict(zip(ids, values, strict=True))
    for video_id, row in zip(data.videos["video_id"], data.embeddings, strict=True):
        np.testing.assert_array_equal(row, expected[video_id])
    assert data.inputs == (path,)
    assert data.notices == ()


def test_features_of_other_videos_are_counted(study: Workspace, tmp_path: Path) -> None:
    ids = [*read_manifest(study.manifest)["video_id"], "stranger"]
    np.savez(tmp_path / "f.npz", video_id=np.array(ids), embedding=np.zeros((len(ids), 3)))
    data = read_probe_data(study, tmp_path / "f.npz")
    assert len(data.videos) == 96
    assert data.notices == ("1 of 97 videos with audio features have no class in the manifest",)


def test_bad_files_of_features_are_named(study: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"bad\.npz"):
        read_probe_data(study, path)
    np.savez(path, video_id=np.array(["a", "a"]), embedding=np.zeros((2, 3)))
    with pytest.raises(DataError, match="each id once"):
        read_probe_data(study, path)
    np.savez(path, video_id=np.array(["a", "b"]), embedding=np.zeros((2, 3)))
    with pytest.raises(DataError, match="none of the 2 videos"):
        read_probe_data(study, path)


def test_features_that_are_broken_are_named(study: Workspace, tmp_path: Path) -> None:
    whole, plain, words = tmp_path / "whole.npz", tmp_path / "plain.npy", tmp_path / "words.npz"
    np.savez(whole, video_id=np.array(["a", "b"]), embedding=np.zeros((2, 3)))
    np.save(plain, np.zeros(3))
    np.savez(words, video_id=np.array(["a"]), embedding=np.array([["x"]]))
    told = whole.read_bytes()
    flipped = bytearray(told)
    flipped[120] ^= 255
    contents = (b"", told[:-60], bytes(flipped), plain.read_bytes(), words.read_bytes())
    for number, content in enumerate(contents):
        path = tmp_path / f"broken{number}.npz"
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"{path.name} cannot be read"):
            read_probe_data(study, path)


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    workspace = Workspace(write_study(tmp_path / "w"))
    path = sorted(workspace.tags.glob("*.parquet"))[1]
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match=path.name):
        read_probe_data(workspace)


def test_videos_without_a_group_are_groups_of_their_own(tmp_path: Path) -> None:
    workspace = Workspace(write_study(tmp_path / "w"))
    manifest = read_manifest(workspace.manifest)
    manifest.loc[:9, "group"] = ""
    manifest.to_parquet(workspace.manifest)
    groups = read_probe_data(workspace).videos["group"]
    assert groups.iloc[:10].nunique() == 10
    assert (groups != "").all()


def test_a_sample_is_seeded_and_even() -> None:
    names = pd.Series(["a"] * 500 + ["b"] * 40 + ["c"] * 300)
    chosen = sample(names, 300, seed=1)
    assert names.iloc[chosen].value_counts().to_dict() == {"a": 100, "c": 100, "b": 40}
    assert chosen.tolist() == sample(names, 300, seed=1).tolist()
    assert chosen.tolist() != sample(names, 300, seed=2).tolist()
    assert len(sample(names, 840, seed=1)) == 840


def test_a_sample_of_the_tags_is_told(study: Workspace) -> None:
    data = read_probe_data(study, most_videos=60)
    assert len(data.videos) == 96  # at least 20 of a class, and each has 8
    manifest = read_manifest(study.manifest)
    assert set(data.videos["video_id"]) == set(manifest["video_id"])
