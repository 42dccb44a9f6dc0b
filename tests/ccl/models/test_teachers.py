"""The image teacher is torchvision's network without its head, frozen."""

from __future__ import annotations

import pytest
import torch
from torchvision.models import resnet34

from cca_tools.errors import UsageError, WeightsError
from ccl.models.teachers import load_image_teacher


@pytest.fixture(scope="module")
def published():
    torch.manual_seed(3)
    network = resnet34(weights=None).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network


def test_embeds_as_torchvision_does(published, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(published.state_dict(), path)
    teacher = load_image_teacher(str(path))
    frames = torch.rand(2, 3, 224, 224, generator=torch.manual_seed(0))
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    inner = {}
    published.avgpool.register_forward_hook(lambda *a: inner.update(x=a[2].flatten(1)))
    with torch.no_grad():
        published((frames - mean) / std)
    assert torch.allclose(teacher(frames), inner["x"], atol=1e-5)


def test_any_size_of_picture_and_a_batch_of_one():
    teacher = load_image_teacher("resnet34-random")
    assert teacher(torch.rand(1, 3, 64, 64)).shape == (1, 512)
    assert teacher.width == 512


def test_it_never_learns_nor_leaves_evaluation():
    teacher = load_image_teacher("resnet34-random", seed=1)
    teacher.train()
    assert not any(module.training for module in teacher.modules())
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    frames = torch.rand(2, 3, 64, 64, requires_grad=True)
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    assert not teacher(frames).requires_grad
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())


def test_random_weights_come_from_the_seed_and_by_name_only(monkeypatch, tmp_path):
    one, same, other = (
        load_image_teacher("resnet34-random", seed=s).backbone.conv1.weight for s in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    monkeypatch.setenv("CCA_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("CCA_WEIGHTS_URL", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.delenv("CCA_WEIGHTS_DIR", raising=False)
    with pytest.raises(WeightsError, match=r"resnet34-b627a593\.pth.*CCA_WEIGHTS_DIR"):
        load_image_teacher()


def test_other_names_and_files(tmp_path):
    with pytest.raises(UsageError, match="resnet34-random"):
        load_image_teacher("resnet50")
    path = tmp_path / "other.pth"
    torch.save({"x": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match="not of a ResNet-34"):
        load_image_teacher(str(path))
