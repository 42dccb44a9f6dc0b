"""Memory does not grow with the length of a file, nor with the number of files (reduced).

The full measurement, ten hours and 5,000 files with a real network, is ``benchmarks/memory.py``.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import psutil
import pytest
from makers import Track, noise, write_media
from tagging.conftest import manifest_of

MIB = 2**20


def peak_bytes(run):
    """The largest sum of the resident memory of a run and its children, until it ends."""
    peak = 0
    process = psutil.Process(run.pid)
    while run.poll() is None:
        try:
            # between fork and exec a child's memory is its parent's, and would count twice
            own = process.cmdline()
            children = [one for one in process.children(recursive=True) if one.cmdline() != own]
            peak = max(peak, sum(one.memory_info().rss for one in (process, *children)))
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.02)
    assert run.wait() == 0, run.text()
    return peak


def start(cli, study):
    return cli.start("tag-audio", "-w", study.workspace.root, "--top-k", 5, "--workers", 1,
                     flush_rows=50)  # fmt: skip


@pytest.fixture(scope="module")
def forty_minutes(tmp_path_factory):
    """Forty minutes of noise at 16 kHz: 154 MB as float32."""
    sound = np.tile(noise(60, 16_000), 40)
    return write_media(tmp_path_factory.mktemp("long") / "long.wav", Track(sound, 16_000))


def test_a_long_file_needs_no_more_than_a_short_one(cli, study_of, forty_minutes):
    manifest = manifest_of([forty_minutes], forty_minutes.parent)
    peaks = []
    for end_s in (240.0, np.nan):
        study = study_of(manifest.assign(start_s=0.0, end_s=end_s))
        peaks.append(peak_bytes(start(cli, study)))
        seconds = study.rows()["seconds"].item()
        assert seconds == pytest.approx(240 if end_s == 240 else 2400)
    assert peaks[1] - peaks[0] < 60 * MIB, [peak / MIB for peak in peaks]


def test_many_files_need_no_more_than_few(cli, study_of, tmp_path):
    path = write_media(tmp_path / "a.mp4", Track(noise(0.3, 44_100), 44_100, "aac"), picture_s=0.3)
    one = manifest_of([path], tmp_path)
    peaks = []
    for count in (100, 500):
        many = pd.concat([one] * count, ignore_index=True)
        many["video_id"] = [f"clip{number}" for number in range(count)]
        study = study_of(many)
        peaks.append(peak_bytes(start(cli, study)))
        assert len(study.rows()) == count
    assert peaks[1] - peaks[0] < 25 * MIB, [peak / MIB for peak in peaks]
