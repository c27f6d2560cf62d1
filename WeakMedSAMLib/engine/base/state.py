"""Outputs of stages, kept in the run folder so that a run that was cut off goes on after its last finished stage."""

from __future__ import annotations

import hashlib
import logging
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from WeakMedSAMLib.contract import files
from WeakMedSAMLib.engine.base.array_store import META, ArrayShape, ArrayStore, BrokenEntry, require_name
from WeakMedSAMLib.engine.base.finite import require_finite
from WeakMedSAMLib.engine.base.memory import is_out_of_memory, release_free_memory

T = TypeVar("T")

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
    """One folder with the newest output of each stage, as entries of an `ArrayStore`.

    Arrays come back as read-only memory maps, everything else as JSON values. No folder is renamed: Windows refuses
    that while a file in it is mapped. An entry that does not match its sums is dropped, and its stage computed again.

    Parameters
    ----------
    folder : Path
        ``state/`` of a run folder; made if absent, readable by its owner only. One process at a time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = files.private_folder(Path(folder))
        self._arrays = ArrayStore(with_order=True)
        for entry in self.folder.glob("*/*"):
            if entry.is_dir() and not (entry / META).exists():
                shutil.rmtree(entry, ignore_errors=True)

    def done(self, stage: str, key: str) -> bool:
        """Whether a whole output of ``stage`` for ``key`` is kept."""
        return self.load(stage, key) is not None

    def load(self, stage: str, key: str) -> dict[str, Any] | None:
        """What was saved for ``stage`` under ``key``, arrays as read-only maps; None if nothing whole is kept."""
        for folder in self._entries(stage, key):
            try:
                entry = self._arrays.open(folder, key)
                self._arrays.require_sound(entry)
                return {**entry.values, **entry.arrays}
            except BrokenEntry as problem:
                _log.warning("Dropped a damaged output of stage %s (%s); it is computed again", stage, problem)
                shutil.rmtree(folder, ignore_errors=True)
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
        return self.saved(stage, key)

    def saved(self, stage: str, key: str) -> dict[str, Any]:
        """What was just kept for ``stage``, as `load` returns it; OSError if it cannot be read back."""
        saved = self.load(stage, key)
        if saved is None:
            raise OSError(f"The output of stage {stage} could not be read back from {self.folder}")
        return saved

    @contextmanager
    def writer(self, stage: str, key: str, arrays: Mapping[str, ArrayShape] | None = None) -> Iterator[dict[str, Any]]:
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
        place = files.private_folder(self.folder / require_name(stage))
        entry = Path(tempfile.mkdtemp(prefix=f"{_short(key)}-", dir=place))
        outdated = [entry]
        try:
            output = self._arrays.create(entry, arrays or {})
            yield output
            self._arrays.finish(entry, key, output)
            outdated = [other for other in place.iterdir() if other != entry]
        finally:
            for folder in outdated:
                shutil.rmtree(folder, ignore_errors=True)

    def drop(self, stage: str) -> None:
        """Forget what is kept of ``stage``."""
        shutil.rmtree(self.folder / require_name(stage), ignore_errors=True)

    def _entries(self, stage: str, key: str) -> list[Path]:
        """Committed entries, newest first; more than one only where an old one could not be removed."""
        found = (self.folder / require_name(stage)).glob(f"{_short(key)}-*/{META}")
        return [meta.parent for meta in sorted(found, key=lambda meta: meta.stat().st_mtime_ns, reverse=True)]


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


def reuse_or_make(
    store: StageStore,
    stage: str,
    key: str,
    use: Callable[[Mapping[str, Any]], T],
    make: Callable[[], Mapping[str, Any]],
) -> T:
    """What `use` makes of the output that is kept of ``stage`` for ``key``, or that is made now and kept."""
    found = reuse(store, stage, key, use)
    if found is None:
        found = use(store.save(stage, key, make()))
        release_free_memory()
    return found


def _short(key: str) -> str:
    return require_name(key)[:32]
