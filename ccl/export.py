"""A trained student as files for use elsewhere: safetensors and ONNX, which must agree."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from cca_tools.errors import UsageError, WeightsError
from cca_tools.workspace import Provenance, atomic_path, sha256_of
from ccl.models.registry import Statistics, build_student, student_spec
from ccl.models.student import VideoStudent
from ccl.training.checkpoint import BEST
from ccl.training.run import CONFIG, Run

Arrays = NDArray[np.float32]

FORMAT = "cca-tools student 1"
OUTPUTS = ("embedding", "logits")
TOLERANCE = 1e-4
_CHECKED_BATCHES = (1, 3)


@dataclass(frozen=True)
class StudentCard:
    """What one must know to use a student; both files carry it.

    Args:
        student: Its name in the registry.
        classes: The names, in the order of the logits.
        mean: Of each colour, in [0, 1], to be subtracted from RGB in [0, 1].
        std: Of each colour, to be divided by.
        num_frames: T, of a clip.
        size: Height and width of a clip, in pixels.
        config_hash: SHA-256 of the configuration of the run.
    """

    student: str
    classes: tuple[str, ...]
    mean: Statistics
    std: Statistics
    num_frames: int
    size: int
    config_hash: str

    def as_metadata(self) -> dict[str, str]:
        """Return it as text by name, which both formats can hold."""
        return {"format": FORMAT} | {key: json.dumps(value) for key, value in asdict(self).items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], path: Path) -> StudentCard:
        """Read what `as_metadata` gave.

        Raises:
            WeightsError: It is of another format, or damaged.
        """
        remedy = "Give a file that `cca-tools export` wrote"
        if metadata.get("format") != FORMAT:
            raise WeightsError(f"{path} is no exported student", remedy)
        try:
            values = {key: json.loads(metadata[key]) for key in cls.__dataclass_fields__}
        except (KeyError, ValueError) as error:
            raise WeightsError(f"the description in {path} is damaged: {error}", remedy) from error
        for key in ("classes", "mean", "std"):
            values[key] = tuple(values[key])
        return cls(**values)


class LoadedStudent(NamedTuple):
    """A student that was exported, in evaluation mode on the CPU, and its card."""

    student: VideoStudent
    card: StudentCard


class Export(NamedTuple):
    """What `export_student` wrote.

    Args:
        safetensors: The weights.
        onnx: The network; input ``clips``, outputs ``embedding`` and ``logits``, any batch.
        difference: The largest between their outputs on random clips, relative to the largest
            output.
    """

    safetensors: Path
    onnx: Path
    difference: float


def export_student(
    student: VideoStudent, card: StudentCard, folder: Path, *, seed: int = 0
) -> Export:
    """Write ``student.safetensors`` and ``student.onnx``, once both agree.

    The weights are loaded again and run by PyTorch, the other file by onnxruntime, both on the
    same random clips on the CPU. If an output differs by more than 1e-4 of the largest, nothing
    is written.

    Args:
        student: It keeps its mode, its device and its weights.
        card: Its description.
        folder: Where both go.
        seed: Of the random clips.

    Raises:
        WeightsError: Weights are not finite, or the files disagree.
        WorkspaceError: The folder cannot be written.
    """
    paths = folder / "student.safetensors", folder / "student.onnx"
    state = {name: x.detach().cpu().contiguous() for name, x in student.state_dict().items()}
    broken = [name for name, x in state.items() if not bool(x.isfinite().all())]
    if broken:
        raise WeightsError(
            f"{len(broken)} tensors of the student are not finite, first {broken[0]}",
            "Train again with a lower learning rate, or with gradient clipping",
        )
    with ExitStack() as stack:
        weights, network = (stack.enter_context(atomic_path(path)) for path in paths)
        save_file(state, weights, metadata=card.as_metadata())
        loaded = load_student(weights)
        _write_onnx(loaded, network)
        difference = _difference(loaded, network, seed)
        if not difference <= TOLERANCE:
            raise WeightsError(
                f"the ONNX network differs from the student by {difference:.1e}, "
                f"more than {TOLERANCE:.0e} of the largest output",
                "Nothing was written; update torch, onnx and onnxruntime",
            )
    return Export(*paths, difference)


def export_run(run: Run, folder: Path, command: str = "ccl.export") -> Export:
    """Export the best student of a run; both files get a sidecar.

    Args:
        run: With a checkpoint.
        folder: Where both go.
        command: For provenance.

    Raises:
        CcaError: As `export_student` and `Run.student` do.
    """
    data = run.config.data
    inputs = (run.folder / CONFIG, run.folder / BEST)
    card = make_card(
        run.config.student.name,
        run.classes,
        sha256_of(inputs[0]),
        (data.num_frames, data.size),
    )
    provenance = Provenance(command, {"student": card.student, "tolerance": TOLERANCE}, inputs)
    export = export_student(run.student(), card, folder)
    provenance.write(export.safetensors, export.onnx)
    return export


def load_student(path: Path | str) -> LoadedStudent:
    """Load a student from the safetensors file that `export_student` wrote.

    Raises:
        WeightsError: The file is absent, damaged, of another kind, or does not fit its student.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"no student at {path}", "Write it with `cca-tools export`")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"cannot read {path}: {error}", "Export it again") from error
    card = StudentCard.from_metadata(metadata, path)
    try:
        student = build_student(card.student, len(card.classes), seed=0)
        student.load_state_dict(state)
    except (UsageError, RuntimeError) as error:
        problem = f"the weights in {path} do not fit the student {card.student!r}: {error}"
        raise WeightsError(problem, "Export it again with this version") from error
    return LoadedStudent(student.eval(), card)


