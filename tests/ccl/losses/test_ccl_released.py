"""One training step of the published code: its losses, and every parameter afterwards."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize, softmax

from ccl.losses.ccl_released import ccl_released_objective
from ccl.losses.objective import Modality
from ccl.models.composition import Composition
from ccl.models.prediction import Prediction

NAMES = {"residual": "mlp", "classifier": "fc"}
TEMPERATURES = {"audio": 0.5, "image": 0.1}
MODES = {"step_A": ["audio"], "step_I": ["image"], "step_AI": ["audio", "image"]}


class Step:
    """The networks of an entry, its inputs, and an optimiser for each network."""

    def __init__(self, entry, dtype=torch.float32):
        self.inputs = {name: entry[name].to(dtype) for name in ("inputs", "audio", "image")}
        self.targets = entry["targets"]
        self.modules = {
            "student": nn.Linear(20, 32),
            "head": nn.Linear(32, 5),
            "compose_audio": Composition(32, 5),
            "compose_image": Composition(32, 5),
        }
        for name, parameter in self.parameters():
            parameter.data = entry[f"before/{self.golden_name(name)}"].to(dtype)
        groups = (["student", "head"], ["compose_audio"], ["compose_image"])
        self.optimisers = [
            torch.optim.SGD(
                [p for name in group for p in self.modules[name].parameters()],
                lr=0.1,
                momentum=0.9,
                weight_decay=5e-4,
            )
            for group in groups
        ]

    def parameters(self):
        return [
            (f"{name}/{inner}", parameter)
            for name, module in self.modules.items()
            for inner, parameter in module.named_parameters()
        ]

    @staticmethod
    def golden_name(name):
        for ours, theirs in NAMES.items():
            name = name.replace(ours, theirs)
        return name

    def video(self):
        embedding = self.modules["student"](self.inputs["inputs"])
        return Prediction(embedding, self.modules["head"](embedding))

    def modality(self, name):
        present = self.inputs["audio"].abs().sum(1) > 0 if name == "audio" else None
        composition = self.modules[f"compose_{name}"]
        return Modality(name, self.inputs[name], composition, TEMPERATURES[name], present)

    def update(self):
        for optimiser in self.optimisers:
            optimiser.step()


def take(step, modes):
    objective = ccl_released_objective(
        step.video(), step.targets, [step.modality(name) for name in modes]
    )
    objective.total.backward()
    step.update()
    return objective


@pytest.mark.parametrize("mode", MODES)
def test_the_authors_step(released, close, mode):
    entry = released.below(mode)
    step = Step(entry)
    objective = take(step, MODES[mode])
    names = {"ce_video": "ce_video", "student_total": "student_total"}
    for name in MODES[mode]:
        ours = {"contrast": "contrast", "divergence": "jsd", "ce_composed": "ce"}
        names |= {f"{name}/{term}": f"{theirs}_{name}" for term, theirs in ours.items()}
    assert set(objective.terms) == set(names)
    for ours, theirs in names.items():
        assert objective.terms[ours].item() == pytest.approx(
            entry[f"loss_{theirs}"].item(), rel=1e-5
        ), ours
    for name, parameter in step.parameters():
        close(parameter, entry[f"after/{step.golden_name(name)}"])


def literal(step, modes, naive_nce):
    """The published procedure as its description has it: one backward pass an objective."""

    def both(a, b, targets, tau):
        return naive_nce(a, b, targets, tau) + naive_nce(b, a, targets, tau)

    def symmetric_kl(p_logits, q_logits):
        p, q = softmax(p_logits, 1), softmax(q_logits, 1)
        return ((p * (p / q).log()).sum(1) + (q * (q / p).log()).sum(1)).mean()

    video, weight = step.video(), 0.5 if len(modes) == 2 else 1.0
    total = cross_entropy(video.logits, step.targets)
    for name in modes:
        rows = step.inputs[name].abs().sum(1) > 0
        t, v, k, tau = (
            step.inputs[name][rows],
            video.embedding[rows],
            step.targets[rows],
            TEMPERATURES[name],
        )
        module = step.modules[f"compose_{name}"]
        m = t + module.residual(torch.cat([normalize(t), normalize(v)], 1))
        logits = module.classifier(m)
        divergence = 0.5 * symmetric_kl(video.logits[rows], logits)
        with_video = both(v, m, k, tau)
        own = cross_entropy(logits, k) + with_video + both(m, t, k, tau) + divergence
        own.backward(retain_graph=True)
        total = total + weight * (with_video + both(v, t, k, tau) + divergence)
    step.modules["student"].zero_grad()
    step.modules["head"].zero_grad()
    total.backward()
    step.update()
    return total


@pytest.mark.parametrize("mode", MODES)
def test_the_same_procedure_by_loops_in_double(released, close, naive_nce, mode):
    entry = released.below(mode)
    ours, theirs = Step(entry, torch.float64), Step(entry, torch.float64)
    objective = take(ours, MODES[mode])
    total = literal(theirs, MODES[mode], naive_nce)
    assert objective.terms["student_total"].item() == pytest.approx(total.item(), rel=1e-9)
    for (_, a), (_, b) in zip(ours.parameters(), theirs.parameters(), strict=True):
        close(a, b.detach(), 1e-9)


def test_counts_name_the_video_without_audio(released):
    step = Step(released.below("step_AI"))
    counts = take(step, ["audio", "image"]).counts
    assert (int(counts["rows"]), int(counts["audio/rows"]), int(counts["audio/absent"])) == (
        12,
        11,
        1,
    )
    assert (int(counts["image/rows"]), int(counts["image/absent"])) == (12, 0)
