"""The ablation: what each part of the method is worth, cell by cell on the same scans, resumable.

Every cell is one run of the same cohort with something changed, scored by patient. A cell that is finished is never run
again; one that failed says why, and is tried again. What two cells have in common, features and the first stages of
training, is computed once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.files import private_folder, read_json
from WeakMedSAMLib.contract.run_names import RUN_FOLDERS
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, parse_mask_classes
from WeakMedSAMLib.engine.runs.worker import RunSummary, run_folder
from WeakMedSAMLib.studies.ablation_cells import BOUND, GRID, MASKS, TIMING, Cell
from WeakMedSAMLib.studies.accuracy_report import group
from WeakMedSAMLib.studies.cases import Case, check_cases, find_cases
from WeakMedSAMLib.studies.cohorts import run_cohort
from WeakMedSAMLib.studies.resumable import Entry, claim, failure, resumed

SCHEMA = "weakmedsam-ablation-1"
_CELLS, _WORK, _GRID = "cells", "work", "grid.json"


@dataclass(frozen=True)
class GridOptions:
    """What all cells have in common.

    Attributes
    ----------
    folder : Path
        Holds the cases.
    labels : str
        Which label values are a class.
    stride : int
        Only every so-manieth slice.
    cases : int, optional
        Only the first so many.
    axis : str
        Slice axis.
    backbone, device : str
        Of the runs.
    """

    folder: Path
    labels: str
    stride: int = 2
    cases: int | None = None
    axis: str = "k"
    backbone: str = "litemedsam"
    device: str = "auto"

    def to_json(self) -> dict[str, Any]:
        """As plain data; of the folder only its name."""
        return {**asdict(self), "folder": Path(self.folder).resolve().name}


def run_grid(
    options: GridOptions,
    cells: Sequence[Cell],
    seeds: Sequence[int],
    out: Path,
    cache_root: Path | None = None,
    told: Callable[[str], None] = lambda line: None,
    run: Callable[..., RunSummary] = run_folder,
) -> list[dict[str, Any]]:
    """Run the cells that are not finished.

    Parameters
    ----------
    options : GridOptions
        What they have in common.
    cells : sequence of Cell
        In this order, for one seed after the other.
    seeds : sequence of int
        Of the runs.
    out : Path
        Gets one JSON file a cell and seed in ``cells/``, and run folders in ``work/`` (patient images) meanwhile.
    cache_root : Path, optional
        Folder of the feature cache.
    told : callable
        Gets a line about every cell.
    run : callable
        Runs a run folder, in place of the worker.

    Returns
    -------
    list of dict
        Reports of these cells, those of before included.

    Raises
    ------
    UserError
        ``other_grid``, and what cases raise. What a single cell raises is in its report.
    """
    grid = _Grid(options, out, partial(run, cache_root=cache_root), told)
    return [grid.cell(cell, seed) for seed in seeds for cell in cells]


def finished_cells(out: Path) -> list[dict[str, Any]]:
    """All reports in the folder of an ablation, failed cells included."""
    return [read_json(path) for path in sorted((Path(out) / _CELLS).glob("*.json"))]


class _Grid:
    """Cells of one cohort, and the folder that they are kept in."""

    def __init__(
        self, options: GridOptions, out: Path, run: Callable[..., RunSummary], told: Callable[[str], None]
    ) -> None:
        self._options, self._out, self._run, self._told = options, out, run, told
        self._classes: list[MaskClass] = parse_mask_classes(options.labels)
        self._cases: list[Case] = find_cases(options.folder, options.cases, options.stride, options.axis)
        for problem in check_cases(self._cases, self._classes):
            told(f"{problem.message} {problem.hint}")
        claim(out / _GRID, {**options.to_json(), "case_count": len(self._cases)})
        private_folder(out / _CELLS)

    def cell(self, cell: Cell, seed: int) -> dict[str, Any]:
        """The report of a cell: from before if it is finished, else of a run now."""
        about = {"schema": SCHEMA, "cell": cell.name, "seed": seed, "settings": _settings(cell)}
        about["options"] = self._options.to_json()
        file = self._out / _CELLS / f"{cell.name}-seed{seed}.json"
        entry = Entry(f"{cell.name}, seed {seed}", cell.title, file, about)
        return resumed(entry, partial(self._measure, cell, seed), self._told, _outcome)

    def _measure(self, cell: Cell, seed: int) -> dict[str, Any]:
        if cell.kind == TIMING:
            from WeakMedSAMLib.studies.encode_per_prompt import measure_encode_per_prompt

            return {"timing": measure_encode_per_prompt(self._options.backbone, self._options.device)}
        settings = RunSettings(
            preset=cell.preset,
            backbone=self._options.backbone,
            device=self._options.device,
            seed=seed,
            overrides=dict(cell.overrides),
        )
        place = self._out / _WORK / f"{cell.name}-seed{seed}"
        outcome = run_cohort(self._cases, set(), self._classes, settings, place, partial(self._run_cell, cell, seed))
        return {
            "scores": group(outcome.rows, seed),
            "run_seconds": round(outcome.seconds, 1),
            "seconds_by_stage": {name: round(seconds, 1) for name, seconds in outcome.seconds_by_stage.items()},
            "sub_classes": self._tidy(cell, place, outcome.places),
            **({"refused": outcome.refused} if outcome.refused else {}),
        }

    def _run_cell(self, cell: Cell, seed: int, folder: Path) -> RunSummary:
        """Run with the stages of the base cell already in the run folder's state; keys decide which are of use."""
        for state in (self._out / _WORK / f"{cell.base}-seed{seed}").glob(f"{RUN_FOLDERS}/state") if cell.base else ():
            shutil.copytree(state, folder / "state", dirs_exist_ok=True)
        if cell.kind == MASKS:
            from WeakMedSAMLib.studies.mined import MinedMethod

            return self._run(folder, method=MinedMethod())
        if cell.kind != BOUND:
            return self._run(folder)
        from WeakMedSAMLib.studies.bound import SupervisedMethod

        return self._run(folder, method=SupervisedMethod({c.name: c for c in self._cases}, self._classes))

    def _tidy(self, cell: Cell, place: Path, places: RunFolder) -> list[dict[str, Any]]:
        """What the run says of sub-classes; afterwards nothing of it is left but stages that other cells build on."""
        report = read_json(places.sub_classes)["classes"] if places.sub_classes.exists() else []
        kept = (places.path, places.state) if any(other.base == cell.name for other in GRID) else ()
        for path in [*place.iterdir(), *(places.path.iterdir() if kept else ())]:
            if path not in kept:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return [{name: value for name, value in one.items() if name != "clusters"} for one in report]


def _settings(cell: Cell) -> dict[str, Any]:
    return {"preset": cell.preset, "overrides": dict(cell.overrides), "kind": cell.kind}


def _outcome(report: dict[str, Any]) -> str:
    about = f"{report['cell']}, seed {report['seed']}"
    if failed := failure(report):
        return f"{about}: {failed}"
    if "timing" in report:
        return f"{about}: {report['seconds']:.0f} s"
    scores = report["scores"]
    return (
        f"{about}: patient Dice {scores['patient_dice_mean']}, slice Dice {scores['slice_dice_mean']}, "
        f"{report['seconds']:.0f} s"
    )
