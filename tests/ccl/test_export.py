from __future__ import annotations

import hashlib
import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import ccl.export
from cca_tools.errors import WeightsError
from ccl.export import export_student, load_student, make_card, relative_difference
from ccl.models.registry import build_student, student_names, student_spec

CLASSES = ("a", "b|c", "ü $x$", "d")
HASH = hashlib.sha256(b"config").hexdigest()


def trained(name, seed=3):
    """A student whose statistics and outputs are not those of a fresh one."""
    student = build_student(name, len(CLASSES), seed=seed).train()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _ in range(3):
            student(torch.randn(2, 3, 8, 16, 16, generator=generator))
    return student


def card_of(name, frames=8, size=16):
    return make_card(name, CLASSES, HASH, (frames, size))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    student = trained("tiny")
    folder = tmp_path_factory.mktemp("export")
    return student, export_student(student, card_of("tiny"), folder)


@pytest.mark.parametrize("name", [name for name in student_names() if name != "tiny"])
def test_every_student_goes_out_and_comes_back(name, tmp_path):
    student = trained(name)
    export = export_student(student, card_of(name), tmp_path)
    assert export.difference < 1e-4
    check_same(student, export)


def test_tiny_goes_out_and_comes_back(tiny):
    check_same(*tiny)


def check_same(student, export):
    student.eval()
    loaded, card = load_student(export.safetensors)
    assert card == card_of(card.student)
    state = loaded.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in student.state_dict().items())
    session = onnxruntime.InferenceSession(export.onnx)
    for batch in (1, 4):  # neither is the batch it was traced with
        clips = torch.randn(batch, 3, 8, 16, 16, generator=torch.Generator().manual_seed(batch))
        with torch.inference_mode():
            expected = student(clips)
        for mine, other in zip(
            expected, session.run(["embedding", "logits"], {"clips": clips.numpy()}), strict=True
        ):
            np.testing.assert_allclose(other, mine.numpy(), atol=1e-4 * float(mine.abs().max()))


def test_the_student_is_left_as_it_was(tmp_path):
    student = trained("tiny")
    before = {name: value.clone() for name, value in student.state_dict().items()}
    export_student(student, card_of("tiny"), tmp_path)
    assert student.training
    assert all(torch.equal(value, before[name]) for name, value in student.state_dict().items())


def test_both_files_say_what_one_must_know(tiny):
    card = load_student(tiny[1].safetensors).card
    assert (card.classes, card.config_hash, card.num_frames, card.size) == (CLASSES, HASH, 8, 16)
    assert (card.mean, card.std) == (student_spec("tiny").mean, student_spec("tiny").std)
    model = onnx.load(tiny[1].onnx)
    onnx.checker.check_model(model, full_check=True)
    properties = {one.key: one.value for one in model.metadata_props}
    assert tuple(json.loads(properties["classes"])) == CLASSES
    assert json.loads(properties["num_frames"]) == 8
    assert [one.name for one in model.graph.output] == ["embedding", "logits"]


def test_measures_are_the_students_own_where_the_run_says_none():
    card = make_card("tiny", CLASSES, HASH, (None, None))
    assert (card.num_frames, card.size) == (8, 64)


def test_files_that_disagree_are_refused_and_not_left(tmp_path, monkeypatch):
    write = ccl.export._write_onnx

    def write_another(loaded, path):
        other = build_student("tiny", len(CLASSES), seed=9).eval()
        write(loaded._replace(student=other), path)

    monkeypatch.setattr(ccl.export, "_write_onnx", write_another)
    with pytest.raises(WeightsError, match="differs from the student"):
        export_student(trained("tiny"), card_of("tiny"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_export_outlives_a_refused_one(tiny, monkeypatch):
    before = tiny[1].onnx.read_bytes()
    monkeypatch.setattr(ccl.export, "_difference", lambda *_: 1.0)
    with pytest.raises(WeightsError):
        export_student(trained("tiny", 4), card_of("tiny"), tiny[1].onnx.parent)
    assert tiny[1].onnx.read_bytes() == before


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    student = trained("tiny")
    with torch.no_grad():
        student.classifier.weight[0, 0] = value
    with pytest.raises(WeightsError, match=r"1 tensors .* classifier.weight"):
        export_student(student, card_of("tiny"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_export_is_named(tiny, tmp_path):
    with pytest.raises(WeightsError, match="no student at"):
        load_student(tmp_path / "none.safetensors")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(tiny[1].safetensors.read_bytes()[:100])
    with pytest.raises(WeightsError, match="cannot read"):
        load_student(damaged)
    with pytest.raises(WeightsError, match="cannot read"):
        load_student(tiny[1].onnx)
    plain = tmp_path / "plain.safetensors"
    ccl.export.save_file({"x": torch.zeros(1)}, plain)
    with pytest.raises(WeightsError, match="no exported student"):
        load_student(plain)
    other = tmp_path / "other.safetensors"
    ccl.export.save_file({"x": torch.zeros(1)}, other, metadata=card_of("tiny").as_metadata())
    with pytest.raises(WeightsError, match="do not fit"):
        load_student(other)
    metadata = card_of("tiny").as_metadata() | {"classes": "["}
    ccl.export.save_file({"x": torch.zeros(1)}, other, metadata=metadata)
    with pytest.raises(WeightsError, match="damaged"):
        load_student(other)


def test_the_difference_is_relative_and_never_blind():
    small = np.array([1e-6, -2e-6], np.float32)
    assert relative_difference(small, small * np.float32(1.5)) == pytest.approx(0.5)
    assert relative_difference(small, np.zeros_like(small)) == pytest.approx(1.0)
    assert relative_difference(np.zeros(2, np.float32), np.zeros(2, np.float32)) == 0.0
    assert relative_difference(np.zeros(2, np.float32), small) == float("inf")
    assert relative_difference(small, small[:1]) == float("inf")
    assert relative_difference(small, np.full(2, np.nan, np.float32)) == float("inf")
