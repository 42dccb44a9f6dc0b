"""The bar on a terminal, and the logs after a run that went on."""

import io
import json

import torch

from ccl.losses.objective import Objective
from ccl.models.prediction import Prediction
from ccl.training.checkpoint import Place
from ccl.training.record import EpochRecord, Record, read_metrics


class Terminal(io.StringIO):
    def isatty(self):
        return True


def place_with_terms(epoch=1, step=1):
    place = Place(epoch=epoch, step=step)
    logits = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    terms = {"ce_video": torch.tensor(0.25), "audio/jsd": torch.tensor(0.5)}
    objective = Objective(torch.tensor(0.0), terms, {})
    place.totals.add(Prediction(logits, logits), torch.tensor([0, 1]), objective)
    return place


def epoch_record(epoch):
    return EpochRecord(epoch, 0.1, {"ce_video": 1.0}, {"rows": 2}, 0.5, {}, 3.0, 4.0)


def test_the_bar_shows_terms_accuracy_speed_and_time_left(tmp_path, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    record = Record(tmp_path, Place(epoch=1), (4, 12), show=True)
    record.step(place_with_terms(), 2)
    record.close()
    shown = terminal.getvalue()
    for part in ("epoch 2", "ce_video=0.25", "audio/jsd=0.5", "acc=50.0%", "clips/s=", "5/12", "<"):
        assert part in shown, part


def test_no_bar_where_it_would_fill_a_file(tmp_path, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    record = Record(tmp_path, Place(), (4, 12), show=True)
    record.step(place_with_terms(0), 2)
    record.close()
    assert stream.getvalue() == ""


def test_epochs_after_the_checkpoint_are_dropped(tmp_path):
    record = Record(tmp_path, Place(), (1, 3), show=False)
    for epoch in range(3):
        record.epoch(epoch_record(epoch))
    record.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lr"')
    assert [epoch["epoch"] for epoch in read_metrics(tmp_path)] == [0, 1, 2]
    Record(tmp_path, Place(epoch=2), (1, 3), show=False).close()
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [0, 1]


def test_other_ranks_write_nothing(tmp_path):
    record = Record(None, Place(), (1, 1), show=True)
    record.step(Place(), 1)
    record.epoch(epoch_record(0))
    record.status("running", Place())
    record.close()
    assert list(tmp_path.iterdir()) == []
