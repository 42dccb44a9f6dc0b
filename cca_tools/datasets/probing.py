"""Probing many files at once, in processes that may crash, with exact blame and good speed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from cca_tools.datasets.tree import VIDEO_SUFFIXES, has_suffix
from cca_tools.errors import UsageError
from cca_tools.media.containers import why_unreadable
from cca_tools.media.guard import GuardedPool, Outcome, usable_cpus
from cca_tools.media.probe import MediaInfo, probe, probe_many, size_of

_MAX_BATCH = 32


@dataclass(frozen=True)
class ProbeSettings:
    """How files are probed.

    Args:
        enabled: If not, files are looked up but not opened: sound is taken for granted, and a
            picture by the suffix; lengths stay unknown.
        workers: Number of processes, 0 for one a processor.
        timeout_s: Seconds that one file may take.
        progress: Show a progress bar on standard error.
    """

    enabled: bool = True
    workers: int = 0
    timeout_s: float = 60.0
    progress: bool = True

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.workers < 0 or not self.timeout_s > 0:
            raise UsageError(
                f"{self.workers} workers with {self.timeout_s:g} s a file cannot probe anything",
                "Give 0 (automatic) or more workers and a positive --timeout",
            )


def probe_all(paths: Sequence[Path], settings: ProbeSettings) -> dict[Path, MediaInfo]:
    """Return what each of ``paths`` holds; a file that crashes or hangs fails alone."""
    unique = list(dict.fromkeys(paths))
    if not settings.enabled:
        return {path: _looked_up(path) for path in unique}
    workers = max(1, min(settings.workers or usable_cpus(), len(unique)))
    infos: dict[Path, MediaInfo] = {}
    hidden = None if settings.progress else True  # None: shown on a terminal only
    with (
        GuardedPool(workers, settings.timeout_s) as pool,
        tqdm(
            total=len(unique),
            desc="index",
            unit=" files",
            disable=hidden,
        ) as bar,
    ):
        for found in _probed(pool, unique):
            infos.update(found)
            bar.update(len(found))
    return infos


def _probed(pool: GuardedPool, paths: Sequence[Path]) -> Iterator[Mapping[Path, MediaInfo]]:
    """Yield the results as they come, several at once, each path exactly once.

    Files go to the children in batches; those of a batch that failed are probed one by one.
    """
    size = max(1, min(_MAX_BATCH, len(paths) // (8 * pool.workers)))
    suspects: list[Path] = []
    batches = ([str(path) for path in paths[i : i + size]] for i in range(0, len(paths), size))
    for batch, outcome in pool.map_unordered(probe_many, batches):
        if outcome.value is not None:
            yield dict(zip(map(Path, batch), outcome.value, strict=True))
        else:
            suspects.extend(map(Path, batch))
    for path, single in pool.map_unordered(probe, suspects):
        yield {path: _info(path, single)}


def _info(path: Path, outcome: Outcome[MediaInfo]) -> MediaInfo:
    if outcome.value is not None:
        return outcome.value
    return MediaInfo(outcome.failure or "decode_error", outcome.detail, bytes=size_of(path))


def _looked_up(path: Path) -> MediaInfo:
    """Answer without opening the file."""
    size = size_of(path)
    reason = why_unreadable(path)
    if reason is not None:
        return MediaInfo(*reason, bytes=size)
    has_picture = has_suffix(path.name, VIDEO_SUFFIXES)
    return MediaInfo(num_audio_streams=1, has_video=has_picture, bytes=size)
