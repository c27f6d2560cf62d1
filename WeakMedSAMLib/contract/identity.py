"""What makes two volumes the same scan."""

from __future__ import annotations

import hashlib

import numpy as np


def content_hash(array_kji: np.ndarray) -> str:
    """Hash the voxels of a volume, whatever file format or number type they came in.

    The SHA-256 of the shape (k, j, i as three little-endian 64-bit integers) followed by the voxels as little-endian
    32-bit floats in k, j, i order (i fastest). Geometry and file bytes take no part, so that the same scan from
    ``.nii.gz`` and ``.nrrd`` has one hash.

    Parameters
    ----------
    array_kji : numpy.ndarray
        Real numbers, shape (k, j, i). Any strides; it is read one k plane at a time and never copied whole.

    Returns
    -------
    str
        64 lower-case hexadecimal digits.

    Raises
    ------
    ValueError
        If the array is not three-dimensional or not of real numbers.
    """
    array_kji = np.asanyarray(array_kji)
    if array_kji.ndim != 3 or array_kji.dtype.kind not in "biuf":
        raise ValueError(f"a volume has 3 axes of real numbers, not {array_kji.ndim} of {array_kji.dtype}")
    digest = hashlib.sha256(np.asarray(array_kji.shape, dtype="<i8").tobytes())
    with np.errstate(over="ignore"):
        for plane in array_kji:
            digest.update(np.ascontiguousarray(plane, dtype="<f4").reshape(-1).view(np.uint8))
    return digest.hexdigest()
