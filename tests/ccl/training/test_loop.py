"""The loop: it learns, notes what it saw, and knows when to end."""

import dataclasses
import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from training_studies import make_study

from cca_tools.errors import UsageError
from cca_tools.workspace import Workspace
from ccl.methods.base import Setup
from ccl.methods.registry import METHODS, build_method
from ccl.methods.settings import MethodSettings
from ccl.training import loop
from ccl.training.checkpoint import read_checkpoint
from ccl.training.config import OptimSettings
from ccl.training.configure import configure
from ccl.training.curves import draw_curves
from ccl.training.job import step_seed
from ccl.training.loop import DivergedError
from ccl.training.optimiser import build_optimiser, clip_gradients
from ccl.training.run import Run
from ccl.training.schedule import lr_factor
from ccl.training.train import Options, train


def run(tmp_path, study, method="baseline", distill=(), **values):
    given = {"method.name": method, "data.distill": distill, "data.batch_size": 6, "data.size": 32}
    config = configure(preset_name="demo", values=given | values)
    options = Options(progress=False, device="cpu")
    return train(config, Workspace(tmp_path), folder=tmp_path / "run", study=study, options=options)


@pytest.mark.parametrize(("method", "distill"), [("baseline", ()), ("ccl", ("audio",))])
def test_it_learns(tmp_path, method, distill):
    """Four orientations, chance 25 %: accuracy, retrieval and losses after a few seconds."""
    study = make_study(classes=4, per_class=(9, 2, 8), noise=25.0, audio=distill and "own")
    values = {"optim.epochs": 12, "data.batch_size": 12, "data.clips_per_video": 1}
    summary = run(tmp_path, study, method, distill, **values | {"data.sampling": "balanced"})
    assert summary.state == "done"
    epochs = Run.open(summary.folder).metrics()
    for term in {"ce_video", "audio/ce_composed", "audio/nce_composed"} & set(epochs[0]["terms"]):
        losses = [epoch["terms"][term] for epoch in epochs]
        assert np.mean(losses[-3:]) < 0.9 * losses[0], term
    assert np.mean([epoch["terms"]["ce_video"] for epoch in epochs[-3:]]) < 0.7
    assert summary.metrics["top1"] > 0.6
    assert summary.metrics["r1"] > 0.5
    assert summary.val_top1 == max(epoch["val"]["top1"] for epoch in epochs)


@pytest.mark.parametrize("method", ["ccl", "crd", "kd", "ccl-released"])
def test_terms_and_counts_of_every_epoch_are_written_down(tmp_path, method):
    study = make_study(audio="own", absent=0.4)
    absent = int((~study.teachers["audio"].present[study.train.rows]).sum())
    assert absent > 0
    summary = run(tmp_path, study, method, ("audio",), **{"optim.epochs": 2})
    epochs = Run.open(summary.folder).metrics()
    assert [epoch["epoch"] for epoch in epochs] == [0, 1]
    for epoch in epochs:
        assert {term.rpartition("/")[2] for term in epoch["terms"]} <= {
            *METHODS[method].routing, "student_total",
        }  # fmt: skip
        counts = epoch["counts"]
        assert counts["rows"] == counts["audio/rows"] + counts["audio/absent"] == 18
        assert counts["audio/absent"] == absent
    assert summary.counts == epochs[-1]["counts"]
    events = EventAccumulator(str(summary.folder / "tb"))
    events.Reload()
    for term, value in epochs[1]["terms"].items():
        logged = events.Scalars(f"loss/{term}")
        assert [event.step for event in logged] == [0, 1]
        assert logged[1].value == pytest.approx(value, rel=1e-6)


