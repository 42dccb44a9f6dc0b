"""What training refuses, a dry run refuses too, with the same words, and nothing is written."""

import pytest
import torch
from training_studies import make_study

from cca_tools.errors import CcaError, DataError, UsageError, WeightsError
from cca_tools.workspace import Workspace
from ccl.data.settings import DataSettings
from ccl.models.registry import build_student, student_spec
from ccl.training import plan as planning
from ccl.training.checks import check_smallest_batch
from ccl.training.configure import configure
from ccl.training.plan import plan
from ccl.training.train import Options, train

BASE = {"method.name": "baseline", "data.batch_size": 6, "data.size": 32, "optim.epochs": 1}
AUDIO = {"data.distill": ("audio",)}


def one_class_is_heard():
    study = make_study(audio="own")
    teacher = study.teachers["audio"]
    teacher.present[study.train.rows[study.train.targets > 0]] = False
    return study


@pytest.fixture
def other_weights(tmp_path):
    path = tmp_path / "r3d.pt"
    torch.save(build_student("r2plus1d-ccl", 3, seed=0).state_dict(), path)
    return str(path)


def refusals(monkeypatch, tmp_path, study, values, device="cpu"):
    """What the two say."""
    monkeypatch.setattr(planning, "load_study", lambda *_: study)
    config, folder = configure(preset_name="demo", values=BASE | values), tmp_path / "run"
    with pytest.raises(CcaError) as planned:
        plan(config, Workspace(tmp_path), folder, device)
    assert not folder.exists()
    options = Options(device=device, progress=False)
    with pytest.raises(CcaError) as trained:
        train(config, Workspace(tmp_path), folder=folder, study=study, options=options)
    assert (type(planned.value), str(planned.value)) == (type(trained.value), str(trained.value))
    assert "\n" not in str(planned.value)
    return planned.value


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"student.weights": "nosuch.pt"}, WeightsError, "no weights at nosuch.pt"),
        ({"student.weights": "kinetics"}, UsageError, "no Kinetics weights of tiny"),
        ({"run.precision": "bf16"}, UsageError, "bf16 is for GPUs"),
        (
            {"method.name": "ccl", "data.distill": ("image",), "data.image_teacher": "resnet50"},
            UsageError, "no image teacher 'resnet50'",
        ),
        ({"data.batch_size": 1, "data.size": 16, "data.num_frames": 4}, UsageError, "alone"),
    ],
)  # fmt: skip
def test_settings(monkeypatch, tmp_path, values, kind, message):
    error = refusals(monkeypatch, tmp_path, make_study(), values)
    assert isinstance(error, kind)
    assert message in str(error)


def test_weights_of_another_student(monkeypatch, tmp_path, other_weights):
    error = refusals(monkeypatch, tmp_path, make_study(), {"student.weights": other_weights})
    assert "do not fit the student" in str(error)


def test_patience_without_validation(monkeypatch, tmp_path):
    study = make_study(per_class=(4, 0, 2))
    error = refusals(monkeypatch, tmp_path, study, {"run.patience": 3})
    assert "patience 3 needs validation videos" in str(error)


@pytest.mark.parametrize("name", ["gpu", "cuda:77"])
def test_devices(monkeypatch, tmp_path, name):
    error = refusals(monkeypatch, tmp_path, make_study(), {}, device=name)
    assert f"cannot compute on '{name}'" in str(error)


def test_a_memory_without_negatives(monkeypatch, tmp_path):
    error = refusals(monkeypatch, tmp_path, one_class_is_heard(), AUDIO | {"method.name": "crd"})
    assert isinstance(error, DataError)
    assert "1 of 3 classes have audio for training" in str(error)


@pytest.mark.parametrize("name", ["tiny", "r2plus1d-ccl"])
@pytest.mark.parametrize(("frames", "size"), [(1, 8), (4, 16), (4, 32), (8, 32), (16, 48)])
def test_one_clip_is_refused_where_batch_norm_refuses_it(name, frames, size):
    """The oracle is the network itself, in training, on a clip of noise."""
    student, spec = build_student(name, 3, seed=0).train(), student_spec(name)
    before = {key: value.clone() for key, value in student.state_dict().items()}
    data = DataSettings(num_frames=frames, size=size, batch_size=2)

    def is_refused():
        try:
            check_smallest_batch(student, spec, data, 1)
        except UsageError:
            return True
        return False

    refused = is_refused()
    assert all(torch.equal(value, before[key]) for key, value in student.state_dict().items())
    check_smallest_batch(student, spec, data, 4)  # no clip is alone
    try:
        student(torch.randn(1, 3, frames, size, size))
    except ValueError:
        assert refused
    else:
        assert not refused
