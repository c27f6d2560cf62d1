"""Feature cache on disk: entries of an `ArrayStore`, one array a level, with a limit of size.

Several processes may use one cache folder at once: entries are written under another name and renamed when they are
whole.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np

from WeakMedSAMLib.contract.cache_layout import is_key
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import private_folder
from WeakMedSAMLib.contract.user_folders import cache_folder
from WeakMedSAMLib.engine.base.array_store import META, ArrayShape, ArrayStore, BrokenEntry, Entry, bytes_of
from WeakMedSAMLib.engine.features.cache_use import CacheUse

DEFAULT_MAX_BYTES = 20_000_000_000
# Raised whenever entries are laid out otherwise, and part of their keys: those of before serve nobody any more.
LAYOUT = 2

Levels = dict[str, np.ndarray]

_LAYOUT = "layout"

_FULL = tuple(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))
_SPARE_BYTES = 64 << 20  # left free on the disk for everything else that a run writes


class FeatureCache:
    """Features of volumes by key, size-capped; the entries used longest ago are evicted first.

    Entries that a living :class:`FeatureCache` has read or written are pinned: neither it nor another process evicts
    them until :meth:`close`. A run that needs more than the cap exceeds it for its own duration (see
    :meth:`excess`); closing brings the cache below the cap again.

    Parameters
    ----------
    root : Path, optional
        Folder, made with mode 0700 if absent. It holds patient data.
    max_bytes : float
        The cap.

    Raises
    ------
    UserError
        ``cannot_write`` if the folder cannot be made or written.
    """

    def __init__(self, root: Path | None = None, max_bytes: float = DEFAULT_MAX_BYTES) -> None:
        self.root = Path(root) if root is not None else cache_folder()
        self.max_bytes = int(max_bytes)
        self._arrays = ArrayStore()
        self.excess_told = False  # whether the run was warned of exceeding the cap, once is enough
        private_folder(self.root)
        with _write_errors(self.root):
            self._use = CacheUse(self.root)

    def __enter__(self) -> FeatureCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except UserError:
            # What is under way tells more than that the cache could not be tidied after it.
            if error is None:
                raise

    def entry(self, key: str) -> Levels | None:
        """The levels of an entry as read-only maps, or None. Pins it; a broken entry is removed.

        Its bytes are compared with their sums once in the life of this object.

        Parameters
        ----------
        key : str
            64 hexadecimal digits.
        """
        entry = self._pin(key)
        if entry is None:
            return None
        try:
            # Not while the cache is held alone: reading all of an entry takes seconds on a slow disk.
            self._arrays.require_sound(entry)
        except BrokenEntry:
            with _write_errors(self.root), self._use.exclusive():
                _remove(self._path(key))
            return None
        return entry.arrays

    def claim(self, keys: Iterable[str]) -> set[str]:
        """Pin those of these entries that are there, and return their keys.

        A run claims all that it will need before it writes the first new entry; otherwise making room for that one
        could evict one that it needs later.
        """
        return {key for key in keys if self._pin(key) is not None}

    def clear_outdated(self) -> int:
        """Remove what earlier versions left and no living process uses; returns the bytes freed."""
        freed = 0
        with _write_errors(self.root), self._use.exclusive():
            pinned = self._use.pinned()
            for path in self._entries():
                if path.name not in pinned and self._is_outdated(path):
                    freed += folder_bytes(path)
                    _remove(path)
                    freed -= folder_bytes(path)
        return freed

    @contextmanager
    def writer(self, key: str, levels: Mapping[str, ArrayShape], evicts: bool = True) -> Iterator[Levels]:
        """Write an entry: gives one writable map a level; the entry appears, pinned, when the block ends well.

        If another process finished the same entry meanwhile, its entry stays. Keep no reference to the maps after the
        block (a system may refuse to rename what is mapped); read the result by :meth:`entry`.

        Parameters
        ----------
        key : str
            64 hexadecimal digits.
        levels : mapping
            Level name -> (shape, dtype string such as ``"<f2"``).
        evicts : bool
            Whether others may have to go for it.

        Raises
        ------
        UserError
            ``disk_full``, ``cannot_write``; ``cache_full`` where others would have to go, and must not.
        """
        folder, arrays = self._begin(key, levels, evicts)
        try:
            yield arrays
            with _write_errors(self.root):
                self._arrays.finish(folder, key, {**arrays, _LAYOUT: LAYOUT})
                # Windows renames no folder while a file in it is mapped.
                arrays.clear()
                self._commit(key, folder)
        finally:
            arrays.clear()
            shutil.rmtree(folder, ignore_errors=True)

    def release(self, key: str) -> None:
        """Give up the pin of an entry, so that whoever needs the room, or has taken what it holds, may remove it."""
        with _write_errors(self.root), self._use.exclusive():
            self._use.unpin(key)

    def discard(self, key: str) -> None:
        """Remove an entry that serves nobody any more, unless another living process uses it."""
        with _write_errors(self.root), self._use.exclusive():
            self._use.unpin(key)
            if key not in self._use.pinned():
                _remove(self._path(key))

    def excess(self, levels: Mapping[str, ArrayShape]) -> int:
        """Bytes by which the entries in use and one more of this shape exceed the cap (0 if they fit)."""
        with _write_errors(self.root), self._use.exclusive():
            mine = self._use.pinned_by_me()
        used = sum(folder_bytes(path) for path in self._entries() if path.name in mine)
        return max(0, used + bytes_of(levels.values()) - self.max_bytes)

    def size(self) -> int:
        """Bytes of all entries, and of those being written."""
        return sum(folder_bytes(path) for path in [*self._entries(), *self._use.folders()])

    def clear(self) -> int:
        """Remove all entries that no other living process uses; returns the bytes freed."""
        with _write_errors(self.root), self._use.exclusive():
            before = self.size()
            self._use.leave()
            self._evict(0, 0)
            return before - self.size()

    def close(self) -> None:
        """Give up the pins and bring the cache below its cap. It may be used again afterwards."""
        with _write_errors(self.root), self._use.exclusive():
            self._use.leave()
            self._evict(self.max_bytes, 0)

    def _pin(self, key: str) -> Entry | None:
        with _write_errors(self.root), self._use.exclusive():
            entry = self._open(key)
            if entry is not None:
                self._use.pin(key)
                os.utime(entry.folder / META)
            return entry

    def _open(self, key: str) -> Entry | None:
        """Open an entry; what lies in its place and is none is removed."""
        try:
            return self._arrays.open(self._path(key), key)
        except BrokenEntry:
            _remove(self._path(key))
            return None

    def _is_outdated(self, path: Path) -> bool:
        """Whether an entry is of an earlier layout; what cannot be read may be anything, and stays."""
        values = self._arrays.values_of(path)
        return values is not None and values.get(_LAYOUT, 0) < LAYOUT

    def _path(self, key: str) -> Path:
        if not is_key(key):
            raise ValueError(f"not a cache key: {key!r}")
        return self.root / key

    def _entries(self) -> list[Path]:
        return [path for path in self.root.iterdir() if is_key(path.name)]

    def _make_room(self, needed: int, evicts: bool) -> None:
        if evicts:
            self._evict(self.max_bytes - needed, needed + _SPARE_BYTES)
        elif self.size() + needed > self.max_bytes:
            raise UserError(
                "cache_full",
                f"The feature cache {self.root} has no room for {_gigabytes(needed)} more within its limit of "
                f"{_gigabytes(self.max_bytes)}.",
                "A run makes room by itself; or clear the cache.",
                {"folder": str(self.root), "needed_bytes": needed, "limit_gb": round(self.max_bytes / 1e9, 1)},
            )
        free = shutil.disk_usage(self.root).free
        if free < needed + _SPARE_BYTES:
            raise UserError(
                "disk_full",
                f"The feature cache {self.root} needs {_gigabytes(needed)} more, but only {_gigabytes(free)} "
                "are free on that disk.",
                "Free some space, or choose a cache folder on another disk.",
                {"folder": str(self.root), "needed_bytes": needed, "free_bytes": free},
            )

    def _evict(self, most: int, free: int) -> None:
        """Remove unpinned entries, the longest unused first, until at most ``most`` bytes are kept and ``free`` are."""
        pinned = self._use.pinned()
        loose = sorted((path for path in self._entries() if path.name not in pinned), key=_last_use)
        total = self.size()
        for path in loose:
            if total <= most and shutil.disk_usage(self.root).free >= free:
                return
            total -= folder_bytes(path)
            _remove(path)

    def _begin(self, key: str, levels: Mapping[str, ArrayShape], evicts: bool) -> tuple[Path, Levels]:
        self._path(key)
        with _write_errors(self.root):
            with self._use.exclusive():
                self._make_room(bytes_of(levels.values()), evicts)
                folder = self._use.half_written(key)
            try:
                return folder, self._arrays.create(folder, levels)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

    def _commit(self, key: str, folder: Path) -> None:
        target = self._path(key)
        with self._use.exclusive():
            if self._open(key) is None:
                self._arrays.rename(folder, target)
            self._use.pin(key)
            os.utime(target / META)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; files that vanish meanwhile count as nothing."""
    total = 0
    for parent, _folders, files in os.walk(folder):
        for name in files:
            try:
                total += os.stat(os.path.join(parent, name)).st_size
            except OSError:
                continue
    return total


def _last_use(folder: Path) -> float:
    try:
        return (folder / META).stat().st_mtime
    except OSError:
        return 0.0


def _remove(folder: Path) -> None:
    """Remove an entry or whatever lies in its place; a removal cut off leaves a broken entry, which is no entry."""
    if folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists():
        folder.unlink()


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB"


@contextmanager
def _write_errors(root: Path) -> Iterator[None]:
    """Turn the system's errors into ones that name the cache folder and the way out."""
    try:
        yield
    except OSError as error:
        full = error.errno in _FULL
        raise UserError(
            "disk_full" if full else "cannot_write",
            f"The feature cache {root} cannot be written: {error.strerror or error}.",
            "Free some space there, or choose another cache folder.",
            {"file": str(root), "folder": str(root), "reason": error.strerror or str(error)},
        ) from error
