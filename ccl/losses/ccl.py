"""The objective of Compositional Contrastive Learning, as printed in Algorithm A."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor

from ccl.losses.cross_entropy import cross_entropy
from ccl.losses.jsd import jensen_shannon
from ccl.losses.nce import multi_class_nce
from ccl.losses.objective import Modality, Objective, named
from ccl.models.prediction import Prediction
from ccl.numerics import keep_rows

NO_WEIGHTS: Mapping[str, float] = MappingProxyType({})


def ccl_objective(
    video: Prediction,
    targets: Tensor,
    modalities: Sequence[Modality],
    *,
    balance: float = 0.5,
    weights: Mapping[str, float] = NO_WEIGHTS,
) -> Objective:
    r"""Combine classification and distillation, so that each loss trains the module it should.

    The student alone gets :math:`L_v = CE(x_v) + \sum_m L_m`, with, for teacher m and its
    composition mv, :math:`L_m = \lambda NCE(x_v, x_m) + (1 - \lambda) NCE(x_v, x_{mv}) +
    JSD(P_v \Vert P_{mv})`; the composition alone gets :math:`CE(x_{mv})`. The student's gradient
    also runs through x_mv, which depends on it, with the composition's parameters held fixed.

    Source: CCL (CVPR 2021), supplement, Algorithm A. It gives no temperatures.

    Args:
        video: The student's output for B videos.
        targets: (B,), integer classes.
        modalities: The teachers that take part; none leaves plain classification.
        balance: lambda, from 0 to 1.
        weights: Factors of the terms ``ce_video``, ``nce_teacher``, ``nce_composed``, ``jsd``
            and ``ce_composed``, for ablations; one where none is given.
    """
    loss = cross_entropy(video.logits, targets)
    total = weights.get("ce_video", 1.0) * loss.loss
    terms = {"ce_video": loss.loss.detach()}
    counts = dict(loss.counts)
    for modality in modalities:
        part = _modality_objective(video, targets, modality, _factors(balance, weights))
        total = total + part.total
        terms |= named(modality.name, part.terms)
        counts |= named(modality.name, part.counts)
    return Objective(total, terms, counts)


def _factors(balance: float, weights: Mapping[str, float]) -> dict[str, float]:
    printed = {"nce_teacher": balance, "nce_composed": 1 - balance, "jsd": 1.0, "ce_composed": 1.0}
    return {name: factor * weights.get(name, 1.0) for name, factor in printed.items()}


def _modality_objective(
    video: Prediction, targets: Tensor, modality: Modality, factors: Mapping[str, float]
) -> Objective:
    present, temperature = modality.present, modality.temperature
    teacher = keep_rows(modality.teacher, present)
    seen = modality.composition(teacher, video.embedding, frozen=True)
    own = modality.composition(teacher, video.embedding.detach())
    with_teacher = multi_class_nce(
        video.embedding, seen.teacher, targets, temperature=temperature, present=present
    )
    with_composed = multi_class_nce(
        video.embedding, seen.embedding, targets, temperature=temperature, present=present
    )
    divergence = jensen_shannon(video.logits, seen.logits, present=present)
    classified = cross_entropy(own.logits, targets, present=present)
    terms = {
        "nce_teacher": with_teacher.loss,
        "nce_composed": with_composed.loss,
        "jsd": divergence.loss,
        "ce_composed": classified.loss,
    }
    total = torch.stack([factors[name] * loss for name, loss in terms.items()]).sum()
    return Objective(total, terms, with_teacher.counts)
