"""What is done about voxels that cannot be kept as a file has them, and which are refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.notes import Note

_LARGEST_WHOLE = 2**24  # up to which float32 holds every whole number


@contextmanager
def memory_guard(path: Path, geometry: Geometry) -> Iterator[None]:
    """Say what was too large; `UserError` ``volume_out_of_memory``."""
    try:
        yield
    except MemoryError as error:
        shape = " x ".join(map(str, geometry.size))
        raise UserError(
            "volume_out_of_memory",
            f"There is not enough memory to read {path} ({shape} voxels).",
            "Close other programs, or crop or resample the volume.",
            values={"file": str(path)},
        ) from error


def narrow(array: np.ndarray) -> np.ndarray:
    """Numbers of 64 bits as float32, others as they are."""
    with np.errstate(over="ignore"):
        return np.asarray(array).astype(np.float32) if array.dtype.itemsize > 4 else array


def note_rounding(path: Path, array: np.ndarray) -> tuple[Note, ...]:
    """A note where whole numbers of 64 bits are too large to be kept as they are."""
    if array.dtype.kind not in "iu" or array.dtype.itemsize <= 4:
        return ()
    largest = max(int(array.max()), -int(array.min()))
    if largest <= _LARGEST_WHOLE:
        return ()
    message = f"{path.name}: it holds whole numbers up to {largest:,}, which were rounded to seven digits."
    hint = "If the last digits matter, save it with voxels of 32 bits."
    return (Note("voxels_rounded", message, hint, {"file": path.name, "largest": largest}),)


def make_finite(path: Path, array: np.ndarray, noticed: tuple[Note, ...]) -> tuple[np.ndarray, tuple[Note, ...]]:
    """Voxels that are no numbers become the lowest one, with a note; `UserError` ``volume_not_finite`` if all are."""
    if array.dtype.kind != "f":
        return array, ()
    usable = np.isfinite(array)
    if usable.all():
        return array, ()
    if not usable.any():
        raise UserError(
            "volume_not_finite",
            f"{path} holds no finite voxel: all of them are NaN or infinite.",
            "Export the volume again from its source.",
            values={"file": str(path)},
        )
    lowest = array[usable].min()
    count = int(usable.size - np.count_nonzero(usable))
    array = np.where(usable, array, lowest)
    are, were = ("is", "was") if count == 1 else ("are", "were")
    share = f"{counted(count, 'voxel')} ({count / usable.size:.1%})"
    what = "padding, NaN or infinite" if any(n.code == "dicom_padding" for n in noticed) else "NaN or infinite"
    message = f"{path.name}: {share} {are} {what} and {were} read as {lowest:g}."
    values = {"file": path.name, "count": count, "value": float(lowest)}
    return array, (Note("voxels_not_finite", message, "Results there mean nothing.", values),)


def refuse_constant(path: Path, array: np.ndarray) -> None:
    """Refuse a volume of one value; `UserError` ``volume_is_constant``."""
    low = array.min()
    if low == array.max():
        raise UserError(
            "volume_is_constant",
            f"{path} is empty: all its voxels are {low:g}.",
            "Check that it is the scan, not a mask, and export it again.",
            values={"file": str(path), "value": float(low)},
        )
