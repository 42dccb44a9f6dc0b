"""The objective of CCL as its published code computes it, which differs from Algorithm A."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ccl.losses.counted import Counted
from ccl.losses.cross_entropy import cross_entropy
from ccl.losses.nce import multi_class_nce
from ccl.losses.objective import Modality, Objective, named
from ccl.losses.symmetric_kl import symmetric_kl
from ccl.models.prediction import Prediction
from ccl.numerics import keep_rows

DIVERGENCE_WEIGHT = 0.5
SHARED_WEIGHT = 0.5


def ccl_released_objective(
    video: Prediction, targets: Tensor, modalities: Sequence[Modality]
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
    """
    weight = SHARED_WEIGHT if len(modalities) > 1 else 1.0
    loss = cross_entropy(video.logits, targets)
    total, terms = loss.loss, {"ce_video": loss.loss.detach()}
    student = loss.loss.detach()
    counts = dict(loss.counts)
    for modality in modalities:
        teacher = keep_rows(modality.teacher, modality.present)
        mine = _student_part(video, targets, modality, teacher)
        theirs = _composition_part(video, targets, modality, teacher)
        total = total + weight * mine.total + theirs.total
        student = student + weight * mine.total.detach()
        terms |= named(modality.name, mine.terms | theirs.terms)
        counts |= named(modality.name, mine.counts)
    return Objective(total, terms | {"student_total": student}, counts)


def _student_part(
    video: Prediction, targets: Tensor, modality: Modality, teacher: Tensor
) -> Objective:
    composed = modality.composition(teacher, video.embedding)
    with_composed = _both_ways(video.embedding, composed.embedding, targets, modality)
    with_teacher = _both_ways(video.embedding, composed.teacher, targets, modality)
    contrast = with_composed.loss + with_teacher.loss
    divergence = (
        DIVERGENCE_WEIGHT
        * symmetric_kl(video.logits, composed.logits, present=modality.present).loss
    )
    terms = {"contrast": contrast, "divergence": divergence}
    return Objective(contrast + divergence, terms, with_teacher.counts)


def _composition_part(
    video: Prediction, targets: Tensor, modality: Modality, teacher: Tensor
) -> Objective:
    embedding, logits = video.embedding.detach(), video.logits.detach()
    composed = modality.composition(teacher, embedding)
    classified = cross_entropy(composed.logits, targets, present=modality.present).loss
    with_video = _both_ways(embedding, composed.embedding, targets, modality).loss
    with_teacher = _both_ways(composed.embedding, composed.teacher, targets, modality).loss
    divergence = symmetric_kl(logits, composed.logits, present=modality.present).loss
    total = classified + with_video + with_teacher + DIVERGENCE_WEIGHT * divergence
    return Objective(total, {"ce_composed": classified}, {})


def _both_ways(a: Tensor, b: Tensor, targets: Tensor, modality: Modality) -> Counted:
    temperature, present = modality.temperature, modality.present
    forth = multi_class_nce(a, b, targets, temperature=temperature, present=present)
    back = multi_class_nce(b, a, targets, temperature=temperature, present=present)
    return Counted(forth.loss + back.loss, forth.counts)
