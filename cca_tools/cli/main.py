"""The ``cca-tools`` command: finds the command's module only when it is asked for."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

import click

from cca_tools.errors import CcaError

# command -> (module below cca_tools.cli, its click command, one line for --help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "index": ("index", "index_command", "Make the manifest of a dataset."),
    "tag-audio": ("tag_audio", "tag_audio_command", "Score the sound of every video."),
    "tags": ("tags", "tags_group", "Look at tags: show, failures, list."),
    "associate": ("associate", "associate_command", "Tell what each class sounds like."),
    "features": ("features", "features_group", "Import and list the features of a teacher."),
    "prepare": ("prepare", "prepare_command", "Pack the frames of every video for training."),
    "suggest": ("suggest", "suggest_command", "Suggest a level for each class, with reasons."),
    "labels": ("labels", "labels_group", "Import, export, compare and adjudicate labels."),
    "split": ("split", "split_command", "Make named sets of classes of the labels."),
    "stats": ("stats", "stats_command", "Count highly, weakly and not correlated classes."),
    "label": ("label", "label_command", "Label classes in a browser."),
    "train": ("train", "train_command", "Train a network, with or without distillation."),
    "evaluate": ("evaluate", "evaluate_command", "Evaluate a trained run."),
    "export": ("export", "export_command", "Write a run's student as safetensors and ONNX."),
    "ablate": ("ablate", "ablate_command", "Compare methods over strata and seeds."),
    "compare": ("compare", "compare_command", "Compare runs: recognition and retrieval."),
    "reference": ("reference", "reference_group", "Write published tables as artefacts."),
    "taggers": ("taggers", "taggers_command", "List the audio taggers."),
    "weights": ("weights", "weights_group", "List, pull, verify and find weights."),
    "demo-data": ("demo_data", "demo_data_command", "Generate the demo dataset."),
    "report": ("report", "report_command", "Tell the whole study in one HTML file."),
    "benchmark": ("benchmark", "benchmark_group", "Run the pipeline where the truth is known."),
    "doctor": ("doctor", "doctor_command", "Check what works on this machine."),
}


def keep_examples_as_written(command: click.Command) -> None:
    r"""Turn the two characters ``\b`` of raw docstrings into the one by which click keeps lines."""
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    for nested in getattr(command, "commands", {}).values():
        keep_examples_as_written(nested)


class LazyGroup(click.Group):
    """A group whose commands are imported when run, so that ``--help`` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order a study uses them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"cca_tools.cli.{module}"), attribute)
        keep_examples_as_written(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("cca-tools"), prog_name="cca-tools")
@click.option("--verbose", "-v", is_flag=True, help="Log what is being done, to standard error.")
def app(verbose: bool) -> None:
    r"""What does each class of a video dataset sound like, and does it matter?

    \b
    From a folder of videos to the table:
      cca-tools index VIDEOS --layout folder
      cca-tools tag-audio
      cca-tools associate
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s: %(message)s"
    )


keep_examples_as_written(app)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; errors end in one line on standard error and exit code 1 or 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names that the terminal cannot show
    try:
        code = app.main(args=argv, prog_name="cca-tools", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        code = 130
    except CcaError as error:
        click.echo(f"cca-tools: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:  # the reader has seen enough, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
