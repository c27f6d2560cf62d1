"""How well a mask agrees with a reference mask: overlap, and surface distances in mm, by MONAI's metrics.

MONAI leaves empty masks to its caller; what they count as is said here, and is the same everywhere.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch


def patient_dice(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Dice overlap of two masks of any shape, over the whole volume: 2 |A and B| / (|A| + |B|).

    False positives on slices without truth count against it. NaN if both are empty.
    """
    from monai.metrics import compute_dice

    return _whole(compute_dice, prediction, truth)


def patient_jaccard(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Jaccard overlap of two masks of any shape, over the whole volume: |A and B| / |A or B|; NaN if both are empty."""
    from monai.metrics import compute_iou

    return _whole(compute_iou, prediction, truth)


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
    from monai.metrics import compute_dice

    return _by_slice(compute_dice, prediction, truth, both_empty)


def slice_jaccard(prediction: np.ndarray, truth: np.ndarray, both_empty: float = float("nan")) -> np.ndarray:
    """Jaccard overlap slice by slice; parameters and result as in `slice_dice`."""
    from monai.metrics import compute_iou

    return _by_slice(compute_iou, prediction, truth, both_empty)


def hd95_mm(prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float]) -> float:
    """95th percentile Hausdorff distance: the larger of those of the two directed surface distances.

    Surface voxels are those with a face-neighbour outside the mask; beyond the volume is outside.

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
    from monai.metrics import compute_hausdorff_distance

    prediction, truth = _masks(prediction, truth)
    if not (prediction.any() and truth.any()):
        return _without_surface(truth, spacing)
    return _distance(compute_hausdorff_distance, prediction, truth, spacing, percentile=95)


def assd_mm(prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float]) -> float:
    """Average symmetric surface distance in mm: the mean over the voxels of both surfaces.

    Parameters, empty masks and result as in `hd95_mm`.
    """
    from monai.metrics import compute_average_surface_distance

    prediction, truth = _masks(prediction, truth)
    if not (prediction.any() and truth.any()):
        return _without_surface(truth, spacing)
    return _distance(compute_average_surface_distance, prediction, truth, spacing, symmetric=True)


def crop_to_masks(prediction: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both masks within the smallest box that holds them; what lies outside has no mask and costs only time."""
    either = prediction | truth
    occupied = [np.flatnonzero(either.any(axis=_all_but(axis, either.ndim))) for axis in range(either.ndim)]
    box = tuple(slice(found[0], found[-1] + 1) for found in occupied)
    return prediction[box], truth[box]


def _masks(prediction: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if prediction.shape != truth.shape:
        raise ValueError(f"masks of shapes {prediction.shape} and {truth.shape} cannot be compared")
    return prediction.astype(bool, copy=False), truth.astype(bool, copy=False)


def _whole(overlap: Callable[..., torch.Tensor], prediction: np.ndarray, truth: np.ndarray) -> float:
    prediction, truth = _masks(prediction, truth)
    if not (prediction.any() or truth.any()):
        return float("nan")
    return float(overlap(*_batches(*crop_to_masks(prediction, truth)), ignore_empty=False))


def _by_slice(
    overlap: Callable[..., torch.Tensor], prediction: np.ndarray, truth: np.ndarray, both_empty: float
) -> np.ndarray:
    """Overlap of every slice; only slices with a mask are handed to MONAI."""
    prediction, truth = _masks(prediction, truth)
    values = np.full(len(truth), both_empty, dtype=float)
    used = np.flatnonzero(prediction.any(axis=(1, 2)) | truth.any(axis=(1, 2)))
    for index in used:
        values[index] = float(overlap(*_batches(prediction[index], truth[index]), ignore_empty=False))
    return values


def _distance(
    metric: Callable[..., torch.Tensor],
    prediction: np.ndarray,
    truth: np.ndarray,
    spacing: Sequence[float],
    **options: Any,
) -> float:
    both = _batches(*crop_to_masks(prediction, truth))
    with warnings.catch_warnings():
        # MONAI warns of its own use of an option that it is about to drop.
        warnings.filterwarnings("ignore", category=FutureWarning, module="monai")
        return float(metric(*both, include_background=True, spacing=[float(mm) for mm in spacing], **options))


def _batches(*masks: np.ndarray) -> tuple[torch.Tensor, ...]:
    """Each mask as B x C x ..., with one image and one class."""
    return tuple(torch.from_numpy(np.ascontiguousarray(mask))[None, None] for mask in masks)


def _without_surface(truth: np.ndarray, spacing: Sequence[float]) -> float:
    return float(np.linalg.norm(np.multiply(truth.shape, spacing))) if truth.any() else float("nan")


def _all_but(axis: int, ndim: int) -> tuple[int, ...]:
    return tuple(a for a in range(ndim) if a != axis)
