"""Volumes from NRRD, NIfTI, MetaImage and DICOM, read exactly or refused with the reason; and their writing as NRRD."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import replacing
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.engine.data import dicom, itk_files
from WeakMedSAMLib.engine.data.geometry import (
    AXES,
    Geometry,
    from_slice_stack,
    in_plane_spacing,
    plane_axes,
    slice_count,
    slice_spacing,
    slice_stack,
)

__all__ = [
    "AXES",
    "Geometry",
    "Volume",
    "VolumeNote",
    "from_slice_stack",
    "in_plane_spacing",
    "plane_axes",
    "read_geometry",
    "read_labels",
    "read_volume",
    "slice_count",
    "slice_spacing",
    "slice_stack",
    "volume_name",
    "write_volume",
]

_FASTEST = 1
_UNPACKED_AT_ONCE = 1 << 14  # bytes of a file; a thousand times as many at most come out


@dataclass(frozen=True)
class VolumeNote:
    """Something about a volume that the user should know, though it could be read."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, eq=False)
class Volume:
    """A scan in memory.

    Parameters
    ----------
    name : str
        What to call it to the user.
    array : numpy.ndarray
        Voxels, k x j x i, finite. As stored, except that 64-bit numbers become float32.
    geometry : Geometry
        Where they lie.
    sha256 : str
        Content hash of the voxels as they were stored, before non-finite ones were replaced.
    slicer_sha256 : str
        Content hash of the same volume as 3D Slicer holds it. It differs for left-handed volumes only, whose k planes
        Slicer reverses on loading; slice numbers along k then count from the other end.
    notes : tuple of VolumeNote
        What was put right while reading.
    """

    name: str
    array: np.ndarray
    geometry: Geometry
    sha256: str
    slicer_sha256: str
    notes: tuple[VolumeNote, ...] = ()


def read_volume(path: Path | str, name: str = "") -> Volume:
    """Read a scan: a NRRD, NIfTI or MetaImage file, or the one DICOM series in a folder.

    Voxels that are NaN or infinite are replaced by the smallest finite value, as they mark places outside the field of
    view after registration or resampling; a note says how many there were.

    Parameters
    ----------
    path : Path
        File or folder.
    name : str
        Name of the volume; the file's name without its suffix by default.

    Raises
    ------
    UserError
        Whatever cannot be a scan: see `itk_files.open_file`, `dicom.open_series`; a segmentation
        (``volume_is_segmentation``), no finite voxel (``volume_not_finite``), all voxels equal
        (``volume_is_constant``), not enough memory (``volume_out_of_memory``).
    """
    path = Path(path)
    source = _open(path)
    if source.is_segmentation:
        raise UserError(
            "volume_is_segmentation",
            f"{path} is a segmentation, not a scan.",
            "Give the volume that it was drawn on.",
        )
    array, geometry = _read(path, source)
    sha256 = content_hash(array)
    slicer_sha256 = content_hash(array[::-1]) if geometry.is_left_handed else sha256
    array, notes = _finite(path, array)
    _refuse_constant(path, array)
    return Volume(name or volume_name(path), array, geometry, sha256, slicer_sha256, notes)


def read_labels(path: Path | str) -> tuple[np.ndarray, Geometry]:
    """Read a label map or a single-layer segmentation; all-zero ones are fine.

    Returns
    -------
    labels : numpy.ndarray
        k x j x i integers.
    geometry : Geometry
        Where they lie.

    Raises
    ------
    UserError
        As `read_volume`; ``labels_not_whole`` for values that are no whole numbers from 0 to 65535.
    """
    path = Path(path)
    array, geometry = _read(path, _open(path))
    low, high = array.min(), array.max()
    whole = array.dtype.kind in "iu" or (array == np.rint(array)).all()
    if not (whole and low >= 0 and high <= np.iinfo(np.uint16).max):
        raise UserError(
            "labels_not_whole",
            f"{path} holds values from {low} to {high} that are not all label values.",
            "A label map holds whole numbers from 0 to 65535.",
        )
    return array.astype(np.uint8 if high <= np.iinfo(np.uint8).max else np.uint16, copy=False), geometry


def read_geometry(path: Path | str) -> Geometry:
    """Geometry of a scan from its header, with the same refusals as `read_volume` as far as the header tells."""
    return _open(Path(path)).geometry


