"""Outputs of stages, kept in the run folder so that a run that was cut off goes on after its last finished stage."""

from __future__ import annotations

import hashlib
import json
import logging
import pickle
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from WeakMedSAMLib.contract import files
from WeakMedSAMLib.engine.base.array_files import create_map, open_map, write_array
from WeakMedSAMLib.engine.base.finite import require_finite
from WeakMedSAMLib.engine.base.memory import is_out_of_memory

T = TypeVar("T")

_META = "meta.json"
_FORMAT = "weakmedsam-state-1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_CHUNK = 1 << 22
_log = logging.getLogger(__name__)


def stage_key(*parts: object) -> str:
    """Hash of everything a stage depends on; give a later stage the keys of the stages it builds on.

    Parameters
    ----------
    *parts : object
        None, bool, int, float, str, bytes, path, array, dataclass, mapping or sequence of such.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    TypeError
        For a part whose content cannot be hashed reliably.
    """
    digest = hashlib.sha256()
    _feed(digest, parts)
    return digest.hexdigest()


def _feed(digest: Any, part: object) -> None:
    """Add one part to the hash, preceded by its kind and length so that no two structures read alike."""
    if isinstance(part, np.generic):
        part = part.item()
    if part is None or isinstance(part, bool | int | float | str | bytes | Path):
        text = part if isinstance(part, bytes) else repr(str(part) if isinstance(part, Path) else part).encode()
        digest.update(f"{type(part).__name__}:{len(text)}:".encode() + text)
    elif isinstance(part, np.ndarray):
        digest.update(f"array:{part.dtype.str}:{part.shape}:".encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    elif is_dataclass(part) and not isinstance(part, type):
        _feed(digest, {field.name: getattr(part, field.name) for field in fields(part)})
    elif isinstance(part, Mapping):
        _feed(digest, sorted(part.items()))
    elif isinstance(part, Sequence):
        digest.update(f"sequence:{len(part)}:".encode())
        for item in part:
            _feed(digest, item)
    else:
        raise TypeError(f"A stage key cannot be made from a {type(part).__name__}: {part!r}")


class StageStore:
    """One folder with the newest output of each stage.

    Arrays come back as read-only memory maps, everything else as JSON values. An entry counts once its list of
    contents is there, which is written last and atomically, so it is either whole or absent (no folder is renamed:
    Windows refuses that while a file in it is mapped). One that does not match its checksums is dropped, and its stage
    computed again.

    Parameters
    ----------
    folder : Path
        ``state/`` of a run folder; made if absent, readable by its owner only. One process at a time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = files.private_folder(Path(folder))
        self._trusted: set[Path] = set()
        for entry in self.folder.glob("*/*"):
            if entry.is_dir() and not (entry / _META).exists():
                shutil.rmtree(entry, ignore_errors=True)

    def done(self, stage: str, key: str) -> bool:
        """Whether a whole output of ``stage`` for ``key`` is kept."""
        return self.load(stage, key) is not None

    def load(self, stage: str, key: str) -> dict[str, Any] | None:
        """What was saved for ``stage`` under ``key``, arrays as read-only maps; None if nothing whole is kept."""
        for entry in self._entries(stage, key):
            try:
                meta = _read_meta(entry / _META, key)
                self._verify(entry, meta)
                arrays = {name: open_map(entry / f"{name}.npy") for name in meta["arrays"]}
                return {**meta["values"], **arrays}
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
                _log.warning("Dropped a damaged output of stage %s (%s); it is computed again", stage, problem)
                shutil.rmtree(entry, ignore_errors=True)
        return None

    def save(self, stage: str, key: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Keep ``values`` (arrays and JSON values by name) for ``stage``; returns them as `load` does.

        Raises
        ------
        UserError
            ``not_finite`` for NaN or infinity in an array of floating-point numbers; nothing is kept then.
        """
        require_finite(stage, values)
        with self.writer(stage, key) as output:
            output.update(values)
        saved = self.load(stage, key)
        if saved is None:
            raise OSError(f"The output of stage {stage} could not be read back from {self.folder}")
        return saved

    @contextmanager
    def writer(
        self, stage: str, key: str, arrays: Mapping[str, tuple[tuple[int, ...], Any]] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Fill the output of a stage bit by bit; it is kept only if the block ends without an error.

        Parameters
        ----------
        stage, key : str
            As for `save`.
        arrays : mapping of name to (shape, dtype), optional
            Arrays to make on disk, zero-filled; the yielded dictionary holds them as writable memory maps.

        Yields
        ------
        dict
            By name; further arrays and JSON values that are put into it are kept as well.
        """
        place = files.private_folder(self.folder / _check_name(stage))
        entry = Path(tempfile.mkdtemp(prefix=f"{_shorten(key)}-", dir=place))
        try:
            output: dict[str, Any] = {
                name: create_map(entry / f"{_check_name(name)}.npy", shape, dtype)
                for name, (shape, dtype) in (arrays or {}).items()
            }
            yield output
            _commit(entry, key, output)
            self._trusted.add(entry)
        finally:
            outdated = [other for other in place.iterdir() if other != entry] if entry in self._trusted else [entry]
            for folder in outdated:
                shutil.rmtree(folder, ignore_errors=True)

    def drop(self, stage: str) -> None:
        """Forget what is kept of ``stage``."""
        shutil.rmtree(self.folder / _check_name(stage), ignore_errors=True)

    def _entries(self, stage: str, key: str) -> list[Path]:
        """Committed entries, newest first; more than one only where an old one could not be removed."""
        found = (self.folder / _check_name(stage)).glob(f"{_shorten(key)}-*/{_META}")
        return [meta.parent for meta in sorted(found, key=lambda meta: meta.stat().st_mtime_ns, reverse=True)]

    def _verify(self, entry: Path, meta: dict[str, Any]) -> None:
        """Compare the files with their checksums, once in a process and never for what this process wrote itself."""
        if entry in self._trusted:
            return
        for name, checksum in meta["arrays"].items():
            if _checksum(entry / f"{_check_name(name)}.npy") != checksum:
                raise ValueError(f"{name}.npy does not match its checksum")
        self._trusted.add(entry)


def reuse(store: StageStore, stage: str, key: str, use: Callable[[Mapping[str, Any]], T]) -> T | None:
    """What `use` makes of the output that is kept of ``stage`` for ``key``; None if there is none, or it does not fit.

    The key names versions of code beside settings; `use` must raise where the output still is not what today's program
    takes, so that the stage is computed again and the run does not break. Memory that ran out says nothing of the
    output, and is raised.
    """
    kept = store.load(stage, key)
    if kept is None:
        return None
    try:
        return use(kept)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, pickle.UnpicklingError) as problem:
        if is_out_of_memory(problem):
            raise
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        _log.warning("What was kept of stage %s does not fit (%s); it is computed again", stage, reason)
        return None


def _shorten(key: str) -> str:
    return _check_name(key)[:32]


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"Not a name for a stage, key or array: {name!r}")
    return name


def _read_meta(path: Path, key: str) -> dict[str, Any]:
    """An entry's list of contents; ValueError where it is damaged or describes another entry."""
    meta = json.loads(path.read_text(encoding="utf-8"))
    checksum = meta.pop("checksum")
    if (meta["format"], meta["key"]) != (_FORMAT, key) or checksum != _text_checksum(meta):
        raise ValueError("its list of contents is damaged or foreign")
    return meta


def _text_checksum(meta: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(meta, sort_keys=True).encode("ascii"))


def _commit(entry: Path, key: str, output: dict[str, Any]) -> None:
    """Write what is not on disk yet, then the list of contents with checksums, everything fsynced."""
    checksums = {}
    values = {}
    for name, value in output.items():
        if not isinstance(value, np.ndarray):
            values[name] = value
            continue
        target = entry / f"{_check_name(name)}.npy"
        write_array(target, value)
        checksums[name] = _checksum(target)
    meta = {"format": _FORMAT, "key": key, "arrays": checksums, "values": values}
    # Through JSON and back, so that its checksum is that of what will be read.
    meta = json.loads(json.dumps(meta, default=_plain))
    files.write_text(entry / _META, json.dumps({**meta, "checksum": _text_checksum(meta)}))


def _plain(value: object) -> object:
    """NumPy's scalars as Python's, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"A {type(value).__name__} cannot be kept with a stage: {value!r}")


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return checksum
