"""A small training set with two teachers, and a student of two linear layers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Generator, nn

from ccl.methods.base import Given, Setup
from ccl.models.prediction import Prediction

VIDEOS, CLASSES, WIDTH = 12, 3, 6
TEACHERS = {"audio": 5, "image": 7}


class Student(nn.Module):
    """What every student is, over plain vectors."""

    def __init__(self, inputs=4, width=WIDTH, classes=CLASSES):
        super().__init__()
        self.backbone = nn.Linear(inputs, width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        embedding = self.backbone(x)
        return Prediction(embedding, self.classifier(embedding))


@dataclass
class Case:
    student: Student
    inputs: torch.Tensor
    setup: Setup
    given: Given

    def video(self):
        return self.student(self.inputs)


@pytest.fixture
def make_case():
    def make(modalities=(), *, rows=8, seed=0, present=True):
        generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            student = Student()
        targets = torch.arange(VIDEOS) % CLASSES
        here = torch.rand(VIDEOS, generator=generator) < 0.8
        here[:CLASSES] = True
        having = {"audio": here if present else torch.zeros_like(here)}
        vectors = {
            name: torch.randn(VIDEOS, width, generator=generator)
            for name, width in TEACHERS.items()
        }
        index = torch.randperm(VIDEOS, generator=generator)[:rows]
        chosen = {name: having[name] for name in modalities if name in having}
        return Case(
            student,
            torch.randn(rows, 4, generator=generator),
            Setup(WIDTH, targets, CLASSES, {m: TEACHERS[m] for m in modalities}, chosen, seed=7),
            Given(
                targets[index],
                index,
                {m: vectors[m][index] for m in modalities},
                {m: mask[index] for m, mask in chosen.items()},
            ),
        )

    return make


@pytest.fixture
def draws():
    return lambda seed=0: Generator().manual_seed(seed)
