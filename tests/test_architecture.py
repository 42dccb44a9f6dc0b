"""The arrows of the design: who may import whom, read from the source of every module."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CCL_MAY_USE = ("workspace", "splits", "datasets", "media", "errors")
NEURAL = ("torch", "torchaudio", "torchvision", "streamlit", "panns_inference", "torchlibrosa")


def modules():
    """Dotted name -> path of every module of the package, the apps and the training code."""
    found = {}
    for top in ("cca_tools", "apps", "ccl"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def imports_of(name, at_import_time=False):
    """The dotted names that a module imports, at its top or anywhere; not for type checking."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    found = set()
    for node in _statements(tree, at_import_time):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            found.add(base)
            found |= {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and _is_import_module(node):
            found.add(node.args[0].value)
    return found


def _is_import_module(node):
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    is_text = bool(node.args) and isinstance(node.args[0], ast.Constant)
    return name == "import_module" and is_text and isinstance(node.args[0].value, str)


def _statements(tree, at_import_time):
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if at_import_time and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        yield node
        yield from _statements(node, at_import_time)


def below(names, *packages):
    """Those of ``names`` that are one of ``packages`` or below it."""
    return {
        name for name in names for package in packages
        if name == package or name.startswith(f"{package}.")
    }  # fmt: skip


def test_there_is_something_to_check():
    assert len(below(MODULES, "cca_tools")) > 50
    assert "cca_tools.media.guard" in imports_of("cca_tools.tagging.run")
    assert "cca_tools.taggers.catalogue" in imports_of("cca_tools.taggers.registry")
    assert "torch" not in imports_of("cca_tools.taggers.base")  # for type checking only


@pytest.mark.parametrize("name", sorted(below(MODULES, "cca_tools", "ccl")))
def test_nothing_imports_the_apps(name):
    assert below(imports_of(name), "apps") == set()


@pytest.mark.parametrize("name", sorted(set(MODULES) - below(MODULES, "cca_tools.cli")) or ["none"])
def test_nothing_imports_the_command_line(name):
    assert below(imports_of(name), "cca_tools.cli") == set()


@pytest.mark.parametrize("name", sorted(below(MODULES, "cca_tools")))
def test_the_toolkit_knows_nothing_of_training_but_in_a_command(name):
    used = below(imports_of(name), "ccl")
    if name.startswith("cca_tools.cli."):
        used = below(imports_of(name, at_import_time=True), "ccl")
    assert used == set()


@pytest.mark.parametrize("name", sorted(below(MODULES, "ccl")))
def test_training_uses_only_the_foundations(name):
    allowed = below(imports_of(name), *(f"cca_tools.{part}" for part in CCL_MAY_USE))
    assert below(imports_of(name), "cca_tools") - {"cca_tools"} <= allowed


@pytest.mark.parametrize("name", sorted(below(MODULES, "apps")))
def test_apps_use_no_training(name):
    assert below(imports_of(name), "ccl") == set()


FOUNDATIONS = {
    "cca_tools.errors": (),
    "cca_tools.workspace": ("cca_tools.errors",),
    "cca_tools.media": ("cca_tools.errors", "cca_tools.media"),
    "cca_tools.datasets": (
        "cca_tools.errors", "cca_tools.workspace", "cca_tools.media", "cca_tools.datasets",
        "cca_tools.reference",
    ),
    "cca_tools.taggers": ("cca_tools.errors", "cca_tools.workspace", "cca_tools.taggers"),
}  # fmt: skip


@pytest.mark.parametrize("package", FOUNDATIONS)
def test_the_lower_layers_know_nothing_of_the_upper_ones(package):
    for name in below(MODULES, package):
        used = below(imports_of(name), "cca_tools") - {"cca_tools"}
        assert used <= below(used, *FOUNDATIONS[package]), name


@pytest.mark.parametrize("name", sorted(below(MODULES, "cca_tools")))
def test_networks_are_imported_in_the_families_of_taggers_alone(name):
    """Elsewhere torch may be imported within a function, when there is a tagger anyway."""
    if not name.startswith("cca_tools.taggers."):
        assert below(imports_of(name, at_import_time=True), *NEURAL) == set()


@pytest.mark.parametrize("name", sorted(below(MODULES, "cca_tools.media")))
def test_what_children_load_is_light(name):
    """Children decode; each hundred megabytes they import is paid once a processor."""
    heavy = {"pandas", "pyarrow", "torch", "scipy", "sklearn", "duckdb", "matplotlib", "seaborn"}
    assert below(imports_of(name), *heavy) == set()


def test_only_the_command_line_prints():
    """Library code logs; progress bars of the library write to standard error."""
    for name, path in MODULES.items():
        if name.startswith(("cca_tools.cli", "apps")):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        called = {getattr(node.func, "id", "") for node in calls}
        assert "print" not in called, name
        assert below(imports_of(name), "click", "rich") == set(), name


def test_every_module_says_what_it_is():
    for name, path in MODULES.items():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), name


def test_the_top_level_is_the_one_of_the_design():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    tops = {line.split("/")[0] for line in listed.stdout.splitlines()}
    allowed = {
        "pyproject.toml", "README.md", "cca_tools", "apps", "ccl", "tests", "outputs", "Makefile",
        "benchmarks", "docs", "tools", "CONTRIBUTING.md", "LICENSE", "NOTICE", "CHANGELOG.md",
        "constraints.txt",
    }  # fmt: skip
    assert {top for top in tops if not top.startswith(".")} <= allowed


def test_no_modules_import_each_other_in_a_circle():
    graph = {
        name: sorted((imports_of(name, at_import_time=True) & set(MODULES)) - {name})
        for name in MODULES
    }
    done = set()

    def visit(name, above):
        assert name not in above, " -> ".join([*above[above.index(name) :], name])
        if name not in done:
            for used in graph[name]:
                visit(used, [*above, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    assert done == set(MODULES)
