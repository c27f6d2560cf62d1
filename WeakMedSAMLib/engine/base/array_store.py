"""Named arrays and JSON values under a key, an entry a folder: ``.npy`` files and a list of contents, ``meta.json``.

An entry counts once its list is there, which is written last and takes its place at once: so it is either whole or
absent. Large arrays come back as read-only memory maps, which take no private memory.
"""

from __future__ import annotations

import errno
import json
import os
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import sync_folder
from WeakMedSAMLib.engine.base.array_files import create_map, open_map, word_sum, write_array

META = "meta.json"
ArrayShape = tuple[tuple[int, ...], Any]

_FORMAT = "weakmedsam-arrays-1"
_OLD_STATE = "weakmedsam-state-1"  # as versions up to 0.1 kept the outputs of stages
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_CHUNK = 1 << 22
# What a damaged or foreign list of contents, or array, raises while it is read.
_FAULTS = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


# Of the system and not of the entry, which may be sound.
_NO_MORE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class BrokenEntry(Exception):
    """An entry that is absent, cut off, damaged or of another key; says which."""


@dataclass(frozen=True, eq=False)
class Entry:
    """What lies in the folder of an entry.

    Attributes
    ----------
    folder : Path
    arrays : dict
        Name -> array, read-only.
    values : dict
        Name -> JSON value.
    listed : dict
        Name -> what the list of contents says of that array.
    """

    folder: Path
    arrays: dict[str, np.ndarray]
    values: dict[str, Any]
    listed: dict[str, dict[str, Any]]

    def require_sums(self) -> None:
        """Compare every byte of the arrays with their sums; `BrokenEntry`. Entries of before there were sums pass."""
        for name, array in self.arrays.items():
            about = self.listed[name]
            if about.get("sum") not in (None, word_sum(array)):
                raise BrokenEntry(f"{name}.npy does not match its sum")
            if "crc32" in about and about["crc32"] != _file_checksum(array_path(self.folder, name)):
                raise BrokenEntry(f"{name}.npy does not match its checksum")


class ArrayStore:
    """Writes and reads entries, and remembers which of them are known to be sound.

    Parameters
    ----------
    with_order : bool
        Whether a sum is kept that also tells bytes in another order; that of the words alone is faster by far.
    """

    def __init__(self, with_order: bool = False) -> None:
        self._with_order = with_order
        self._sound: set[Path] = set()

    def create(self, folder: Path, arrays: Mapping[str, ArrayShape]) -> dict[str, Any]:
        """Make zero-filled arrays of these names, shapes and types in a folder; returns them as writable maps.

        Raises
        ------
        OSError
            If the disk has no room or the folder cannot be written.
        ValueError
            For a name that could lead out of the folder.
        """
        return {name: create_map(array_path(folder, name), *arrays[name]) for name in arrays}

    def finish(self, folder: Path, key: str, output: Mapping[str, Any]) -> None:
        """Write what is not on the disk yet through to it, then the list of contents; the entry is whole from then on.

        Parameters
        ----------
        folder : Path
        key : str
        output : mapping
            Arrays, those of `create` among them, and JSON values, by name.

        Raises
        ------
        OSError
            What the disk says.
        TypeError
            For a value that JSON does not have.
        """
        arrays = {name: value for name, value in output.items() if isinstance(value, np.ndarray)}
        for name, array in arrays.items():
            write_array(array_path(folder, name), array)
        values = {name: value for name, value in output.items() if name not in arrays}
        listed = {name: {**_about(array), **self._sum(folder, name, array)} for name, array in arrays.items()}
        meta = {"format": _FORMAT, "key": key, "arrays": listed, "values": values}
        # Through JSON and back, so that its checksum is that of what will be read.
        meta = json.loads(json.dumps(meta, default=_as_plain))
        _write_through(folder / META, json.dumps({**meta, "checksum": _text_checksum(meta)}))
        self._sound.add(folder)

    def _sum(self, folder: Path, name: str, array: np.ndarray) -> dict[str, int]:
        return {"crc32": _file_checksum(array_path(folder, name))} if self._with_order else {"sum": word_sum(array)}

    def rename(self, folder: Path, target: Path) -> None:
        """Give the folder of an entry another name, and write that through."""
        os.replace(folder, target)
        sync_folder(target.parent)
        if folder in self._sound:
            self._sound.add(target)

    def open(self, folder: Path, key: str) -> Entry:
        """Open an entry without looking at every byte; raises `BrokenEntry`.

        Raises
        ------
        UserError
            ``too_many_files``: the system lets this process open no more.
        """
        try:
            meta = json.loads((folder / META).read_text(encoding="utf-8"))
            listed, values = _contents(meta, key)
            arrays = {name: _open_array(array_path(folder, name), about) for name, about in listed.items()}
        except _FAULTS as problem:
            _require_system(problem)
            raise BrokenEntry(str(problem) or type(problem).__name__) from problem
        return Entry(folder, arrays, values, listed)

    def values_of(self, folder: Path) -> dict[str, Any] | None:
        """The JSON values of an entry, by its list of contents alone; None where that cannot be read."""
        try:
            return dict(json.loads((folder / META).read_text(encoding="utf-8")).get("values", {}))
        except _FAULTS:
            return None

    def require_sound(self, entry: Entry) -> None:
        """Compare an entry with its sums, once in the life of this object and never what it wrote; `BrokenEntry`."""
        if entry.folder in self._sound:
            return
        try:
            entry.require_sums()
        except _FAULTS as problem:
            _require_system(problem)
            raise BrokenEntry(str(problem)) from problem
        self._sound.add(entry.folder)


