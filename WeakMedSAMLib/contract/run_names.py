"""What run folders are called: by a prefix and an id that says nothing of what is in them."""

from __future__ import annotations

import re

_PREFIX = "run-"
_NAME = re.compile(rf"{_PREFIX}[0-9a-f]{{12}}")
# Of run folders in a folder, for `Path.glob`.
RUN_FOLDERS = f"{_PREFIX}*"


def folder_name(short_id: str) -> str:
    """Return the name of the folder of a run with this id, twelve hexadecimal digits as a rule."""
    return f"{_PREFIX}{short_id}"


def short_id(name: str) -> str:
    """Return the id in the name of a run folder; of any other folder its name."""
    return name.removeprefix(_PREFIX)


def is_folder_name(name: str) -> bool:
    """Say whether a folder is called as the program calls run folders; nothing else is ever deleted."""
    return _NAME.fullmatch(name) is not None
