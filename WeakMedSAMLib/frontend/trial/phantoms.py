"""Generated volumes to try the module with: nobody's images, nothing to download."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import slicer.util

_SPACING_MM = 2.0
_BODY, _ORGAN, _LESION = 90.0, 130.0, 230.0


def makePhantom(seed: int = 0, shape: tuple[int, int, int] = (40, 96, 112)) -> tuple[np.ndarray, tuple[int, int]]:
    """Make a body with an organ and one bright lesion.

    Parameters
    ----------
    seed : int
        Another one, another patient.
    shape : tuple of int
        Voxels along k, j, i.

    Returns
    -------
    array : numpy.ndarray
        int16, k x j x i.
    slices : tuple of int
        First and last slice along k that show the lesion.
    """
    random = np.random.default_rng(seed)
    array = random.normal(0, 6, shape)
    array[_fillEllipsoid(shape, (0.5, 0.5, 0.5), (0.7, 0.42, 0.44))] += _BODY
    array[_fillEllipsoid(shape, (0.5, 0.45, 0.38), (0.35, 0.22, 0.2))] += _ORGAN - _BODY
    centre = np.array([0.5, 0.45, 0.65]) + random.uniform(-0.06, 0.06, 3)
    radii = np.array([0.2, 0.12, 0.1]) * random.uniform(0.8, 1.2, 3)
    lesion = _fillEllipsoid(shape, centre, radii)
    array[lesion] += _LESION - _BODY
    shown = np.flatnonzero(lesion.any(axis=(1, 2)))
    return _smooth(array).astype(np.int16), (int(shown[0]), int(shown[-1]))


def addPhantom(name: str, seed: int = 0) -> Any:
    """Add a generated volume to the scene, spacing 2 mm, and return its vtkMRMLScalarVolumeNode."""
    array, _slices = makePhantom(seed)
    size = np.array(array.shape[::-1]) * _SPACING_MM
    # Patient left and posterior are where radiologists look for them: i and j run against R and A.
    ijkToRas = np.diag([-_SPACING_MM, -_SPACING_MM, _SPACING_MM, 1.0])
    ijkToRas[:3, 3] = size / 2 * (1, 1, -1)
    return slicer.util.addVolumeFromArray(array, ijkToRAS=ijkToRas, name=slicer.mrmlScene.GenerateUniqueName(name))


def _fillEllipsoid(shape: tuple[int, ...], centre: Any, radii: Any) -> np.ndarray:
    """Return where an ellipsoid is; centre and radii as fractions of the shape."""
    grids = np.ogrid[tuple(slice(0, size) for size in shape)]
    parts = [((grid / size - middle) / radius) ** 2
             for grid, size, middle, radius in zip(grids, shape, centre, radii, strict=True)]  # fmt: skip
    return sum(parts) <= 1


def _smooth(array: np.ndarray) -> np.ndarray:
    for axis in range(3):
        array = (np.roll(array, 1, axis) + 2 * array + np.roll(array, -1, axis)) / 4
    return array
