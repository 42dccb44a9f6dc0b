"""Decoders that misbehave by the name of the file; children import them by this module's name."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path

from cca_tools.media.audio import decode_audio


def misbehave(path, sample_rate, span):
    """Hang, die or raise for files so named, and decode all others."""
    name = Path(path).stem
    if "hang" in name:
        time.sleep(3600)
    if "crash" in name:
        ctypes.string_at(0)
    if "leave" in name:
        os._exit(3)
    if "raise" in name:
        raise KeyError("a bug of a decoder")
    if "swell" in name:
        bytearray(6 << 30)
    late = "late" in name and span.start_s > 0
    if late:
        raise OSError("the disk was pulled out")
    return decode_audio(path, sample_rate, span)
