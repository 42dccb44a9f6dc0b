"""Algorithm A: its value, and which loss trains which module."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, kl_div, normalize, softmax

from ccl.losses.ccl import ccl_objective
from ccl.losses.objective import Modality
from ccl.models.composition import Composition
from ccl.models.prediction import Prediction

TEMPERATURES = {"audio": 0.5, "image": 0.1}
WIDTHS = {"audio": 6, "image": 8}


class Study:
    """A linear student, two teachers, one of another width, and videos without audio."""

    def __init__(self, seed=0, rows=7, classes=3):
        generator = torch.Generator().manual_seed(seed)
        self.student, self.head = nn.Linear(5, 6).double(), nn.Linear(6, classes).double()
        self.compositions = {
            name: Composition(6, classes, teacher_width=width).double()
            for name, width in WIDTHS.items()
        }
        for module in (self.student, self.head, *self.compositions.values()):
            for parameter in module.parameters():
                parameter.data = torch.randn(parameter.shape, generator=generator).double() / 2
        self.inputs = torch.randn(rows, 5, generator=generator).double()
        self.targets = torch.randint(classes, (rows,), generator=generator)
        self.teachers = {
            name: torch.randn(rows, width, generator=generator).double()
            for name, width in WIDTHS.items()
        }
        self.present = {"audio": torch.rand(rows, generator=generator) > 0.3, "image": None}

    def video(self):
        embedding = self.student(self.inputs)
        return Prediction(embedding, self.head(embedding))

    def modalities(self, names):
        return [
            Modality(
                name,
                self.teachers[name],
                self.compositions[name],
                TEMPERATURES[name],
                self.present[name],
            )
            for name in names
        ]


def compose(module, teacher, video):
    projected = module.projection(teacher) if module.projection else teacher
    pair = torch.cat([normalize(projected), normalize(video)], 1)
    embedding = projected + module.residual(pair)
    return projected, embedding, module.classifier(embedding)


def student_loss(study, names, balance, naive_nce):
    video = study.video()
    loss = cross_entropy(video.logits, study.targets)
    for name in names:
        here = slice(None) if study.present[name] is None else study.present[name]
        teacher, v = study.teachers[name][here], video.embedding[here]
        logits, targets = video.logits[here], study.targets[here]
        x_a, x_av, logits_av = compose(study.compositions[name], teacher, v)
        p, q = softmax(logits, 1), softmax(logits_av, 1)
        m = ((p + q) / 2).log()
        tau = TEMPERATURES[name]
        loss = loss + balance * naive_nce(v, x_a, targets, tau)
        loss = loss + (1 - balance) * naive_nce(v, x_av, targets, tau)
        loss = loss + sum(kl_div(m, x, reduction="batchmean") for x in (p, q)) / 2
    return loss


@pytest.mark.parametrize("names", [[], ["audio"], ["image"], ["audio", "image"]])
@pytest.mark.parametrize("balance", [0.5, 0.2])
def test_each_loss_trains_the_module_that_algorithm_a_says(close, naive_nce, names, balance):
    study = Study()
    objective = ccl_objective(
        study.video(), study.targets, study.modalities(names), balance=balance
    )
    objective.total.backward()
    ours = [*study.student.parameters(), *study.head.parameters()]
    expected = torch.autograd.grad(student_loss(study, names, balance, naive_nce), ours)
    for parameter, gradient in zip(ours, expected, strict=True):
        close(parameter.grad, gradient, 1e-9)
    for name, module in study.compositions.items():
        if name not in names:
            assert all(p.grad is None for p in module.parameters())
            continue
        here = slice(None) if study.present[name] is None else study.present[name]
        video = study.video().embedding.detach()[here]
        logits = compose(module, study.teachers[name][here], video)[2]
        loss = cross_entropy(logits, study.targets[here])
        expected = torch.autograd.grad(loss, list(module.parameters()))
        for parameter, gradient in zip(module.parameters(), expected, strict=True):
            close(parameter.grad, gradient, 1e-9)
        assert objective.terms[f"{name}/ce_composed"].item() == pytest.approx(loss.item(), rel=1e-9)


def test_the_terms_add_up(naive_nce):
    study = Study(seed=1)
    names = ["audio", "image"]
    terms = ccl_objective(study.video(), study.targets, study.modalities(names), balance=0.3).terms
    total = terms["ce_video"] + sum(
        0.3 * terms[f"{name}/nce_teacher"]
        + 0.7 * terms[f"{name}/nce_composed"]
        + terms[f"{name}/jsd"]
        for name in names
    )
    expected = student_loss(study, names, 0.3, naive_nce)
    assert total.item() == pytest.approx(expected.item(), rel=1e-9)
    assert all(0 <= terms[f"{name}/jsd"] <= math.log(2) for name in names)
    assert not any(term.requires_grad for term in terms.values())


def test_no_audio_at_all_is_plain_classification(close):
    study, plain = Study(), Study()
    study.present["audio"] = torch.zeros(7, dtype=torch.bool)
    study.teachers["audio"] = torch.full((7, 6), math.nan).double()
    objective = ccl_objective(study.video(), study.targets, study.modalities(["audio"]))
    objective.total.backward()
    cross_entropy(plain.video().logits, plain.targets).backward()
    close(study.student.weight.grad, plain.student.weight.grad, 1e-12)
    for parameter in study.compositions["audio"].parameters():
        assert parameter.grad.abs().sum() == 0
    assert (int(objective.counts["audio/rows"]), int(objective.counts["audio/absent"])) == (0, 7)


@pytest.mark.parametrize("rows", [1, 6])
@pytest.mark.parametrize("autocast", [False, True])
def test_small_and_half_batches_are_finite(rows, autocast):
    composition = Composition(4, 3)
    video = [torch.randn(rows, 4).bfloat16().requires_grad_() for _ in range(2)]
    prediction = Prediction(video[0], video[1][:, :3])
    modality = Modality("audio", torch.zeros(rows, 4), composition, 0.1)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        objective = ccl_objective(prediction, torch.zeros(rows, dtype=torch.long), [modality])
    objective.total.backward()
    assert objective.total.isfinite()
    assert all(x.grad.isfinite().all() for x in (*video, *composition.parameters()))
    assert objective.counts["audio/zero_vectors"] == rows
    assert objective.counts["audio/rows_without_negatives"] == rows
