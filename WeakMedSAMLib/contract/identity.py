"""What makes two volumes the same scan."""

from __future__ import annotations

import hashlib
from collections.abc import Generator

import numpy as np

_PIECE_BYTES = 2**20


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
    steps = content_hash_steps(array_kji)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            digest: str = end.value
            return digest


def content_hash_steps(array_kji: np.ndarray) -> Generator[float, None, str]:
    """Compute `content_hash` in pieces of about a mebibyte, for whoever must not wait for the whole.

    Yields
    ------
    float
        Progress, 0..1.

    Returns
    -------
    str
        64 lower-case hexadecimal digits.

    Raises
    ------
    ValueError
        As `content_hash`, at the first step.
    """
    array_kji = np.asanyarray(array_kji)
    if array_kji.ndim != 3 or array_kji.dtype.kind not in "biuf":
        raise ValueError(f"a volume has 3 axes of real numbers, not {array_kji.ndim} of {array_kji.dtype}")
    digest = hashlib.sha256(np.asarray(array_kji.shape, dtype="<i8").tobytes())
    rows = max(1, _PIECE_BYTES // max(1, 4 * array_kji.shape[2]))
    for number, plane in enumerate(array_kji, 1):
        for first in range(0, len(plane), rows):
            with np.errstate(over="ignore"):
                piece = np.ascontiguousarray(plane[first : first + rows], dtype="<f4")
            digest.update(piece.reshape(-1).view(np.uint8).data)
            yield number / len(array_kji)
    return digest.hexdigest()
