"""Volumes written as NRRD, whole or not at all."""

from __future__ import annotations

import errno
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.files import replacing
from WeakMedSAMLib.engine.data import itk_files
from WeakMedSAMLib.engine.data.geometry import Geometry

_FASTEST = 1
_UNPACKED_AT_ONCE = 1 << 14  # bytes of a file; a thousand times as many at most come out


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
