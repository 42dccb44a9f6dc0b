"""What every student is: a backbone that embeds clips, and a linear classifier on top."""

from __future__ import annotations

from torch import Tensor, nn

from ccl.models.prediction import Prediction


class VideoStudent(nn.Module):
    """Embed and classify clips.

    Args:
        backbone: From clips (B, 3, T, H, W) to embeddings (B, width).
        width: D, of the embedding.
        num_classes: C.
    """

    def __init__(self, backbone: nn.Module, width: int, num_classes: int) -> None:
        super().__init__()
        self.width = width
        self.backbone = backbone
        self.classifier = nn.Linear(width, num_classes)

    def forward(self, clips: Tensor) -> Prediction:
        """Return embedding (B, D) and logits (B, C) of clips (B, 3, T, H, W).

        Raises:
            ValueError: The clips are of another shape.
        """
        if clips.ndim != 5 or clips.shape[1] != 3:
            raise ValueError(f"clips must be (B, 3, T, H, W), got {tuple(clips.shape)}")
        embedding = self.backbone(clips)
        return Prediction(embedding, self.classifier(embedding))