def array_path(folder: Path, name: str) -> Path:
    """File of an array in the folder of its entry; ValueError for what is no plain name."""
    return folder / f"{require_name(name)}.npy"


def require_name(name: str) -> str:
    """Return a name of a stage, key or array; ValueError for one that could lead out of a folder."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"Not a name for a stage, key or array: {name!r}")
    return name


def bytes_of(arrays: Iterable[ArrayShape]) -> int:
    """Bytes that arrays of these shapes and types take."""
    return sum(int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize for shape, dtype in arrays)


def _require_system(problem: BaseException) -> None:
    """Raise `UserError` if it is the system that cannot open any more, and not the entry that is broken."""
    if isinstance(problem, OSError) and problem.errno in _NO_MORE:
        raise UserError(
            "too_many_files",
            f"The system lets this process open no more files: {problem.strerror}.",
            "Start it with a higher limit (ulimit -n), or run fewer volumes together.",
            values={"reason": str(problem.strerror)},
        ) from problem


def _about(array: np.ndarray) -> dict[str, Any]:
    return {"shape": list(array.shape), "dtype": array.dtype.str}


def _contents(meta: dict[str, Any], key: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Arrays and values of a list of contents of today or of before; ValueError where it is damaged or foreign."""
    checksum = meta.pop("checksum")
    if meta["format"] not in (_FORMAT, _OLD_STATE) or meta["key"] != key or checksum != _text_checksum(meta):
        raise ValueError("its list of contents is damaged or foreign")
    if meta["format"] == _OLD_STATE:
        return {name: {"crc32": found} for name, found in meta["arrays"].items()}, meta["values"]
    return meta["arrays"], meta["values"]


def _open_array(path: Path, about: Mapping[str, Any]) -> np.ndarray:
    array = open_map(path)
    found = {"shape": list(array.shape), "dtype": array.dtype.str}
    if any(about.get(name, value) != value for name, value in found.items()):
        raise ValueError(f"{path.name} is not the array that was written")
    return array


def _text_checksum(meta: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(meta, sort_keys=True).encode("ascii"))


def _file_checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return checksum


def _as_plain(value: object) -> object:
    """NumPy's scalars as Python's, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"A {type(value).__name__} cannot be kept in an entry: {value!r}")


def _write_through(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, and on the disk."""
    temporary = path.with_name(f".tmp-{path.name}")
    with temporary.open("w", encoding="ascii") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)
