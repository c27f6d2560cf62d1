"""Feature cache on disk: an entry is a folder of one ``.npy`` file a level and a ``meta.json``.

Entries are complete or absent: they are written under another name, synced and renamed. Reading maps the files, so an
entry takes no private memory however large it is. Several processes may use one cache folder at once.
"""

from __future__ import annotations

import errno
import json
import os
import re
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
from WeakMedSAMLib.engine.base.array_files import create_map, load_array, word_sum
from WeakMedSAMLib.engine.features.cache_use import CacheUse

DEFAULT_MAX_BYTES = 20_000_000_000

LevelShape = tuple[tuple[int, ...], str]

_SCHEMA = "weakmedsam-features-1"
_LEVEL = re.compile(r"[a-z0-9_]{1,32}")
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
        self._sound: set[str] = set()  # entries whose bytes were written or checked by this object
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

    def entry(self, key: str) -> dict[str, np.memmap] | None:
        """The levels of an entry as read-only maps, or None. Pins it; a broken entry is removed.

        Its bytes are compared with their sums once in the life of this object.

        Parameters
        ----------
        key : str
            64 hexadecimal digits.
        """
        levels = self._pinned(key)
        if levels is not None and key not in self._sound:
            # Not while the cache is held alone: reading all of an entry takes seconds on a slow disk.
            if not _sums_fit(self._path(key), levels):
                levels = None
                with _write_errors(self.root), self._use.exclusive():
                    _remove(self._path(key))
            else:
                self._sound.add(key)
        return levels

    def claim(self, keys: Iterable[str]) -> set[str]:
        """Pin those of these entries that are there, and return their keys.

        A run claims all that it will need before it writes the first new entry; otherwise making room for that one
        could evict one that it needs later.
        """
        return {key for key in keys if self._pinned(key) is not None}

    @contextmanager
    def writer(self, key: str, levels: Mapping[str, LevelShape]) -> Iterator[dict[str, np.memmap]]:
        """Write an entry: gives one writable map a level; the entry appears, pinned, when the block ends well.

        If another process finished the same entry meanwhile, its entry stays. Keep no reference to the maps after the
        block (a system may refuse to rename what is mapped); read the result by :meth:`entry`.

        Parameters
        ----------
        key : str
            64 hexadecimal digits.
        levels : mapping
            Level name -> (shape, dtype string such as ``"<f2"``).

        Raises
        ------
        UserError
            ``disk_full``, ``cannot_write``.
        """
        folder, arrays = self._begin(key, levels)
        try:
            yield arrays
            with _write_errors(self.root):
                _finish(folder, key, arrays, levels)
                self._commit(key, folder)
        finally:
            arrays.clear()
            shutil.rmtree(folder, ignore_errors=True)

    def excess(self, levels: Mapping[str, LevelShape]) -> int:
        """Bytes by which the entries in use and one more of this shape exceed the cap (0 if they fit)."""
        with _write_errors(self.root), self._use.exclusive():
            mine = self._use.pinned_by_me()
        used = sum(_folder_bytes(path) for path in self._entries() if path.name in mine)
        return max(0, used + _bytes_of(levels) - self.max_bytes)

    def size(self) -> int:
        """Bytes of all entries, and of those being written."""
        return sum(_folder_bytes(path) for path in [*self._entries(), *self._use.folders()])

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

    def _pinned(self, key: str) -> dict[str, np.memmap] | None:
        with _write_errors(self.root), self._use.exclusive():
            levels = _open_entry(self._path(key))
            if levels is None:
                _remove(self._path(key))
                return None
            self._use.pin(key)
            os.utime(self._path(key) / "meta.json")
            return levels

    def _path(self, key: str) -> Path:
        if not is_key(key):
            raise ValueError(f"not a cache key: {key!r}")
        return self.root / key

    def _entries(self) -> list[Path]:
        return [path for path in self.root.iterdir() if is_key(path.name)]

    def _make_room(self, needed: int) -> None:
        self._evict(self.max_bytes - needed, needed + _SPARE_BYTES)
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
            total -= _folder_bytes(path)
            _remove(path)

    def _begin(self, key: str, levels: Mapping[str, LevelShape]) -> tuple[Path, dict[str, np.memmap]]:
        self._path(key)
        with _write_errors(self.root):
            with self._use.exclusive():
                self._make_room(_bytes_of(levels))
                folder = self._use.half_written(key)
            try:
                return folder, {name: create_map(_level_path(folder, name), *levels[name]) for name in levels}
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

    def _commit(self, key: str, folder: Path) -> None:
        target = self._path(key)
        with self._use.exclusive():
            if _open_entry(target) is None:
                _remove(target)
                os.replace(folder, target)
                _sync_folder(self.root)
                self._sound.add(key)
            self._use.pin(key)
            os.utime(target / "meta.json")


def _level_path(folder: Path, name: str) -> Path:
    if not _LEVEL.fullmatch(name):
        raise ValueError(f"not a level name: {name!r}")
    return folder / f"{name}.npy"


def _finish(folder: Path, key: str, arrays: dict[str, np.memmap], levels: Mapping[str, LevelShape]) -> None:
    """Write everything through to the disk, the description last."""
    sums = {name: word_sum(array) for name, array in arrays.items()}
    for array in arrays.values():
        array.flush()
    arrays.clear()
    for name in levels:
        with _level_path(folder, name).open("r+b") as handle:
            os.fsync(handle.fileno())
    shapes = {
        name: {"shape": list(shape), "dtype": np.dtype(dtype).str, "sum": sums[name]}
        for name, (shape, dtype) in levels.items()
    }
    with (folder / "meta.json").open("w", encoding="ascii") as handle:
        json.dump({"schema": _SCHEMA, "key": key, "levels": shapes}, handle)
        handle.flush()
        os.fsync(handle.fileno())
    _sync_folder(folder)


def _open_entry(folder: Path) -> dict[str, np.memmap] | None:
    """Map an entry's levels read-only; None if it is absent, cut off or not one of ours."""
    try:
        meta = json.loads((folder / "meta.json").read_bytes())
        # Entries of before they named their key are believed.
        if meta["schema"] != _SCHEMA or meta.get("key", folder.name) != folder.name:
            return None
        return {name: _open_level(_level_path(folder, name), about) for name, about in meta["levels"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _sums_fit(folder: Path, levels: Mapping[str, np.memmap]) -> bool:
    """Whether an entry's bytes are those that were written; entries of before there were sums are believed."""
    try:
        meta = json.loads((folder / "meta.json").read_bytes())
        return all(meta["levels"][name].get("sum") in (None, word_sum(array)) for name, array in levels.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _open_level(path: Path, about: Mapping[str, object]) -> np.memmap:
    array = load_array(path, mmap_mode="r")
    if not isinstance(array, np.memmap) or list(array.shape) != about["shape"] or array.dtype.str != about["dtype"]:
        raise ValueError(f"{path} is not the array that was written")
    if path.stat().st_size != array.offset + array.nbytes:
        raise ValueError(f"{path} has the wrong length")
    return array


def _bytes_of(levels: Mapping[str, LevelShape]) -> int:
    return sum(int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize for shape, dtype in levels.values())


def _folder_bytes(folder: Path) -> int:
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
        return (folder / "meta.json").stat().st_mtime
    except OSError:
        return 0.0


def _remove(folder: Path) -> None:
    """Remove an entry or whatever lies in its place; a removal cut off leaves a broken entry, which is no entry."""
    if folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists():
        folder.unlink()


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # other systems cannot open a folder to sync it
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
