"""What a page shows of a video: made when first asked for, in child processes, and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from cca_tools.errors import CcaError
from cca_tools.labels.previews import cut_frames, cut_preview, poster_of
from cca_tools.labels.samples import CACHE, Sample
from cca_tools.labels.spare import writable
from cca_tools.media.audio import Span
from cca_tools.media.guard import GuardedPool, Outcome
from cca_tools.tagging.decoding import source_of
from cca_tools.tagging.lookup import choose_run
from cca_tools.workspace import Workspace, read_provenance, writing_to

_TIMEOUT_S = 60.0
_VERSION = "2"  # of what is cut; another one makes all of it anew


@dataclass(frozen=True)
class Evidence:
    """What there is of one video by now.

    Args:
        preview: An MP4 file, None while it is being cut or when it cannot be.
        poster: A JPEG file that stands for it until it is played, likewise; None without picture.
        spectrogram: A PNG file, likewise.
        timeline: ``seconds`` and ``rows`` (name, scores), likewise.
        failure: Why there is no preview, else empty.
        sound_failure: Why there is no spectrogram, else empty.
    """

    preview: Path | None = None
    poster: Path | None = None
    spectrogram: Path | None = None
    timeline: dict[str, Any] | None = None
    failure: str = ""
    sound_failure: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether nothing of it is still being made."""
        has_sound = self.spectrogram is not None or bool(self.sound_failure)
        return bool(self.failure) or (self.preview is not None and has_sound)


@dataclass
class EvidenceMaker:
    """Cuts previews, pictures of the sound and frames; safe to use from several threads.

    All of it goes to the workspace's cache, under a name that depends on the file's size and time
    of change. Where the workspace is read-only, a temporary folder takes its place.

    Args:
        workspace: Of the videos.
        run: The tag run whose tagger draws the sound, by default the newest.
    """

    workspace: Workspace
    run: str | None = None
    _failures: dict[Path, str] = field(default_factory=dict)
    _under_way: dict[Path, Future[Outcome[None]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._folder = writable(self.workspace.root / CACHE / "videos")
        self._open = ExitStack()
        self._cutters = self._open.enter_context(GuardedPool(1, _TIMEOUT_S))
        self._painters = self._open.enter_context(GuardedPool(1, _TIMEOUT_S))
        self._tagger: tuple[str, str | None, str | None] | str
        try:
            info = choose_run(self.workspace, self.run)
            about = read_provenance(self.workspace.tags / f"_{info.name}.json")
            parameters = about.get("parameters", {})
            self._tagger = info.tagger, parameters.get("weights"), parameters.get("labels")
        except CcaError as error:
            self._tagger = str(error)

    def close(self) -> None:
        """End the child processes, with whatever they are at."""
        self._cutters.stop()
        self._painters.stop()
        self._open.close()

    def ask(self, sample: Sample) -> Evidence:
        """Return what there is of a video, and have the rest made."""
        folder = self._folder_of(sample)
        preview, sound = folder / "preview.mp4", folder / "timeline.json"
        failure = self._made(
            preview, self._cutters, cut_preview, (sample.span, str(preview)), sample
        )
        if isinstance(self._tagger, str):
            sound_failure: str | None = self._tagger
        else:
            arguments = (sample.span, self._tagger, str(folder))
            sound_failure = self._made(sound, self._painters, _draw_sound, arguments, sample)
        is_drawn = sound_failure is None and sound.is_file()
        is_cut = failure is None and preview.is_file()
        return Evidence(
            preview=preview if is_cut else None,
            poster=poster_of(preview) if is_cut and poster_of(preview).is_file() else None,
            spectrogram=folder / "spectrogram.png" if is_drawn else None,
            timeline=json.loads(sound.read_text(encoding="utf-8")) if is_drawn else None,
            failure=failure or "",
            sound_failure=sound_failure or "",
        )

    def ask_frames(self, sample: Sample, seconds: Sequence[float]) -> list[Path] | str | None:
        """Return JPEG files of a video at these seconds, why there are none, or None: not yet."""
        folder = self._folder_of(sample)
        outs = [folder / f"frame-{at_s:.2f}.jpg" for at_s in seconds]
        arguments = (sample.span, tuple(seconds), tuple(map(str, outs)))
        failure = self._made(outs[-1], self._cutters, cut_frames, arguments, sample)
        if failure:
            return failure
        return outs if all(out.is_file() for out in outs) else None

    def _folder_of(self, sample: Sample) -> Path:
        told = f"{_VERSION}\n{sample.path}\n{source_of(sample.path, sample.span)}"
        key = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        return self._folder / key[:2] / key

    def _made(
        self,
        out: Path,
        pool: GuardedPool,
        function: Callable[..., None],
        arguments: tuple[Any, ...],
        sample: Sample,
    ) -> str | None:
        """Return why ``out`` cannot be made; None where it is there or being made."""
        with self._lock:
            ended = self._under_way.get(out)
            if ended is not None and ended.done():
                del self._under_way[out]
                failure = _failure_of(ended)
                if failure:
                    self._failures[out] = failure
            if out in self._failures:
                return self._failures[out]
            if out not in self._under_way and not out.is_file():
                with writing_to(out.parent):
                    out.parent.mkdir(parents=True, exist_ok=True)
                self._under_way[out] = pool.submit(function, str(sample.path), *arguments)
            return None


def _draw_sound(
    path: str, span: Span, source: tuple[str, str | None, str | None], folder: str
) -> None:
    """Draw in the child alone: what draws and scores takes seconds to import."""
    from cca_tools.labels.pictures import draw_sound

    draw_sound(path, span, source, folder)


def _failure_of(ended: Future[Outcome[None]]) -> str:
    try:
        outcome = ended.result()
    except CcaError as error:
        return str(error)
    return outcome.detail if outcome.failure else ""
