"""Make the clip that `cca-tools doctor` decodes: two seconds of a 440 Hz tone, H.264 and AAC.

Run once: ``python tools/make_check_clip.py cca_tools/media/data/check.mp4``.
"""

from __future__ import annotations

import sys

import av
import numpy as np

RATE, SECONDS, FPS, SIZE = 32_000, 2, 10, 64


def main(path: str) -> None:
    """Write the clip to ``path``."""
    with av.open(path, "w", options={"movflags": "faststart"}) as container:
        video = container.add_stream("libx264", rate=FPS, options={"crf": "35"})
        video.width = video.height = SIZE
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        audio.bit_rate = 48_000
        for number in range(FPS * SECONDS):
            grey = np.full((SIZE, SIZE, 3), 8 * number, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(video.encode())
        time = np.arange(RATE * SECONDS) / RATE
        tone = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
        for start in range(0, len(tone), 1024):
            frame = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], "fltp", "mono")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(audio.encode(frame))
        container.mux(audio.encode())


if __name__ == "__main__":
    main(sys.argv[1])
