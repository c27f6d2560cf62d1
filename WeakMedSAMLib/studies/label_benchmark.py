"""What each kind of label is worth: the same scans with what a simulated reader says of them, row by row, resumable.

Each row is one run of all scans of a set, or three where thirds of the patients rotate, or updates of one. A row that
is finished is never run again; one that failed says why, and is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from WeakMedSAMLib.engine.runs.worker import RunSummary, run_folder
from WeakMedSAMLib.studies.accuracy_report import round_seconds
from WeakMedSAMLib.studies.cases import checking_once
from WeakMedSAMLib.studies.label_rows import LabelRow
from WeakMedSAMLib.studies.label_runs import LabelOptions, LabelRuns
from WeakMedSAMLib.studies.label_scores import by_class
from WeakMedSAMLib.studies.resumable import Entry, claim, failure, resumed
from WeakMedSAMLib.studies.tables import figure

SCHEMA = "weakmedsam-label-row-1"
_SET, _WORK = "set.json", "work"


def run_rows(
    options: LabelOptions,
    rows: Sequence[LabelRow],
    seeds: Sequence[int],
    out: Path,
    cache_root: Path | None = None,
    told: Callable[[str], None] = lambda line: None,
    run: Callable[..., RunSummary] = run_folder,
) -> list[dict[str, Any]]:
    """Run the rows that are not finished.

    Parameters
    ----------
    options : LabelOptions
        What they have in common.
    rows : sequence of LabelRow
        In this order, for one seed after the other.
    seeds : sequence of int
        Of the reader and of the runs.
    out : Path
        Gets one JSON file a row and seed in a folder of the set's name, and run folders (patient images) in ``work/``
        there meanwhile.
    cache_root : Path, optional
        Folder of the feature cache.
    told : callable
        Gets a line about every row.
    run : callable
        Runs a run folder, in place of the worker.

    Returns
    -------
    list of dict
        Reports of these rows, those of before included.

    Raises
    ------
    UserError
        ``other_grid``, and what cases raise. What a single row raises is in its report.
    """
    place = out / options.set_name
    corrected = [row.corrects for row in rows if row.corrects]
    runs = LabelRuns(options, corrected, place / _WORK, partial(run, cache_root=cache_root))
    bench, reports = _Bench(options, runs, place, told), []
    for seed in seeds:
        with runs.forgetting():
            reports += [bench.row(row, seed) for row in rows]
    return reports


class _Bench:
    """Rows of one set, and the folder that they are kept in."""

    def __init__(self, options: LabelOptions, runs: LabelRuns, out: Path, told: Callable[[str], None]) -> None:
        self._options, self._runs, self._out, self._told = options, runs, out, told
        self._check_once = checking_once(runs.cases, runs.classes, told)
        claim(self._out / _SET, {**options.to_json(), "case_count": len(runs.cases)})

    def row(self, row: LabelRow, seed: int) -> dict[str, Any]:
        """The report of a row: from before if it is finished, else of runs now."""
        about = {"schema": SCHEMA, "set": self._options.set_name, "row": row.name, "seed": seed}
        about |= {"settings": row.settings, "options": self._options.to_json()}
        entry = Entry(f"{row.name}, seed {seed}", row.title, self._out / f"{row.name}-seed{seed}.json", about)
        return resumed(entry, partial(self._measure, row, seed), self._told, outcome_line, self._check_once)

    def _measure(self, row: LabelRow, seed: int) -> dict[str, Any]:
        found = self._runs.measure(row, seed)
        scores = [score.to_json() for score in found.scores]
        return {
            "classes": by_class(scores),
            "patients": scores,
            "volumes": len(self._runs.cases),
            "run_seconds": round(found.seconds, 1),
            "seconds_by_stage": round_seconds(found.seconds_by_stage),
        }


def outcome_line(report: dict[str, Any]) -> str:
    """How a row ended, for a terminal."""
    about = f"{report['row']}, seed {report['seed']}"
    if failed := failure(report):
        return f"{about}: {failed}"
    dice = ", ".join(f"{name} {figure(found['dice'])}" for name, found in report["classes"].items())
    return f"{about}: patient Dice {dice}; {report['run_seconds']:.0f} s"
