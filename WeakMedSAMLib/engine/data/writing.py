"""Volumes written as NRRD, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.files import replacing
from WeakMedSAMLib.contract.nrrd import Encoding, write_image
from WeakMedSAMLib.engine.data.geometry import Geometry


def write_volume(
    path: Path,
    array: np.ndarray,
    geometry: Geometry,
    metadata: Mapping[str, str] | None = None,
    encoding: Encoding = "gzip",
) -> None:
    """Write a k, j, i array as NRRD, atomically.

    Parameters
    ----------
    path : Path
        File ending in .nrrd.
    array : numpy.ndarray
        Voxels in the shape of `geometry`, or layers of them.
    geometry : Geometry
        Where they lie.
    metadata : mapping
        Key-value pairs of the NRRD header.
    encoding : {"gzip", "raw"}
        Packed, or as they are: then a run reads them where they lie.

    Raises
    ------
    UserError
        ``cannot_write`` with the reason.
    """
    with replacing(Path(path)) as temporary:
        write_nrrd(temporary, array, geometry, metadata, encoding)


def write_nrrd(
    path: Path,
    array: np.ndarray,
    geometry: Geometry,
    metadata: Mapping[str, str] | None = None,
    encoding: Encoding = "gzip",
) -> None:
    """Write as `write_volume` does, but straight to `path`, to be used inside of `files.replacing`.

    Raises
    ------
    OSError
        With the number of the fault and the name of the file.
    ValueError
        The array has another shape.
    """
    if array.shape[-3:] != geometry.shape:
        raise ValueError(f"an array of shape {array.shape} does not fit a volume of shape {geometry.shape}")
    write_image(path, array, geometry.ijk_to_ras, metadata, encoding)
