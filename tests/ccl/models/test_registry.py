"""What holds for each student."""

import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cca_tools.errors import UsageError, WeightsError
from ccl.models import registry
from ccl.models.registry import build_student, register, student_names, student_spec
from ccl.models.student import VideoStudent
from ccl.models.weights import load_backbone, read_state

NAMES = ("mc3_18", "r2plus1d-ccl", "r2plus1d_18", "r3d_18", "tiny")
each_student = pytest.mark.parametrize("name", NAMES)


def test_all_students_are_there():
    assert student_names() == NAMES


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UsageError, match=r"no student 'resnet'.*mc3_18, r2plus1d-ccl, r2plus1d_18"):
        build_student("resnet", 3, seed=0)


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="'tiny' is registered twice"):
        register(student_spec("tiny"))


def test_one_class_is_no_task():
    with pytest.raises(UsageError, match="two classes, got 1"):
        build_student("tiny", 1, seed=0)


@each_student
def test_an_entry_says_the_truth(name):
    spec = student_spec(name)
    with torch.device("meta"):
        student = spec.build(51)
        clips = torch.empty(2, 3, spec.num_frames, spec.size, spec.size)
    with FlopCounterMode(display=False) as counter:
        prediction = student(clips)
    assert prediction.embedding.shape == (2, spec.width) == (2, student.width)
    assert prediction.logits.shape == (2, 51)
    assert counter.get_total_flops() / 2 == pytest.approx(spec.gflop * 1e9, rel=0.005)
    assert spec.weights_url == "" or spec.weights_url.startswith("https://download.pytorch.org/")
    assert (spec.weights_url == "") == (name in {"r2plus1d-ccl", "tiny"})


@each_student
def test_one_clip_is_embedded_classified_and_trains_all_parameters(name):
    student = build_student(name, 3, seed=0)
    prediction = student(torch.randn(1, 3, 4, 32, 32, generator=torch.Generator().manual_seed(0)))
    prediction.logits.square().sum().backward()
    assert prediction.embedding.shape == (1, student.width)
    assert all(parameter.grad.isfinite().all() for parameter in student.parameters())
    classifier = student.classifier
    expected = prediction.embedding @ classifier.weight.T + classifier.bias
    torch.testing.assert_close(prediction.logits, expected)


@pytest.mark.parametrize("shape", [(3, 8, 64, 64), (2, 8, 3, 64, 64), (1, 1, 8, 64, 64)])
def test_clips_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="clips must be"):
        build_student("tiny", 3, seed=0)(torch.zeros(shape))


def test_one_seed_one_network():
    before = torch.get_rng_state()
    first, again, other = (build_student("tiny", 3, seed=seed) for seed in (5, 5, 6))
    assert torch.equal(before, torch.get_rng_state())
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.classifier.weight, other.classifier.weight)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_weights_go_into_the_backbone_alone(tmp_path, suffix):
    source = build_student("tiny", 7, seed=1)
    path = tmp_path / f"weights{suffix}"
    state = source.state_dict()
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    student = build_student("tiny", 3, seed=2, weights=path)
    for a, b in zip(student.backbone.parameters(), source.backbone.parameters(), strict=True):
        assert torch.equal(a, b)
    assert torch.equal(
        student.classifier.weight, build_student("tiny", 3, seed=2).classifier.weight
    )


def test_torchvision_weights_load_as_published(tmp_path):
    from torchvision.models.video import mc3_18

    network = mc3_18(num_classes=400).eval()
    torch.save(network.state_dict(), tmp_path / "mc3_18.pth")
    student = build_student("mc3_18", 5, seed=0, weights=tmp_path / "mc3_18.pth").eval()
    clips = torch.rand(1, 3, 4, 32, 32)
    network.fc = nn.Identity()
    with torch.no_grad():
        assert torch.equal(student(clips).embedding, network(clips))


class Trap:
    """Runs something when it is unpickled."""

    def __reduce__(self):
        return sys.exit, (3,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no weights", "cannot read weights"),
        (Trap(), "cannot read weights"),
        ([1, 2], "no plain state dict"),
        ({"epoch": 3}, "no plain state dict"),
        ({"stem.weight": torch.zeros(1)}, "do not fit"),
    ],
)
def test_files_that_are_no_weights_are_named(tmp_path, content, message):
    path = tmp_path / "weights.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(WeightsError, match=message) as caught:
        load_backbone(VideoStudent(nn.Linear(1, 1), 1, 2), path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(WeightsError, match="no weights at"):
        read_state(tmp_path / "nothing.pt")


def test_entries_come_from_the_families_named():
    assert {spec.build.__module__ for spec in map(student_spec, ("tiny", "r2plus1d-ccl"))} == {
        "ccl.models.tiny",
        "ccl.models.r2plus1d_ccl",
    }
    assert len(registry._FAMILIES) == 3
