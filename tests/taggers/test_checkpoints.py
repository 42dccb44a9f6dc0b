import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from cca_tools.errors import WeightsError
from cca_tools.taggers.checkpoints import load_into, read_checkpoint
from cca_tools.taggers.registry import load_tagger
from cca_tools.workspace import sha256_of

from .conftest import build_network

NAME = "efficientat-mn04"


@pytest.fixture
def state():
    return build_network(NAME).state_dict()


def load(path):
    return load_tagger(NAME, weights=path, device="cpu")


def one_line(error):
    return "\n" not in str(error.value) and str(error.value).endswith(".")


@pytest.mark.parametrize("wrapper", [None, "model", "state_dict"])
def test_state_dicts_bare_and_wrapped(tmp_path, state, wrapper):
    path = tmp_path / "weights.pt"
    torch.save({wrapper: state, "epoch": 3} if wrapper else state, path)
    checkpoint = read_checkpoint(path)
    assert checkpoint.state.keys() == state.keys()
    assert checkpoint.sha256 == sha256_of(path)
    assert load(path).weights_sha256 == sha256_of(path)


def test_the_old_format_of_torch_files(tmp_path, state):
    path = tmp_path / "weights.pth"
    torch.save({"model": state}, path, _use_new_zipfile_serialization=False)
    assert read_checkpoint(path).state.keys() == state.keys()


def test_safetensors(tmp_path, state):
    path = tmp_path / "weights.safetensors"
    save_file(dict(state), path)
    assert load(path).weights_sha256 == sha256_of(path)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("kept", [0.0, 0.001, 0.5, 0.999])
def test_a_file_cut_short(tmp_path, state, suffix, kept):
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    if suffix == ".pt":
        torch.save(state, whole)
    else:
        save_file(dict(state), whole)
    content = whole.read_bytes()
    cut.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(WeightsError, match="cannot be read as weights") as error:
        load(cut)
    assert one_line(error)


@pytest.mark.parametrize(
    "content", [b"<!DOCTYPE html><html></html>", b"\x00" * 4096, b"version https://git-lfs"]
)
def test_a_file_that_is_something_else(tmp_path, content):
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be read as weights") as error:
        load(path)
    assert one_line(error)


class Payload:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (os.mkdir, (str(self.target),))


@pytest.mark.parametrize(
    "save", [torch.save, lambda obj, path: path.write_bytes(pickle.dumps(obj, 2))]
)
def test_code_in_a_file_is_not_run(tmp_path, save):
    path, trace = tmp_path / "weights.pt", tmp_path / "trace"
    save({"model": Payload(trace)}, path)
    with pytest.raises(WeightsError, match="cannot be read as weights") as error:
        load(path)
    assert one_line(error)
    assert not trace.exists()


@pytest.mark.parametrize("content", [{}, [1, 2], {"model": {"a": 1}}, torch.zeros(3)])
def test_a_file_without_a_state_dict(tmp_path, content):
    path = tmp_path / "weights.pt"
    torch.save(content, path)
    with pytest.raises(WeightsError, match="holds no state dict") as error:
        load(path)
    assert one_line(error)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite(tmp_path, state, value):
    state["features.3.block.0.0.weight"][0, 0] = value
    path = tmp_path / "weights.pt"
    torch.save(state, path)
    with pytest.raises(WeightsError, match=r"features\.3\.block.*not finite") as error:
        load(path)
    assert one_line(error)


def test_weights_of_another_network(shared, tmp_path):
    with pytest.raises(WeightsError, match="weights of another network") as error:
        load_tagger("yamnet", weights=shared / "models" / "mn04_as_mAP_432.pt", device="cpu")
    assert one_line(error)
    wider = tmp_path / "mn10.pt"
    torch.save(build_network("efficientat-mn10").state_dict(), wider)
    with pytest.raises(WeightsError, match="of another shape") as error:
        load(wider)
    assert one_line(error)


def test_missing_and_unknown_tensors_are_counted_and_named(tmp_path, state):
    del state["features.2.block.0.0.weight"], state["features.1.block.0.0.weight"]
    state["extra"] = torch.zeros(1)
    path = tmp_path / "weights.pt"
    torch.save(state, path)
    with pytest.raises(WeightsError) as error:
        load_into(build_network(NAME), read_checkpoint(path))
    assert "2 tensors missing (first 'features.1.block.0.0.weight')" in str(error.value)
    assert "1 tensors unknown (first 'extra')" in str(error.value)


def test_counters_of_batches_may_be_missing(tmp_path, state):
    path = tmp_path / "weights.pt"
    torch.save({k: v for k, v in state.items() if "num_batches" not in k}, path)
    assert load(path).spec.name == NAME


def test_a_folder_in_place_of_a_file(tmp_path):
    with pytest.raises(WeightsError, match="are not there"):
        load(tmp_path)


def test_a_loaded_network_does_not_train(tmp_path, state):
    path = tmp_path / "weights.pt"
    torch.save(state, path)
    network = build_network(NAME)
    load_into(network, read_checkpoint(path))
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
