"""Scores of one predicted mask against the true one, and of a group of patients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from WeakMedSAMLib.engine.geometry import Geometry, slice_stack
from WeakMedSAMLib.engine.metrics import assd_mm, hd95_mm, patient_dice, slice_dice

_RESAMPLES = 2000


@dataclass(frozen=True)
class Score:
    """How well the mask of one class in one volume agrees with the truth.

    Attributes
    ----------
    patient_dice : float
        Over the whole volume, false positives on negative slices included; NaN if both masks are empty.
    slice_dice : tuple of float
        One value for every positive slice.
    hd95_mm, assd_mm : float
        An empty prediction counts as the volume's diagonal; NaN if the truth is empty.
    empty_prediction : bool
        Nothing was predicted though there is something.
    """

    patient_dice: float
    slice_dice: tuple[float, ...]
    hd95_mm: float
    assd_mm: float
    empty_prediction: bool

    @property
    def slice_dice_mean(self) -> float:
        """Mean over the positive slices; NaN if there are none."""
        return _mean(self.slice_dice)

    def to_json(self) -> dict[str, Any]:
        """The scores as plain data; NaN becomes None."""
        return {
            "patient_dice": rounded(self.patient_dice),
            "slice_dice_mean": rounded(self.slice_dice_mean),
            "positive_slices": len(self.slice_dice),
            "hd95_mm": rounded(self.hd95_mm, 2),
            "assd_mm": rounded(self.assd_mm, 2),
            "empty_prediction": self.empty_prediction,
        }


def score(prediction: np.ndarray, truth: np.ndarray, geometry: Geometry, axis: str = "k", min_pixels: int = 1) -> Score:
    """Score a mask against the truth.

    Parameters
    ----------
    prediction, truth : numpy.ndarray
        bool, k x j x i.
    geometry : Geometry
        Of both.
    axis : str
        Along which slices are counted.
    min_pixels : int
        A slice is positive if its truth has so many pixels.
    """
    spacing = geometry.spacing[::-1]
    positive = np.count_nonzero(slice_stack(truth, axis), axis=(1, 2)) >= min_pixels
    by_slice = slice_dice(slice_stack(prediction, axis), slice_stack(truth, axis))
    return Score(
        patient_dice(prediction, truth),
        tuple(float(value) for value in by_slice[positive]),
        hd95_mm(prediction, truth, spacing),
        assd_mm(prediction, truth, spacing),
        bool(truth.any() and not prediction.any()),
    )


def summary(scores: Sequence[Score], seed: int = 0) -> dict[str, Any]:
    """Means over a group of patients, with 95 % intervals from resampling patients (not slices, which hang together).

    ``slice_dice_mean`` is the mean over the positive slices of all patients together. Patients in whom both masks are
    empty have no Dice and are left out of its mean; ``without_truth`` counts the patients without anything to find.
    """
    slices = [value for one in scores for value in one.slice_dice]
    dice = [one.patient_dice for one in scores]
    return {
        "patients_scored": len(scores),
        "positive_slices": len(slices),
        "slice_dice_mean": rounded(_mean(slices)),
        "slice_dice_interval": _interval(scores, _pooled_slice_dice, seed),
        "patient_dice_mean": rounded(_mean(dice)),
        "patient_dice_interval": _interval(scores, _mean_patient_dice, seed),
        "patient_dice_median": rounded(float(np.nanmedian(dice)) if np.isfinite(dice).any() else math.nan),
        "patient_hd95_mm_mean": rounded(_mean([one.hd95_mm for one in scores]), 2),
        "patient_assd_mm_mean": rounded(_mean([one.assd_mm for one in scores]), 2),
        "empty_predictions": sum(one.empty_prediction for one in scores),
        "without_truth": sum(math.isnan(one.hd95_mm) for one in scores),
    }


def rounded(value: float, digits: int = 4) -> float | None:
    """A figure for a report; None for NaN, which JSON does not have."""
    return None if math.isnan(value) else round(float(value), digits)


def _pooled_slice_dice(scores: Sequence[Score]) -> float:
    return _mean([value for one in scores for value in one.slice_dice])


def _mean_patient_dice(scores: Sequence[Score]) -> float:
    return _mean([one.patient_dice for one in scores])


def _interval(
    scores: Sequence[Score], statistic: Callable[[Sequence[Score]], float], seed: int
) -> list[float | None] | None:
    """2.5 and 97.5 percentile of a statistic over resampled patients; None for fewer than three."""
    if len(scores) < 3:
        return None
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, len(scores), (_RESAMPLES, len(scores)))
    values = np.array([statistic([scores[index] for index in draw]) for draw in draws])
    if not np.isfinite(values).any():
        return None
    return [rounded(float(bound)) for bound in np.nanpercentile(values, [2.5, 97.5])]


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if not math.isnan(value)]
    return float(np.mean(finite)) if finite else math.nan
