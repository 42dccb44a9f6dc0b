"""What the CVPR 2021 supplement of Chen et al. publishes about UCF51, as data.

Source: Y. Chen, Y. Xian, A. S. Koepke, Y. Shan, Z. Akata, *Distilling Audio-Visual Knowledge by
Compositional Contrastive Learning*, CVPR 2021, supplement, Tables D to F.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

LEVELS = ("highly", "weakly", "not")


@cache
def published_rows() -> tuple[dict[str, str], ...]:
    """Return Tables D to F, one row a video class in printed order.

    Each row has ``class_name``, ``level`` (one of ``LEVELS``), ``table`` (D, E or F) and
    ``audio_classes`` (ten AudioSet names, most frequent first, joined by ``'; '``).
    """
    text = resources.files(__package__).joinpath("ucf51.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def ucf51_classes() -> tuple[str, ...]:
    """Return the 51 classes of UCF101 whose videos have sound, in alphabetical order.

    >>> classes = ucf51_classes()
    >>> len(classes), classes[0], classes[-1]
    (51, 'ApplyEyeMakeup', 'WritingOnBoard')
    """
    return tuple(row["class_name"] for row in published_rows())


def ucf51_levels() -> dict[str, str]:
    """Return the published level of each of the 51 classes.

    >>> ucf51_levels()["PlayingCello"]
    'highly'
    """
    return {row["class_name"]: row["level"] for row in published_rows()}
