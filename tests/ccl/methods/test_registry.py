"""The contract of every method: routing by gradients, refusals, degenerate batches, state."""

import dataclasses
import math

import pytest
import torch
from torch import nn

from cca_tools.errors import DataError, UsageError
from ccl.methods.base import BACKBONE, CE_VIDEO, CLASSIFIER, Setup
from ccl.methods.registry import METHODS, build_method, check_method, method_spec, parse_distill
from ccl.methods.settings import MemoryOptions, MethodSettings, Temperatures

DISTILS = [("audio",), ("image",), ("audio", "image")]
CASES = [
    (name, modalities)
    for name, spec in METHODS.items()
    for modalities in (DISTILS if spec.distils else [()])
]
NAMES = [
    "baseline", "labels-only", "random-teacher", "random-teacher-class", "ccl", "ccl-released",
    "crd", "cmc", "kd", "fitnet", "pkt", "rkd", "cc", "sp",
]  # fmt: skip


def modules_of(case, method):
    found = {BACKBONE: case.student.backbone, CLASSIFIER: case.student.classifier}
    return found | {name: child for name, child in method.named_children()}


def gradients(case, method, draws):
    """The gradient of the objective by module, after one backward pass in double."""
    for module in (case.student, method):
        module.zero_grad(set_to_none=True)
    method.objective(case.video(), case.given, draws()).total.backward()
    return {
        name: torch.cat(
            [
                (torch.zeros_like(p) if p.grad is None else p.grad).flatten()
                for p in module.parameters()
            ]
            or [torch.zeros(0)]
        ).double()
        for name, module in modules_of(case, method).items()
    }


def build(case, name, **settings):
    return build_method(MethodSettings(name, **settings), case.setup)


def test_the_methods_that_were_asked_for_are_there():
    assert list(METHODS) == NAMES
    assert all(name == spec.name and spec.summary.endswith(".") for name, spec in METHODS.items())


@pytest.mark.parametrize(("name", "modalities"), CASES)
def test_each_term_trains_the_modules_that_the_routing_says_and_no_other(
    make_case, draws, name, modalities
):
    """By linearity, a term's gradient is what disappears when its weight is set to zero."""
    case = make_case(modalities)
    full = gradients(case, build(case, name), draws)
    trained = set()
    for term, modules in METHODS[name].routing.items():
        without = gradients(case, build(case, name, weights={term: 0.0}), draws)
        moved = {
            module
            for module, gradient in full.items()
            if len(gradient) and (gradient - without[module]).abs().max() > 1e-7
        }
        assert moved == set(modules), term
        trained |= moved
    untrained = {module for module, gradient in full.items() if not gradient.abs().sum() > 0}
    assert trained.isdisjoint(untrained)
    assert {BACKBONE, CLASSIFIER} <= trained


@pytest.mark.parametrize(("name", "modalities"), CASES)
def test_the_total_is_the_weighted_sum_of_the_terms(make_case, draws, name, modalities):
    """Doubling all weights doubles the total and changes no term in the log."""
    case = make_case(modalities)
    once = build(case, name)
    twice = build(case, name, weights={term: 2 * x for term, x in once.weights.items()})
    a = once.objective(case.video(), case.given, draws())
    b = twice.objective(case.video(), case.given, draws())
    assert b.total.item() == pytest.approx(2 * a.total.item(), rel=1e-5)
    for term in set(a.terms) - {"student_total"}:
        assert a.terms[term].item() == b.terms[term].item()
        assert not a.terms[term].requires_grad
    assert CE_VIDEO in a.terms
    prefixes = {term.partition("/")[0] for term in a.terms if "/" in term}
    assert prefixes == set(modalities) or name == "cmc"


@pytest.mark.parametrize(("name", "modalities"), CASES)
@pytest.mark.parametrize("rows", [0, 1, 5])
@pytest.mark.parametrize("kind", ["plain", "one class", "absent", "zero", "saturated", "bfloat16"])
def test_degenerate_batches_are_finite_and_counted(make_case, draws, name, modalities, rows, kind):
    case = make_case(modalities, rows=rows)
    method, given, inputs = build(case, name), case.given, case.inputs
    if kind == "one class":
        given = dataclasses.replace(given, targets=torch.zeros_like(given.targets))
    if kind == "absent":
        absent = torch.zeros(rows, dtype=torch.bool)
        given = dataclasses.replace(
            given,
            teachers={m: torch.full_like(x, math.nan) for m, x in given.teachers.items()},
            present=dict.fromkeys(modalities, absent),
        )
    if kind == "zero":
        given = dataclasses.replace(
            given, teachers={m: torch.zeros_like(x) for m, x in given.teachers.items()}
        )
    if kind == "saturated":
        nn.init.constant_(case.student.classifier.weight, 1e4)
    with torch.autocast("cpu", torch.bfloat16, enabled=kind == "bfloat16"):
        objective = method.objective(case.student(inputs), given, draws())
    objective.total.backward()
    assert objective.total.isfinite()
    for parameter in (*case.student.parameters(), *method.parameters()):
        assert parameter.grad is None or parameter.grad.isfinite().all()
    assert objective.counts["rows"] == rows
    if kind == "absent" and modalities and name != "cmc":
        assert all(objective.counts[f"{m}/absent"] == rows for m in modalities)
        assert all(objective.counts[f"{m}/rows"] == 0 for m in modalities)
    if kind == "absent" and name == "cmc":
        assert objective.counts["cmc/absent"] == rows * len(modalities)


