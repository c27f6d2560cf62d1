"""Scores of one predicted mask against the true one, and of a group of patients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from WeakMedSAMLib.engine.data.geometry import Geometry, slice_stack
from WeakMedSAMLib.engine.evaluation.intervals import by_patient, mean, mean_interval
from WeakMedSAMLib.engine.parts.metrics import assd_mm, hd95_mm, patient_dice, patient_jaccard, slice_dice

# Figures of a whole volume, and their digits in a report.
_DIGITS = {"patient_dice": 4, "patient_jaccard": 4, "hd95_mm": 2, "assd_mm": 2}


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
    patient_jaccard : float
        Over the whole volume; NaN if both masks are empty.
    volume_ml, true_volume_ml : float
        Of the two masks.
    """

    patient_dice: float
    slice_dice: tuple[float, ...]
    hd95_mm: float
    assd_mm: float
    empty_prediction: bool
    patient_jaccard: float = math.nan
    volume_ml: float = math.nan
    true_volume_ml: float = math.nan

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
            "patient_jaccard": rounded(self.patient_jaccard),
            "volume_ml": rounded(self.volume_ml, 3),
            "true_volume_ml": rounded(self.true_volume_ml, 3),
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
        patient_jaccard(prediction, truth),
        geometry.voxel_ml * np.count_nonzero(prediction),
        geometry.voxel_ml * np.count_nonzero(truth),
    )


def summary(scores: Sequence[Score], seed: int = 0, patients: Sequence[str] | None = None) -> dict[str, Any]:
    """Means over a group of patients, with 95 % intervals from resampling patients (not slices, which hang together).

    ``slice_dice_mean`` is the mean over the positive slices of all patients together. Patients in whom both masks are
    empty have no Dice and are left out of its mean; ``without_truth`` counts the patients without anything to find.

    Parameters
    ----------
    scores : sequence of Score
        One for every class of every scan.
    seed : int
        Of the resampling.
    patients : sequence of str, optional
        Whose each score is, where a patient has several; each score is a patient's own otherwise.
    """
    whose = [str(index) for index in range(len(scores))] if patients is None else patients
    slices = by_patient(whose, [one.slice_dice for one in scores])
    whole = {name: by_patient(whose, [[getattr(one, name)] for one in scores]) for name in _DIGITS}
    dice = [one.patient_dice for one in scores]
    result = {
        "patients_scored": len(scores),
        "positive_slices": sum(map(len, slices.values())),
        "slice_dice_mean": rounded(mean(slices)),
        "slice_dice_interval": rounded_interval(mean_interval(slices, seed)),
        "patient_dice_median": rounded(float(np.nanmedian(dice)) if np.isfinite(dice).any() else math.nan),
        "empty_predictions": sum(one.empty_prediction for one in scores),
        "without_truth": sum(math.isnan(one.hd95_mm) for one in scores),
    }
    for name, digits in _DIGITS.items():
        # Named patient_hd95_mm since the other kind of HD95 is one of slices.
        key = name if name.startswith("patient_") else f"patient_{name}"
        result[f"{key}_mean"] = rounded(mean(whole[name]), digits)
        result[f"{key}_interval"] = rounded_interval(mean_interval(whole[name], seed), digits)
    return result


def rounded(value: float, digits: int = 4) -> float | None:
    """A figure for a report; None for NaN, which JSON does not have."""
    return None if math.isnan(value) else round(float(value), digits)


def rounded_interval(interval: tuple[float, float] | None, digits: int = 4) -> list[float | None] | None:
    """An interval for a report."""
    return None if interval is None else [rounded(bound, digits) for bound in interval]


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if not math.isnan(value)]
    return float(np.mean(finite)) if finite else math.nan