def test_a_class_without_partners_is_counted(tmp_path):
    """One video of a class: its row has no positive, in each epoch."""
    study = make_study(classes=3, per_class=(4, 0, 2), audio="own")
    kept = np.r_[0:9]  # four, four and one
    table = study.train
    table = type(table)(
        *(
            getattr(table, f.name)[:9] if isinstance(getattr(table, f.name), tuple)
            else getattr(table, f.name)[kept]
            for f in dataclasses.fields(table)
        )
    )  # fmt: skip
    study = dataclasses.replace(study, train=table)
    values = {"optim.epochs": 1, "data.batch_size": 9}
    counts = run(tmp_path, study, "labels-only", **values).counts
    assert counts["rows_without_positives"] == 1


def test_without_validation_the_last_epoch_is_kept(tmp_path):
    study = make_study(per_class=(5, 0, 2))
    summary = run(tmp_path, study, **{"optim.epochs": 3})
    assert (summary.val_top1, summary.best_epoch) == (None, 2)
    last = read_checkpoint(summary.folder / "last.pt")["student"]
    best = read_checkpoint(summary.folder / "best.pt")
    assert best["epoch"] == 2
    assert all(torch.equal(value, best["student"][name]) for name, value in last.items())


def test_patience_ends_a_run_and_the_best_epoch_stays(tmp_path, monkeypatch):
    accuracies = iter([0.5, 0.6, 0.6, 0.55, 0.9])
    monkeypatch.setattr(
        loop, "validate", lambda job: {"top1": next(accuracies), "top5": 1.0, "loss": 1.0}
    )
    summary = run(tmp_path, make_study(), **{"optim.epochs": 5, "run.patience": 2})
    assert (summary.state, summary.epochs, summary.best_epoch) == ("early", 4, 1)
    assert read_checkpoint(summary.folder / "best.pt")["epoch"] == 1
    assert run(tmp_path, make_study(), **{"optim.epochs": 5, "run.patience": 2}).state == "early"


def test_patience_without_validation_is_refused(tmp_path):
    study = make_study(per_class=(5, 0, 2))
    with pytest.raises(UsageError, match="patience 2 needs validation videos"):
        run(tmp_path, study, **{"run.patience": 2})


def test_equal_accuracies_are_decided_by_the_loss(tmp_path, monkeypatch):
    found = iter([(0.5, 1.0), (0.5, 0.8), (0.5, 0.9)])
    monkeypatch.setattr(
        loop, "validate", lambda job: dict(zip(("top1", "loss"), next(found), strict=True))
    )
    assert run(tmp_path, make_study(), **{"optim.epochs": 3}).best_epoch == 1


def test_a_loss_that_is_not_finite_is_named_and_the_checkpoint_is_from_before(tmp_path):
    study = make_study(audio="own")
    values = {"optim.epochs": 3, "run.checkpoint_seconds": 0}
    spoilt = dataclasses.replace(study.teachers["audio"])
    broken = dataclasses.replace(study, teachers={"audio": spoilt})
    spoilt.values[study.train.rows[3]] = np.nan
    with pytest.raises(DivergedError, match=r"audio/nce_teacher is not finite in epoch 1, step"):
        run(tmp_path, broken, "ccl", ("audio",), **values)
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    assert status["state"] == "failed"
    assert "audio/nce_teacher" in status["reason"]
    if (tmp_path / "run" / "last.pt").exists():
        state = read_checkpoint(tmp_path / "run" / "last.pt")
        assert all(value.isfinite().all() for value in state["student"].values())


def test_parameters_that_are_not_finite_are_never_saved(tmp_path):
    values = {"optim.epochs": 3, "optim.lr": 1e38, "run.checkpoint_seconds": 0}
    with pytest.raises(DivergedError, match=r"not finite.*--lr"):
        run(tmp_path, make_study(), **values | {"optim.warmup_epochs": 0})
    path = tmp_path / "run" / "last.pt"
    assert not path.exists() or all(
        value.isfinite().all() for value in read_checkpoint(path)["student"].values()
    )


def test_bf16_is_refused_on_a_cpu(tmp_path):
    with pytest.raises(UsageError, match=r"bf16 is for GPUs.*--precision fp32"):
        run(tmp_path, make_study(), **{"run.precision": "bf16"})


