"""How good the student is on videos held out of training: what a model is chosen by."""

from __future__ import annotations

import numpy as np

from ccl.evaluation.predict import predict
from ccl.evaluation.recognition import topk_hits
from ccl.training.job import Job, autocast


def validate(job: Job) -> dict[str, float]:
    """Return ``top1``, ``top5`` and ``loss`` per validation video, over all ranks.

    The loss is the mean of -log of the probability of the class, the probabilities being
    averaged over clips. Without validation videos there is nothing to return.
    """
    study, ranks = job.study, job.ranks
    if not len(study.val):
        return {}
    with autocast(job.config.run.precision, ranks.device):
        said = predict(job.student, job.validation, study.val, study.classes, "val")
    targets = said.videos["target"].to_numpy()
    chosen = said.probs[np.arange(len(targets)), targets]
    return {
        "top1": float(np.mean(topk_hits(said.probs, targets, 1))),
        "top5": float(np.mean(topk_hits(said.probs, targets, 5))),
        "loss": float(-np.log(np.maximum(chosen, np.finfo(chosen.dtype).tiny)).mean()),
    }
