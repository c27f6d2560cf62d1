"""The CMake lists name every file; `make lists` writes them."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("folder", ["WeakMedSAM", "WeakMedSAMLib"])
def test_cmake_lists_every_file(root, utility, folder):
    lists = utility("list_files")
    text = (root / folder / "CMakeLists.txt").read_text(encoding="utf-8")
    assert text == lists.listed(text, folder, lists.files_of(root / folder)), "run `make lists`"


def test_lists_follow_what_is_there(utility, tmp_path):
    lists = utility("list_files")
    for name in ("Mine.py", "b/c.py", "b/d.json", "CMakeLists.txt", "b/c.pyc", "studies/e.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    text = "set(X_PYTHON_SCRIPTS\n  old.py\n  )\n\nset(X_PYTHON_RESOURCES\n  )\nrest()\n"
    assert lists.listed(text, "Mine", lists.files_of(tmp_path)) == (
        "set(X_PYTHON_SCRIPTS\n  ${MODULE_NAME}.py\n  b/c.py\n  )\n\nset(X_PYTHON_RESOURCES\n  b/d.json\n  )\nrest()\n"
    )
