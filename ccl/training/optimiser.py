"""The optimiser: SGD with a group of parameters for the student and for each method module."""

from __future__ import annotations

from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD

from ccl.methods.base import Method
from ccl.training.config import OptimSettings
from ccl.training.schedule import lr_factor

STUDENT = "student"


def build_optimiser(student: nn.Module, method: Method, settings: OptimSettings) -> SGD:
    """Return SGD over the student and the method's modules.

    SGD treats each parameter by itself, so that groups of one optimiser do what the published
    code's three optimisers do; they differ in rate where the schedule is the student's alone.
    """
    groups = [{"name": STUDENT, "params": list(student.parameters())}]
    for name, module in method.named_children():
        parameters = list(module.parameters())
        if parameters:
            groups.append({"name": name, "params": parameters})
    return SGD(
        groups,
        lr=settings.lr,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )


def set_lr(optimiser: SGD, settings: OptimSettings, epoch: float) -> float:
    """Set each group's learning rate for this moment, and return the student's.

    Args:
        optimiser: From ``build_optimiser``.
        settings: See there.
        epoch: Epochs done, with the part of the present one.
    """
    rate = settings.lr * lr_factor(settings, epoch)
    for group in optimiser.param_groups:
        follows = group["name"] == STUDENT or settings.scheduled == "all"
        group["lr"] = rate if follows else settings.lr
    return rate


def clip_gradients(optimiser: SGD, clip_norm: float | None) -> None:
    """Shorten the gradient of each group to ``clip_norm`` where it is longer."""
    if clip_norm is not None:
        for group in optimiser.param_groups:
            clip_grad_norm_(group["params"], clip_norm)
