"""Weights files in and out of the user's data folder: import from a file, an archive or a folder, and removal."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, BinaryIO

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones import weights
from WeakMedSAMLib.engine.backbones.base import WeightsInfo
from WeakMedSAMLib.engine.backbones.weights import CHUNK, WeightsState, default_folder, note_of

_MOST_BYTES = 10 * 10**9  # of a file whose size is not published


def import_weights(source: Path, folder: Path | None = None) -> WeightsState:
    """Copy a weights file, or the one in a zip archive, into the user's data folder if it is one that is known.

    Its name does not matter where size and hash are published; where they are not, the name must be the published one,
    and the hash is noted.

    Raises
    ------
    UserError
        ``weights_unknown`` where the file is none that is known; ``weights_unreadable``; ``cannot_write``.
    """
    source = Path(source)
    with weights.opened(source) as handle:
        archived = _find_archived(handle)
        if archived is not None:
            with zipfile.ZipFile(handle) as archive, archive.open(archived[1]) as member:
                return _installed(member, source, archived[0], folder)
        handle.seek(0)
        info = _recognise(source, *weights.measure(handle))
        handle.seek(0)
        return _installed(handle, source, info, folder)


def import_folder(source: Path, folder: Path | None = None) -> list[WeightsState]:
    """Import every file of a folder that is known by its size or its name; other files are left alone.

    Raises
    ------
    UserError
        As :func:`import_weights`; ``weights_unknown`` where there is none.
    """
    known = weights.manifest()
    sizes, names = {info.size for info in known}, {info.file for info in known} | {_archive_name(i) for i in known}
    found = [
        path
        for path in sorted(Path(source).iterdir())
        if path.is_file() and (path.name in names or path.stat().st_size in sizes)
    ]
    if not found:
        raise UserError(
            "weights_unknown",
            f"The folder {source} holds no weights file that is known here.",
            f"Known: {_known()}.",
        )
    return [import_weights(path, folder) for path in found]


def imported_file(backbone: str, folder: Path | None = None) -> tuple[Path, int, list[str]]:
    """The imported weights of a backbone, their bytes, and all backbones that use them.

    Raises
    ------
    UserError
        ``unknown_backbone``; ``weights_missing`` if no file was imported.
    """
    info = weights.weights_for(backbone)
    path = (folder or default_folder()) / info.file
    if not path.is_file():
        raise UserError(
            "weights_missing",
            f"No weights of {backbone} were imported.",
            "Those of installed packages go with the package: pip uninstall." if info.package else "",
        )
    return path, path.stat().st_size, [one.backbone for one in weights.manifest() if one.file == info.file]


def remove_weights(backbone: str, folder: Path | None = None) -> int:
    """Delete the imported weights of a backbone; returns the bytes freed.

    Raises
    ------
    UserError
        As :func:`imported_file`; ``cannot_write``.
    """
    path, size, _users = imported_file(backbone, folder)
    with write_errors(path):
        path.unlink()
        note_of(path).unlink(missing_ok=True)
    return size


@contextmanager
def write_errors(target: Path) -> Iterator[None]:
    """Turn the system's errors into one that names the file and the way out."""
    try:
        yield
    except OSError as error:
        raise UserError(
            "cannot_write",
            f"The weights file {target} cannot be written: {error.strerror or error}.",
            "Free some space there or make the folder writable.",
        ) from error


def settle(temporary: Path, target: Path, info: WeightsInfo) -> None:
    """Check a complete temporary file, and give it its name; an unpublished hash is noted.

    Raises
    ------
    UserError
        ``weights_differ``.
    """
    with temporary.open("rb") as handle:
        digest = info.sha256 or weights.measure(handle)[1]
        handle.seek(0)
        weights.verify(handle, temporary, replace(info, sha256=digest), "imported")
    if info.sha256 is None:
        note_of(target).write_text(digest + "\n", encoding="ascii")
    os.replace(temporary, target)


def _find_archived(handle: BinaryIO) -> tuple[WeightsInfo, zipfile.ZipInfo] | None:
    """The entry of a zip archive that has the name of known weights; weights files are archives themselves."""
    if not zipfile.is_zipfile(handle):
        return None
    try:
        with zipfile.ZipFile(handle) as archive:
            members = {Path(member.filename).name: member for member in archive.infolist()}
    except zipfile.BadZipFile:
        return None
    found = [(info, members[info.file]) for info in weights.manifest() if info.file in members]
    return found[0] if found else None


def _recognise(source: Path, size: int, digest: str) -> WeightsInfo:
    for info in weights.manifest():
        if (info.size, info.sha256) == (size, digest) or (info.sha256 is None and info.file == source.name):
            return info
    raise UserError(
        "weights_unknown",
        f"{source} ({size} bytes, SHA-256 {digest}) is not a weights file that is known here.",
        f"Known: {_known()}.",
    )


def _known() -> str:
    return "; ".join(
        f"{one.file} for {one.backbone}: "
        + (f"{one.size} bytes, SHA-256 {one.sha256}" if one.sha256 else "by its name")
        for one in weights.manifest()
    )


def _archive_name(info: WeightsInfo) -> str:
    return info.file + ".zip"


def _installed(source: IO[bytes], path: Path, info: WeightsInfo, folder: Path | None) -> WeightsState:
    """Copy to a temporary sibling, check what arrived, and rename it onto the target."""
    target, temporary = (folder or default_folder()) / info.file, None
    try:
        with write_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=".import-", dir=target.parent)
            temporary = Path(name)
            with os.fdopen(descriptor, "wb") as copy:
                _copy(source, copy, path, info)
                copy.flush()
                os.fsync(copy.fileno())
            settle(temporary, target, info)
    except zipfile.BadZipFile as error:
        raise UserError("weights_unreadable", f"The archive {path} is damaged: {error}.", "Fetch it again.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return WeightsState(weights.weights_for(info.backbone, folder), target, "imported")


def _copy(source: IO[bytes], copy: BinaryIO, path: Path, info: WeightsInfo) -> None:
    """Copy at most what the file should have: an archive may claim any size."""
    left = (info.size or _MOST_BYTES) + 1
    while left and (chunk := source.read(min(CHUNK, left))):
        copy.write(chunk)
        left -= len(chunk)
    if not left:
        raise UserError(
            "weights_differ",
            f"The weights in {path} are larger than the {info.size or _MOST_BYTES} bytes of {info.file}.",
            "Import the published file.",
        )
