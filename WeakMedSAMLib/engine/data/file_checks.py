"""What is checked of a volume file before ITK opens it: its name, and headers of NRRD and MetaImage.

Their headers may name other files that hold the voxels. ITK follows them wherever they lead, so that a header from
elsewhere could bring any file of this computer into a run. And a few headers that are no headers end the process (ITK
5.4: long lines in NRRD, more than ten dimensions in MetaImage), which no `except` can hold.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError

_LONGEST_HEADER = 2**24
_LONGEST_LINE = 400
_MOST_DIMENSIONS = 10
_NRRD_END = re.compile(rb"\n\r?\n")
_NRRD_FILE = re.compile(rb"(?im)^\s*data\s?file\s*:([^\n]*)")
_META_FILE = re.compile(rb"ElementDataFile[ \t]*[=:]([^\r\n]*)")
_META_DIMENSIONS = re.compile(rb"NDims[ \t]*[=:]\s*([^\s]*)")
_META_HERE = ("LOCAL", "Local", "local")
# No drive, scheme, pattern of several files or control character; not stdin; the first character is no separator.
_PLAIN_FILE = re.compile(r"[^/\\:%\x00-\x1f~-][^\\:%\x00-\x1f]*")


def require_utf8(path: Path) -> None:
    """Refuse a name that is not UTF-8: ITK would end the process.

    Raises
    ------
    UserError
        ``volume_bad_name``.
    """
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "replace")
        message = f"{shown} has letters in its name that are not UTF-8."
        raise UserError("volume_bad_name", message, "Rename the file or its folder.", values={"file": shown}) from None


def stored_bytes(path: Path) -> int:
    """Length of a volume file and of the file beside it that holds its voxels, if there is one.

    Raises
    ------
    UserError
        ``path_escapes`` if the header names a file elsewhere, or several; ``volume_unreadable`` for a header that ITK
        would not survive.
    """
    names: list[str] = []
    if path.name.lower().endswith((".nrrd", ".nhdr")):
        names = _nrrd_files(path, _beginning(path))
    elif path.name.lower().endswith((".mha", ".mhd")):
        names = _meta_files(path, _beginning(path))
    return path.stat().st_size + sum(_length_beside(path, name) for name in names)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_LONGEST_HEADER)


def _nrrd_files(path: Path, start: bytes) -> list[str]:
    end = _NRRD_END.search(start)
    if end is None and len(start) == _LONGEST_HEADER:
        raise _unreadable(path, "its header has no end")
    header = start[: end.start() if end else None]
    for line in header.split(b"\n"):
        # Comments and key-value pairs (names and terminology of segments) may be of any length.
        if len(line) > _LONGEST_LINE and not line.startswith(b"#") and b":=" not in line:
            raise _unreadable(path, f"its header has a line of {len(line)} bytes")
    return [_name(found) for found in _NRRD_FILE.findall(header)]


def _meta_files(path: Path, start: bytes) -> list[str]:
    found = _META_FILE.search(start)
    if found is None:
        raise _unreadable(path, "its header does not say where its voxels are")
    header = start[: found.start()]
    for dimensions in _META_DIMENSIONS.findall(header):
        if not (dimensions.isdigit() and 1 <= int(dimensions[:9]) <= _MOST_DIMENSIONS):
            raise _unreadable(path, f"its header claims {dimensions[:20].decode('latin-1')!r} dimensions")
    if any(len(line) > _LONGEST_LINE for line in header.split(b"\n")):
        raise _unreadable(path, f"its header has a line of more than {_LONGEST_LINE} bytes")
    name = _name(found.group(1))
    return [] if name in _META_HERE else [name]


def _name(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").strip(" \t\r=:")


def _length_beside(path: Path, name: str) -> int:
    folder = Path(os.path.realpath(path.parent))
    is_plain = _PLAIN_FILE.fullmatch(name) and ".." not in name and " /" not in name and not name.startswith("LIST")
    if not is_plain or not Path(os.path.realpath(folder / name)).is_relative_to(folder):
        message = f"The header of {path} takes its voxels from {name[:80]!r}, not from one file beside it."
        raise UserError(
            "path_escapes", message, "Open it in 3D Slicer and save it as NRRD.", values={"file": name[:80]}
        )
    voxels = folder / name
    return voxels.stat().st_size if voxels.is_file() else 0


def _unreadable(path: Path, why: str) -> UserError:
    message = f"{path} cannot be read: {why}."
    return UserError(
        "volume_unreadable",
        message,
        "It is damaged, or not what its name says: copy it again.",
        values={"file": str(path)},
    )
