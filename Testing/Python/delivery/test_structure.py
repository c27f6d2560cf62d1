"""How the program is built: no circles, nothing too long to be read, nothing of the machine it was made on."""

from __future__ import annotations

import ast
import platform
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "WeakMedSAMLib"
MOST_LINES, MOST_PARAMETERS, MOST_LINES_OF_A_FILE = 60, 7, 400
MOST_TEXT = 2_000_000

_ENGINE = "WeakMedSAMLib/engine/"
WITH_MANY_PARAMETERS = {
    f"{_ENGINE}runs/maker.py::make_run": "all that a run folder is made of",
}
LONG: dict[str, str] = {}
_MACHINES_PATH = r"(?<![\w.])/(work|root|home|Users|mnt|srv|scratch)/(?!me/)"


def sources() -> list[Path]:
    """All modules that are handed out."""
    return sorted(path for folder in ("WeakMedSAM", PACKAGE, "Utilities") for path in (ROOT / folder).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of a file, with the name by which the lists above know it."""

    def within(node: ast.AST, names: tuple[str, ...]) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for child in ast.iter_child_nodes(node):
            inner = (*names, child.name) if isinstance(child, NAMED) else names
            if isinstance(child, FUNCTION):
                yield ".".join(inner), child
            yield from within(child, inner)

    file = path.relative_to(ROOT).as_posix()
    return ((f"{file}::{name}", node) for name, node in within(tree_of(path), ()))


FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
NAMED = (*FUNCTION, ast.ClassDef)


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many a function takes, itself or its class not counted."""
    given = node.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return sum(one.arg not in ("self", "cls") for one in named) + bool(given.vararg) + bool(given.kwarg)


def is_command(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function's parameters are the options of a command."""
    called = (one.func if isinstance(one, ast.Call) else one for one in node.decorator_list)
    return any(isinstance(one, ast.Attribute) and one.attr == "command" for one in called)


def test_functions_are_short_enough_to_be_read_at_once():
    long = {
        name
        for path in sources()
        for name, node in functions(path)
        if (node.end_lineno or 0) - node.lineno + 1 > MOST_LINES
    }
    assert long == LONG.keys()


def test_functions_take_few_parameters():
    many = {
        name
        for path in sources()
        for name, node in functions(path)
        if parameters(node) > MOST_PARAMETERS and not is_command(node)
    }
    assert many == WITH_MANY_PARAMETERS.keys()


def test_files_are_short():
    long = [path for path in sources() if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES_OF_A_FILE]
    assert long == []


def test_lines_of_code_are_counted_without_what_explains_them(utility, tmp_path):
    file = tmp_path / "WeakMedSAMLib" / "engine" / "base" / "some.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        '"""What it is,\n\nat length."""\n\n# why\nTEXT = """two\nlines"""  # and why\n\n\n'
        'def one(\n    given,\n):\n    """What it does."""\n    return given\n'
    )
    assert utility("count").count_rooms(tmp_path) == {"WeakMedSAMLib/engine/base": 6}


@cache
def imports() -> dict[str, set[str]]:
    """What each module of the package imports of it, within functions and for type checkers alone included."""
    modules = {module_of(path): path for path in (ROOT / PACKAGE).rglob("*.py")}
    return {name: set(imported(name, path, modules.keys())) - {name} for name, path in modules.items()}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(name: str, path: Path, modules: object) -> Iterator[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in modules)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            for one in node.names:
                yield from ([found] if (found := f"{start}.{one.name}") in modules else [start] * (start in modules))


def circles(graph: dict[str, set[str]]) -> set[str]:
    """Groups of modules that reach each other by imports, each as their names in order."""
    reached = {name: reachable(graph, name) for name in graph}
    groups = {tuple(sorted(other for other in reached[name] if name in reached[other])) for name in graph}
    return {" ".join(group) for group in groups if group}


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    """What a module imports, and what that imports, and so on."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize("room", ["contract", "engine", "frontend", "studies"])
def test_no_modules_import_each_other(room):
    within = {
        name: {other for other in others if other.startswith(f"{PACKAGE}.{room}")}
        for name, others in imports().items()
        if name.startswith(f"{PACKAGE}.{room}")
    }
    assert circles(within) == set()


def test_circles_are_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": {"f"}, "f": {"e", "a"}}
    assert circles(graph) == {"a b c", "e f"}
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == set()


def texts() -> Iterator[tuple[Path, str]]:
    """All that is written by hand."""
    folders = ("WeakMedSAM", PACKAGE, "Testing", "Utilities", "docs")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    for path in sorted([*paths, *ROOT.glob("[!.]*")]):
        if path.is_file() and "__pycache__" not in path.parts and path.stat().st_size < MOST_TEXT:
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def test_nothing_names_the_machine_it_was_made_on():
    host = platform.node()
    # Names without a number, such as localhost, are words of the texts.
    names = re.compile(rf"{_MACHINES_PATH}|\b{re.escape(host)}\b" if re.search(r"\d", host) else _MACHINES_PATH)
    named = [f"{path.relative_to(ROOT)}: {found[0]}" for path, text in texts() if (found := names.search(text))]
    assert named == []
