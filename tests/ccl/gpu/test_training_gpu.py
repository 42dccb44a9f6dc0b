"""What must hold on a GPU; skipped where there is none."""

import json

import pytest
import torch
from training_studies import make_study

from benchmarks.train_step import CLASSES, SIDES, make_batch, our_step, released_step
from cca_tools.workspace import Workspace
from ccl.methods.base import Given, Setup
from ccl.methods.registry import METHODS, build_method
from ccl.methods.settings import MethodSettings
from ccl.models.prediction import Prediction
from ccl.models.registry import build_student, student_spec
from ccl.training.configure import configure
from ccl.training.job import products
from ccl.training.run import Run
from ccl.training.train import Options, train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is at hand")
CASES = [(name, ("audio", "image") if spec.distils else ()) for name, spec in METHODS.items()]


@pytest.mark.parametrize(("name", "modalities"), CASES)
def test_methods_give_on_a_gpu_what_they_give_on_a_cpu(name, modalities):
    """Terms and gradients in float32 without TF32, from the same state and the same negatives."""
    rows, width, classes = 12, 16, 4
    generator = torch.Generator().manual_seed(0)
    vectors = {m: torch.randn(rows, 8, generator=generator) for m in modalities}
    inputs = [torch.randn(rows, n, generator=generator) for n in (width, classes)]
    present = {"audio": torch.arange(rows) % 5 > 0} if modalities else {}
    targets = torch.arange(rows) % classes
    found = []
    for device in ("cpu", "cuda"):
        setup = Setup(width, targets, classes, dict.fromkeys(modalities, 8), present, seed=0)
        method = build_method(MethodSettings(name), setup).to(device)
        if name in ("crd", "cmc"):  # negatives are drawn on the device: draw them here instead
            fixed = torch.arange(rows).flip(0).repeat(rows, 1).to(device)
            samplers = method.negatives.values() if name == "crd" else [method.negatives]
            for sampler in samplers:
                sampler.draw = lambda *_, chosen=fixed: chosen
        embedding, logits = (x.to(device).requires_grad_() for x in inputs)
        given = Given(
            targets.to(device),
            torch.arange(rows, device=device),
            {m: x.to(device) for m, x in vectors.items()},
            {m: x.to(device) for m, x in present.items()},
        )
        with products("fp32"):
            objective = method.objective(
                Prediction(embedding, logits), given, torch.Generator(device)
            )
            objective.total.backward()
        grads = [embedding.grad, logits.grad, *(p.grad for p in method.parameters())]
        found.append((objective, [g.cpu() for g in grads if g is not None]))
    (cpu, cpu_grads), (gpu, gpu_grads) = found
    for term, value in cpu.terms.items():
        assert gpu.terms[term].item() == pytest.approx(value.item(), rel=1e-4, abs=1e-6)
    assert {k: int(v) for k, v in cpu.counts.items()} == {k: int(v) for k, v in gpu.counts.items()}
    for a, b in zip(cpu_grads, gpu_grads, strict=True):
        assert (a - b).abs().max() <= 1e-4 * a.abs().max() + 1e-7


@pytest.mark.parametrize("name", ["tiny", "r2plus1d-ccl"])
def test_a_student_says_on_a_gpu_what_it_says_on_a_cpu(name):
    spec = student_spec(name)
    student = build_student(name, 5, seed=0).eval()
    clips = torch.randn(2, 3, spec.num_frames, spec.size, spec.size)
    with torch.no_grad(), products("fp32"):
        here = student(clips)
        there = student.cuda()(clips.cuda())
    for a, b in zip(here, there, strict=True):
        assert (a - b.cpu()).abs().max() <= 1e-4 * a.abs().max()


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
@pytest.mark.parametrize("layout", [False, True])
def test_a_run_learns_in_every_precision(tmp_path, precision, layout):
    values = {
        "method.name": "ccl", "data.distill": ("audio",), "data.size": 32, "optim.epochs": 15,
        "data.batch_size": 8, "run.precision": precision, "run.channels_last": layout,
        "data.cache": "device",
    }  # fmt: skip
    study = make_study(classes=4, per_class=(10, 3, 8), noise=25.0, audio="own", absent=0.2)
    summary = train(
        configure(preset_name="demo", values=values),
        Workspace(tmp_path),
        study=study,
        options=Options(progress=False, device="cuda"),
    )
    assert summary.metrics["top1"] > 0.6  # chance is 0.25
    epochs = Run.open(summary.folder).metrics()
    assert epochs[-1]["terms"]["ce_video"] < 0.5 * epochs[0]["terms"]["ce_video"]
    assert json.loads((summary.folder / "evaluation.json").read_text())["sizes"]["videos"] == 32


def test_a_run_goes_on_from_the_step_where_it_stopped(tmp_path):
    """Not bit for bit on a GPU, where sums have no fixed order, but from the same place."""
    values = {"method.name": "baseline", "data.size": 32, "optim.epochs": 2}
    config = configure(preset_name="demo", values=values)
    study, workspace = make_study(), Workspace(tmp_path)
    options = Options(progress=False, device="cuda")
    assert train(config, workspace, study=study, options=options).state == "done"
    assert train(config, workspace, study=study, options=options).epochs == 2


@pytest.mark.parametrize("side", SIDES)
def test_steps_of_the_benchmark_stay_finite(side):
    device = torch.device("cuda")
    batch = make_batch(16, "r2plus1d-ccl", ("audio",), device)
    step = (
        released_step(batch, "r2plus1d-ccl", device)
        if side == "released form"
        else our_step(SIDES[side], batch, "r2plus1d-ccl", device)
    )
    for _ in range(3):
        step()
    torch.cuda.synchronize()
    assert CLASSES == 51
