"""What PySide6 would let pass and the stand-in cannot see at run time, looked for in the source of the frontend."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted((ROOT / "WeakMedSAMLib" / "frontend").glob("*.py")) + sorted((ROOT / "WeakMedSAM").glob("*.py"))


def _rootOf(node):
    """Return the names of an attribute chain such as qt.Qt.LeftButton, or an empty list."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *names[::-1]] if isinstance(node, ast.Name) else []


def _qtClasses(tree):
    """Return the classes of a file that derive from a Qt class or from another such class of the file."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(
            _rootOf(base)[:1] in (["qt"], ["ctk"]) or _rootOf(base) in [[name] for name in found] for base in node.bases
        ):
            found[node.name] = node
    return found.values()


def _complaints(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            chain = _rootOf(node.func)
            if chain[:1] in (["qt"], ["ctk"]) and node.keywords:
                yield node.lineno, f"{'.'.join(chain)}() with keyword arguments"
            if isinstance(node.func, ast.Attribute) and node.func.attr == "exec":
                yield node.lineno, "exec(): call exec_()"
        if isinstance(node, ast.Attribute):
            chain = _rootOf(node)
            if len(chain) > 3 and chain[0] == "qt" and chain[2][0].isupper() and chain[3][0].isupper():
                yield node.lineno, f"{'.'.join(chain)}: PythonQt has the value at {chain[1]}, not in {chain[2]}"
            if chain in (["qt", "Signal"], ["qt", "Slot"], ["qt", "Property"]):
                yield node.lineno, f"{'.'.join(chain)}: not for Python classes"
        if isinstance(node, ast.With) and any(
            isinstance(item.context_expr, ast.Call) and _rootOf(item.context_expr.func)[:1] == ["qt"]
            for item in node.items
        ):
            yield node.lineno, "a Qt object as context manager"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            if any(name.split(".")[0] in ("PySide6", "PyQt5", "PyQt6", "shiboken6") for name in names):
                yield node.lineno, "an import of another Qt binding"
    for cls in _qtClasses(tree):
        for node in ast.walk(cls):
            called = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call) and node.attr != "__init__"
            if called and _rootOf(node.value.func) == ["super"]:
                yield (
                    node.lineno,
                    f"super().{node.attr}: PythonQt's classes are asked by name (qt.QWidget.{node.attr})",
                )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_the_source_keeps_to_what_pythonqt_has(path):
    found = [f"{path.name}:{line}: {words}" for line, words in _complaints(ast.parse(path.read_text(encoding="utf-8")))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        "import qt\nqt.QLabel(text='x')",
        "import qt\nqt.Qt.MouseButton.LeftButton",
        "import qt\nd = qt.QDialog()\nd.exec()",
        "import qt\nwith qt.QPainter() as p:\n    pass",
        "import qt\nclass A(qt.QWidget):\n    def paintEvent(self, e):\n        super().paintEvent(e)",
        "import qt\nclass A(qt.QObject):\n    s = qt.Signal()",
        "from PySide6 import QtCore",
    ],
)
def test_each_rule_finds_its_mistake(code):
    assert list(_complaints(ast.parse(code)))
