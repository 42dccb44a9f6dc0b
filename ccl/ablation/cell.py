"""One cell in a process of its own: `python -m ccl.ablation.cell SPEC`."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ccl.ablation.engine import PARENT

SPEC = "cell.json"
_PR_SET_PDEATHSIG = 1
_LOOK_EVERY_S = 0.5


def die_with(parent: int) -> None:
    """End this process when ``parent`` ends, however that ends.

    Else a killed ablation would leave a run behind that the next one meets.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it died before we asked to be told
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_S)
    os._exit(1)


def run_cell(spec: dict[str, Any]) -> int:
    """Train and evaluate the run that is described, or go on with it.

    Args:
        spec: ``config`` (as ``as_dict`` gives it), ``workspace``, ``folder`` and ``command``.

    Returns:
        0 when it is trained to its end and evaluated; then the description has the seconds that
        all but the epochs took (``overhead_s``), for the estimates of later cells.
    """
    began = time.monotonic()
    from cca_tools.workspace import Workspace, write_json
    from ccl.training.configure import validated
    from ccl.training.record import read_metrics
    from ccl.training.train import Options, train

    options = Options(progress=False, command=spec["command"])
    workspace, folder = Workspace(Path(spec["workspace"])), Path(spec["folder"])
    before = len(read_metrics(folder))
    summary = train(validated(spec["config"]), workspace, folder=folder, options=options)
    if summary.exit_code:
        sys.stderr.write("stopped; what is trained is kept\n")
        return summary.exit_code
    if not summary.metrics:
        sys.stderr.write("trained, but there are no test videos to evaluate it on\n")
        return 1
    training = sum(float(epoch["seconds"]) for epoch in read_metrics(folder)[before:])
    overhead = {"overhead_s": round(time.monotonic() - began - training, 3)}
    write_json(folder / SPEC, spec | overhead)
    return 0


def main() -> None:
    """Run the cell that the file named on the command line describes."""
    if PARENT in os.environ:
        die_with(int(os.environ[PARENT]))
    from cca_tools.errors import CcaError

    try:
        code = run_cell(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    except CcaError as error:
        sys.stderr.write(f"{error}\n")
        code = error.exit_code
    sys.exit(code)


if __name__ == "__main__":
    main()
