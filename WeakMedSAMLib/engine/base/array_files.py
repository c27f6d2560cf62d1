"""Arrays in ``.npy`` files that are filled and read through memory maps."""

from __future__ import annotations

import io
import os
import tokenize
from pathlib import Path
from types import SimpleNamespace
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
        If it is absent, cut off, followed by something else, or no array of plain numbers in C order.
    """
    size = path.stat().st_size
    stream = io.BytesIO(path.read_bytes()) if size <= _SMALL_BYTES else None
    array = _load(path, stream)
    end = stream.tell() if stream is not None else getattr(array, "offset", 0) + array.nbytes
    if end != size or not array.flags.c_contiguous:
        raise ValueError(f"{path} is not as it was written")
    array.flags.writeable = False
    return array


def _load(path: Path, stream: io.BytesIO | None) -> np.ndarray:
    """Array out of the stream, or mapped; raises OSError or ValueError whatever its header says."""
    try:
        return np.load(stream or path, mmap_mode=None if stream else "r", allow_pickle=False)
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
