"""How far confidence tells Dice: of a class in a volume, and slice by slice, from kept reports alone."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from WeakMedSAMLib.engine.evaluation.rows import SAME_DICE
from WeakMedSAMLib.studies.ablation_figures import Estimate, estimate
from WeakMedSAMLib.studies.patient_draws import estimate_of, patient_counts


@dataclass(frozen=True)
class Judged:
    """One class of one scan in one run.

    Attributes
    ----------
    group : hashable
        Run and class: scans are compared within it.
    patient : str
    confidence, dice : float
        The run's own, and the patient Dice.
    """

    group: Hashable
    patient: str
    confidence: float
    dice: float


@dataclass(frozen=True)
class ConfidenceFigures:
    """What confidence is worth for classes in volumes.

    Attributes
    ----------
    count, patients : int
        Classes in volumes, and whose.
    confidence, dice : float
        Means.
    distance : Estimate
        Mean of how far one is from the other.
    concordance : Estimate
        Share of pairs of scans of a group of which the better drawn one is the surer one: ties count half, pairs
        that are drawn equally well not. NaN without a pair.
    """

    count: int
    patients: int
    confidence: float
    dice: float
    distance: Estimate
    concordance: Estimate


def judged_rows(rows: Iterable[Mapping[str, Any]], run: Hashable) -> list[Judged]:
    """Rows of a report of accuracy, see `Row.to_json`, that have a Dice and a confidence."""
    return [
        Judged((run, row["class"]), row.get("patient", row["case"]), row["confidence"], row["patient_dice"])
        for row in rows
        if row.get("confidence") is not None and row["patient_dice"] is not None
    ]


def confidence_of(judged: Sequence[Judged], seed: int = 0) -> ConfidenceFigures:
    """Figures of some, at least one, with 95 % intervals from resampling patients."""
    whose, counts = _patients(judged, seed)
    confidence, dice = (np.array([getattr(one, name) for one in judged]) for name in ("confidence", "dice"))
    return ConfidenceFigures(
        len(judged),
        counts.shape[1],
        float(confidence.mean()),
        float(dice.mean()),
        estimate_of(_distance(judged, whose, counts), counts.shape[1]),
        estimate_of(_concordance(judged, whose, counts), counts.shape[1]),
    )


def nearer(judged: Sequence[Judged], others: Sequence[Judged], seed: int = 0) -> Estimate:
    """Distance of some less that of others, which say another confidence of the same scans; patients are paired."""
    whose, counts = _patients(judged, seed)
    figures = [_distance(each, whose, counts) for each in (judged, others)]
    return estimate_of(figures[0] - figures[1], counts.shape[1])


def agreement(first: np.ndarray, second: np.ndarray, dice: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """For pairs that say a confidence each: 1 where the better drawn is surer, 0.5 where equally sure, else 0."""
    return np.where(first == second, 0.5, (first > second) == (dice[0] > dice[1]))


def slices_ranked(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """How well confidence ranks the slices of a volume: patient and class -> concordance with their Dice.

    It is the mean over scans and runs. Slices count that have a mask or are tagged as showing the class, pairs of them
    as in `ConfidenceFigures`.

    Parameters
    ----------
    rows : iterable of mapping
        Of reports of accuracy; those from before slices were kept are left out.
    """
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if "by_slice" not in row:
            continue
        shown = shown_slices(row["by_slice"])
        dice = slice_dice(row["by_slice"])[shown]
        sure = np.array(row["by_slice"]["quality"]["slice_confidence"])[shown]
        one, other = np.triu_indices(len(dice), 1)
        told = np.abs(dice[one] - dice[other]) >= SAME_DICE
        one, other = one[told], other[told]
        if len(one):
            agree = agreement(sure[one], sure[other], (dice[one], dice[other]))
            found.setdefault((row["patient"], row["class"]), []).append(float(agree.mean()))
    return {key: float(np.mean(values)) for key, values in found.items()}


def shown_slices(by_slice: Mapping[str, Any]) -> np.ndarray:
    """Whether a run said of each slice that it shows the class: it has a mask, or a tag and none."""
    shown = np.array(by_slice["drawn"]) > 0
    shown[by_slice["quality"]["present_without_mask"]] = True
    return shown


def slice_dice(by_slice: Mapping[str, Any]) -> np.ndarray:
    """Dice of each slice, 0 where there is nothing."""
    drawn, true, shared = (np.array(by_slice[name], float) for name in ("drawn", "true", "shared"))
    return np.asarray(2 * shared / np.maximum(drawn + true, 1))


def slice_concordance(rows: Iterable[Mapping[str, Any]]) -> Estimate:
    """The mean of `slices_ranked` over classes in volumes, and its interval from resampling patients."""
    return estimate(slices_ranked(rows))


def _patients(judged: Sequence[Judged], seed: int) -> tuple[np.ndarray, np.ndarray]:
    names = list(dict.fromkeys(one.patient for one in judged))
    return np.array([names.index(one.patient) for one in judged]), patient_counts(len(names), seed)


def _distance(judged: Sequence[Judged], whose: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Distance for each way to count patients."""
    weights = counts[:, whose]
    return (weights @ np.array([abs(one.confidence - one.dice) for one in judged])) / weights.sum(1)


def _concordance(judged: Sequence[Judged], whose: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Concordance for each way to count patients: a pair of two patients as often as both, NaN without a pair."""
    pairs = [
        (i, j)
        for i, j in combinations(range(len(judged)), 2)
        if judged[i].group == judged[j].group and abs(judged[i].dice - judged[j].dice) >= SAME_DICE
    ]
    if not pairs:
        return np.full(len(counts), np.nan)
    one, other = np.array(pairs).T
    sure, dice = (np.array([getattr(each, name) for each in judged]) for name in ("confidence", "dice"))
    agree = agreement(sure[one], sure[other], (dice[one], dice[other]))
    first, second = counts[:, whose[one]], counts[:, whose[other]]
    weights = np.where(whose[one] == whose[other], first, first * second)
    total = weights.sum(1)
    return np.divide(weights @ agree, total, out=np.full(len(counts), np.nan), where=total > 0)
