from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.correspondence.sounds import (
    GENERATED_KINDS,
    Recording,
    excerpt,
    generated_recordings,
    recordings_in,
    split_recordings,
)
from cca_tools.demo.synth import RATE
from cca_tools.errors import DataError

from .bank import made_up, write_kind


def test_esc_names_tell_the_source(tmp_path: Path) -> None:
    write_kind(tmp_path, "rain", ["1-17367-A", "1-17367-B", "2-999-A", "3-999-A-12", "odd name"])
    found = recordings_in(tmp_path)
    assert [one.name.split("/")[1] for one in found] == [
        "1-17367-A", "1-17367-B", "2-999-A", "3-999-A-12", "odd name",
    ]  # fmt: skip
    assert [one.source for one in found] == [
        "rain/17367", "rain/17367", "rain/999", "rain/999", "rain/odd name",
    ]  # fmt: skip


def test_other_files_are_no_recordings(tmp_path: Path) -> None:
    write_kind(tmp_path, "rain", ["a"])
    (tmp_path / "CREDITS.txt").write_text("thanks")
    (tmp_path / "rain" / "notes.txt").write_text("wet")
    assert [one.name for one in recordings_in(tmp_path)] == ["rain/a"]


@pytest.mark.parametrize("folder", ["absent", "empty"])
def test_a_folder_without_sounds_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=folder):
        recordings_in(tmp_path / folder)


@given(
    sources=st.integers(2, 12), takes=st.integers(1, 3), seed=st.integers(0, 10)
)  # fmt: skip
def test_sources_are_on_one_side(sources: int, takes: int, seed: int) -> None:
    recordings = made_up(3, sources, takes)
    kinds = split_recordings(recordings, np.random.default_rng(seed))
    assert set(kinds) == {"k0", "k1", "k2"}
    for kind, sides in kinds.items():
        apart = [{one.source for one in sides[split]} for split in ("train", "test")]
        assert not apart[0] & apart[1]
        assert all(apart)
        both = sorted(one.name for split in ("train", "test") for one in sides[split])
        assert both == sorted(one.name for one in recordings if one.kind == kind)
        # a third, or the least number of whole sources above it, but never all
        assert len(sides["test"]) < sources * takes / 3 + takes


def test_a_kind_of_one_source_is_refused() -> None:
    recordings = [Recording("rain", "rain/a", "rain/x"), Recording("rain", "rain/b", "rain/x")]
    with pytest.raises(DataError, match="one source"):
        split_recordings(recordings, np.random.default_rng(0))


def test_excerpts_are_cut_where_there_is_sound(tmp_path: Path) -> None:
    write_kind(tmp_path, "rain", ["a"])  # half a second of tone, then silence
    (recording,) = recordings_in(tmp_path)
    for seed in range(10):
        sound = excerpt(recording, 0.4, np.random.default_rng(seed))
        assert sound.shape == (round(0.4 * RATE),)
        peak_dbfs = 20 * np.log10(np.abs(sound).max())
        assert -9.0 <= peak_dbfs <= -2.0
        loud = np.abs(sound).reshape(40, -1).max(axis=1) > 0.01
        assert loud.mean() > 0.25  # a piece of tone at least as long as a quarter of the best


def test_a_short_recording_is_followed_by_silence(tmp_path: Path) -> None:
    write_kind(tmp_path, "rain", ["a"])
    sound = excerpt(recordings_in(tmp_path)[0], 3.0, np.random.default_rng(0))
    assert sound.shape == (3 * RATE,)
    assert np.abs(sound[: RATE // 2]).max() > 0.1
    assert not sound[2 * RATE :].any()


def test_a_silent_recording_is_refused(tmp_path: Path) -> None:
    write_kind(tmp_path, "rain", ["a"], hz=0.0)
    with pytest.raises(DataError, match="no sound"):
        excerpt(recordings_in(tmp_path)[0], 0.5, np.random.default_rng(0))


@pytest.mark.parametrize("kind", GENERATED_KINDS)
def test_synthesised_takes_differ_and_come_again(kind: str) -> None:
    recording = next(one for one in generated_recordings(0) if one.kind == kind)
    first, again, other = (
        excerpt(recording, 1.0, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.sqrt(np.square(first).mean()) > 1e-3