def make_card(
    name: str, classes: tuple[str, ...], config_hash: str, measures: tuple[int | None, int | None]
) -> StudentCard:
    """Return the card of a student of the registry.

    Args:
        name: Of the student.
        classes: In the order of its logits.
        config_hash: Of the run.
        measures: Frames and size of the run's clips; None for what the student is made for.
    """
    spec = student_spec(name)
    frames, size = measures
    return StudentCard(
        name,
        classes,
        spec.mean,
        spec.std,
        frames or spec.num_frames,
        size or spec.size,
        config_hash,
    )


def _random_clips(card: StudentCard, number: int, generator: torch.Generator) -> Tensor:
    """Return clips of random pixels, normalised: (number, 3, T, H, W)."""
    shape = (number, 3, card.num_frames, card.size, card.size)
    mean, std = (torch.tensor(x).view(3, 1, 1, 1) for x in (card.mean, card.std))
    return (torch.rand(shape, generator=generator) - mean) / std


def _write_onnx(loaded: LoadedStudent, path: Path) -> None:
    clips = _random_clips(loaded.card, 2, torch.Generator().manual_seed(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the exporter about itself
        program = torch.onnx.export(
            loaded.student,
            (clips,),
            dynamo=True,
            dynamic_shapes={"clips": {0: torch.export.Dim("batch")}},
            input_names=["clips"],
            output_names=list(OUTPUTS),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(model, loaded.card.as_metadata())
    onnx.save(model, path)


def _difference(loaded: LoadedStudent, network: Path, seed: int) -> float:
    generator, worst = torch.Generator().manual_seed(seed), 0.0
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    for number in _CHECKED_BATCHES:
        clips = _random_clips(loaded.card, number, generator)
        with torch.inference_mode():
            ours = loaded.student(clips)
        theirs: list[Arrays] = session.run(list(OUTPUTS), {"clips": clips.numpy()})
        for mine, other in zip(ours, theirs, strict=True):
            worst = max(worst, relative_difference(mine.numpy(), other))
    return worst


def relative_difference(reference: Arrays, other: Arrays) -> float:
    """Return the largest difference over the largest magnitude of the reference.

    An absolute bound would say nothing of outputs that are small themselves. Where shapes differ
    or something is not finite, it is infinite.

    >>> relative_difference(np.array([1.0, -4.0]), np.array([1.0, -4.2])).__round__(3)
    0.05
    """
    if reference.shape != other.shape or not np.isfinite(other - reference).all():
        return float("inf")
    largest, apart = float(np.abs(reference).max()), float(np.abs(other - reference).max())
    return apart / largest if largest > 0 else (0.0 if apart == 0 else float("inf"))
