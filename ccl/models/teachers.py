"""The image teacher: a frozen ResNet-34 that embeds single pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models import ResNet34_Weights, resnet34

from cca_tools.errors import UsageError, WeightsError
from ccl.models.download import published_weights
from ccl.models.weights import read_state
from ccl.numerics import seeded

PRETRAINED, RANDOM = "resnet34", "resnet34-random"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, as torchvision has it
_HEAD = "fc."


class ResNet34Teacher(nn.Module):
    """ResNet-34 without its classifier; it never learns and stays in evaluation mode.

    Args:
        size: Height and width to which pictures are scaled, in pixels.
    """

    width = 512
    mean: Tensor
    std: Tensor

    def __init__(self, size: int = 224) -> None:
        super().__init__()
        self.size = size
        self.backbone = resnet34(weights=None)
        self.backbone.fc = nn.Identity()
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, whatever is asked."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Tensor:
        """Embed pictures.

        Args:
            frames: (B, 3, H, W) RGB from 0 to 1, of any size.

        Returns:
            (B, 512), the mean over the last feature map.
        """
        size = (self.size, self.size)
        scaled = interpolate(frames, size, mode="bilinear", align_corners=False, antialias=True)
        embedding: Tensor = self.backbone((scaled - self.mean) / self.std)
        return embedding


def load_image_teacher(name: str = PRETRAINED, *, seed: int = 0) -> ResNet34Teacher:
    """Return the image teacher.

    Args:
        name: ``resnet34`` for the weights that torchvision publishes (found on this machine or
            downloaded), a file of such weights, or ``resnet34-random``, a control.
        seed: Of random weights.

    Raises:
        UsageError: It is neither of the names, nor a file.
        WeightsError: The weights cannot be had, cannot be read, or do not fit.
    """
    with seeded(seed):
        teacher = ResNet34Teacher()
    if name == RANDOM:
        return teacher
    if name == PRETRAINED:
        path = published_weights(ResNet34_Weights.IMAGENET1K_V1.url)
    elif Path(name).is_file():
        path = Path(name)
    else:
        raise UsageError(
            f"there is no image teacher {name!r}", f"Give {PRETRAINED}, {RANDOM} or a weights file"
        )
    state = {key: value for key, value in read_state(path).items() if not key.startswith(_HEAD)}
    try:
        teacher.backbone.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(
            f"the weights in {path} are not of a ResNet-34: {error}", "Give torchvision's file"
        ) from error
    return teacher
