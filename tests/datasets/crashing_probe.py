"""A probe that does what a file's name says; children import it by name."""

import os
import time
from pathlib import Path

from cca_tools.media import probe as real


def probe(path):
    if "crash" in Path(path).name:
        os._exit(139)
    if "hang" in Path(path).name:
        time.sleep(100)
    return real.probe(path)


def probe_many(paths):
    return [probe(path) for path in paths]
