import json
from pathlib import Path

import pytest

from cca_tools.correspondence import steps as module
from cca_tools.correspondence.generate import VIDEOS, DataSettings
from cca_tools.correspondence.steps import STEPS, Choices, dataset_folder, run_steps
from cca_tools.workspace import Workspace

NAMES = ["generate", "index", "tag-audio", "associate", "suggest", "label", "split"]
CHOICES = Choices(DataSettings(train=2, test=1))


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def taken(monkeypatch, place: Workspace) -> list[str]:
    """The steps that were taken; each makes its artefact, and nothing else."""
    done: list[str] = []
    artefacts = {
        "generate": dataset_folder(place) / VIDEOS,
        "index": place.manifest,
        "tag": place.tags,
        "associate": place.associations,
        "suggest": place.suggestions,
        "label": place.labels,
        "split": place.splits,
    }

    def stand_in(name: str, artefact: Path):
        def take(workspace: Workspace, choices: Choices) -> None:
            done.append(name)
            artefact.parent.mkdir(parents=True, exist_ok=True)
            artefact.touch()

        return take

    for name, artefact in artefacts.items():
        monkeypatch.setattr(module, f"_{name}", stand_in(name, artefact))
    return done


def test_every_step_is_taken_once(place: Workspace, taken: list[str]) -> None:
    told: list[str] = []
    run_steps(place, CHOICES, told.append)
    assert told == NAMES
    run_steps(place, CHOICES, told.append)
    assert told == NAMES
    assert len(taken) == len(NAMES)


def test_it_goes_on_where_it_was_killed(place: Workspace, taken: list[str], monkeypatch) -> None:
    def killed(workspace: Workspace, choices: Choices) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_associate", killed)
        with pytest.raises(KeyboardInterrupt):
            run_steps(place, CHOICES)
    assert taken == ["generate", "index", "tag"]
    run_steps(place, CHOICES)
    assert taken == ["generate", "index", "tag", "associate", "suggest", "label", "split"]


def test_other_choices_take_every_step_again(place: Workspace, taken: list[str]) -> None:
    run_steps(place, CHOICES)
    run_steps(place, Choices(DataSettings(train=2, test=1, seed=1)))
    assert len(taken) == 2 * len(NAMES)
    run_steps(place, Choices(DataSettings(train=2, test=1, seed=1), tagger="panns-cnn14"))
    assert len(taken) == 3 * len(NAMES)


def test_a_lost_artefact_is_made_again_and_what_is_made_of_it(
    place: Workspace, taken: list[str]
) -> None:
    run_steps(place, CHOICES)
    place.associations.unlink()
    del taken[:]
    run_steps(place, CHOICES)
    assert taken == ["associate", "suggest", "label", "split"]


def test_a_damaged_record_is_no_record(place: Workspace, taken: list[str]) -> None:
    run_steps(place, CHOICES)
    (place.root / STEPS).write_text("{")
    run_steps(place, CHOICES)
    assert len(taken) == 2 * len(NAMES)
    assert json.loads((place.root / STEPS).read_text())["taken"] == NAMES
