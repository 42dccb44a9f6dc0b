"""What one of several processes does in the tests of ranks: ``training_worker.py TASK OUT ...``."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from training_studies import make_study

from cca_tools.workspace import Workspace
from ccl.methods.registry import METHODS
from ccl.training.batch_norm import gathered_batch_norm
from ccl.training.configure import configure
from ccl.training.job import ImageTeacher, Job, build_job, step_seed
from ccl.training.ranks import joined
from ccl.training.totals import Totals
from ccl.training.train import Options, train

KILLED_AT = 7  # 13 videos in batches of 4: the third step of the second epoch
DOUBLE = [(name, "audio,image" if spec.distils else "") for name, spec in METHODS.items()]
SINGLE = [("baseline", ""), ("ccl", "audio"), ("ccl-released", "audio"), ("crd", "audio")]
WHOLE = {"optim.clip_norm": None}  # a gradient that is shortened hides its scale
STUDY = {"classes": 3, "per_class": (5, 2, 3), "audio": "own", "absent": 0.3}


def study_of_13():
    study = make_study(**STUDY)
    for name, count in (("train", 13), ("val", 5), ("test", 7)):
        table = getattr(study, name)
        kept = type(table)(*(getattr(table, f)[:count] for f in table.__dataclass_fields__))
        object.__setattr__(study, name, kept)
    return study


def config_for(method, distill, **more):
    values = {
        "method.name": method,
        "data.distill": distill.split(",") if distill else [],
        "data.batch_size": 5,
        "data.size": 32,
        "data.sampling": "shuffled",
        "optim.epochs": 2,
        "optim.clip_norm": 5.0,
        "optim.lr": 1e-4,  # so that rounding does not grow over the steps
    }
    return configure(preset_name="demo", values=values | more)


def parts(out):
    """One step of every method, an epoch's gradients of some, and batch norms."""
    with joined(torch.device("cpu")) as ranks:
        found = {f"double {m}": one_step(ranks, m, d) for m, d in DOUBLE}
        found |= {f"single {m}": gradients(ranks, m, d) for m, d in SINGLE}
        found |= {f"norm {rows}": norm(ranks, rows) for rows in (3, 2)}
        if ranks.is_first:
            torch.save(found, out)


def one_step(ranks, method, distill):
    """Its gradients, and parameters, buffers and totals after it, in double."""
    config = config_for(method, distill, **WHOLE)
    teacher = None
    if "image" in distill:
        teacher = ImageTeacher(lambda x: x.mean(dim=(2, 3)), 3)
    job = build_job(config, study_of_13(), ranks, teacher)
    totals, generator = Totals(), torch.Generator()
    generator.manual_seed(step_seed(0, 0, 0))
    job.student.double()
    job.method.double()
    batch = next(job.batches.epoch(0))
    teachers = {name: x.double() for name, x in batch.teachers.items()}
    frames = None if batch.frames is None else batch.frames.double()
    batch = replace(batch, clips=batch.clips.double(), teachers=teachers, frames=frames)
    job.step(batch, generator, totals)
    found = {f"total/{name}": value for name, value in totals.values.items()}
    for prefix, module in (("", job.student), ("method/", job.method)):
        for name, parameter in module.named_parameters():
            found[f"gradient/{prefix}{name}"] = parameter.grad
            found[f"parameter/{prefix}{name}"] = parameter.detach()
        for name, buffer in module.named_buffers():
            if buffer.is_floating_point():
                found[f"running/{prefix}{name}"] = buffer.double().nan_to_num()
    return found


def gradients(ranks, method, distill):
    """Those of each step of an epoch, of 5, 4 and 4 rows, in float32; no step is taken."""
    job = build_job(config_for(method, distill, **WHOLE), study_of_13(), ranks)
    for group in job.optimiser.param_groups:
        group["lr"] = 0.0
    found, totals, generator = {}, Totals(), torch.Generator()
    for step, batch in enumerate(job.batches.epoch(0)):
        generator.manual_seed(step_seed(0, 0, step))
        job.step(batch, generator, totals)
        for name, module in (("student", job.student), ("method", job.method)):
            for key, parameter in module.named_parameters():
                found[f"{step}/{name}.{key}"] = parameter.grad
    return found | {f"total/{name}": value for name, value in totals.values.items()}


def run(out, folder):
    """A run of two epochs with its evaluation."""
    config = config_for("ccl", "audio")
    options = Options(progress=False, device="cpu")
    workspace = Workspace(Path(folder).parent)
    train(config, workspace, folder=Path(folder), study=study_of_13(), options=options)
    torch.save({"done": torch.tensor(1)}, out)


def norm(ranks, first):
    """Batch norm of three rows, of which the first rank has ``first``; what it finds for those."""
    generator = torch.Generator().manual_seed(0)
    everything = 5 + 3 * torch.randn(3, 4, 2, 3, 3, generator=generator)
    pull = torch.randn(everything.shape, generator=generator)
    shown = slice(0, first)
    mine = slice(0, 3) if ranks.world == 1 else shown if ranks.is_first else slice(first, 3)
    x = everything[mine].requires_grad_()
    layer = nn.BatchNorm3d(4)
    layer = gathered_batch_norm(layer) if ranks.world > 1 else layer
    layer.weight.data, layer.bias.data = torch.arange(1.0, 5), torch.arange(4.0)
    y = layer.train()(x)
    (y * pull[mine]).sum().backward()
    for parameter in layer.parameters():
        parameter.grad *= ranks.world  # as that of an objective which every rank computes
    ranks.average_gradients([*layer.parameters()])
    found = {"y": y.detach()[shown], "x": x.grad[shown]}
    found |= {"weight": layer.weight.grad, "bias": layer.bias.grad}
    return found | {"mean": layer.running_mean, "variance": layer.running_var}


def killed(out, folder):
    """A run that kills itself in the middle of its second epoch, in the middle of a step."""
    whole, calls = Job.step, []

    def step(job, *args):
        calls.append(1)
        if len(calls) == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)
        whole(job, *args)

    Job.step = step
    resumable(Path(folder))


def resumable(folder, **more):
    """A short run with all kinds of state; it saves after every step."""
    values = {"data.batch_size": 4, "optim.epochs": 3, "run.checkpoint_seconds": 0} | more
    config = config_for("crd", "audio", **values)
    options = Options(progress=False, device="cpu")
    return train(
        config, Workspace(folder.parent), folder=folder, study=study_of_13(), options=options
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"parts": parts, "run": run, "killed": killed}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
