"""Two processes compute what one computes: loss, gradients, parameters, metrics."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import training_worker
from torch import nn

from ccl.methods.registry import METHODS
from ccl.training.batch_norm import gathered_batch_norm
from ccl.training.ranks import Ranks, shares

WORKER = Path(training_worker.__file__)
PATHS = os.pathsep.join([str(WORKER.parents[1]), str(WORKER.parent)])


def run_ranks(world, task, out, *extra):
    """Start processes as torchrun does, or call the task here; return what the first wrote."""
    if world == 1:
        getattr(training_worker, task)(out, *extra)
        return torch.load(out, weights_only=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    base |= {"WORLD_SIZE": str(world), "OMP_NUM_THREADS": "1", "PYTHONPATH": PATHS}
    command = [sys.executable, str(WORKER), task, str(out), *extra]
    started = [
        subprocess.Popen(command, env=base | {"RANK": str(r), "LOCAL_RANK": str(r)})
        for r in range(world)
    ]
    assert [process.wait(timeout=240) for process in started] == [0] * world
    return torch.load(out, weights_only=True)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """What one and two ranks compute."""
    folder = tmp_path_factory.mktemp("ranks")
    return [run_ranks(world, "parts", folder / f"{world}.pt") for world in (1, 2)]


@pytest.mark.parametrize("method", METHODS)
def test_a_step_of_two_ranks_is_that_of_one(worlds, method):
    """5 rows in parts of 3 and 2: gradients, parameters, memories, norms, terms and counts."""
    one, two = (world[f"double {method}"] for world in worlds)
    assert one.keys() == two.keys()
    assert {name.partition("/")[0] for name in one} == {
        "total",
        "gradient",
        "parameter",
        "running",
    }
    for name, value in one.items():
        scale = value.abs().max().clamp_min(1e-3)
        assert (two[name] - value).abs().max() <= 1e-9 * scale, name


@pytest.mark.parametrize("method", ["baseline", "ccl", "ccl-released", "crd"])
def test_gradients_in_float32_are_those_of_one(worlds, method):
    """An epoch of 5, 4 and 4 rows, with sounds absent, within 1e-5 of each parameter's largest."""
    one, two = (world[f"single {method}"] for world in worlds)
    assert one.keys() == two.keys()
    assert {name.partition("/")[0] for name in one} == {"0", "1", "2", "total"}
    for name, value in one.items():
        assert (two[name] - value).abs().max() <= 1e-5 * value.abs().max(), name


@pytest.mark.parametrize("case", ["norm 3", "norm 2"])
def test_the_norm_over_ranks_is_that_over_all_rows(worlds, case):
    """The second rank has no row, or one; outputs as of BatchNorm3d to the last bit."""
    one, two = (world[case] for world in worlds)
    for name, value in one.items():
        assert (two[name] - value).abs().max() <= 1e-6 * value.abs().max(), name
    assert torch.equal(one["y"], two["y"])


def test_a_whole_run_on_two_ranks_gives_the_same_metrics(tmp_path):
    """Validation of 5 and test of 7 videos: no video is counted twice or left out."""
    records, evaluations = [], []
    for world in (1, 2):
        folder = tmp_path / f"run{world}"
        run_ranks(world, "run", tmp_path / f"{world}.pt", str(folder))
        lines = (folder / "metrics.jsonl").read_text().splitlines()
        records.append([json.loads(line) for line in lines])
        evaluations.append(json.loads((folder / "evaluation.json").read_text()))
    assert len(records[0]) == len(records[1]) == 2
    for one, two in zip(*records, strict=True):
        assert one["counts"] == two["counts"]
        assert one["counts"]["rows"] == 13
        assert two["terms"] == pytest.approx(one["terms"], rel=1e-5)
        assert two["val"] == pytest.approx(one["val"], rel=1e-5)
        assert two["train_top1"] == one["train_top1"]
    assert evaluations[0]["sizes"] == evaluations[1]["sizes"]
    assert evaluations[0]["sizes"]["videos"] == 7
    for name, metric in evaluations[0]["metrics"].items():
        assert evaluations[1]["metrics"][name]["value"] == pytest.approx(metric["value"], abs=1e-6)


def test_norms_keep_their_parameters_and_names():
    plain = nn.Sequential(nn.Conv3d(1, 2, 1), nn.BatchNorm3d(2))
    names = list(plain.state_dict())
    gathered = gathered_batch_norm(plain)
    assert list(gathered.state_dict()) == names
    x = torch.randn(3, 1, 2, 2, 2)
    evaluated = gathered.eval()(x)
    plain[1].__class__ = nn.BatchNorm3d
    assert torch.equal(plain(x), evaluated)


@pytest.mark.parametrize("rows", range(7))
@pytest.mark.parametrize("world", [1, 2, 3])
def test_shares_are_those_of_the_batches(rows, world):
    expected = [len(part) for part in np.array_split(np.arange(rows), world)]
    assert shares(rows, world) == expected


def test_one_rank_exchanges_nothing():
    ranks = Ranks()
    parameter = nn.Parameter(torch.ones(2))
    parameter.grad = torch.ones(2)
    ranks.average_gradients([parameter])
    assert ranks.any(True)
    assert not ranks.any(False)
    assert parameter.grad.tolist() == [1, 1]
