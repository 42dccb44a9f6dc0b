"""The command line as a whole: commands have help and a place in the README; errors are lines."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cca_tools.cli.main import COMMANDS, app, main
from cca_tools.errors import CcaError, UsageError, WorkspaceError

README = Path(__file__).resolve().parents[2] / "README.md"
MAIN = "from cca_tools.cli.main import main; main()"


def commands_below(name, command):
    """(words of the command line, command) of a command and all below it."""
    yield name, command
    for nested, below in getattr(command, "commands", {}).items():
        yield from commands_below(f"{name} {nested}", below)


def all_commands():
    context = click.Context(app)
    for name in COMMANDS:
        command = app.get_command(context, name)
        assert command is not None
        yield from commands_below(name, command)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_is_true(name):
    module, attribute, line = COMMANDS[name]
    command = getattr(import_module(f"cca_tools.cli.{module}"), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert line.endswith(".")
    assert len(line) < 60


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_stands_in_the_readme(name):
    assert f"cca-tools {name}" in README.read_text(encoding="utf-8")


def test_each_command_and_subcommand_has_help_with_an_example():
    seen = []
    for name, command in all_commands():
        done = CliRunner().invoke(app, [*name.split(), "--help"])
        assert done.exit_code == 0, name
        assert f"      cca-tools {name}" in done.stdout.replace("    cca", "      cca"), name
        assert "\\b" not in done.stdout, name
        assert command.get_short_help_str(), name
        for option in command.params:
            is_told = isinstance(option, click.Argument) or bool(option.help)
            chooses = isinstance(option.type, click.Choice)
            assert is_told or chooses, (name, option.name)
        seen.append(name)
    assert len(seen) > len(COMMANDS)


def test_the_help_lists_all_commands_and_imports_none():
    code = (
        "import sys\nfrom cca_tools.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted(m for m in sys.modules if m.startswith('cca_tools.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *text, modules = done.stdout.splitlines()
    for name, (_, _, line) in COMMANDS.items():
        assert any(name in row and line[:20] in row for row in text), name
    assert modules == "['cca_tools.cli', 'cca_tools.cli.main', 'cca_tools.errors']"


def test_the_version():
    done = CliRunner().invoke(app, ["--version"])
    assert done.stdout == f"cca-tools, version {version('cca-tools')}\n"


def ended(argv):
    with pytest.raises(SystemExit) as end:
        main(argv)
    return end.value.code


@pytest.fixture
def command(monkeypatch):
    """Put a command in the place of `taggers` that does what the test says."""

    def put(action):
        @click.command(name="taggers")
        def stand_in():
            r"""Do what the test says.

            \b
            Example:
              cca-tools taggers
            """
            return action()

        monkeypatch.setattr("cca_tools.cli.taggers.taggers_command", stand_in)

    return put


def refuse(error):
    raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("a is b", "Do c"), 2), (WorkspaceError("a is b", "Do c"), 1),
     (CcaError("a is b", "Do c"), 2)],
)  # fmt: skip
def test_our_errors_are_one_line(command, capsys, error, code):
    command(lambda: refuse(error))
    assert ended(["taggers"]) == code
    assert capsys.readouterr() == ("", "cca-tools: a is b. Do c.\n")


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1), ("text", 0)])
def test_what_a_command_returns_is_the_exit_code(command, result, code):
    command(lambda: result)
    assert ended(["taggers"]) == code


def test_ctrl_c_is_no_traceback(command, capsys):
    command(lambda: refuse(KeyboardInterrupt()))
    assert ended(["taggers"]) == 130
    assert capsys.readouterr() == ("", "\nstopped\n")


@pytest.mark.parametrize(
    "argv", [["no-such-command"], ["taggers", "--no-such-option"], ["taggers", "extra"], ["index"]]
)
def test_wrong_use_is_exit_code_2_with_the_usage(argv, capsys):
    assert ended(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Usage: cca-tools")


def test_a_reader_that_has_seen_enough_is_no_traceback():
    """As in `cca-tools taggers | head -1`, with a reader that is gone at once."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "taggers"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 1


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_what_a_terminal_cannot_show_is_escaped(encoding):
    code = (
        "import click, cca_tools.cli.taggers as t\n"
        "show = lambda: click.echo('caf\\udce9 \\u732b')\n"
        "t.taggers_command = click.command(name='taggers')(show)\n" + MAIN
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "taggers"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert done.stderr == b""
    shown = "caf\\udce9 \\u732b\n" if encoding == "latin-1" else "caf\\udce9 猫\n"
    assert done.stdout.decode(encoding) == shown