@pytest.mark.parametrize(("name", "modalities"), CASES)
def test_heads_follow_from_the_seed_and_leave_the_global_generator_alone(
    make_case, draws, name, modalities
):
    case = make_case(modalities)
    before = torch.get_rng_state()
    a, b = build(case, name), build(case, name)
    other = build_method(MethodSettings(name), dataclasses.replace(case.setup, seed=8))
    a.objective(case.video(), case.given, draws())
    assert torch.equal(before, torch.get_rng_state())
    for key, value in b.state_dict().items():
        assert value.shape == other.state_dict()[key].shape
    pairs = list(zip(b.parameters(), other.parameters(), strict=True))
    assert all(not torch.equal(x, y) for x, y in pairs)
    for x, y in zip(a.parameters(), b.parameters(), strict=True):
        assert torch.equal(x, y)


@pytest.mark.parametrize(("name", "modalities"), CASES)
def test_state_carries_over(make_case, draws, name, modalities):
    """After a step, a new method with the state loaded gives the same next value."""
    case = make_case(modalities)
    method, fresh = build(case, name), build(case, name)
    method.objective(case.video(), case.given, draws(1))
    fresh.load_state_dict(method.state_dict())
    a, b = (m.objective(case.video(), case.given, draws(2)).total for m in (method, fresh))
    assert a.item() == b.item()
    if name in ("crd", "cmc"):
        assert any(key.endswith("vectors") for key in method.state_dict())
        assert build(case, name).objective(case.video(), case.given, draws(2)).total != a


@pytest.mark.parametrize("name", [n for n, spec in METHODS.items() if spec.distils])
def test_a_teacher_must_be_named(name):
    with pytest.raises(UsageError, match=r"none is named.*--distill audio"):
        check_method(MethodSettings(name), ())


@pytest.mark.parametrize("name", ["baseline", "labels-only"])
def test_a_teacher_in_vain_is_refused(name):
    with pytest.raises(UsageError, match=f"{name} has no teacher.*--distill none"):
        check_method(MethodSettings(name), ("audio",))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (MethodSettings("crd", balance=0.2), "crd has no use for method.balance.*memory"),
        (MethodSettings("ccl", memory=MemoryOptions(negatives=3)), "no use for method.memory"),
        (MethodSettings("fitnet", temperatures=Temperatures(kd=2)), "heeds no options"),
        (MethodSettings("ccl", weights={"jds": 0}), "no term 'jds'.*nce_teacher.*jsd"),
    ],
)
def test_options_that_would_change_nothing_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        check_method(settings, ("audio",))


def test_an_unknown_name_lists_the_known():
    with pytest.raises(UsageError, match=r"no method 'clc'.*baseline.*ccl-released"):
        method_spec("clc")


@pytest.mark.parametrize("text", ["sound", "audio,audio", "audio,none", "audio,,image"])
def test_modalities_are_named_properly(text):
    with pytest.raises(UsageError, match="cannot distil"):
        parse_distill(text)


@pytest.mark.parametrize(("name", "message"), [("crd", "0 of 3 classes"), ("cmc", "no video")])
def test_memories_without_audio_are_refused(make_case, name, message):
    case = make_case(("audio",), present=False)
    with pytest.raises(DataError, match=message):
        build(case, name)


def test_audio_in_one_class_leaves_crd_without_negatives(make_case):
    case = make_case(("audio",))
    present = {"audio": case.setup.targets == 1}
    with pytest.raises(DataError, match="1 of 3 classes have audio"):
        build_method(MethodSettings("crd"), dataclasses.replace(case.setup, present=present))


def test_negatives_have_the_modality_and_another_class(make_case, draws):
    case = make_case(("audio",))
    method = build(case, "crd")
    setup: Setup = case.setup
    drawn = method.negatives["audio"].draw(case.given.targets, 500, draws())
    allowed = [
        {
            place
            for place in range(len(setup.targets))
            if setup.present["audio"][place] and setup.targets[place] != target
        }
        for target in case.given.targets
    ]
    assert [set(row.tolist()) for row in drawn] == allowed


def test_random_vectors_belong_to_videos_or_to_classes(make_case):
    case = make_case(("audio",))
    clip, label = build(case, "random-teacher"), build(case, "random-teacher-class")
    assert clip.audio_vectors.shape == (12, 5)
    assert label.audio_vectors.shape == (3, 5)
    assert not [key for key in clip.state_dict() if "vectors" in key]


def test_a_random_teacher_hears_nothing(make_case, draws):
    case = make_case(("audio",))
    deaf = dataclasses.replace(
        case.given, teachers={"audio": torch.full_like(case.given.teachers["audio"], math.nan)}
    )
    for name in ("random-teacher", "random-teacher-class"):
        method = build(case, name)
        values = [method.objective(case.video(), g, draws()).total for g in (case.given, deaf)]
        assert values[0].item() == values[1].item()
