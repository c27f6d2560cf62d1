"""Which process uses which entries of a shared cache folder.

Every user of a cache holds an operating-system lock on a file of its own, which the system releases even when the
process is killed; its pins and half-written entries carry its name. What belongs to a user whose lock can be taken is
left over and may be removed. This needs no process ids, which are reused and mean nothing on another machine.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from WeakMedSAMLib.contract.cache_layout import CacheLayout
from WeakMedSAMLib.contract.errors import UserError

_WAIT_SECONDS = 120.0


class CacheUse:
    """This process's stake in a cache folder: its pins, and its place for half-written entries.

    Parameters
    ----------
    root : Path
        The cache's folder, which exists.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._layout = CacheLayout(root)
        self._layout.users.mkdir(mode=0o700, exist_ok=True)
        self._name = uuid.uuid4().hex
        self._mine: FileLock | None = None
        self._shared = FileLock(self._layout.lock, thread_local=False)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the cache alone for a moment; not to be nested.

        Raises
        ------
        UserError
            ``cache_locked`` if another process keeps it for minutes.
        """
        try:
            self._shared.acquire(timeout=_WAIT_SECONDS)
        except Timeout as error:
            raise UserError(
                "cache_locked",
                f"Another process holds the feature cache {self._root}.",
                "Wait for the other run to finish, or choose another cache folder.",
                values={"folder": str(self._root)},
            ) from error
        try:
            self._join()
            yield
        finally:
            self._shared.release()

    def pin(self, key: str) -> None:
        """Keep an entry from being evicted by anyone until :meth:`leave`; call within :meth:`exclusive`."""
        (self._folder(self._name) / key).touch()

    def unpin(self, key: str) -> None:
        """Take back :meth:`pin`; call within :meth:`exclusive`."""
        (self._folder(self._name) / key).unlink(missing_ok=True)

    def pinned_by_me(self) -> set[str]:
        """Keys that this user has pinned."""
        return self._pins(self._name)

    def pinned(self) -> set[str]:
        """Keys that any living user has pinned; call within :meth:`exclusive`."""
        return set().union(*(self._pins(name) for name in self._names()))

    def half_written(self, key: str) -> Path:
        """A fresh place for an entry that is being written."""
        folder = self._folder(self._name) / f"writing-{key}-{uuid.uuid4().hex}"
        folder.mkdir(mode=0o700)
        return folder

    def folders(self) -> list[Path]:
        """Folders of all users (what is half-written lies in them)."""
        return [self._folder(name) for name in self._names()]

    def remove_leftovers(self) -> None:
        """Remove pins and half-written entries of processes that are gone; call within :meth:`exclusive`."""
        for name in self._names():
            lock = FileLock(self._lock_file(name), thread_local=False)
            if name == self._name or not _is_taken(lock):
                continue
            self._forget(name, lock)

    def leave(self) -> None:
        """Give up all pins; call within :meth:`exclusive`. The next use starts anew."""
        if self._mine is not None:
            self._forget(self._name, self._mine)
            self._mine = None

    def _join(self) -> None:
        """Announce this user, at its first use only."""
        if self._mine is None:
            self._folder(self._name).mkdir(mode=0o700, exist_ok=True)
            self._mine = FileLock(self._lock_file(self._name), thread_local=False)
            self._mine.acquire(timeout=_WAIT_SECONDS)
            self.remove_leftovers()

    def _forget(self, name: str, lock: FileLock) -> None:
        shutil.rmtree(self._folder(name), ignore_errors=True)
        lock.release()
        self._lock_file(name).unlink(missing_ok=True)

    def _names(self) -> list[str]:
        return [path.name for path in self._layout.users.iterdir() if path.is_dir()]

    def _folder(self, name: str) -> Path:
        return self._layout.user(name)

    def _lock_file(self, name: str) -> Path:
        return self._layout.user_lock(name)

    def _pins(self, name: str) -> set[str]:
        folder = self._folder(name)
        return {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()


def _is_taken(lock: FileLock) -> bool:
    """Whether the lock was free and is ours now."""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True
