"""Files that were cut off or had bytes changed: one row each, with a status that fits."""

from __future__ import annotations

import numpy as np
import pytest
from makers import Track, cut, mutate, warble, write_media
from tagging.comparing import check_rows
from tagging.conftest import manifest_of

# suffix, codec, rate; whether a file that is cut still declares its whole length
KINDS = {
    "wav": ("wav", "pcm_s16le", 16_000, True),
    "float-wav": ("wav", "pcm_f32le", 16_000, True),
    "flac": ("flac", "flac", 22_050, True),
    "mp3": ("mp3", "libmp3lame", 44_100, False),
    "ogg": ("ogg", "libopus", 48_000, False),
    "webm": ("webm", "libopus", 48_000, True),
    "mkv": ("mkv", "aac", 44_100, True),
    "mp4": ("mp4", "aac", 44_100, True),
    "faststart": ("mp4", "aac", 44_100, True),
    "mov": ("mov", "pcm_s16le", 16_000, True),
    "avi": ("avi", "libmp3lame", 44_100, True),
    "ts": ("ts", "aac", 44_100, False),
    "mpg": ("mpg", "mp2", 44_100, False),
}
WITH_PICTURE = {"webm", "mkv", "mp4", "mov", "avi", "ts", "mpg"}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """kind -> (path, seconds)."""
    folder = tmp_path_factory.mktemp("originals")
    made = {}
    for kind, (suffix, codec, rate, _) in KINDS.items():
        options = {"movflags": "faststart"} if kind == "faststart" else {}
        path = write_media(
            folder / f"{kind}.{suffix}",
            Track(warble(2.0, rate), rate, codec),
            picture_s=1.5 if suffix in WITH_PICTURE else 0.0,
            options=options,
        )
        made[kind] = (path, 2.0)
    return made


@pytest.mark.parametrize("part", ["front", "whole"])
def test_files_cut_at_fifty_places(originals, study_of, tmp_path, part):
    """25 seeds each: one half cut within the first tenth, where the headers are."""
    seconds, kinds, paths = {}, {}, []
    for seed in range(25):
        rng = np.random.default_rng(seed + (1000 if part == "front" else 0))
        kind = list(KINDS)[seed % len(KINDS)]
        path, length_s = originals[kind]
        share = rng.uniform(0.0, 0.1) if part == "front" else rng.uniform(0.1, 0.98)
        damaged = tmp_path / "clips" / f"{seed:02d}{path.suffix}"
        damaged.parent.mkdir(exist_ok=True)
        damaged.write_bytes(cut(path.read_bytes(), share))
        paths.append(damaged)
        seconds[damaged.stem], kinds[damaged.stem] = length_s, kind
    study = study_of(manifest_of(paths, tmp_path / "clips"))
    study.tag()
    rows = study.rows()
    check_rows(rows, seconds)
    for video_id, row in rows.iterrows():
        about = (video_id, kinds[video_id], row["status"], row["seconds"], row["detail"])
        assert row["seconds"] <= seconds[video_id] + 0.06, about
        assert row["status"] in ("ok", "partial", "silent", "decode_error", "no_audio_stream"), (
            about
        )
        declares = KINDS[kinds[video_id]][3]
        if declares and row["seconds"] < seconds[video_id] - 0.5:
            assert row["status"] in ("partial", "decode_error", "no_audio_stream"), about
        if row["status"] == "partial":
            assert f"{row['seconds']:.2f} s decoded" in row["detail"], about
    if part == "whole":
        assert {"partial", "ok", "decode_error"} <= set(rows["status"])


def mutants(sources, folder, count, first_seed):
    """``count`` damaged copies of the sources in turn."""
    folder.mkdir()
    paths = []
    for number in range(count):
        source = sources[number % len(sources)]
        path = folder / f"{number:03d}-{source.stem}{source.suffix}"
        rng = np.random.default_rng(first_seed + number)
        path.write_bytes(mutate(source.read_bytes(), rng))
        paths.append(path)
    return paths


def test_250_mutations_of_made_files(originals, study_of, tmp_path):
    sources = [path for path, _ in originals.values()]
    paths = mutants(sources, tmp_path / "clips", 250, 0)
    study = study_of(manifest_of(paths, tmp_path / "clips"))
    study.tag()
    rows = study.rows()
    check_rows(rows, [path.stem for path in paths])
    assert "timeout" not in set(rows["status"])
    assert rows["seconds"].max() < 60
    assert 50 < (rows["status"] == "ok").sum() < 250


REAL = (
    "formats/big_buck_bunny_432_433.webm",
    "formats/no_duration.webm",
    "formats/flipping_a_pancake.mkv",
    "ucf101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi",
    "labelled/nLKEdmVu3FY_000040.mp4",
)


def test_250_mutations_of_real_clips(shared, study_of, tmp_path):
    sources = [shared / "data/clips" / name for name in REAL]
    paths = mutants(sources, tmp_path / "clips", 250, 5000)
    study = study_of(manifest_of(paths, tmp_path / "clips"))
    study.tag()
    rows = study.rows()
    check_rows(rows, [path.stem for path in paths])
    assert "timeout" not in set(rows["status"])
    assert rows["seconds"].max() < 120
    assert 50 < rows["status"].isin(["ok", "silent"]).sum() < 250
