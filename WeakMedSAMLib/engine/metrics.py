"""How well a mask agrees with a reference mask: overlap, and surface distances in mm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import binary_erosion
from scipy.spatial import cKDTree


def patient_dice(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Dice overlap of two masks of any shape, over the whole volume: 2 |A and B| / (|A| + |B|).

    False positives on slices without truth count against it. NaN if both are empty.
    """
    prediction, truth = _masks(prediction, truth)
    total = np.count_nonzero(prediction) + np.count_nonzero(truth)
    return 2 * np.count_nonzero(prediction & truth) / total if total else float("nan")


def slice_dice(prediction: np.ndarray, truth: np.ndarray, both_empty: float = float("nan")) -> np.ndarray:
    """Dice overlap slice by slice.

    Parameters
    ----------
    prediction, truth : numpy.ndarray
        Masks, slices x rows x columns.
    both_empty : float
        Value of a slice on which both masks are empty; the published WeakMedSAM figures count it as 1.

    Returns
    -------
    numpy.ndarray
        float64, one value a slice.
    """
    prediction, truth = _masks(prediction, truth)
    total = (np.count_nonzero(prediction, axis=(1, 2)) + np.count_nonzero(truth, axis=(1, 2))).astype(float)
    common = np.count_nonzero(prediction & truth, axis=(1, 2))
    return np.divide(2 * common, total, out=np.full(len(total), both_empty, dtype=float), where=total > 0)


def hd95_mm(prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float]) -> float:
    """95th percentile Hausdorff distance: the larger of those of the two directed surface distances.

    Parameters
    ----------
    prediction, truth : numpy.ndarray
        Masks of one shape.
    spacing : sequence of float
        Distance of neighbouring voxels in mm, in the order of the array's axes (k, j, i).

    Returns
    -------
    float
        Millimetres. An empty prediction counts as the diagonal of the volume; NaN if the truth is empty.
    """
    prediction, truth = _masks(prediction, truth)
    if not (prediction.any() and truth.any()):
        return _without_surface(truth, spacing)
    return max(float(np.percentile(d, 95)) for d in _surface_distances(prediction, truth, spacing))


def assd_mm(prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float]) -> float:
    """Average symmetric surface distance in mm: the mean over the voxels of both surfaces.

    Parameters, empty masks and result as in `hd95_mm`.
    """
    prediction, truth = _masks(prediction, truth)
    if not (prediction.any() and truth.any()):
        return _without_surface(truth, spacing)
    return float(np.concatenate(_surface_distances(prediction, truth, spacing)).mean())


def _masks(prediction: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if prediction.shape != truth.shape:
        raise ValueError(f"masks of shapes {prediction.shape} and {truth.shape} cannot be compared")
    return prediction.astype(bool, copy=False), truth.astype(bool, copy=False)


def _without_surface(truth: np.ndarray, spacing: Sequence[float]) -> float:
    return float(np.linalg.norm(np.multiply(truth.shape, spacing))) if truth.any() else float("nan")


def _surface_distances(prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float]) -> list[np.ndarray]:
    """Distance in mm of every surface voxel to the nearest one of the other surface, there and back.

    Nearest neighbours among the surface voxels alone cost far less than a distance transform of the whole volume.
    """
    there, back = (_surface_points(mask) * np.asarray(spacing) for mask in (prediction, truth))
    return [cKDTree(back).query(there)[0], cKDTree(there).query(back)[0]]


def _surface_points(mask: np.ndarray) -> np.ndarray:
    """Indices, N x dimensions, of voxels with a face-neighbour outside the mask; beyond the volume is outside."""
    occupied = [np.flatnonzero(mask.any(axis=_all_but(axis, mask.ndim))) for axis in range(mask.ndim)]
    box = tuple(slice(o[0], o[-1] + 1) for o in occupied)
    inner = mask[box]
    return np.argwhere(inner & ~binary_erosion(inner)) + [s.start for s in box]


def _all_but(axis: int, ndim: int) -> tuple[int, ...]:
    return tuple(a for a in range(ndim) if a != axis)
