from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from PIL import Image

from cca_tools.errors import DataError, UsageError
from cca_tools.workspace import read_provenance
from ccl.data.settings import DataSettings
from ccl.evaluation.evaluate import EvaluationSettings, Place, evaluate_student, write_results
from ccl.evaluation.predictions import read_predictions
from ccl.evaluation.report import as_json
from ccl.evaluation.summary import Intervals
from ccl.models.registry import build_student, student_spec

from .studies import small_study

SPEC = student_spec("tiny")
LEVELS = {"class0": "highly", "class1": "not"}


def small_settings(**more):
    data = DataSettings(num_frames=4, size=32, batch_size=6, clips_per_video=2, workers=1)
    return EvaluationSettings(**{"data": data, "intervals": Intervals(50), "levels": LEVELS} | more)


def make_student():
    torch.set_num_threads(1)
    student = build_student("tiny", 3, seed=1).train()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _ in range(4):
            student(torch.randn(4, 3, 4, 32, 32, generator=generator))
        student.classifier.weight *= 30
    return student.eval()


@pytest.fixture(scope="module")
def results():
    return evaluate_student(make_student(), SPEC, small_study(), small_settings())


def test_each_video_of_both_splits_stands_there_once(results):
    said, evaluation = results
    study = small_study()
    assert said.videos["video_id"].tolist() == [*study.test.video_ids, *study.train.video_ids]
    assert said.videos["split"].tolist() == ["test"] * 7 + ["train"] * 9
    assert (said.videos["clips"] == 2).all()
    assert evaluation.sizes["videos"] == 7
    assert evaluation.sizes["gallery_videos"] == 9
    expected = (said.probs[:7].argmax(axis=1) == study.test.targets).mean()
    assert evaluation.value("top1") == pytest.approx(expected)
    assert [row["level"] for row in evaluation.levels] == ["highly", "not"]


def _rank(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    said, evaluation = evaluate_student(make_student(), SPEC, small_study(), small_settings())
    dist.destroy_process_group()
    (folder / f"{rank}.json").write_text(json.dumps(as_json(evaluation)))
    np.savez(folder / f"{rank}.npz", probs=said.probs, embeddings=said.embeddings)
    said.videos.to_parquet(folder / f"{rank}.parquet")


def test_two_ranks_give_what_one_gives(results, tmp_path):
    said, evaluation = results
    mp.spawn(_rank, (tmp_path,), nprocs=2)
    for rank in (0, 1):
        with np.load(tmp_path / f"{rank}.npz") as arrays:
            np.testing.assert_allclose(arrays["probs"], said.probs, atol=1e-5)
            np.testing.assert_allclose(arrays["embeddings"], said.embeddings, atol=1e-5)
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{rank}.parquet"), said.videos)
        told = json.loads((tmp_path / f"{rank}.json").read_text())
        assert told["sizes"] == evaluation.sizes
        for name, metric in told["metrics"].items():
            assert metric == pytest.approx(evaluation.metrics[name], abs=1e-5)


def test_files_and_sidecars(results, tmp_path):
    said, evaluation = results
    given = tmp_path / "config.json"
    given.write_text("{}")
    place = Place(tmp_path / "run", "cca-tools evaluate", (given,))
    paths = write_results(said, evaluation, small_settings(), place)
    assert [path.name for path in paths] == [
        "predictions.parquet", "evaluation.json", "evaluation.md", "confusion.png",
        "embeddings.png",
    ]  # fmt: skip
    assert len(read_predictions(paths[0])) == 16
    for path in paths[:2]:
        record = read_provenance(path)
        assert list(record["inputs"]) == [str(given)]
        assert record["parameters"]["data"]["clips_per_video"] == 2
    for path in paths[3:]:
        picture = np.asarray(Image.open(path).convert("L"))
        assert picture.std() > 5  # something is drawn
    bare = write_results(
        said, evaluation, small_settings(split="val"), replace(place, pictures=False)
    )
    assert [path.name for path in bare] == [
        "predictions-val.parquet", "evaluation-val.json", "evaluation-val.md"
    ]  # fmt: skip


def test_the_validation_split_can_be_asked_about():
    said, evaluation = evaluate_student(
        make_student(), SPEC, small_study(), small_settings(split="val")
    )
    assert (evaluation.split, evaluation.sizes["videos"]) == ("val", 3)
    assert said.videos["split"].tolist() == ["val"] * 3 + ["train"] * 9


def test_no_test_videos_is_said_in_one_line():
    study = small_study(num_test=0)
    with pytest.raises(DataError) as caught:
        evaluate_student(make_student(), SPEC, study, small_settings())
    assert "no test videos of the run's 3 classes" in str(caught.value)
    assert "--split val" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_split_is_refused():
    with pytest.raises(UsageError, match="Give test or val"):
        small_settings(split="train")


def test_the_watcher_sees_every_batch():
    seen = []

    def watch(batches, split):
        for one in batches:
            seen.append((split, len(one.clips)))
            yield one

    evaluate_student(make_student(), SPEC, small_study(), small_settings(), watch)
    assert seen == [("test", 6), ("test", 6), ("test", 2), *[("train", 6)] * 3]
