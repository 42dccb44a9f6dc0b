"""Configurations: preset < file < flags < assignments, and nothing unknown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.errors import UsageError
from ccl.data.settings import DataSettings
from ccl.methods.settings import MethodSettings
from ccl.training.config import TrainConfig, as_dict, differences, flat
from ccl.training.configure import configure, parse_assignment, validated
from ccl.training.presets import PRESETS

AUDIO = {"data.distill": ("audio",)}


def test_the_published_settings():
    """Issue and supplement: 300 epochs, batches of 16, 1e-3, 0.9, 5e-4; steps as in the code."""
    config = configure(preset_name="ucf51-released", values=AUDIO)
    assert (config.student.name, config.data.batch_size) == ("r2plus1d-ccl", 16)
    optim = config.optim
    assert (optim.epochs, optim.lr, optim.momentum, optim.weight_decay) == (300, 1e-3, 0.9, 5e-4)
    assert (optim.schedule, optim.milestones, optim.gamma) == ("steps", (150, 225), 0.1)
    assert (optim.scheduled, config.data.sampling, config.run.precision) == (
        "student", "shuffled", "fp32",
    )  # fmt: skip
    assert config.method.temperatures.audio == 0.5
    assert config.method.temperatures.image == 0.1


def test_each_overrules_the_one_before(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('[optim]\nlr = 0.3\nepochs = 7\n[method]\nname = "crd"\n')
    config = configure(
        preset_name="demo",
        file=file,
        values={"optim.epochs": 8, **AUDIO},
        assignments=["optim.momentum=0.5", "optim.epochs=9"],
    )
    optim = config.optim
    assert (optim.lr, optim.epochs, optim.momentum) == (0.3, 9, 0.5)
    assert (config.method.name, config.student.name, config.preset) == ("crd", "tiny", "demo")


def test_json_files_and_what_a_run_writes_are_read_back(tmp_path):
    config = configure(preset_name="ucf51-released", values=AUDIO | {"run.patience": 3})
    file = tmp_path / "c.json"
    file.write_text(json.dumps(as_dict(config)))
    assert configure(file=file) == config
    assert validated(json.loads(file.read_text())) == config


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid(name):
    config = configure(preset_name=name, values={"method.name": "baseline"})
    assert config.preset == name
    assert differences(as_dict(config), as_dict(config)) == []


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("optim.lrr=1", "no setting 'optim.lrr'"),
        ("optimiser.lr=1", "no setting 'optimiser'"),
        ("optim.lr=-1", r"optim.lr cannot be -1. Input should be greater than 0"),
        ("optim.epochs=0", "optim.epochs cannot be 0"),
        ("optim.lr=nan", "optim.lr cannot be nan"),
        ("run.precision=fp16", "run.precision cannot be 'fp16'.*'fp32', 'tf32' or 'bf16'"),
        ("data.val_fraction=1", "data.val_fraction cannot be 1"),
        ("method.weights.jds=1", "no term 'jds'"),
        ("student.name=big", "no student 'big'.*tiny"),
        ("method.name=clc", "no method 'clc'"),
        ("optim.lr", "assigns nothing"),
        ("=3", "assigns nothing"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(assignment, message):
    with pytest.raises(UsageError, match=message) as caught:
        configure(values=AUDIO, assignments=[assignment])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "text"), [("c.toml", "[a"), ("c.json", "[]"), ("c.json", "{")])
def test_files_that_are_no_configuration(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=name):
        configure(file=tmp_path / name)
    with pytest.raises(UsageError, match="cannot read"):
        configure(file=tmp_path / "absent.toml")


def test_an_unknown_preset_lists_the_known():
    with pytest.raises(UsageError, match=r"no preset 'ucf'.*ucf51-released"):
        configure(preset_name="ucf")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=1", 1), ("a.b=1e-3", 0.001), ("a.b=true", True), ("a.b=[150, 225]", [150, 225]),
        ("a.b=tiny", "tiny"), ("a.b=none", None), ('a.b="none of it"', "none of it"), ("a.b=", ""),
    ],
)  # fmt: skip
def test_assignments(text, value):
    assert parse_assignment(text) == ("a.b", value)


@given(st.floats(1e-6, 10), st.integers(1, 500), st.booleans())
def test_numbers_survive_being_written_down(lr, epochs, compiled):
    config = configure(
        values={"optim.lr": lr, "optim.epochs": epochs, "run.compile": compiled, **AUDIO}
    )
    assert validated(json.loads(json.dumps(as_dict(config)))) == config


def test_differences_leave_out_what_changes_no_result():
    one = as_dict(TrainConfig())
    two = as_dict(TrainConfig(data=DataSettings(cache="disk", workers=3)))
    assert differences(one, two) == []
    three = as_dict(TrainConfig(method=MethodSettings(weights={"jsd": 0.0})))
    assert differences(one, three) == ["method.weights.jsd None -> 0.0"]
    assert differences(three, one) == ["method.weights.jsd 0.0 -> None"]


def test_flat_names_every_value():
    assert len(flat(as_dict(TrainConfig()))) > 30


def test_terms_of_the_loss_can_be_ablated():
    config = configure(values=AUDIO, assignments=["method.weights.jsd=0", "method.balance=1"])
    assert config.method.weights == {"jsd": 0}
    assert config.method.balance == 1


@pytest.mark.parametrize(
    ("distill", "assignment", "when"),
    [
        (("image",), "data.audio_teacher=vggish", "--distill audio"),
        (("audio",), "data.image_teacher=resnet34-random", "--distill image"),
        (("image",), "data.teacher_split=highly_correlated", "--distill audio alone"),
        (("audio", "image"), "data.teacher_split=highly_correlated", "asked about every video"),
        (("audio",), "optim.milestones=[3]", "optim.schedule=steps"),
        (("audio",), "optim.gamma=0.5", "optim.schedule=steps"),
        (("audio",), "method.temperatures.kd=2", "heeds method.balance, method.temperatures.audio"),
        (("audio",), "method.temperatures.image=0.2", "ccl heeds"),
        (("audio",), "method.memory.width=64", "ccl heeds"),
    ],
)
def test_what_a_run_has_no_use_for_is_refused(distill, assignment, when):
    name = assignment.partition("=")[0]
    with pytest.raises(UsageError, match=f"{name} .* is of no use to this run of ccl") as caught:
        configure(values={"data.distill": distill}, assignments=[assignment])
    assert when in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "assignments",
    [
        ["data.sampling=shuffled", "data.videos_per_class=4"],
        ["method.name=baseline", "data.distill=[]", "data.videos_per_class=4"],
        ["optim.schedule=constant", "optim.scheduled=student"],
        ["method.name=pkt", "method.temperatures.audio=0.1"],
        ["method.name=labels-only", "data.distill=[]", "method.temperatures.audio=0.1"],
        ["method.name=crd", "method.balance=0.1"],
    ],
)
def test_what_is_of_no_use_beside_other_settings_is_refused(assignments):
    with pytest.raises(UsageError, match=assignments[-1].partition("=")[0]):
        configure(values=AUDIO, assignments=assignments)


@pytest.mark.parametrize(
    "assignments",
    [
        ["method.name=crd", "method.memory.width=64"],
        ["method.name=kd", "method.temperatures.kd=2"],
        ["method.name=labels-only", "data.distill=[]", "method.temperatures.labels=0.1"],
        ["method.name=random-teacher", "data.audio_teacher=vggish"],
        ["optim.schedule=steps", "optim.milestones=[3]", "optim.gamma=0.5"],
        ["data.videos_per_class=4"],
        ["data.teacher_split=highly_correlated", "method.temperatures.audio=0.1"],
    ],
)
def test_what_is_of_use_is_taken(assignments):
    config = configure(values=AUDIO, assignments=assignments)
    name, value = parse_assignment(assignments[-1])
    assert flat(as_dict(config))[name] == value


def test_what_a_preset_sets_may_be_of_no_use(tmp_path):
    """Only what the user set is refused, also when a run is configured by what another wrote."""
    config = configure(
        preset_name="ucf51-released", values=AUDIO, assignments=["optim.schedule=cosine"]
    )
    assert config.optim.milestones == (150, 225)
    file = tmp_path / "c.json"
    file.write_text(json.dumps(as_dict(config)))
    assert configure(file=file) == config
    with pytest.raises(UsageError, match="milestones"):
        configure(file=file, assignments=["optim.milestones=[100]"])


@pytest.mark.parametrize("assignment", ["preset=ucf51-released", "preset=none", "preset.x=1"])
def test_a_preset_is_no_single_setting(assignment):
    with pytest.raises(UsageError, match="Give --preset "):
        configure(values=AUDIO, assignments=[assignment])


@pytest.mark.parametrize("value", [["a"], 1, None, {"name": "demo"}])
def test_a_preset_that_is_no_text(tmp_path, value):
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"preset": value}))
    with pytest.raises(UsageError, match=r"c.json: preset cannot be .*ucf51-released"):
        configure(file=file, values=AUDIO)
