"""Label files of unsaved labels: those of this process, and those that a crash left behind. Neither Qt nor MRML.

Each process has a folder of its own under a random name, and holds a lock in it as long as it lives: a folder whose
lock nobody holds is that of a crash. A file is called after the content hash of its volume, and names it nowhere.
Painted pixels are text in it, packed, as in a scene: files beside it would take seconds for a large volume, and this
is written every few seconds.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TypeAlias

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import cannot_write, private_folder, write_json
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.label_json import labels_to_json
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.held_files import hold, isHeld

KEPT_DAYS = 28
_LOCK, _SUFFIX = "lock", ".json"
# In place of the name of the volume, which often is that of a patient.
_NAME = "volume"
_ASIDE = "unreadable-"
_KEY = re.compile(r"[0-9a-f]{64}")
_DAY_S = 86400
_AGAIN_S = 60
_Kept: TypeAlias = tuple[ClassTable, VolumeLabels]


class UnsavedFiles:
    """The files of this process.

    Parameters
    ----------
    parent : callable
        Returns the folder of the folders of all processes, which need not be there.
    """

    def __init__(self, parent: Callable[[], Path]) -> None:
        self._parent = parent
        self._turn = threading.Lock()
        self._folder: Path | None = None
        self._held: IO[bytes] | None = None
        self._wanted: dict[str, _Kept] = {}
        self._written: dict[str, _Kept] = {}
        # Why nothing could be locked, and when that is tried again.
        self._refused: UserError | None = None
        self._triesAt = 0.0

    @property
    def folder(self) -> Path | None:
        """The folder of this process; None as long as nothing is kept."""
        return self._folder

    def want(self, classes: ClassTable, volumes: Mapping[str, VolumeLabels]) -> None:
        """Say which labels are to be kept, by content hash, and no others; nothing is written before `write`."""
        self._wanted = {key: (classes, labels) for key, labels in volumes.items()}

    def write(self) -> None:
        """Make the files what was wanted last; from any thread. What did not change stays.

        Raises
        ------
        UserError
            ``cannot_write``; what was written before stays.
        """
        with self._turn:
            try:
                self._make(self._wanted)
            except OSError as error:
                raise cannot_write(self._folder or self._parent(), error) from error

    def end(self) -> None:
        """Remove everything: the labels were saved, or are not wanted."""
        self._wanted = {}
        self.write()

    def letGo(self) -> None:
        """Leave what was written as a crash does, to be offered; what is kept from now on has another folder."""
        with self._turn:
            self._wanted, self._written = {}, {}
            if self._held is not None:
                self._held.close()
            self._held = self._folder = None

    def _make(self, wanted: dict[str, _Kept]) -> None:
        for key in [key for key in self._written if key not in wanted]:
            self._remove(key)
        for key, kept in wanted.items():
            if self._written.get(key) != kept or not self._isThere(key):
                self._write(key, kept)
        if not wanted:
            self._leave()

    def _isThere(self, key: str) -> bool:
        return self._folder is not None and (self._folder / f"{key}{_SUFFIX}").is_file()

    def _write(self, key: str, kept: _Kept) -> None:
        classes, labels = kept
        path = self._ownFolder() / f"{key}{_SUFFIX}"
        write_json(path, labels_to_json(CohortLabels(classes, [replace(labels, name=_NAME)])))
        # Its folder is private already.
        with suppress(OSError):
            path.chmod(0o600)
        self._written[key] = kept

    def _remove(self, key: str) -> None:
        del self._written[key]
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / f"{key}{_SUFFIX}").unlink(missing_ok=True)

    def _ownFolder(self) -> Path:
        if self._folder is None or not self._folder.is_dir():
            self._leave()
            if self._refused is not None and time.monotonic() < self._triesAt:
                raise self._refused
            folder = private_folder(private_folder(self._parent()) / secrets.token_hex(8))
            try:
                self._held = hold(folder / _LOCK)
            except OSError as error:
                # Some network drives lock nothing at all.
                _removeFolder(folder)
                self._refused, self._triesAt = cannot_write(folder / _LOCK, error), time.monotonic() + _AGAIN_S
                raise self._refused from error
            self._folder, self._refused = folder, None
        return self._folder

    def _leave(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
        if self._folder is not None:
            _removeFolder(self._folder)
            self._folder = None


@dataclass(frozen=True)
class LeftFile:
    """A file that a crash left behind.

    Attributes
    ----------
    path : Path
    key : str
        Content hash of its volume.
    at : float
        When it was written, in seconds since 1970.
    """

    path: Path
    key: str
    at: float


def leftBehind(parent: Path, own: Path | None = None) -> list[LeftFile]:
    """Return what crashes left in a folder, the latest first; what is older than `KEPT_DAYS` is removed.

    Parameters
    ----------
    parent : Path
        The folder of the folders of all processes.
    own : Path, optional
        That of this process, which is left alone.
    """
    found = []
    for folder in _entries(parent):
        # Not even its lock is looked at: on some network drives that would let go of it.
        if folder == own or not folder.is_dir() or isHeld(folder / _LOCK):
            continue
        for path in _entries(folder):
            at = _timeOf(path)
            if time.time() - at > KEPT_DAYS * _DAY_S:
                removeLeft(path)
            elif path.suffix == _SUFFIX and _KEY.fullmatch(path.stem):
                found.append(LeftFile(path, path.stem, at))
    return sorted(found, key=lambda each: each.at, reverse=True)


def readLeft(left: LeftFile) -> CohortLabels:
    """Return the labels of a file, of one volume; `UserError` as of `label_files.read_label_file`, ``bad_tags``."""
    cohort = read_label_file(left.path)
    if [volume.sha256 for volume in cohort.volumes] != [left.key]:
        raise UserError("bad_tags", f"{left.path} holds labels of another volume.", "Import it as a label file.")
    return cohort


def setAside(left: LeftFile) -> Path:
    """Give a broken file a name under which it is looked at no more; returns where it is."""
    aside = left.path.with_name(f"{_ASIDE}{left.path.name}")
    try:
        left.path.replace(aside)
    except OSError:
        return left.path
    return aside


def removeLeft(path: Path) -> None:
    """Remove a file that a crash left behind, and its folder with the last one; what cannot be removed stays."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
    if not any(each.name != _LOCK for each in _entries(path.parent)):
        _removeFolder(path.parent)


def _removeFolder(folder: Path) -> None:
    with suppress(OSError):
        (folder / _LOCK).unlink(missing_ok=True)
        folder.rmdir()


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _timeOf(path: Path) -> float:
    """When a file was written; now, if it is gone meanwhile."""
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
