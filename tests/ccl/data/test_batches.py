"""Batches: pure functions of seed, epoch and step; the same whatever the cache and the ranks."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest
import torch

from cca_tools.errors import UsageError
from ccl.data.batches import EvalBatches, TrainBatches
from ccl.data.cache import DecodingReader, MemoryReader, choose_cache, free_on_host, open_reader
from ccl.data.frame_store import ArrayStore
from ccl.data.settings import DataSettings
from ccl.data.tables import Study, TeacherTable, VideoTable
from ccl.models.registry import student_spec

TINY = student_spec("tiny")
SETTINGS = DataSettings(
    batch_size=4, num_frames=4, size=16, distill=("audio", "image"), cache="disk", workers=2
)


def table_of(rows, num_classes=3):
    rows = np.array(rows, np.int64)
    targets = rows % num_classes
    return VideoTable(
        tuple(f"v{i}" for i in rows),
        targets,
        tuple(f"g{i}" for i in rows),
        rows,
        tuple(f"c{i}" for i in targets),
        rows,
    )


@pytest.fixture(scope="module")
def study():
    """Eleven videos for training and five for testing, of two shapes, one audio missing."""
    rng = np.random.default_rng(0)
    videos = {
        f"v{i}": rng.integers(0, 256, (3 + 2 * i, 24, 24 + 8 * (i % 2), 3), dtype=np.uint8)
        for i in range(16)
    }
    values = rng.standard_normal((16, 5)).astype(np.float32)
    present = np.ones(16, bool)
    present[3], values[3] = False, 0
    teacher = TeacherTable("random", values, present)
    return Study(
        ("c0", "c1", "c2"),
        table_of(range(11)),
        table_of([]),
        table_of(range(11, 16)),
        ArrayStore(videos),
        {"audio": teacher},
    )


def epoch(study, number=0, rank=0, world=1, first_step=0, **changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    return list(
        TrainBatches(study, TINY, settings, rank=rank, world=world).epoch(number, first_step)
    )


def same(one, two):
    tensors = [(one.clips, two.clips), (one.targets, two.targets), (one.index, two.index),
               (one.frames, two.frames), (one.teachers["audio"], two.teachers["audio"]),
               (one.present["audio"], two.present["audio"])]  # fmt: skip
    return all(a.shape == b.shape and torch.equal(a, b) for a, b in tensors)


@pytest.mark.parametrize("sampling", ["balanced", "shuffled"])
def test_what_a_batch_holds(study, sampling):
    batches = epoch(study, sampling=sampling)
    assert len(batches) == len(TrainBatches(study, TINY, SETTINGS)) == 3
    for batch in batches:
        size = len(batch.index)
        assert batch.clips.shape == (size, 3, 4, 16, 16)
        assert batch.clips.dtype == torch.float32
        assert batch.frames.shape == (size, 3, 16, 16)
        assert batch.frames.min() >= 0
        assert batch.frames.max() <= 1
        assert batch.global_size == size
        values, present = study.teacher_rows(study.train, "audio")
        for row, index in enumerate(batch.index.tolist()):
            assert batch.targets[row] == study.train.targets[index]
            assert batch.teachers["audio"][row].tolist() == values[index].tolist()
            assert batch.present["audio"][row] == present[index]
    if sampling == "shuffled":
        assert sorted(torch.cat([b.index for b in batches]).tolist()) == list(range(11))


def test_a_function_of_seed_epoch_and_step(study):
    once, again = epoch(study), epoch(study)
    assert all(map(same, once, again))
    later = epoch(study, first_step=2)
    assert len(later) == 1
    assert same(later[0], once[2])
    assert not same(epoch(study, 1)[0], once[0])
    assert not same(epoch(study, seed=1)[0], once[0])


def test_epochs_may_be_drawn_in_any_order(study):
    batches = TrainBatches(study, TINY, SETTINGS)
    one = list(batches.epoch(5))
    list(batches.epoch(2))
    assert all(map(same, one, batches.epoch(5)))


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("sampling", ["balanced", "shuffled"])
def test_the_parts_of_the_ranks_are_the_batch_of_one(study, world, sampling):
    alone = epoch(study, sampling=sampling)
    parts = [epoch(study, rank=rank, world=world, sampling=sampling) for rank in range(world)]
    assert {len(part) for part in parts} == {len(alone)}
    for step, whole in enumerate(alone):
        share = [part[step] for part in parts]
        assert all(len(one.index) > 0 for one in share)
        assert all(one.global_size == len(whole.index) for one in share)
        assert torch.equal(torch.cat([one.clips for one in share]), whole.clips)
        assert torch.equal(torch.cat([one.index for one in share]), whole.index)
        assert torch.equal(torch.cat([one.frames for one in share]), whole.frames)


def test_more_ranks_than_clips_are_refused(study):
    """Of 11 videos in three batches the smallest has three."""
    with pytest.raises(UsageError, match="smallest of 3, cannot be shared by 4 processes"):
        TrainBatches(study, TINY, SETTINGS, rank=0, world=4)
    with pytest.raises(UsageError, match="0 videos"):
        TrainBatches(dataclasses.replace(study, train=study.val), TINY, SETTINGS)


@pytest.mark.parametrize("cache", ["host", "device", "auto"])
def test_the_cache_changes_nothing(study, cache):
    assert all(map(same, epoch(study), epoch(study, cache=cache)))


def test_without_images_no_frames(study):
    (batch, *_) = epoch(study, distill=("audio",))
    assert batch.frames is None


def test_clips_are_what_the_store_has(study):
    """Without crops, flips and scaling, in the order of a window."""
    settings = dict(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0), flip=0.0, size=24)
    for batch in epoch(study, distill=(), **settings):
        for row, index in enumerate(batch.index.tolist()):
            total = study.store.num_frames(index)
            video = torch.from_numpy(study.store.read(index, range(total))).float()
            if video.shape[2] > 24:
                video = video[:, :, 4:28]  # only a square that fits in the middle has this shape
            clip = batch.clips[row] * torch.tensor(TINY.std).view(3, 1, 1, 1)
            clip = (clip + torch.tensor(TINY.mean).view(3, 1, 1, 1)) * 255
            starts = [
                start
                for start in range(max(1, total - 3))
                if torch.allclose(
                    clip.movedim(0, -1), video[(start + torch.arange(4)) % total], atol=0.01
                )
            ]
            assert len(starts) == 1


def test_half_of_the_clips_are_mirrored(study):
    plain = dict(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0), distill=(), sampling="shuffled")
    flips = 0
    for number in range(20):
        for a, b in zip(
            epoch(study, number, flip=0.0, **plain),
            epoch(study, number, flip=0.5, **plain),
            strict=True,
        ):
            for one, two in zip(a.clips, b.clips, strict=True):
                assert torch.equal(one, two) or torch.equal(one, two.flip(-1))
                flips += not torch.equal(one, two)
    assert 80 < flips < 140  # of 220


def evaluated(study, world=1, **changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    batches = [
        EvalBatches(study.test, study.store, TINY, settings, ranks=(rank, world))
        for rank in range(world)
    ]
    found = [list(one) for one in batches]
    assert [len(one) for one in found] == [len(one) for one in batches]
    return found


@pytest.mark.parametrize("world", [1, 2, 3, 7])
@pytest.mark.parametrize("clips", [1, 2, 3, 9])
def test_evaluation_has_every_video_once(study, world, clips):
    found = evaluated(study, world, clips_per_video=clips)
    seen = [batch.index for rank in found for batch in rank]
    assert sorted(torch.cat(seen).tolist()) == sorted(list(range(5)) * clips)
    for batch_index in seen:  # all clips of a video are in one batch
        assert torch.unique(batch_index, return_counts=True)[1].eq(clips).all()
    for rank in found:
        for batch in rank:
            assert batch.targets.tolist() == study.test.targets[batch.index.numpy()].tolist()


def test_evaluation_is_the_same_every_time_and_over_ranks(study):
    one = {
        int(i): clip
        for batch in evaluated(study)[0]
        for i, clip in zip(batch.index, batch.clips, strict=True)
    }
    for rank in evaluated(study, 2):
        for batch in rank:
            last = {int(i): clip for i, clip in zip(batch.index, batch.clips, strict=True)}
            assert all(torch.equal(one[i], clip) for i, clip in last.items())


def test_evaluation_of_no_videos(study):
    nothing = dataclasses.replace(study, test=study.val)
    assert evaluated(nothing) == [[]]


def test_readers_agree_on_mixed_shapes(study):
    videos, frames = [0, 1, 2, 0], [np.array([0, 2, 1])] * 4
    device = torch.device("cpu")
    decoded = DecodingReader(study.store, device, 2).start(videos, frames)()
    kept = MemoryReader(study.store, [0, 1, 2], device, device=device, workers=2)
    assert torch.equal(decoded, kept.start(videos, frames)())
    assert decoded.shape == (4, 3, 24, 32, 3)
    assert (decoded[0, :, :, 24:] == 0).all()
    assert torch.equal(decoded[0, :, :, :24], torch.from_numpy(study.store.read(0, [0, 2, 1])))


def test_the_cache_that_fits_is_taken(study, monkeypatch):
    assert choose_cache(10, on_device=19, on_host=19) == "disk"
    assert choose_cache(10, on_device=19, on_host=20) == "host"
    assert choose_cache(10, on_device=20, on_host=0) == "device"
    needed = sum(study.store.read(i, range(3 + 2 * i)).nbytes for i in range(3))
    for free, kind in ((2 * needed, MemoryReader), (2 * needed - 2, DecodingReader)):
        monkeypatch.setattr("ccl.data.cache.free_on_host", lambda free=free: free)
        reader = open_reader(study.store, [0, 1, 2], "auto", torch.device("cpu"))
        assert isinstance(reader, kind)


@pytest.mark.parametrize("cache", ["host", "disk"])
def test_evaluation_from_the_cache_of_training_is_the_same_to_the_digit(study, cache, monkeypatch):
    """Kept frames are not decoded again, and give the very clips."""
    study = dataclasses.replace(study, val=study.test)
    settings = dataclasses.replace(SETTINGS, cache=cache)
    reader = TrainBatches(study, TINY, settings).reader
    assert isinstance(reader, {"host": MemoryReader, "disk": DecodingReader}[cache])
    decoded = list(EvalBatches(study.val, study.store, TINY, settings))
    if cache == "host":
        monkeypatch.setattr(type(study.store), "read", lambda *_: pytest.fail("decoded again"))
    batches = EvalBatches(study.val, study.store, TINY, settings).read_by(reader)
    for _ in range(2):
        kept = list(batches)
        assert len(kept) == len(decoded) > 0
        for one, two in zip(kept, decoded, strict=True):
            assert torch.equal(one.clips, two.clips)
            assert torch.equal(one.index, two.index)


def test_the_free_memory_is_within_what_there_is(monkeypatch, tmp_path):
    """And within what a container may have; processes on one machine share it."""
    monkeypatch.setattr("ccl.data.cache._GROUP", tmp_path)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < free_on_host() <= pages
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("2000000\n")
    assert free_on_host() == 3_000_000
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    assert free_on_host() == 1_000_000
    (tmp_path / "memory.current").write_text("6000000\n")
    assert free_on_host() == 0
