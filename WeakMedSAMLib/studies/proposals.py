"""How much of the missing Dice a reader finds who looks at slices in an order: what a run said against true masks.

Orders go by the quality that a run wrote, true masks are for scoring alone. 1 - Dice of a class in a volume is the sum
over slices of the pixels that only one of both masks has, by the pixels of both: so much of it each slice holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.proposals import STRATEGIES, expected_loss
from WeakMedSAMLib.contract.quality import ClassQuality
from WeakMedSAMLib.studies.many_sets import TAGGED
from WeakMedSAMLib.studies.resumable import OK
from WeakMedSAMLib.studies.tables import figure, put_section, table

# Beside the orders of `STRATEGIES`: by size alone, by chance, and by what is missing itself, which nobody can know.
LARGEST, AT_RANDOM, BEST, BASE = "largest", "random", "best", "least-sure"
# What is missing: of the Dice of a class in its volume, to which large slices count more, or of each slice alike.
PATIENT, SLICE = "patient", "slice"
_EARLY = 0.1  # of the slices
_DRAWS, _RESAMPLES = 200, 2000
_FEWEST = 3
PAGE = "figures.md"
_HEADING = "## What to look at next\n"
_INTRODUCTION = """
Written by `weakmedsam benchmark proposals bench_output/sets --write-docs docs` from runs of `weakmedsam benchmark
sets`, slice tags alone, the first seed. Slices of all volumes and classes about which a run is not certain are looked
at one after the other, in orders that go by what the run says; *area* is that under the share of the missing Dice
that lies on the slices looked at so far, over the share of slices, *first tenth* that share after a tenth of them.
*Dice* says what is missing: of the patient Dice, to which large slices count more, or of the Dice of each slice
alike. *Against*: the difference from `least-sure`, in brackets its 95 % interval from resampling patients, the same
for both. `expected-loss` is the order of proposals, `largest` goes by the size of the mask alone, `random` is the
mean of 200 orders (its interval has one for each draw of patients), `best` the order of what is missing itself, which
nobody can know.
"""


@dataclass(frozen=True)
class Candidates:
    """Slices that a reader may be asked to look at, of all volumes and classes of a run: N of P patients.

    Attributes
    ----------
    patient : numpy.ndarray
        int N: whose it is, 0..P-1.
    missing : mapping
        `PATIENT`, `SLICE` -> N: the Dice of the class in the volume that is missing there, or that of the slice.
    promised : mapping
        Strategy -> N: what it promises; the most comes first.
    beyond : float
        The missing Dice of classes in volumes on all other slices.
    """

    patient: np.ndarray
    missing: Mapping[str, np.ndarray]
    promised: Mapping[str, np.ndarray]
    beyond: float

    @property
    def patients(self) -> int:
        """How many patients there are."""
        return int(self.patient.max()) + 1


def candidates_of(rows: Sequence[Mapping[str, Any]]) -> Candidates:
    """Slices about which a run is not certain, of the rows of a report of accuracy, see `Row.to_json`.

    Scans of which a run said nothing are left out.

    Raises
    ------
    UserError
        ``too_few_cases``.
    """
    rows = [row for row in rows if "by_slice" in row]
    patients = list(dict.fromkeys(row["patient"] for row in rows))
    if len(patients) < _FEWEST:
        message = f"A report has the slices of {len(patients)} patients."
        raise UserError("too_few_cases", message, f"Measure {_FEWEST} or more.")
    owner, beyond = [], 0.0
    missing: dict[str, list[np.ndarray]] = {PATIENT: [], SLICE: []}
    promised: dict[str, list[np.ndarray]] = {name: [] for name in (*STRATEGIES, LARGEST)}
    for row in rows:
        kept = row["by_slice"]
        quality = ClassQuality.from_json(kept["quality"])
        drawn, true, shared = (np.array(kept[name], float) for name in ("drawn", "true", "shared"))
        either, both = drawn + true, drawn + true - 2 * shared
        lost = both / max(either.sum(), 1.0)
        unsure = np.array(quality.slice_confidence) < 1
        owner.append(np.full(int(unsure.sum()), patients.index(row["patient"])))
        missing[PATIENT].append(lost[unsure])
        missing[SLICE].append((both / np.maximum(either, 1.0))[unsure])
        beyond += float(lost[~unsure].sum())
        for name, strategy in STRATEGIES.items():
            promised[name].append(strategy(quality)[unsure])
        nothing_known = replace(quality, slice_confidence=np.where(unsure, 0.0, 1.0).tolist())
        promised[LARGEST].append(expected_loss(nothing_known)[unsure])
    found, lost_there = (
        {name: np.concatenate(values) for name, values in each.items()} for each in (promised, missing)
    )
    return Candidates(np.concatenate(owner), lost_there, found, beyond)


def compare(candidates: Candidates, measure: str = PATIENT, seed: int = 0) -> dict[str, Any]:
    """Area and early share of each order, and how they differ from `BASE`, with 95 % intervals over patients.

    The area is that under the share of the missing Dice found over the share of slices looked at, 0.5 by chance; the
    early share is that found on the first tenth. Patients are resampled with all their slices, for all orders alike.
    """
    rng, missing = np.random.default_rng(seed), candidates.missing[measure]
    draws = rng.multinomial(candidates.patients, np.full(candidates.patients, 1 / candidates.patients), _RESAMPLES)
    weights = [np.ones(candidates.patients), *draws.astype(float)]
    patient = candidates.patient

    def figures(order: np.ndarray, counts: Sequence[np.ndarray]) -> np.ndarray:
        return _figures(patient[order], missing[order], counts)

    found = {name: figures(_order(values, rng), weights) for name, values in candidates.promised.items()}
    chance = [rng.permutation(len(missing)) for _ in range(_DRAWS)]
    # Each draw of patients in an order of its own; the mean over many for the figure itself.
    mean = np.mean([figures(order, weights[:1])[0] for order in chance], axis=0)
    drawn = [figures(chance[number % _DRAWS], [one])[0] for number, one in enumerate(weights[1:])]
    found[AT_RANDOM] = np.array([mean, *drawn])
    found[BEST] = figures(np.argsort(-missing, kind="stable"), weights)
    total = float(candidates.missing[PATIENT].sum())
    return {
        "slices": len(missing),
        "patients": candidates.patients,
        "beyond": round(candidates.beyond / max(total + candidates.beyond, 1e-9), 4),
        "orders": {name: _told(values, found[BASE]) for name, values in found.items()},
    }


def compare_reports(reports: Sequence[Mapping[str, Any]], seed: int = 0) -> dict[str, Any]:
    """Set -> measure -> `compare` of its first finished run with tags; `UserError` ``nothing_measured`` without any."""
    first: dict[str, Mapping[str, Any]] = {}
    for report in sorted(reports, key=lambda one: one["seed"]):
        if report["status"] == OK and report["way"] == TAGGED:
            first.setdefault(report["set"], report)
    kept = {name: one["accuracy"]["tagged"]["patients"] for name, one in first.items()}
    kept = {name: rows for name, rows in kept.items() if any("by_slice" in row for row in rows)}
    if not kept:
        hint = "Measure some first: weakmedsam benchmark sets docs/sets.csv --data FOLDER."
        raise UserError("nothing_measured", "No finished run holds slices.", hint)
    found = {name: candidates_of(rows) for name, rows in kept.items()}
    return {name: {measure: compare(one, measure, seed) for measure in (PATIENT, SLICE)} for name, one in found.items()}


def write_section(compared: Mapping[str, Any], folder: Path) -> Path:
    """Put the table into the page of figures in a folder, of which the rest stays as it was; returns the page."""
    return put_section(folder / PAGE, _HEADING, f"{_HEADING}{_INTRODUCTION}\n{proposals_table(compared)}")


def proposals_table(compared: Mapping[str, Any]) -> str:
    """A row a set, measure and order."""
    head = ("set", "patients", "slices", "Dice", "order", "area", f"against {BASE}", "first tenth", f"against {BASE}")
    rows = []
    for name, measure, one in ((name, *both) for name, measures in compared.items() for both in measures.items()):
        for order, told in one["orders"].items():
            cells = [figure(told["area"]), _difference(told, "area"), figure(told["early"]), _difference(told, "early")]
            rows.append((name, str(one["patients"]), str(one["slices"]), measure, order, *cells))
    return table(head, rows)


def _difference(told: Mapping[str, Any], name: str) -> str:
    interval = told.get(f"{name}_interval")
    if interval is None:
        return "-"
    return f"{told[f'{name}_difference']:+.3f} ({interval[0]:+.3f}..{interval[1]:+.3f})"


def _order(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Slices, the largest value first; equal ones as chance has it, for all draws alike."""
    return np.lexsort((rng.random(len(values)), -values))


def _figures(patient: np.ndarray, missing: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
    """Area and early share of slices in an order (N), a row for each way to count patients (weights, P)."""
    rows = []
    for counts in weights:
        each = counts[patient]
        looked, found = np.cumsum(each), np.cumsum(each * missing)
        looked, found = (np.concatenate([[0.0], one]) / max(one[-1], 1e-9) for one in (looked, found))
        area = float((np.diff(looked) * (found[1:] + found[:-1])).sum() / 2)
        rows.append((area, np.interp(_EARLY, looked, found)))
    return np.array(rows)


def _told(own: np.ndarray, base: np.ndarray) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for column, name in enumerate(("area", "early")):
        differences = own[1:, column] - base[1:, column]
        told[name] = round(float(own[0, column]), 4)
        if own is not base:
            told[f"{name}_difference"] = round(float(own[0, column] - base[0, column]), 4)
            told[f"{name}_interval"] = [round(float(one), 4) for one in np.percentile(differences, (2.5, 97.5))]
    return told
