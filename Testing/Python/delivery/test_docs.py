"""What the documents name is there: files, and what the Python API offers."""

from __future__ import annotations

import ast
import re

import pytest

_FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|md|json|toml|ui|txt|cmake))`")
# Documents name files from the root, or from the library.
_FOLDERS = ("contract", "engine", "frontend", "studies", "WeakMedSAM", "WeakMedSAMLib", "Testing", "Utilities", "docs")
_API = re.compile(r"^::: (\S+)$", re.MULTILINE)
_MEMBERS = re.compile(r"^::: (\S+)\n    options:\n      members: \[([^\]]*)\]", re.MULTILINE)


def documents(root):
    return sorted([*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("Testing/**/*.md")])


def found_name(root, dotted):
    """Whether a module, or a class or function at the top of one, has this name."""
    path = root / f"{dotted.replace('.', '/')}.py"
    if path.exists():
        return path
    module, _, name = dotted.rpartition(".")
    path = root / f"{module.replace('.', '/')}.py"
    assert path.exists(), dotted
    named = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if getattr(node, "name", None) == name]
    assert named, f"{name} is not in {module}"
    return named[0]


def test_files_with_a_folder_that_documents_name_are_there(root):
    named = {
        (document.name, name)
        for document in documents(root)
        for name in _FILE.findall(document.read_text(encoding="utf-8"))
        if name.split("/")[0] in _FOLDERS
    }
    assert len(named) > 20
    assert not {pair for pair in named if not any((root / place / pair[1]).exists() for place in ("", "WeakMedSAMLib"))}


def test_names_of_the_api_are_there(root):
    names = _API.findall((root / "docs" / "api.md").read_text(encoding="utf-8"))
    assert len(names) > 10
    for name in names:
        found_name(root, name)


def test_members_of_the_api_are_there(root):
    listed = _MEMBERS.findall((root / "docs" / "api.md").read_text(encoding="utf-8"))
    assert listed
    for name, members in listed:
        body = found_name(root, name).body
        missing = {member.strip() for member in members.split(",")} - {getattr(node, "name", None) for node in body}
        assert not missing


@pytest.mark.parametrize("named", ["WeakMedSAMLib.contract.errors.NoSuch", "WeakMedSAMLib.no.such.module"])
def test_a_name_that_is_gone_is_seen(root, named):
    with pytest.raises(AssertionError):
        found_name(root, named)