def volume_name(path: Path) -> str:
    """Name of a file without the suffixes of its format, or of a folder."""
    suffix = itk_files.suffix_of(path)
    return path.name[: -len(suffix)] if suffix and path.name != suffix else path.name


def write_volume(
    path: Path | str, array: np.ndarray, geometry: Geometry, metadata: dict[str, str] | None = None
) -> None:
    """Write a k, j, i array as compressed NRRD, atomically.

    Parameters
    ----------
    path : Path
        File ending in .nrrd.
    array : numpy.ndarray
        Voxels in the shape of `geometry`.
    geometry : Geometry
        Where they lie.
    metadata : dict
        Key-value pairs of the NRRD header.

    Raises
    ------
    UserError
        ``cannot_write`` with the reason.
    """
    with replacing(Path(path)) as temporary:
        write_nrrd(temporary, array, geometry, metadata)


def write_nrrd(path: Path, array: np.ndarray, geometry: Geometry, metadata: dict[str, str] | None = None) -> None:
    """Write as `write_volume` does, but straight to `path`, to be used inside of `files.replacing`.

    Raises
    ------
    OSError
        With the number of the fault where the disk says it, `errno.EIO` else.
    """
    image = geometry.image(array)
    for key, value in (metadata or {}).items():
        image.SetMetaData(key, value)
    writer = sitk.ImageFileWriter()
    writer.UseCompressionOn()
    writer.SetCompressionLevel(_FASTEST)
    writer.SetFileName(str(path))
    try:
        writer.Execute(image)
    except RuntimeError as error:
        raise OSError(errno.EIO, itk_files.reason(error), str(path)) from error
    _require_whole(path, image.GetNumberOfPixels() * image.GetSizeOfPixelComponent())


def _require_whole(path: Path, n_bytes: int) -> None:
    """Unpack the voxels of a NRRD that was just written: on a full disk ITK leaves half of it and says nothing."""
    unpacked, found = zlib.decompressobj(wbits=31), 0
    with path.open("rb") as stream:
        while stream.readline() not in (b"\n", b""):
            pass
        with suppress(zlib.error):
            while chunk := stream.read(_UNPACKED_AT_ONCE):
                found += len(unpacked.decompress(chunk))
    if not unpacked.eof or found != n_bytes:
        raise OSError(errno.ENOSPC, "the file could not be written whole, most likely for want of space", str(path))


def _open(path: Path) -> itk_files.VolumeFile | itk_files.SeriesFolder:
    if path.is_dir():
        return itk_files.SeriesFolder(path, dicom.open_series(path))
    return itk_files.open_file(path)


def _read(path: Path, source: itk_files.VolumeFile | itk_files.SeriesFolder) -> tuple[np.ndarray, Geometry]:
    """Voxels, 64-bit numbers narrowed to float32, and geometry."""
    with _memory_guard(path, source.geometry):
        image = source.read()
        geometry = Geometry.of(image)
        array = sitk.GetArrayFromImage(image)
        del image
        with np.errstate(over="ignore"):
            return (array.astype(np.float32) if array.dtype.itemsize > 4 else array), geometry


@contextmanager
def _memory_guard(path: Path, geometry: Geometry) -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        shape = " x ".join(map(str, geometry.size))
        raise UserError(
            "volume_out_of_memory",
            f"There is not enough memory to read {path} ({shape} voxels).",
            "Close other programs, or crop or resample the volume.",
        ) from error


def _finite(path: Path, array: np.ndarray) -> tuple[np.ndarray, tuple[VolumeNote, ...]]:
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
        )
    lowest = array[usable].min()
    count = int(usable.size - np.count_nonzero(usable))
    array[~usable] = lowest
    share = f"{count:,} voxels ({count / usable.size:.1%})"
    message = f"{path.name}: {share} are NaN or infinite and were read as {lowest:g}."
    return array, (VolumeNote("voxels_not_finite", message, "Results there mean nothing."),)


def _refuse_constant(path: Path, array: np.ndarray) -> None:
    low = array.min()
    if low == array.max():
        raise UserError(
            "volume_is_constant",
            f"{path} is empty: all its voxels are {low:g}.",
            "Check that it is the scan, not a mask, and export it again.",
        )
