"""Fixtures for the taggers: decoding, real recordings, loaded networks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from importlib import import_module

import av
import numpy as np
import pytest
import soxr
import torch
from torch import nn

from cca_tools.taggers.registry import load_tagger, tagger_spec


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Threads that wait for each other at every layer are slow where tests run in parallel."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def decode():
    """Give a function from a file and a rate to the mean of its channels, resampled by soxr HQ."""

    def decode_file(path, rate):
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="fltp")
            frames = [
                part.to_ndarray()
                for frame in container.decode(stream)
                for part in resampler.resample(frame)
            ]
            sound = np.concatenate(frames, axis=1).mean(axis=0, dtype=np.float32)
            return soxr.resample(sound, stream.rate, rate, quality="HQ")

    return decode_file


@pytest.fixture(scope="session")
def yamnet():
    return load_tagger("yamnet", device="cpu")


@pytest.fixture(scope="session")
def mn04(shared):
    weights = shared / "models" / "mn04_as_mAP_432.pt"
    return load_tagger("efficientat-mn04", weights=weights, device="cpu")


def build_network(name):
    """The network of a tagger under its published names, untrained."""
    spec = tagger_spec(name)
    family = import_module(f"cca_tools.taggers.{spec.family}")
    if spec.family == "panns":
        return family.ARCHITECTURES[name](spec, spec.num_classes)
    if spec.family == "efficientat":
        return family.MobileNetV3(spec.num_classes, family.WIDTHS[name])
    return family.YamnetNetwork(spec.num_classes)


def randomise(network, seed):
    """Weights at which activations neither vanish nor explode, and clips score differently."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            fan_in = module.weight[0].numel()
            module.weight.data.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
            if module.bias is not None:
                module.bias.data.normal_(0, 0.1, generator=generator)
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.8, 1.2, generator=generator)
            module.bias.data.normal_(0, 0.1, generator=generator)
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.8, 1.2, generator=generator)
    if hasattr(network, "bn0"):  # the input of the PANNs is in decibels
        network.bn0.running_mean.fill_(-30.0)
        network.bn0.running_var.fill_(300.0)


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory):
    """Give a function from a tagger's name to a file of the published form, random but fixed."""
    folder = tmp_path_factory.mktemp("weights")

    @cache
    def path_of(name):
        network = build_network(name)
        randomise(network, seed=7)
        torch.save({"iteration": 1, "model": network.state_dict()}, folder / f"{name}.pth")
        return folder / f"{name}.pth"

    yield path_of
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def random_tagger(random_checkpoint):
    """Give a function from a name to a tagger: random weights, but for YAMNet its own."""

    @cache
    def load(name):
        weights = None if name == "yamnet" else random_checkpoint(name)
        return load_tagger(name, weights=weights, device="cpu")

    return load


@pytest.fixture
def sound():
    """Give a function from a length to a reproducible clip: a gliding tone in noise."""

    def make(num_samples, seed=0):
        rng = np.random.default_rng(seed)
        time_s = np.arange(num_samples) / 32_000
        tone = np.sin(2 * np.pi * (300 + 200 * seed) * time_s * (1 + time_s))
        return (0.3 * tone + 0.05 * rng.standard_normal(num_samples)).astype(np.float32)

    return make


@pytest.fixture
def run_python(tmp_path):
    """Give a function that runs a program in a fresh process with an empty home folder."""

    def run(program, **environment):
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "HOME": str(home), "USERPROFILE": str(home), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    return run
