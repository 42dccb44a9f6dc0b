from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ccl.evaluation.predict import predict
from ccl.models.registry import build_student

CLASSES = ("a", "b", "c")
TARGETS = np.array([0, 1, 2, 1, 0])
VIDEOS = SimpleNamespace(
    video_ids=[f"v{i}" for i in range(5)], targets=TARGETS, groups=["g", "g", "h", "", "h"]
)


def clips(count, seed=0):
    return torch.randn(count, 3, 4, 16, 16, generator=torch.Generator().manual_seed(seed))


def batch(pixels, index):
    return SimpleNamespace(clips=pixels, index=torch.tensor(index))


@pytest.fixture(scope="module")
def student():
    """With statistics and outputs that tell clips apart."""
    student = build_student("tiny", 3, seed=0).train()
    with torch.no_grad():
        for seed in range(3):
            student(clips(4, seed))
        student.classifier.weight *= 20
    return student


def test_probabilities_and_embeddings_are_meant_over_clips_in_any_batches(student):
    pixels, owner = clips(9), [0, 0, 1, 2, 2, 2, 4, 1, 3]
    cuts = (slice(0, 4), slice(4, 5), slice(5, 9))
    said = predict(student, [batch(pixels[c], owner[c]) for c in cuts], VIDEOS, CLASSES, "val")
    student.eval()
    with torch.no_grad():
        outputs = [student(one[None]) for one in pixels]
    student.train()
    for video in range(5):
        own = [outputs[i] for i in range(9) if owner[i] == video]
        probs = [one.logits[0].double().softmax(0).numpy() for one in own]
        vectors = [one.embedding[0].numpy() for one in own]
        np.testing.assert_allclose(said.probs[video], np.mean(probs, axis=0), atol=1e-5)
        np.testing.assert_allclose(said.embeddings[video], np.mean(vectors, axis=0), atol=1e-4)
        right = [p.argmax() == TARGETS[video] for p in probs]
        row = said.videos.iloc[video]
        assert row["clips"] == len(own)
        assert row["clip_top1"] == pytest.approx(np.mean(right))
        assert row["clip_top5"] == 1.0
        assert row["video_id"] == f"v{video}"
        assert row["class_name"] == CLASSES[TARGETS[video]]
        assert (row["split"], row["group"]) == ("val", VIDEOS.groups[video])


def test_a_video_without_a_clip_is_not_there(student):
    said = predict(student, [batch(clips(2), [3, 1])], VIDEOS, CLASSES, "test")
    assert said.videos["video_id"].tolist() == ["v1", "v3"]
    assert said.videos["target"].tolist() == [1, 1]
    assert said.probs.shape == (2, 3)
    nothing = predict(student, [], VIDEOS, CLASSES, "test")
    assert len(nothing) == 0
    assert nothing.embeddings.shape == (0, student.width)


@pytest.mark.parametrize("training", [True, False])
def test_the_student_keeps_mode_and_state(student, training):
    student.train(training)
    before = {name: value.clone() for name, value in student.state_dict().items()}
    predict(student, [batch(clips(2), [0, 1])], VIDEOS, CLASSES, "test")
    assert student.training is training
    assert all(torch.equal(x, before[name]) for name, x in student.state_dict().items())
    with pytest.raises(ValueError, match="clips must be"):
        predict(student, [batch(torch.zeros(1, 2), [0])], VIDEOS, CLASSES, "test")
    assert student.training is training


def test_it_runs_under_autocast(student):
    batches = [batch(clips(2), [0, 1])]
    exact = predict(student, batches, VIDEOS, CLASSES, "test")
    with torch.autocast("cpu", torch.bfloat16):
        rough = predict(student, batches, VIDEOS, CLASSES, "test")
    assert rough.probs.dtype == np.float32
    np.testing.assert_allclose(rough.probs.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(rough.probs, exact.probs, atol=0.2)
