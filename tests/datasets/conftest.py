"""Tiny real files, and one small dataset of each layout."""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from cca_tools.datasets.base import Annotations


def write_wav(path, seconds=0.2):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x10" * round(seconds * 8000))
    return path


def write_video(path, seconds=0.4, has_audio=True):
    """Write ten frames a second of 16 x 16 pixels, with or without a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 16
        picture.pix_fmt = "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=8000) if has_audio else None
        for _ in range(round(seconds * 10)):
            frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            container.mux(picture.encode(frame))
        container.mux(picture.encode())
        if sound is not None:
            samples = np.full((1, round(seconds * 8000)), 1000, np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = 8000
            container.mux(sound.encode(frame))
            container.mux(sound.encode())
    return path


@dataclass
class Sample:
    """A dataset on disk whose truth is known: three rows with a file, one without (if any can be).

    Args:
        root: Where it lies.
        annotations: What comes beside it.
        ids: Row -> class name.
        missing: The path that is listed but not there.
    """

    root: Path
    annotations: Annotations
    ids: dict[str, str]
    missing: str | None


def _folder(root):
    write_wav(root / "dog/a.wav")
    write_wav(root / "dog/b b.WAV")
    write_video(root / "cat/ä.mkv")
    (root / "cat/lost.mp4").symlink_to(root / "nowhere.mp4")
    ids = {"dog/a": "dog", "dog/b b": "dog", "cat/ä": "cat", "cat/lost": "cat"}
    return Sample(root, Annotations(), ids, "cat/lost.mp4")


def _ucf101(root):
    lists = root / "lists"
    lists.mkdir(parents=True)
    (lists / "classInd.txt").write_text("1 Archery\r\n2 HandstandPushups\r\n")
    (lists / "trainlist02.txt").write_text(
        "Archery/v_Archery_g08_c01.avi 1\r\nHandstandPushups/v_HandStandPushups_g08_c01.avi 2\r\n"
    )
    (lists / "testlist02.txt").write_text(
        "Archery/v_Archery_g01_c01.avi\r\nArchery/v_Archery_g01_c02.avi\r\n"
    )
    write_video(root / "v/Archery/v_Archery_g08_c01.avi")
    write_video(root / "v/Archery/v_Archery_g01_c01.avi", has_audio=False)
    write_video(root / "v/HandstandPushups/v_HandStandPushups_g08_c01.avi")
    ids = {
        "Archery/v_Archery_g08_c01": "Archery",
        "HandstandPushups/v_HandStandPushups_g08_c01": "HandstandPushups",
        "Archery/v_Archery_g01_c01": "Archery",
        "Archery/v_Archery_g01_c02": "Archery",
    }
    return Sample(root / "v", Annotations(lists, 2), ids, "Archery/v_Archery_g01_c02.avi")


def _vggsound(root):
    write_wav(root / "clips/-a_b_000030.wav")
    write_wav(root / "clips/__cdefghijk_7.wav")
    write_wav(root / "clips/whole.wav", seconds=31)
    (root / "vggsound.csv").write_text(
        '-a_b,30,"child speech, kid speaking",train\n'
        "__cdefghijk,7,zebra braying,test\n"
        "whole,20,rapping,train\n"
        "gone,0,rapping,train\n"
    )
    ids = {
        "-a_b_000030": "child speech, kid speaking",
        "__cdefghijk_000007": "zebra braying",
        "whole_000020": "rapping",
        "gone_000000": "rapping",
    }
    annotations = Annotations(root / "vggsound.csv")
    return Sample(root / "clips", annotations, ids, "gone_000000.mp4")


def _activitynet(root):
    write_wav(root / "videos/v_--x.wav", seconds=10)
    write_wav(root / "videos/v_t.wav", seconds=2)
    database = {
        "--x": {
            "subset": "training",
            "duration": 10,
            "annotations": [
                {"label": "Polo", "segment": [0, 4.5]},
                {"label": "Polo", "segment": [5, 9]},
            ],
        },
        "t": {"subset": "testing", "duration": 2, "annotations": []},
        "gone": {
            "subset": "validation",
            "duration": 9,
            "annotations": [{"label": "Knitting", "segment": [1, 2]}],
        },
    }
    (root / "net.json").write_text(json.dumps({"database": database}))
    ids = {"v_--x#0-4.5": "Polo", "v_--x#5-9": "Polo", "v_t": "", "v_gone#1-2": "Knitting"}
    return Sample(root / "videos", Annotations(root / "net.json"), ids, "v_gone.mp4")


def _table(root):
    for name in ("a.wav", "deep/b.wav"):
        write_wav(root / name, seconds=3)
    (root / "table.csv").write_text(
        "file,label,start_s,end_s,split\n"
        "a.wav,NA,,,train\na.wav,sneeze,1,2.5,validation\ndeep/b.wav,7,,,\ngone.mp4,NA,,,test\n"
    )
    ids = {"a": "NA", "a#1-2.5": "sneeze", "deep/b": "7", "gone": "NA"}
    columns = {"path": "file", "class_name": "label"}
    return Sample(root, Annotations(root / "table.csv", 1, columns), ids, "gone.mp4")


SAMPLES = {
    "folder": _folder,
    "ucf101": _ucf101,
    "vggsound": _vggsound,
    "activitynet": _activitynet,
    "table": _table,
}


@pytest.fixture
def samples():
    """Layout -> the function that writes its sample below a folder."""
    return SAMPLES


@pytest.fixture
def wav():
    """Write a tone of some seconds and return its path."""
    return write_wav


@pytest.fixture
def video():
    """Write a little video and return its path."""
    return write_video
