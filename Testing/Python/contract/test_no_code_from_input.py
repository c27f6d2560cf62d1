"""Nothing in the source can run what an input says: looked for in the syntax tree of every file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted([*(ROOT / "WeakMedSAMLib").rglob("*.py"), *(ROOT / "WeakMedSAM").rglob("*.py")])
BUILTINS = {"eval", "exec", "compile", "__import__"}
# Loaders that make objects of classes that the file names, or commands out of text.
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "yaml"}
CALLS = {
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "builtins.eval",
    "builtins.exec",
}
# What unpacks an archive to where its members say. Reading one member of a zip file to a name of our own is fine.
ARCHIVES = {"tarfile", "shutil.unpack_archive"}


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def _keyword(call: ast.Call, name: str) -> object:
    """The constant that a call gives a keyword; None if it is left out, "?" if it is no constant."""
    for entry in call.keywords:
        if entry.arg == name:
            return entry.value.value if isinstance(entry.value, ast.Constant) else "?"
    return None


def _call_faults(call: ast.Call) -> list[str]:
    name = _dotted(call.func)
    faults = []
    if name in BUILTINS or name in CALLS or name in ARCHIVES:
        faults.append(name)
    if name.partition(".")[0] in MODULES:
        faults.append(name)
    if _keyword(call, "shell") not in (None, False):
        faults.append(f"{name} with a shell")
    if name == "torch.load" and _keyword(call, "weights_only") is not True:
        faults.append("torch.load without weights_only=True")
    if name in ("np.load", "numpy.load") and _keyword(call, "allow_pickle") is not False:
        faults.append("np.load without allow_pickle=False")
    if name.endswith((".extract", ".extractall")):
        faults.append("an archive unpacked")
    if name.endswith((".read_pickle", ".load_from_checkpoint")) or name == "torch.hub.load":
        faults.append(name)
    return faults


def _import_faults(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{alias.name}" for alias in node.names]
        return [name for name in names if name.partition(".")[0] in MODULES | ARCHIVES or name in CALLS]
    # `pickle` is imported for the class of its error alone; calls into it are faults of their own.
    return [alias.name for alias in node.names if alias.name in (MODULES | ARCHIVES) - {"pickle"}]


def faults_of(source: str) -> list[str]:
    """What of the forbidden a source does."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            found += [f"line {node.lineno}: {fault}" for fault in _call_faults(node)]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found += [f"line {node.lineno}: import of {fault}" for fault in _import_faults(node)]
    return found


def test_all_rooms_are_looked_at():
    for room in ("contract", "engine", "frontend"):
        assert sum(room in path.parts for path in SOURCES) > 10


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_input_is_run(path):
    assert faults_of(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "exec(text)",
        "import pickle\npickle.loads(data)",
        "from pickle import loads",
        "import yaml",
        "from yaml import load",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "import os\nos.system(text)",
        "from os import system",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "np.load(path)",
        "import joblib",
        "zipfile.ZipFile(path).extractall(folder)",
        "shutil.unpack_archive(path)",
        "__import__(name)",
    ],
)
def test_the_search_finds_what_it_looks_for(source):
    assert faults_of(source)


@pytest.mark.parametrize(
    "source", ["model.eval()", "torch.load(p, weights_only=True)", "import pickle\nx = pickle.UnpicklingError"]
)
def test_the_search_lets_other_things_be(source):
    assert faults_of(source) == []
