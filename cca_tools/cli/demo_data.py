"""``cca-tools demo-data``: generate the demo dataset."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click
from tqdm import tqdm

from cca_tools.demo.generate import DEFAULT_VIDEOS_PER_CLASS, VIDEOS, generate_demo


@click.command("demo-data")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=0, show_default=True, help="From which all follows.")
@click.option(
    "--videos-per-class",
    type=int,
    default=DEFAULT_VIDEOS_PER_CLASS,
    show_default=True,
    help="At least 4; two and two are cut from one recording.",
)
@click.option("--force", is_flag=True, help="Write also into a folder that holds other things.")
def demo_data_command(out: Path, seed: int, videos_per_class: int, force: bool) -> None:
    r"""Generate the demo dataset in the folder OUT.

    Short videos with sound, painted and synthesised: a third of the classes sound as they look,
    a third have a typical sound, a third any sound. The truth is written beside them.

    \b
    Example:
      cca-tools demo-data demo
      cca-tools index demo/videos.csv --layout table
    """
    with tqdm(desc="making clips", unit="clip", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        data = generate_demo(
            out, seed=seed, videos_per_class=videos_per_class, force=force, on_clip=show
        )
    flawed = int((data.videos["flaw"] != "").sum())
    click.echo(
        f"{len(data.videos)} videos of {len(data.classes)} classes in {out}, "
        f"{flawed} of them silent or without sound on purpose"
    )
    table = shlex.quote(str(out / VIDEOS))
    click.echo(f"next: cca-tools index {table} --layout table", err=True)
