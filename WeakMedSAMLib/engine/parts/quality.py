"""Stage: how far a result can be trusted, from tags and agreement alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.labels.checks import FEW_VOLUMES
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.quality import (
    CHECK_SLICES,
    EXTENT_DOUBTED,
    PLACE_DOUBTED,
    PLACE_UNSAID,
    TAG_ABSENT_SLICES,
    TAG_MORE_VOLUMES,
    TOO_LARGE,
    TOO_SMALL,
    Advice,
    ClassQuality,
    Quality,
)

# A Dice that a reader would not leave as it is. Both limits were set on agreements, before confidence was the Dice to
# be expected: of 40 LGG volumes learned together those below had a patient Dice of 0.71, those above of 0.87.
LOW_CONFIDENCE = 0.73
# The ways to draw a mask agree more easily on something wrong if all come from few patients: the limit for one volume
# is a tenth higher.
_FEW_PATIENTS = 0.1
# Of the logistic from the agreement of mask and network on a slice, as its log-odds, to its Dice.
OFFSET, SLOPE = -3.1, 1.75
# Dice of network and pseudo-mask below which they do not mean the same thing: of eleven sarcomas (MR) two were drawn
# elsewhere altogether, with 0.57 and 0.60, the others had 0.67 and more.
_SAME_PLACE = 0.65


def log_odds(shares: np.ndarray, inside: float = 0.01) -> np.ndarray:
    """Logarithm of the odds of shares, which are kept so far from 0 and 1."""
    shares = np.clip(shares, inside, 1 - inside)
    return np.asarray(np.log(shares / (1 - shares)))


def expected_dice(agreement: np.ndarray) -> np.ndarray:
    """The Dice that masks have on the mean which agree so well with what the network sees: a logistic, as fitted."""
    return np.asarray(1 / (1 + np.exp(-(OFFSET + SLOPE * log_odds(agreement)))))


def no_surer_than(dice: np.ndarray, agreement: np.ndarray) -> np.ndarray:
    """Agreements, of which no higher Dice is expected than these, where they are below 1."""
    most = 1 / (1 + np.exp(-(log_odds(dice) - OFFSET) / SLOPE))
    return np.where(dice < 1, np.minimum(agreement, most), agreement)


@dataclass(frozen=True)
class ClassEvidence:
    """What is known of one class on the S slices of one volume.

    Attributes
    ----------
    agreement : numpy.ndarray
        How far the ways to draw it agree: with `size` the Dice of the mask and what the network sees, softly, without
        it of whatever a method compares; NaN where there was nothing to compare.
    slice_probability : numpy.ndarray
        That the slice shows the class, by the classifier.
    pixels : numpy.ndarray
        Of the final mask.
    size : numpy.ndarray, optional
        Of the mask and what the network sees together: how much each slice counts in the agreement of the volume.
    concord : numpy.ndarray, optional
        Dice of network and pseudo-mask, NaN where there is no such mask, or a reader showed the class; None of a method
        that boxes and corrections do not help.
    """

    agreement: np.ndarray
    slice_probability: np.ndarray
    pixels: np.ndarray
    size: np.ndarray | None = None
    concord: np.ndarray | None = None


def slice_confidence(tags: np.ndarray, evidence: ClassEvidence) -> np.ndarray:
    """Confidence of one class on S slices, in [0, 1].

    Where there is a mask: the agreement of the ways it was drawn, or the Dice to be expected of it, times the
    classifier's probability if the slice has no tag. Where a tag says present and there is no mask: 0. Where there is
    none and no tag: the probability that the slice does not show the class. Where a tag says absent: 1.
    """
    masked = evidence.pixels > 0
    drawn = np.nan_to_num(evidence.agreement, nan=0.0)
    if evidence.size is not None:
        drawn = np.where(drawn > 0, expected_dice(drawn), 0)
    untagged = np.where(masked, drawn * evidence.slice_probability, 1 - evidence.slice_probability)
    confidence = np.where(tags == PRESENT, np.where(masked, drawn, 0.0), untagged)
    return np.where(tags == ABSENT, 1.0, confidence)


def quality_report(
    classes: ClassTable,
    tags: np.ndarray,
    evidence: Mapping[str, ClassEvidence],
    patients: int,
    intensity: Mapping[str, Any],
    voxel_ml: float,
) -> Quality:
    """How far the masks of one volume can be trusted; of its slice axis nothing is said yet.

    Parameters
    ----------
    classes : ClassTable
    tags : numpy.ndarray
        int8 S x C.
    evidence : mapping
        Class name -> evidence.
    patients : int
        Patients that the model learned from.
    intensity : mapping
        How grey values were chosen.
    voxel_ml : float
        Volume of a voxel of the source in millilitres; pixels are voxels of the source.
    """
    by_class = {
        entry.name: _class_quality(tags[:, index], evidence[entry.name], voxel_ml, _limit(patients))
        for index, entry in enumerate(classes)
    }
    columns = [slice_confidence(tags[:, index], evidence[entry.name]) for index, entry in enumerate(classes)]
    confidences = [report.confidence for report in by_class.values() if report.confidence is not None]
    confidence = min(confidences) if confidences else None
    unlikely = _unlikely_size(classes, by_class)
    unsure = confidence is None or confidence < _limit(patients)
    low = unsure or unlikely is not None
    return Quality(
        confidence=confidence,
        low_confidence=low,
        advice=unlikely or (_advice(tags, patients, by_class) if low else None),
        slice_confidence=_round(np.min(columns, axis=0)),
        classes=by_class,
        patients=patients,
        intensity=dict(intensity),
    )


def _class_quality(tags: np.ndarray, evidence: ClassEvidence, voxel_ml: float, limit: float) -> ClassQuality:
    """Figures of one class; its confidence is that of the slices with a mask or a tag that it is there."""
    confidence = slice_confidence(tags, evidence)
    shown = (tags == PRESENT) | (evidence.pixels > 0)
    together = _together(confidence, shown, evidence) if shown.any() else None
    is_low = together is not None and round(together, 3) < limit
    return ClassQuality(
        confidence=None if together is None else round(together, 3),
        slices=int(np.count_nonzero(evidence.pixels)),
        present_without_mask=np.flatnonzero((tags == PRESENT) & (evidence.pixels == 0)).tolist(),
        volume_ml=round(float(evidence.pixels.sum()) * voxel_ml, 3),
        slice_confidence=_round(confidence),
        slice_probability=_round(evidence.slice_probability),
        tagged=np.flatnonzero((tags == PRESENT) | (tags == ABSENT)).tolist(),
        pixels=evidence.pixels.astype(int).tolist(),
        place_unsure=_is_place_unsure(shown, evidence),
        unsure_of=_doubted(tags, shown, evidence) if is_low else "",
        unsure_on=np.flatnonzero(shown & (confidence < limit)).tolist() if is_low else [],
    )


def _doubted(tags: np.ndarray, shown: np.ndarray, evidence: ClassEvidence) -> str:
    """What is doubted of a class of low confidence.

    Without a tag that says present there is no pseudo-mask to compare with: nobody said where it is.
    """
    if not (tags == PRESENT).any():
        return PLACE_UNSAID
    return PLACE_DOUBTED if _is_place_unsure(shown, evidence) else EXTENT_DOUBTED


def _is_place_unsure(shown: np.ndarray, evidence: ClassEvidence) -> bool | None:
    if evidence.concord is None:
        return None
    return bool(shown.any()) and _is_elsewhere(evidence.pixels > 0, evidence.concord)


def _is_elsewhere(masked: np.ndarray, concord: np.ndarray) -> bool:
    """Say whether nothing was drawn of a class, or network and pseudo-mask do not mean the same thing by it."""
    told = concord[masked & np.isfinite(concord)]
    return not masked.any() or bool(len(told) and told.mean() < _SAME_PLACE)


def _together(confidence: np.ndarray, shown: np.ndarray, evidence: ClassEvidence) -> float:
    """Confidence in a class from that in the slices that show it, by their sizes where these are known.

    A slice that shows it and has no mask counts as much as the others do on the mean.
    """
    if evidence.size is None:
        return float(confidence[shown].mean())
    masked = shown & (evidence.pixels > 0)
    if not masked.any():
        return 0.0
    size = np.maximum(np.nan_to_num(evidence.size), 1)  # of a guess there may be nothing
    size = np.where(masked, size, size[masked].mean())
    return float(np.average(confidence[shown], weights=size[shown]))


def _unlikely_size(classes: ClassTable, by_class: Mapping[str, ClassQuality]) -> Advice | None:
    """Of the first class whose mask is smaller or larger than it is known to be; None if there is none."""
    for entry in classes:
        found, known = by_class[entry.name], entry.known
        values = {"class": entry.name, "ml": round(found.volume_ml, 1)}
        said = f"The mask of '{entry.name}' has {values['ml']} ml"
        if found.slices and known.smallest_ml is not None and found.volume_ml < known.smallest_ml:
            message = f"{said}, less than the {known.smallest_ml:g} ml that the class has at least."
            return Advice(TOO_SMALL, message, {**values, "limit": known.smallest_ml})
        if known.largest_ml is not None and found.volume_ml > known.largest_ml:
            message = f"{said}, more than the {known.largest_ml:g} ml that the class has at most."
            return Advice(TOO_LARGE, message, {**values, "limit": known.largest_ml})
    return None


def _round(values: np.ndarray) -> list[float]:
    return [round(float(value), 3) for value in values]


def _limit(patients: int) -> float:
    """Confidence below which a result is marked that was learned from so many patients."""
    return LOW_CONFIDENCE * (1 + _FEW_PATIENTS / max(1, patients))


def _advice(tags: np.ndarray, patients: int, by_class: Mapping[str, ClassQuality]) -> Advice | None:
    """What would help beside what is to be done about single classes, in one sentence."""
    if patients < FEW_VOLUMES:
        message = f"Learned from {counted(patients, 'volume')}: tag more volumes, eight or more if you can."
        return Advice(TAG_MORE_VOLUMES, message, {"patients": patients})
    if not (tags == ABSENT).any():
        return Advice(TAG_ABSENT_SLICES, "Tag slices of this volume on which the class is absent.")
    if any(one.unsure_of for one in by_class.values()):
        return None
    message = "Check the slices with the lowest confidence, and correct them in the Segment Editor."
    return Advice(CHECK_SLICES, message)
