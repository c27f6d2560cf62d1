"""Arrays in ``.npy`` files that are filled and read through memory maps."""

from __future__ import annotations

import os
import tokenize
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

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
    array = load_array(path, mmap_mode=None if small else "r")
    array.flags.writeable = False
    return array


def load_array(path: Path, mmap_mode: Literal["r"] | None) -> np.ndarray:
    """Array of a ``.npy`` file of plain numbers; raises OSError or ValueError whatever its header says."""
    try:
        return np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    except (EOFError, tokenize.TokenError, SyntaxError, OverflowError, RecursionError, MemoryError, TypeError) as error:
        # NumPy lets what goes wrong while it reads a damaged header, or a file without a byte, through as it comes.
        raise ValueError(f"{path} has no usable header: {error}") from error


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an array to a ``.npy`` file and through to the disk; a map of that very file is only flushed."""
    if isinstance(array, np.memmap) and array.filename and Path(array.filename) == path.resolve():
        array.flush()
    else:
        with path.open("wb") as stream:
            # Behind a plain `write`, for NumPy's own way into a file does not say why it failed (a full disk, say).
            np.lib.format.write_array(SimpleNamespace(write=stream.write), np.asanyarray(array), allow_pickle=False)
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def word_sum(array: np.ndarray) -> int:
    """Sum of the 64-bit words of an array's bytes: as fast as memory is read, and other after any single damage."""
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    whole = len(data) // 8 * 8
    total = int(np.add.reduce(data[:whole].view(np.uint64), dtype=np.uint64))
    return (total + int.from_bytes(data[whole:].tobytes(), "little")) % 2**64
