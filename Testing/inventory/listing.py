"""Lists of what a user, a script or another program can see: commands, codes, events, files, texts, tests.

Each function returns the lines of one list. They are taken from the program itself (its commands, its syntax trees, a
tiny run), never written by hand.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from math import prod
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (ROOT / "WeakMedSAMLib", ROOT / "WeakMedSAM")
# Calls that give a code its meaning, and where among their arguments it stands.
_CODED = {"UserError": 0, "Problem": 1, "Note": 0, "Warning_": None, "Error": None}
_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_READERS_CODE = re.compile(r"dicom_[a-z_]+")
_KEY = re.compile(r"[0-9a-f]{12,64}(-\w{8})?")


def commands() -> list[str]:
    """Help of every command, as it is shown in a terminal of 100 columns."""
    from WeakMedSAMLib.engine.cli.main import cli

    lines = []
    for context in _walked(_context(cli, "weakmedsam", None)):
        lines += [f"# {context.command_path}", *context.get_help().splitlines(), ""]
    return [line.rstrip() for line in lines]


def _walked(context: click.Context) -> Iterator[click.Context]:
    yield context
    command = context.command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, name
            yield from _walked(_context(found, name, context))


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    """As a call makes it: what a command says of `-h` depends on its parents."""
    return click.Context(command, parent, info_name=name, **{**command.context_settings, "terminal_width": 100})


def codes() -> list[str]:
    """Codes of errors, problems, notes and warnings, with what each is the code of; those in tables of readers, too."""
    found = {
        f"{kind} {code}"
        for tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for kind, code in coded(node)
    }
    named = {line.partition(" ")[2] for line in found}
    data = ROOT / "WeakMedSAMLib" / "engine" / "data"
    constants = {
        node.value
        for path in sorted(data.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _READERS_CODE.fullmatch(node.value)
    }
    return sorted(found | {f"Note {code}" for code in constants - named})


def coded(call: ast.Call) -> Iterator[tuple[str, str]]:
    """Kinds and codes of what a call says; none if it says nothing."""
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name not in _CODED:
        return
    place = _CODED[name]
    given = [call.args[place]] if place is not None and len(call.args) > place else []
    given += [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    for value in given:
        for part in ast.walk(value):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and _CODE.fullmatch(part.value):
                yield name.strip("_"), part.value


def _trees() -> Iterator[ast.Module]:
    for folder in SOURCES:
        for path in sorted(folder.rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def events() -> list[str]:
    """Event lines and their fields."""
    from WeakMedSAMLib.contract import events as module

    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, module.Event)]
    return sorted(f"{kind.event}: {', '.join(sorted(f.name for f in fields(kind)))}" for kind in kinds if kind.event)


def exit_codes() -> list[str]:
    """How a command ends."""
    from WeakMedSAMLib.contract import exit_codes as module

    return [f"{name} {value}" for name, value in vars(module).items() if name.isupper()]


def attributes() -> list[str]:
    """Names under which the module keeps things with nodes, segments and settings."""
    found = {
        node.value
        for tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"WeakMedSAM[./][A-Za-z]\w*", node.value)
    }
    return sorted(found - {"WeakMedSAM.png", "WeakMedSAM.py", "WeakMedSAM.json"})


def translated() -> list[str]:
    """Contexts of the German texts, and how many are finished in each."""
    sys.path.insert(0, str(ROOT / "Utilities"))
    import translations

    texts = translations.texts(translations.FOLDER / "WeakMedSAM_de-DE.ts")
    finished = Counter(context for context, _text, translation in texts if translation)
    return [f"{context} {count}" for context, count in sorted(finished.items())]


def tests() -> list[str]:
    """Names of all tests, by file."""
    lines = []
    for path in sorted((ROOT / "Testing" / "Python").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        file = path.relative_to(ROOT / "Testing" / "Python").as_posix()
        lines += [f"{file}::{name}" for name in names if name.lower().startswith("test")]
    return lines


def cases() -> list[str]:
    """How many cases each parametrized test has, where its file says so outright."""
    lines = []
    for path in sorted((ROOT / "Testing" / "Python").rglob("test_*.py")):
        file = path.relative_to(ROOT / "Testing" / "Python").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (counts := list(_parametrized(node))):
                lines.append(f"{file}::{node.name} {prod(counts)}")
    return lines


def _parametrized(test: ast.FunctionDef) -> Iterator[int]:
    for one in test.decorator_list:
        if isinstance(one, ast.Call) and ast.unparse(one.func) == "pytest.mark.parametrize" and len(one.args) > 1:
            given = one.args[1]
            if isinstance(given, ast.List | ast.Tuple) and not any(isinstance(e, ast.Starred) for e in given.elts):
                yield len(given.elts)
            elif isinstance(given, ast.Dict):
                yield len(given.keys)


def run_tree(folder: Path) -> list[str]:
    """Files of a run folder, with numbers of keys left out."""
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted({_KEY.sub("<key>", name) for name in files})
