"""Collect the texts of the Slicer module into Qt's translation files (.ts), and say what is not translated yet.

Texts are found as Slicer's own tool finds those in Python code (its Utilities/Scripts/update_translations.py):
``_("...")`` is rewritten to ``translate("context", "...")`` in a copy of the sources, and Qt's lupdate reads that copy
and the .ui files. The context is the one that `slicer.i18n.tr` looks up at run time.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import PySide6

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "Resources" / "Translations"
SOURCES = ("WeakMedSAM", "WeakMedSAMLib/frontend")
LUPDATE = Path(PySide6.__file__).parent / ("lupdate.exe" if sys.platform == "win32" else "lupdate")


def update(folder: Path = FOLDER) -> list[Path]:
    """Bring every .ts file in a folder up to date with the sources; translations of texts that stay are kept."""
    files = sorted(folder.glob("WeakMedSAM_*.ts"))
    with tempfile.TemporaryDirectory() as place:
        copied = [str(path.relative_to(place)) for path in copy_sources(Path(place))]
        for file in files:
            target = Path(place) / file.name
            shutil.copy(file, target)
            command = [LUPDATE, "-silent", "-no-obsolete", "-locations", "none", *copied, "-ts", file.name]
            subprocess.run(command, cwd=place, check=True)
            shutil.copy(target, file)
    return files


def copy_sources(place: Path) -> list[Path]:
    """Copies of the module's .py files, ready for lupdate, and of its .ui files."""
    copied = []
    for source in sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*")):
        if source.suffix not in (".py", ".ui"):
            continue
        target = place / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        target.write_text(with_contexts(text, context_of(source)) if source.suffix == ".py" else text, encoding="utf-8")
        copied.append(target)
    return copied


def context_of(source: Path) -> str:
    """The translation context of a Python file, as `slicer.i18n.getContext` makes it."""
    package = f"{source.parent.name}." if (source.parent / "__init__.py").exists() else ""
    return package + source.stem


def with_contexts(source: str, context: str) -> str:
    """Source with every ``_("text")`` as ``translate("context", "text")``, adjacent strings joined.

    Raises
    ------
    ValueError
        If `_` is called with anything but one string that is written there, or in an f-string: no tool could collect
        it.
    """
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_tr(node)]
    # Python before 3.12 does not know where in its line such a call stands, and lupdate does not look into strings.
    formatted = {id(node) for outer in ast.walk(tree) if isinstance(outer, ast.JoinedStr) for node in ast.walk(outer)}
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        if id(call) in formatted:
            raise ValueError(f"{context}, line {call.lineno}: _() stands in an f-string, where no tool finds it")
        if len(call.args) != 1 or not isinstance(call.args[0], ast.Constant) or not isinstance(call.args[0].value, str):
            raise ValueError(f"{context}, line {call.lineno}: _() takes one string that is written out")
        _replace(lines, call, f'translate("{context}", {_quoted(call.args[0].value)})')
    return "".join(lines)


def texts(file: Path) -> list[tuple[str, str, str]]:
    """Context, text and translation of every message in a .ts file; the translation is empty if unfinished."""
    found = []
    for context in ET.parse(file).getroot().iter("context"):
        for message in context.iter("message"):
            translation = message.find("translation")
            done = translation is not None and translation.get("type") is None
            found.append(
                (context.findtext("name", ""), message.findtext("source", ""), (translation.text or "") if done else "")
            )
    return found


def _is_tr(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "_"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _replace(lines: list[str], call: ast.Call, text: str) -> None:
    """Put `text` in the place of a call. Columns of the syntax tree count bytes of UTF-8."""
    first, last = call.lineno - 1, call.end_lineno - 1
    before = lines[first].encode()[: call.col_offset].decode()
    after = lines[last].encode()[call.end_col_offset :].decode()
    lines[first : last + 1] = [before + text + after, *[""] * (last - first)]


def main() -> None:
    """Update all languages and print how many texts each lacks."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    for file in update():
        missing = [text for _, text, translation in texts(file) if not translation]
        print(f"{file.name}: {len(texts(file))} texts, {len(missing)} not translated")


if __name__ == "__main__":
    main()
