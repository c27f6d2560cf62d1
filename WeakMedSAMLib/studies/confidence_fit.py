"""The logistic of confidence fitted anew, without one set after the other, and judged on the one left out.

Reports keep confidence slice by slice, not the agreement that it was made of: the logistic is inverted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize

from WeakMedSAMLib.engine.parts.quality import log_odds
from WeakMedSAMLib.studies.confidence import Judged, shown_slices, slice_dice
from WeakMedSAMLib.studies.confidence_logistic import Logistic


@dataclass(frozen=True)
class ShownSlices:
    """The slices of a class in a volume that have a mask, or a tag and none: N of them.

    Attributes
    ----------
    judged : Judged
        The class in the volume.
    fixed : numpy.ndarray
        N: confidence that no logistic gave (there is no mask, or a reader drew it); NaN where one did.
    agreement : numpy.ndarray
        N: of mask and network.
    dice : numpy.ndarray
        N: of the mask and the true one.
    weight : numpy.ndarray
        N: how much a slice counts in the confidence of the class, the sum is 1. That is by the pixels of the mask;
        the run went by these and by what the network saw.
    """

    judged: Judged
    fixed: np.ndarray
    agreement: np.ndarray
    dice: np.ndarray
    weight: np.ndarray


Fit = Callable[[Mapping[str, Sequence[ShownSlices]]], Logistic]


def shown_of(row: Mapping[str, Any], judged: Judged, logistic: Logistic) -> ShownSlices | None:
    """What a row of a report says of slices, see `Row.to_json`; None if it keeps none, or shows the class on none.

    Parameters
    ----------
    row : mapping
        Of a scan of which all slices are tagged.
    judged : Judged
        The same row.
    logistic : Logistic
        That the run went by.
    """
    if "by_slice" not in row or not (shown := shown_slices(row["by_slice"])).any():
        return None
    drawn = np.array(row["by_slice"]["drawn"], float)[shown]
    confidence = np.array(row["by_slice"]["quality"]["slice_confidence"])[shown]
    size = np.where(drawn > 0, drawn, drawn[drawn > 0].mean() if drawn.any() else 1.0)
    known = (confidence <= 0) | (confidence >= 1)
    dice = slice_dice(row["by_slice"])[shown]
    return ShownSlices(
        judged, np.where(known, confidence, np.nan), logistic.inverse(confidence), dice, size / size.sum()
    )


def judged_by(logistic: Logistic, shown: Sequence[ShownSlices]) -> list[Judged]:
    """What a logistic would say of classes in volumes."""
    return [
        replace(
            one.judged, confidence=float(one.weight @ np.where(np.isnan(one.fixed), logistic(one.agreement), one.fixed))
        )
        for one in shown
    ]


def fit_to_slices(sets: Mapping[str, Sequence[ShownSlices]]) -> Logistic:
    """Logistic regression on the Dice of slices: a set counts once, in it a class, in that a volume by its weights."""
    each = [(one, share) for shown in sets.values() for one, share in zip(shown, shares_of(shown), strict=True)]
    odds = np.concatenate([log_odds(one.agreement) for one, _ in each])
    dice = np.concatenate([one.dice for one, _ in each])
    weight = np.concatenate([one.weight * np.isnan(one.fixed) * share for one, share in each])

    def deviance(constants: np.ndarray) -> float:
        told = constants[0] + constants[1] * odds
        return float(weight @ (np.logaddexp(0, told) - dice * told))

    return Logistic(*map(float, minimize(deviance, (0.0, 1.0), method="BFGS").x))


def fit_to_volumes(sets: Mapping[str, Sequence[ShownSlices]]) -> Logistic:
    """The least distance of confidence and patient Dice, classes in volumes counted as by `fit_to_slices`."""
    shown = [one for own in sets.values() for one in own]
    shares = np.concatenate([shares_of(own) for own in sets.values()])
    starts = np.cumsum([0, *(len(one.dice) for one in shown)])[:-1]
    odds, fixed, weight = (
        np.concatenate([part(one) for one in shown])
        for part in (lambda one: log_odds(one.agreement), lambda one: one.fixed, lambda one: one.weight)
    )
    dice = np.array([one.judged.dice for one in shown])

    def distance(constants: np.ndarray) -> float:
        told = 1 / (1 + np.exp(-(constants[0] + constants[1] * odds)))
        confidence = np.add.reduceat(weight * np.where(np.isnan(fixed), told, fixed), starts)
        return float(shares @ np.abs(confidence - dice))

    slices = fit_to_slices(sets)  # a smooth problem: where to begin with one that is not
    found = [minimize(distance, start, method="Nelder-Mead") for start in ((0.0, 1.0), (slices.offset, slices.slope))]
    return Logistic(*map(float, min(found, key=lambda one: one.fun).x))


def mean_dice(sets: Mapping[str, Sequence[ShownSlices]]) -> float:
    """The mean Dice of all, counted in the same way: what is always said in place of a confidence."""
    means = [shares_of(own) @ np.array([one.judged.dice for one in own]) for own in sets.values()]
    return float(np.mean(means))


def shares_of(shown: Sequence[ShownSlices]) -> np.ndarray:
    """How much each class in a volume counts in its set, the sum is 1: groups (a class in a run) count alike."""
    groups = [one.judged.group for one in shown]
    return np.array([1 / groups.count(group) for group in groups]) / len({*groups})
