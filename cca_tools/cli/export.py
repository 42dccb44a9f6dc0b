"""``cca-tools export``: the student of a run as safetensors and ONNX."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.cli.output import size_text
from cca_tools.cli.runs import find_run
from cca_tools.workspace import Workspace


@click.command()
@click.argument("run", metavar="RUN")
@workspace_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    show_default="RUN/export",
    help="The folder to write into.",
)
@json_option
def export_command(workspace: Path, run: str, out: Path | None, as_json: bool) -> None:
    r"""Write the best student of RUN as student.safetensors and student.onnx.

    Both carry the classes, the measures of a clip, and how its colours are normalised. They are
    run on the same random clips and refused if their outputs differ by more than 1e-4.

    \b
    Example:
      cca-tools export ccl-audio-image/weak_or_high/seed0 --out student
    """
    from ccl.evaluation.run import finished_run
    from ccl.export import export_run

    folder = find_run(Workspace(workspace), run)
    export = export_run(finished_run(folder), out or folder / "export", command_line())
    paths = (export.safetensors, export.onnx)
    if as_json:
        report = {
            "files": [str(path) for path in paths],
            "bytes": [path.stat().st_size for path in paths],
            "difference": export.difference,
        }
        click.echo(json.dumps(report, indent=2))
        return
    for path in paths:
        click.echo(f"{path} ({size_text(path.stat().st_size)})")
    click.echo(f"both agree: largest difference {export.difference:.1e} of the largest output")
