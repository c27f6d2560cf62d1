"""The score of one class in one scan, and tables of such scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from WeakMedSAMLib.engine.evaluation.intervals import by_patient, mean, mean_interval
from WeakMedSAMLib.engine.evaluation.published_metrics import FIGURES, FRAME, PublishedScore
from WeakMedSAMLib.engine.evaluation.scoring import Score, rounded, rounded_interval, summary

SAME_DICE = 0.02  # below which two scans are drawn equally well


@dataclass(frozen=True)
class Row:
    """The score of one class in one case.

    Attributes
    ----------
    case, class_name : str
        Of the scan, and of the class.
    tagged : bool
        Whether the run had tags of this case.
    score : Score
        Per patient, in mm.
    low_confidence : bool, optional
        As the run itself judged the case; None where no run is known.
    confidence : float, optional
        The run's own, of the class.
    patient : str
        Whose scan it is; the case itself where nothing else is known.
    published : PublishedScore, optional
        Slice by slice, as the published code counts.
    by_slice : mapping, optional
        As plain data: the run's own ``quality`` of the class, and of each slice the ``drawn``, ``true`` and ``shared``
        pixels.
    """

    case: str
    class_name: str
    tagged: bool
    score: Score
    low_confidence: bool | None = None
    confidence: float | None = None
    patient: str = ""
    published: PublishedScore | None = None
    by_slice: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "case": self.case,
            "class": self.class_name,
            **self.score.to_json(),
            **self._own_judgement(),
            **(_published_of([self], seed=None) if self.published else {}),
            **({"patient": patient_of(self), "by_slice": self.by_slice} if self.by_slice else {}),
        }

    def _own_judgement(self) -> dict[str, Any]:
        if self.low_confidence is None:
            return {}
        return {"low_confidence": self.low_confidence, "confidence": self.confidence}


def group_summary(rows: Sequence[Row], seed: int = 0) -> dict[str, Any]:
    """Means of a group of rows with intervals over patients: per patient, as published, and the volumes' agreement."""
    result = {**summary([row.score for row in rows], seed, [patient_of(row) for row in rows]), **volume_agreement(rows)}
    return {**result, **_published_of([row for row in rows if row.published], seed)}


def patient_of(row: Row) -> str:
    """Whose scan it is."""
    return row.patient or row.case


def volume_agreement(rows: Sequence[Row]) -> dict[str, Any]:
    """Bland and Altman (Lancet 1986): mean difference of the volumes, predicted less true, and limits of agreement.

    The limits are the mean difference -+ 1.96 standard deviations; None for fewer than three scans.
    """
    differences = np.array([row.score.volume_ml - row.score.true_volume_ml for row in rows])
    bias = float(differences.mean()) if len(differences) else math.nan
    limits = None
    if len(differences) >= 3:
        reach = 1.96 * float(differences.std(ddof=1))
        limits = rounded_interval((bias - reach, bias + reach), 3)
    return {"volume_bias_ml": rounded(bias, 3), "volume_limits_ml": limits}


def confidence_figures(rows: Sequence[Row]) -> dict[str, Any] | None:
    """How far the confidence of a class says its patient Dice; None where no run told any.

    ``error`` is the mean of how far one is from the other, ``concordance`` the share of pairs of scans in which the
    same class is drawn better where it is surer (ties count half, pairs that differ by less than 0.02 of Dice not).
    """
    told = [(row.class_name, row.confidence, row.score.patient_dice) for row in rows if row.confidence is not None]
    told = [one for one in told if math.isfinite(one[2])]
    if not told:
        return None
    error = float(np.mean([abs(confidence - dice) for _, confidence, dice in told]))
    agree = [
        0.5 if sure == other_sure else float((sure > other_sure) == (dice > other_dice))
        for (name, sure, dice), (other, other_sure, other_dice) in combinations(told, 2)
        if name == other and abs(dice - other_dice) >= SAME_DICE
    ]
    return {"error": rounded(error), "concordance": rounded(float(np.mean(agree))) if agree else None}


def _published_of(rows: Sequence[Row], seed: int | None) -> dict[str, Any]:
    """Figures as the published code counts them: means over all slices of all rows; intervals if there is a seed."""
    if not rows:
        return {}
    scores = [row.published for row in rows if row.published is not None]
    empty = np.concatenate([one.empty_truth for one in scores])
    result: dict[str, Any] = {
        "frame": f"{FRAME} x {FRAME}, " + ("cut to the scan" if all(one.trimmed for one in scores) else "whole slices"),
        "slices": len(empty),
        "slices_with_both_masks": int(np.concatenate([np.isfinite(one.region_assd_px) for one in scores]).sum()),
        "slices_empty_in_both": int(np.concatenate([one.both_empty for one in scores]).sum()),
        "dice_of_no_mask_at_all": rounded(float(empty.mean())),
    }
    for name in FIGURES:
        groups = by_patient([patient_of(row) for row in rows], [getattr(one, name) for one in scores])
        result[name] = rounded(mean(groups))
        if seed is not None:
            result[f"{name}_interval"] = rounded_interval(mean_interval(groups, seed))
    return {"as_published_per_slice": result}
