"""Scores of the benchmark of labels: Dice by patient, also without the slices on which the reader made a gesture."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.marks import AnyMark, slices_of
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.engine.data.mask_tags import MIN_PIXELS
from WeakMedSAMLib.engine.evaluation.scoring import rounded
from WeakMedSAMLib.engine.parts.metrics import patient_dice

FIGURES = ("dice", "dice_elsewhere")
BEFORE = ("before", "before_elsewhere")


@dataclass(frozen=True)
class LabelScore:
    """How well one class of one scan was found in one run.

    Attributes
    ----------
    case, patient, class_name : str
        Of what.
    dice : float
        Over the whole volume; NaN if both masks are empty.
    dice_elsewhere : float
        The same without the slices that hold a gesture of the class; NaN if no other slice is tagged as showing it.
    marked_slices : int
        How many these are.
    before, before_elsewhere : float
        Of masks that were corrected: the same before, without the same slices; NaN of others.
    confidence : float, optional
        The run's own in the class; None of what says none.
    """

    case: str
    patient: str
    class_name: str
    dice: float
    dice_elsewhere: float
    marked_slices: int
    before: float = math.nan
    before_elsewhere: float = math.nan
    confidence: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain data; without what was before, and confidence, where there is no such thing."""
        before = {name: rounded(getattr(self, name)) for name in BEFORE if not math.isnan(self.before)}
        known = {name: value for name, value in asdict(self).items() if name not in BEFORE}
        if self.confidence is None:
            del known["confidence"]
        return {**known, **{name: rounded(getattr(self, name)) for name in FIGURES}, **before}


def marked_slices(labels: VolumeLabels, class_name: str) -> list[int]:
    """Slices on which a point or a box of a class lies."""
    marks: list[AnyMark] = [*POINTS.marks(labels, class_name), *BOXES.marks(labels, class_name)]
    ranges = [slices_of(mark, labels) for mark in marks]
    return sorted({index for first, last in ranges for index in range(first, last + 1)})


def drawn_slices(labels: VolumeLabels, class_name: str) -> list[int]:
    """Slices of which every pixel of a class is known: drawn ones."""
    return [index for index, painted in PAINTED.slices(labels, class_name).items() if painted.is_whole]


def dice_here_and_elsewhere(
    predicted: np.ndarray, truth: np.ndarray, axis: str, marked: Sequence[int]
) -> tuple[float, float]:
    """Dice of two masks (bool, k x j x i), and the same without some of their slices; NaN if no other is positive."""
    masks = [slice_stack(mask, axis) for mask in (predicted, truth)]
    here, left = patient_dice(*masks), [np.delete(mask, list(marked), axis=0) for mask in masks]
    # Of pixels too few for a tag nobody was told.
    is_left = (np.count_nonzero(left[1], axis=(1, 2)) >= MIN_PIXELS).any()
    return here, patient_dice(*left) if is_left else math.nan


def by_class(scores: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Class -> figure -> mean over patients, of each the mean of its scans and runs.

    Parameters
    ----------
    scores : sequence of dict
        As `LabelScore.to_json` gives them.
    """
    found = {}
    for name in dict.fromkeys(one["class_name"] for one in scores):
        own = [one for one in scores if one["class_name"] == name]
        figures = [*FIGURES, *(figure for figure in BEFORE if any(figure in one for one in own))]
        found[name] = {figure: _mean_over_patients(own, figure) for figure in figures}
    return found


def _mean_over_patients(scores: Sequence[Mapping[str, Any]], figure: str) -> float | None:
    found: dict[str, list[float]] = defaultdict(list)
    for one in scores:
        if one.get(figure) is not None:
            found[one["patient"]].append(one[figure])
    return rounded(float(np.mean([np.mean(values) for values in found.values()])) if found else math.nan)
