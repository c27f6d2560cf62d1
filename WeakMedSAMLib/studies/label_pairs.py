"""Rows of the benchmark of labels patient by patient: what corrections add, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from WeakMedSAMLib.studies.ablation_figures import estimate
from WeakMedSAMLib.studies.label_rows import BOX, DRAWN, row_named
from WeakMedSAMLib.studies.patient_draws import in_words
from WeakMedSAMLib.studies.resumable import OK
from WeakMedSAMLib.studies.slicer_effects import FILL, GROW
from WeakMedSAMLib.studies.tables import table

BEFORE = "before"
# The row, what it is compared with, and in words; `BEFORE` are the same masks before they were corrected.
PAIRS = (
    ("corrected-proposed", BEFORE, "corrected as proposed - the masks before"),
    ("corrected-random", BEFORE, "corrected at random - the masks before"),
    ("corrected-pasted", BEFORE, "as proposed, nothing learned - the masks before"),
    ("corrected-proposed", "corrected-random", "corrected as proposed - at random"),
    ("corrected-proposed", "corrected-pasted", "corrected as proposed - nothing learned"),
    (DRAWN, BOX, "every tenth slice drawn - tags and a box"),
    (DRAWN, FILL, "every tenth slice drawn - *Fill between slices*"),
    (DRAWN, GROW, "every tenth slice drawn - *Grow from seeds*"),
)
_Key = tuple[str, str]
_BEFORE = {"dice": "before", "dice_elsewhere": "before_elsewhere"}


def pairs_table(reports: Sequence[Mapping[str, Any]]) -> str:
    """Differences of Dice on one set, over the seeds that both rows have; empty if no pair is finished."""
    done = [one for one in reports if one["status"] == OK]
    names = list(dict.fromkeys(name for one in done for name in one["classes"]))
    lines = []
    for row, other, title in PAIRS:
        if here := _differences(done, row, other, "dice"):
            elsewhere = _differences(done, row, other, "dice_elsewhere")
            own = [_in_words({key: value for key, value in here.items() if key[1] == name}) for name in names]
            patients = len({patient for patient, _ in here})
            lines.append((title, _in_words(here), _in_words(elsewhere), *own, str(patients)))
    head = ("patient by patient", "all classes", "all classes, elsewhere", *names, "patients")
    return table(head, lines) if lines else ""


def _differences(reports: Sequence[Mapping[str, Any]], row: str, other: str, figure: str) -> dict[_Key, float]:
    """Patient and class -> how much higher a figure is in a row than in another; means over seeds and scans.

    Elsewhere the slices are not the same in two rows. Of corrected masks what the corrections added there is compared;
    of others it is only where both drew the same slices.
    """
    mine = {one["seed"]: one for one in reports if one["row"] == row}
    if other == BEFORE:
        found = [_values(one, figure, True) for one in mine.values()]
        return _means([(*key, value) for one in found for key, value in one.items()])
    others = {one["seed"]: one for one in reports if one["row"] == other}
    gained = figure == "dice_elsewhere" and bool(row_named(row).corrects and row_named(other).corrects)
    if figure == "dice_elsewhere" and row_named(row).draws != row_named(other).draws:
        return {}
    pairs = [[_values(side[seed], figure, gained) for side in (mine, others)] for seed in mine if seed in others]
    return _means([(*key, own[key] - was[key]) for own, was in pairs for key in own if key in was])


def _values(report: Mapping[str, Any], figure: str, gained: bool) -> dict[tuple[str, str, str], float]:
    """Patient, class and scan -> a figure, or how much it is higher than before; of those that have one."""
    found = {}
    for one in report["patients"]:
        own, was = one.get(figure), one.get(_BEFORE[figure]) if gained else 0.0
        if own is not None and was is not None:
            found[one["patient"], one["class_name"], one["case"]] = own - was
    return found


def _means(values: Sequence[tuple[str, str, str, float]]) -> dict[_Key, float]:
    """Patient and class -> the mean of the values of all scans and seeds."""
    found: dict[_Key, list[float]] = {}
    for patient, name, _case, value in values:
        found.setdefault((patient, name), []).append(value)
    return {key: float(np.mean(own)) for key, own in found.items()}


def _in_words(values: Mapping[_Key, float]) -> str:
    return in_words(estimate(values) if values else None, signed=True)
