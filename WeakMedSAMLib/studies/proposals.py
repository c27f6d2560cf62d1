"""How much of the missing Dice a reader finds who looks at slices in an order: what a run said against true masks.

Orders go by the quality that a run wrote, true masks are for scoring alone. 1 - Dice of a class in a volume is the sum
over slices of the pixels that only one of both masks has, by the pixels of both: so much of it each slice holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json
from WeakMedSAMLib.contract.proposals import STRATEGIES
from WeakMedSAMLib.contract.quality import ClassQuality
from WeakMedSAMLib.studies.many_sets import TAGGED
from WeakMedSAMLib.studies.resumable import OK
from WeakMedSAMLib.studies.tables import figure, put_section, table

# Beside the orders of `STRATEGIES`: by chance, and by what is missing itself, which nobody can know.
AT_RANDOM, BEST, BASE = "random", "best", "least-sure"
_EARLY = 0.1  # of the slices
_DRAWS, _RESAMPLES = 200, 2000
_FEWEST = 3
PAGE = "figures.md"
_HEADING = "## What to look at next\n"
_INTRODUCTION = """
Written by `weakmedsam benchmark proposals bench_output/sets --write-docs docs` from runs of `weakmedsam benchmark
sets`, slice tags alone, seed 0. Slices of all volumes and classes about which a run is not certain are looked at one
after the other, in orders that go by what the run says. *Area*: under the share of the missing patient Dice that lies
on the slices looked at so far, over the share of slices; *first tenth*: that share after a tenth of them. *Against*:
the difference from `least-sure`, in brackets its 95 % interval from resampling patients, the same for both. `random`
is the mean of 200 orders (its interval has one for each draw of patients), `best` the order of what is missing
itself, which nobody can know.
"""


@dataclass(frozen=True)
class Candidates:
    """Slices that a reader may be asked to look at, of all volumes and classes of a run: N of P patients.

    Attributes
    ----------
    patient : numpy.ndarray
        int N: whose it is, 0..P-1.
    missing : numpy.ndarray
        N: the Dice of the class in the volume that is missing there.
    promised : mapping
        Strategy -> N: what it promises; the most comes first.
    beyond : float
        The missing Dice on all other slices.
    """

    patient: np.ndarray
    missing: np.ndarray
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
    owner, missing, beyond = [], [], 0.0
    promised: dict[str, list[np.ndarray]] = {name: [] for name in STRATEGIES}
    for row in rows:
        kept = row["by_slice"]
        quality = ClassQuality.from_json(kept["quality"])
        drawn, true, shared = (np.array(kept[name], float) for name in ("drawn", "true", "shared"))
        lost = (drawn + true - 2 * shared) / max((drawn + true).sum(), 1.0)
        unsure = np.array(quality.slice_confidence) < 1
        owner.append(np.full(int(unsure.sum()), patients.index(row["patient"])))
        missing.append(lost[unsure])
        beyond += float(lost[~unsure].sum())
        for name, strategy in STRATEGIES.items():
            promised[name].append(strategy(quality)[unsure])
    together = {name: np.concatenate(values) for name, values in promised.items()}
    return Candidates(np.concatenate(owner), np.concatenate(missing), together, beyond)


def compare(candidates: Candidates, seed: int = 0) -> dict[str, Any]:
    """Area and early share of each order, and how they differ from `BASE`, with 95 % intervals over patients.

    The area is that under the share of the missing Dice found over the share of slices looked at, 0.5 by chance; the
    early share is that found on the first tenth. Patients are resampled with all their slices, for all orders alike.
    """
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(candidates.patients, np.full(candidates.patients, 1 / candidates.patients), _RESAMPLES)
    weights = [np.ones(candidates.patients), *draws.astype(float)]
    found = {name: _figures(_order(values, rng), candidates, weights) for name, values in candidates.promised.items()}
    chance = [rng.permutation(len(candidates.missing)) for _ in range(_DRAWS)]
    # Each draw of patients in an order of its own; the mean over many for the figure itself.
    mean = np.mean([_figures(order, candidates, weights[:1])[0] for order in chance], axis=0)
    drawn = [_figures(chance[number % _DRAWS], candidates, [one])[0] for number, one in enumerate(weights[1:])]
    found[AT_RANDOM] = np.array([mean, *drawn])
    found[BEST] = _figures(np.argsort(-candidates.missing, kind="stable"), candidates, weights)
    total = float(candidates.missing.sum())
    return {
        "slices": len(candidates.missing),
        "patients": candidates.patients,
        "beyond": round(candidates.beyond / max(total + candidates.beyond, 1e-9), 4),
        "orders": {name: _told(values, found[BASE]) for name, values in found.items()},
    }


def compare_reports(reports: Sequence[Mapping[str, Any]], seed: int = 0) -> dict[str, Any]:
    """Set -> `compare` of its first finished run with tags; `UserError` ``nothing_measured`` without any."""
    first: dict[str, Mapping[str, Any]] = {}
    for report in sorted(reports, key=lambda one: one["seed"]):
        if report["status"] == OK and report["way"] == TAGGED:
            first.setdefault(report["set"], report)
    kept = {name: one["accuracy"]["tagged"]["patients"] for name, one in first.items()}
    kept = {name: rows for name, rows in kept.items() if any("by_slice" in row for row in rows)}
    if not kept:
        hint = "Measure some first: weakmedsam benchmark sets docs/sets.csv --data FOLDER."
        raise UserError("nothing_measured", "No finished run holds slices.", hint)
    return {name: compare(candidates_of(rows), seed) for name, rows in kept.items()}


def kept_reports(folder: Path) -> list[dict[str, Any]]:
    """All reports in the folder of a benchmark of sets."""
    return [read_json(file) for file in sorted(folder.glob("*/*-seed*.json"))]


def write_section(compared: Mapping[str, Any], folder: Path) -> Path:
    """Put the table into the page of figures in a folder, of which the rest stays as it was; returns the page."""
    return put_section(folder / PAGE, _HEADING, f"{_HEADING}{_INTRODUCTION}\n{proposals_table(compared)}")


def proposals_table(compared: Mapping[str, Any]) -> str:
    """A row a set and order."""
    head = ("set", "patients", "slices", "order", "area", f"against {BASE}", "first tenth", f"against {BASE}")
    rows = []
    for name, one in compared.items():
        for order, told in one["orders"].items():
            cells = [figure(told["area"]), _difference(told, "area"), figure(told["early"]), _difference(told, "early")]
            rows.append((name, str(one["patients"]), str(one["slices"]), order, *cells))
    return table(head, rows)


def _difference(told: Mapping[str, Any], name: str) -> str:
    interval = told.get(f"{name}_interval")
    if interval is None:
        return "-"
    return f"{told[f'{name}_difference']:+.3f} ({interval[0]:+.3f}..{interval[1]:+.3f})"


def _order(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Slices, the largest value first; equal ones as chance has it, for all draws alike."""
    return np.lexsort((rng.random(len(values)), -values))


def _figures(order: np.ndarray, candidates: Candidates, weights: Sequence[np.ndarray]) -> np.ndarray:
    """Area and early share in an order, a row for each way to count patients (weights, P)."""
    rows = []
    for counts in weights:
        each = counts[candidates.patient[order]]
        looked, found = np.cumsum(each), np.cumsum(each * candidates.missing[order])
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