def test_images_are_distilled_from_a_teacher_asked_for_by_name(tmp_path):
    values = {"optim.epochs": 1, "data.image_teacher": "resnet34-random", "data.batch_size": 3}
    summary = run(tmp_path, make_study(per_class=(2, 0, 1)), "ccl", ("image",), **values)
    assert "image/jsd" in Run.open(summary.folder).metrics()[0]["terms"]


@pytest.mark.parametrize("name", ["gpu", "cuda:77"])
def test_a_device_that_is_not_there(tmp_path, name):
    config = configure(preset_name="demo", values={"method.name": "baseline"})
    with pytest.raises(UsageError, match=f"cannot compute on '{name}'"):
        train(config, Workspace(tmp_path), study=make_study(), options=Options(device=name))


def test_kinetics_weights_that_are_not_published(tmp_path):
    with pytest.raises(UsageError, match="no Kinetics weights of tiny"):
        run(tmp_path, make_study(), **{"student.weights": "kinetics"})


def test_the_caller_keeps_its_random_numbers(tmp_path):
    before = torch.get_rng_state()
    run(tmp_path, make_study(), **{"optim.epochs": 1})
    assert torch.equal(before, torch.get_rng_state())


def test_the_rate_follows_the_schedule(tmp_path):
    values = {"optim.epochs": 4, "optim.schedule": "cosine", "optim.warmup_epochs": 0}
    summary = run(tmp_path, make_study(), **values)
    rates = [epoch["lr"] for epoch in Run.open(summary.folder).metrics()]
    # the last of three steps in each of four epochs
    expected = [0.02 * (1 + np.cos(np.pi * (e + 2 / 3) / 4)) / 2 for e in range(4)]
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "steps"])
def test_schedules_stay_between_zero_and_one(schedule):
    settings = OptimSettings(
        epochs=20, schedule=schedule, warmup_epochs=2.5, milestones=(5, 12), gamma=0.3
    )
    factors = [lr_factor(settings, e) for e in np.linspace(0, 20, 201)]
    assert 0 <= min(factors) <= max(factors) == 1
    assert all(b <= a for a, b in pairwise(factors[26:]))
    assert factors[0] == 0


def test_each_group_is_clipped_by_itself():
    setup = Setup(4, torch.arange(2), 2, {"audio": 4}, {}, seed=0)
    student, method = nn.Linear(2, 4), build_method(MethodSettings("ccl"), setup)
    optimiser = build_optimiser(student, method, OptimSettings())
    for parameter in student.parameters():
        parameter.grad = torch.full_like(parameter, 100.0)
    for parameter in method.parameters():
        parameter.grad = torch.full_like(parameter, 1e-3)
    clip_gradients(optimiser, 1.0)
    norms = [
        torch.stack([p.grad.norm() for p in group["params"]]).norm().item()
        for group in optimiser.param_groups
    ]
    small = 1e-3 * sum(p.numel() for p in method.parameters()) ** 0.5
    assert norms == pytest.approx([1.0, small], rel=1e-4)


def test_steps_have_seeds_of_their_own():
    seeds = {step_seed(s, e, i) for s in range(3) for e in range(10) for i in range(10)}
    assert len(seeds) == 300
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_curves_show_each_term_and_chance():
    epochs = [
        {"epoch": e, "terms": {"ce_video": 1 / (e + 1), "audio/jsd": 0.1}, "train_top1": e / 5,
         "val": {"top1": e / 6}}
        for e in range(4)
    ]  # fmt: skip
    losses, accuracy = draw_curves(epochs, "a $run", 0.2).axes
    named = {line.get_label(): line for line in (*losses.lines, *accuracy.lines)}
    assert set(named) == {
        "ce_video", "audio/jsd", "training clips", "validation videos", "chance",
    }  # fmt: skip
    assert list(named["ce_video"].get_ydata()) == [1, 1 / 2, 1 / 3, 1 / 4]
    assert list(named["validation videos"].get_xdata()) == [1, 2, 3, 4]
    assert set(named["chance"].get_ydata()) == {0.2}
