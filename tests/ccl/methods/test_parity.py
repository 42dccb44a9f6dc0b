"""One step of the published code through the method and the optimiser of the trainer."""

import pytest
import torch
from torch import Generator, nn

from ccl.methods.base import Given, Setup
from ccl.methods.registry import build_method
from ccl.methods.settings import MethodSettings
from ccl.models.prediction import Prediction
from ccl.training.config import OptimSettings
from ccl.training.optimiser import build_optimiser, set_lr

MODES = {"step_A": ["audio"], "step_I": ["image"], "step_AI": ["audio", "image"]}
OURS = {"residual": "mlp", "classifier": "fc"}
OPTIM = OptimSettings(lr=0.1, momentum=0.9, weight_decay=5e-4, schedule="constant")


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.student, self.head = nn.Linear(20, 32), nn.Linear(32, 5)

    def forward(self, x):
        embedding = self.student(x)
        return Prediction(embedding, self.head(embedding))


def named(student, method):
    """Our parameters by their names in the reference file."""
    found = {name.replace(".", "/"): p for name, p in student.named_parameters()}
    for modality, composition in method.compositions.items():
        for name, p in composition.named_parameters():
            layer, kind = name.split(".")
            found[f"compose_{modality}/{OURS[layer]}.{kind}"] = p
    return found


@pytest.mark.parametrize("mode", MODES)
def test_every_parameter_after_the_step(released, close, mode):
    entry, modalities = released.below(mode), MODES[mode]
    targets = entry["targets"]
    present = {"audio": entry["audio"].abs().sum(1) > 0} if "audio" in modalities else {}
    setup = Setup(32, targets, 5, dict.fromkeys(modalities, 32), present, seed=0)
    student, method = Student(), build_method(MethodSettings("ccl-released"), setup)
    parameters = named(student, method)
    for name, parameter in parameters.items():
        parameter.data = entry[f"before/{name}"]
    optimiser = build_optimiser(student, method, OPTIM)
    assert [group["name"] for group in optimiser.param_groups] == ["student", "compositions"]
    assert set_lr(optimiser, OPTIM, 0.0) == 0.1
    teachers = {name: entry[name] for name in modalities}
    given = Given(targets, torch.arange(12), teachers, present)
    objective = method.objective(student(entry["inputs"]), given, Generator())
    objective.total.backward()
    optimiser.step()
    assert objective.terms["ce_video"].item() == pytest.approx(
        entry["loss_ce_video"].item(), rel=1e-5
    )
    assert len(parameters) == 4 + 4 * len(modalities)
    for name, parameter in parameters.items():
        close(parameter, entry[f"after/{name}"])


def test_the_rate_of_compositions_stays_where_only_the_student_is_scheduled():
    setup = Setup(32, torch.arange(5), 5, {"audio": 32}, {}, seed=0)
    student, method = Student(), build_method(MethodSettings("ccl-released"), setup)
    settings = OptimSettings(
        epochs=300, lr=1e-3, schedule="steps", milestones=(150, 225), scheduled="student"
    )
    optimiser = build_optimiser(student, method, settings)
    assert set_lr(optimiser, settings, 230.5) == pytest.approx(1e-5)
    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([1e-5, 1e-3])
