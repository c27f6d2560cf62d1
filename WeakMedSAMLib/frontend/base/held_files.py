"""Locks that a process holds as long as it lives: the system frees those of one that crashed."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

_TRIALS, _WAIT_S = 20, 0.01


def hold(lockFile: Path) -> IO[bytes]:
    """Lock a file of this process's own, which is made; until what is returned is closed. OSError if it cannot be."""
    # Not handed on to processes that are started: on Windows nobody can delete the file while it is open.
    stream = lockFile.open("a+b")
    try:
        _lock(stream)
    except OSError:
        stream.close()
        raise
    return stream


def _lock(stream: IO[bytes]) -> None:
    if sys.platform == "win32":
        return
    for trial in range(_TRIALS):
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            # Somebody is asking just now whether it is held.
            if trial == _TRIALS - 1:
                raise
            time.sleep(_WAIT_S)


def isHeld(lockFile: Path) -> bool:
    """Say whether a living process holds a lock; on Windows the file is gone then if none does."""
    if sys.platform == "win32":
        try:
            lockFile.unlink(missing_ok=True)
        except OSError:
            return True
        return False
    try:
        with lockFile.open("r+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
