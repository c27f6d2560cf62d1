"""Figures of the cells of an ablation: means and intervals by patient, and differences between cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from WeakMedSAMLib.engine.evaluation.intervals import by_patient, mean, mean_interval
from WeakMedSAMLib.studies.ablation_cells import TIMING, Cell
from WeakMedSAMLib.studies.resumable import OK

_Key = tuple[str, str]
_DICE, _HD95 = "patient_dice", "hd95_mm"


@dataclass(frozen=True)
class Estimate:
    """A mean over patients, and the 95 % interval from resampling patients."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class TableRow:
    """What is known of one cell.

    Attributes
    ----------
    cell : Cell
    seeds : tuple of int
        Finished ones; figures of a patient are means over them.
    dice : Estimate
        Patient Dice.
    difference, hd95_difference : Estimate or None
        Of patient Dice and HD95 (mm) to the cell that this one is compared with, patient by patient and over the seeds
        of both.
    slice_dice, hd95_mm : float
        Means over seeds.
    seconds : float
        Of the fastest seed: whatever else went on made the others slower.
    sub_classes : tuple
        K of each class and seed.
    """

    cell: Cell
    seeds: tuple[int, ...]
    dice: Estimate
    difference: Estimate | None
    hd95_difference: Estimate | None
    slice_dice: float
    hd95_mm: float
    seconds: float
    sub_classes: tuple[int, ...]


def rows_of(reports: Iterable[Mapping[str, Any]], grid: Sequence[Cell]) -> list[TableRow]:
    """Rows of the finished cells, in the order of the grid."""
    done: dict[str, dict[int, Mapping[str, Any]]] = {}
    for report in reports:
        if report["status"] == OK and "scores" in report:
            done.setdefault(report["cell"], {})[report["seed"]] = report
    cells = [cell for cell in grid if cell.kind != TIMING and cell.name in done]
    return [_row(cell, done[cell.name], done.get(cell.against, {})) for cell in cells]


def _row(cell: Cell, mine: Mapping[int, Mapping[str, Any]], compared: Mapping[int, Mapping[str, Any]]) -> TableRow:
    compared = compared if cell.name != cell.against else {}
    reports = [mine[seed] for seed in sorted(mine)]
    return TableRow(
        cell,
        tuple(sorted(mine)),
        estimate(_by_patient(reports, _DICE)),
        _difference(mine, compared, _DICE),
        _difference(mine, compared, _HD95),
        _mean(report["scores"]["slice_dice_mean"] for report in reports),
        _mean(report["scores"]["patient_hd95_mm_mean"] for report in reports),
        min(report["run_seconds"] for report in reports),
        tuple(one["count"] for report in reports for one in report["sub_classes"]),
    )


def _difference(
    mine: Mapping[int, Mapping[str, Any]], compared: Mapping[int, Mapping[str, Any]], figure: str
) -> Estimate | None:
    common = sorted(mine.keys() & compared.keys())
    if not common:
        return None
    own, other = (_by_patient([side[seed] for seed in common], figure) for side in (mine, compared))
    return estimate({key: own[key] - other[key] for key in own if key in other})


def _by_patient(reports: Sequence[Mapping[str, Any]], figure: str) -> dict[_Key, float]:
    """Patient and class -> mean of a figure over reports; those who have none anywhere are left out."""
    values: dict[_Key, list[float]] = {}
    for report in reports:
        for row in report["scores"]["patients"]:
            if row[figure] is not None:
                values.setdefault((row["case"], row["class"]), []).append(row[figure])
    return {key: float(np.mean(found)) for key, found in values.items()}


def estimate(values: Mapping[_Key, float]) -> Estimate:
    """Mean of values by patient and class, with its interval; NaN where there is none."""
    groups = by_patient([patient for patient, _class in values], [[value] for value in values.values()])
    low, high = mean_interval(groups) or (float("nan"), float("nan"))
    return Estimate(mean(groups), low, high)


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")
