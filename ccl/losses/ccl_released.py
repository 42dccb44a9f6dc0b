"""The objective of CCL as its published code computes it, which differs from Algorithm A."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ccl.losses.ccl import NO_WEIGHTS
from ccl.losses.counted import Counted
from ccl.losses.cross_entropy import cross_entropy
from ccl.losses.nce import multi_class_nce
from ccl.losses.objective import Modality, Objective, named
from ccl.losses.symmetric_kl import symmetric_kl
from ccl.models.prediction import Prediction
from ccl.numerics import keep_rows

DIVERGENCE_WEIGHT = 0.5
SHARED_WEIGHT = 0.5


class _Part(NamedTuple):
    terms: dict[str, Tensor]
    counts: dict[str, Tensor]


def ccl_released_objective(
    video: Prediction,
    targets: Tensor,
    modalities: Sequence[Modality],
    *,
    weights: Mapping[str, float] = NO_WEIGHTS,
) -> Objective:
    r"""Combine the losses with the weights and the routing of the published training code.

    With :math:`N(a, b) = NCE(a, b) + NCE(b, a)`, D half the symmetric KL divergence, t the
    teacher and m the composition: the student's loss is :math:`S = CE(v) + w \sum [N(v, m) +
    N(v, t) + D(v, m)]`, with w = 1 for one modality and 0.5 for two. A composition gets the
    gradient of :math:`CE(m) + N(v, m) + N(m, t) + D(v, m)`, which the student does not get, and
    that of S as well.

    Source: yanbeic/CCL at b590483, training.py, whose temperatures are 0.5 for audio and 0.1
    for images. It runs one backward pass a composition and one for the student, clearing the
    student's gradients between; ours gives the same gradients in one pass. It finds absent
    audio by rows that sum to zero; here that is ``Modality.present``.

    Args:
        video: The student's output for B videos.
        targets: (B,), integer classes.
        modalities: The teachers that take part.
        weights: Factors of the terms, for ablations; one where none is given. They are, in the
            order above, ``ce_video``, ``contrast``, ``divergence`` of the student's loss and
            ``ce_composed``, ``contrast_composed``, ``divergence_composed`` of the composition's.
    """
    weight = SHARED_WEIGHT if len(modalities) > 1 else 1.0
    loss = cross_entropy(video.logits, targets)
    total = weights.get("ce_video", 1.0) * loss.loss
    student, terms = total.detach(), {"ce_video": loss.loss.detach()}
    counts = dict(loss.counts)
    for modality in modalities:
        teacher = keep_rows(modality.teacher, modality.present)
        mine = _student_part(video, targets, modality, teacher)
        theirs = _composition_part(video, targets, modality, teacher)
        part = weight * _weighted(mine.terms, weights)
        total = total + part + _weighted(theirs.terms, weights)
        student = student + part.detach()
        shown = mine.terms | {"ce_composed": theirs.terms["ce_composed"]}
        terms |= named(modality.name, shown)
        counts |= named(modality.name, mine.counts)
    return Objective(total, terms | {"student_total": student}, counts)


def _weighted(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    return torch.stack([weights.get(name, 1.0) * loss for name, loss in terms.items()]).sum()


def _student_part(video: Prediction, targets: Tensor, modality: Modality, teacher: Tensor) -> _Part:
    composed = modality.composition(teacher, video.embedding)
    with_composed = _both_ways(video.embedding, composed.embedding, targets, modality)
    with_teacher = _both_ways(video.embedding, composed.teacher, targets, modality)
    contrast = with_composed.loss + with_teacher.loss
    divergence = (
        DIVERGENCE_WEIGHT
        * symmetric_kl(video.logits, composed.logits, present=modality.present).loss
    )
    return _Part({"contrast": contrast, "divergence": divergence}, with_teacher.counts)


def _composition_part(
    video: Prediction, targets: Tensor, modality: Modality, teacher: Tensor
) -> _Part:
    embedding, logits = video.embedding.detach(), video.logits.detach()
    composed = modality.composition(teacher, embedding)
    classified = cross_entropy(composed.logits, targets, present=modality.present).loss
    with_video = _both_ways(embedding, composed.embedding, targets, modality).loss
    with_teacher = _both_ways(composed.embedding, composed.teacher, targets, modality).loss
    divergence = symmetric_kl(logits, composed.logits, present=modality.present).loss
    terms = {
        "ce_composed": classified,
        "contrast_composed": with_video + with_teacher,
        "divergence_composed": DIVERGENCE_WEIGHT * divergence,
    }
    return _Part(terms, {})


def _both_ways(a: Tensor, b: Tensor, targets: Tensor, modality: Modality) -> Counted:
    temperature, present = modality.temperature, modality.present
    forth = multi_class_nce(a, b, targets, temperature=temperature, present=present)
    back = multi_class_nce(b, a, targets, temperature=temperature, present=present)
    return Counted(forth.loss + back.loss, forth.counts)
