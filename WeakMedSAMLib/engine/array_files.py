"""Arrays in ``.npy`` files that are filled and read through memory maps."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

_ZEROS = bytes(1 << 20)
_SMALL_BYTES = 4096


def create_map(path: Path, shape: tuple[int, ...], dtype: Any) -> np.memmap:
    """Make a zero-filled ``.npy`` file and map it for writing.

    Its disk blocks exist before it is written to: storing into a sparse map on a full disk would kill the process,
    while here the disk's owner gets an error.

    Raises
    ------
    OSError
        If the disk has no room or the folder cannot be written.
    """
    array = np.lib.format.open_memmap(path, "w+", np.dtype(dtype), tuple(shape))
    with path.open("r+b") as handle:
        length = os.fstat(handle.fileno()).st_size
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle.fileno(), 0, length)
        else:
            handle.seek(array.offset)
            for start in range(array.offset, length, len(_ZEROS)):
                handle.write(_ZEROS[: length - start])
    return array


def open_map(path: Path) -> np.ndarray:
    """Read-only array of a ``.npy`` file, mapped unless it is small (an empty one cannot be).

    Raises
    ------
    OSError, ValueError
        If it is absent, cut off or no array of plain numbers.
    """
    small = path.stat().st_size <= _SMALL_BYTES
    array = np.load(path, mmap_mode=None if small else "r", allow_pickle=False)
    array.flags.writeable = False
    return array


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an array to a ``.npy`` file and through to the disk; a map of that very file is only flushed."""
    if isinstance(array, np.memmap) and array.filename and Path(array.filename) == path.resolve():
        array.flush()
    else:
        np.save(path, array, allow_pickle=False)
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
