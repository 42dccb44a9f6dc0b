from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from cca_tools.cli.reference import reference_group, ucf51_command


def test_prints_table_a_and_writes_the_artefacts(tmp_path: Path) -> None:
    done = CliRunner().invoke(ucf51_command, ["-w", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == 0
    lines = [line.split() for line in done.stdout.replace("│", " ").splitlines()]
    assert ["highly", "15", "29.4", "%"] in lines
    assert ["weakly", "15", "29.4", "%"] in lines
    assert ["not", "21", "41.2", "%"] in lines
    assert (tmp_path / "reference-ucf51" / "associations.parquet").is_file()


def test_json_lists_table_a_and_the_files(tmp_path: Path) -> None:
    done = CliRunner().invoke(ucf51_command, ["-w", str(tmp_path), "--json"])
    report = json.loads(done.stdout)
    assert [(row["level"], row["classes"], row["percent"]) for row in report["table_a"]] == [
        ("highly", 15, 29.4),
        ("weakly", 15, 29.4),
        ("not", 21, 41.2),
    ]
    assert all(Path(path).is_file() for path in report["files"])


def test_help_has_an_example() -> None:
    for command in (reference_group, ucf51_command):
        done = CliRunner().invoke(command, ["--help"])
        assert done.exit_code == 0
        assert "cca-tools reference ucf51" in done.stdout
