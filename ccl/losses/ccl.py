"""The objective of Compositional Contrastive Learning, as printed in Algorithm A."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ccl.losses.cross_entropy import cross_entropy
from ccl.losses.jsd import jensen_shannon
from ccl.losses.nce import multi_class_nce
from ccl.losses.objective import Modality, Objective, named
from ccl.models.prediction import Prediction
from ccl.numerics import keep_rows


def ccl_objective(
    video: Prediction, targets: Tensor, modalities: Sequence[Modality], *, balance: float = 0.5
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
    """
    loss = cross_entropy(video.logits, targets)
    total, terms = loss.loss, {"ce_video": loss.loss.detach()}
    counts = dict(loss.counts)
    for modality in modalities:
        part = _modality_objective(video, targets, modality, balance)
        total = total + part.total
        terms |= named(modality.name, part.terms)
        counts |= named(modality.name, part.counts)
    return Objective(total, terms, counts)


def _modality_objective(
    video: Prediction, targets: Tensor, modality: Modality, balance: float
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
    distilled = balance * with_teacher.loss + (1 - balance) * with_composed.loss + divergence.loss
    terms = {
        "nce_teacher": with_teacher.loss,
        "nce_composed": with_composed.loss,
        "jsd": divergence.loss,
        "ce_composed": classified.loss,
    }
    return Objective(distilled + classified.loss, terms, with_teacher.counts)
