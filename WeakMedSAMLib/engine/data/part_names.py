"""Names of parts of a series: ``folder#part``, where a folder holds several acquisitions under one series."""

from __future__ import annotations

from pathlib import Path

_MARK = "#"


def is_part(path: Path) -> bool:
    """Whether a path names a part of the series in a folder, as in ``scan#echo_time=4.6``."""
    folder, mark, part = path.name.rpartition(_MARK)
    return bool(folder and mark and part) and not path.exists() and path.with_name(folder).is_dir()


def folder_and_part(path: Path) -> tuple[Path, str]:
    """The folder, and the name of the part; the path itself and an empty name if it names none."""
    if not is_part(path):
        return path, ""
    folder, _, part = path.name.rpartition(_MARK)
    return path.with_name(folder), part
