"""What each kind of label is worth: the same scans with what a simulated reader says of them, row by row, resumable.

Each row is one run of all scans of a set, or three where thirds of the patients rotate. A row that is finished is never
run again; one that failed says why, and is tried again.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.files import private_folder, read_json
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.results import LABELS
from WeakMedSAMLib.contract.run_folder import volume_id
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.engine.data.layouts.known import AUTO
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, class_table, parse_mask_classes
from WeakMedSAMLib.engine.data.segmentations import read_mask
from WeakMedSAMLib.engine.runs.worker import RunSummary, run_folder
from WeakMedSAMLib.studies.accuracy_report import round_seconds
from WeakMedSAMLib.studies.cases import Case, check_cases
from WeakMedSAMLib.studies.cohorts import run_of
from WeakMedSAMLib.studies.label_rows import LabelRow
from WeakMedSAMLib.studies.label_scores import LabelScore, by_class, dice_here_and_elsewhere, marked_slices
from WeakMedSAMLib.studies.reader import PARTS, Reading, cases_of_part, parse_sides, read_apart, with_sides
from WeakMedSAMLib.studies.resumable import FAILED, claim, finished, measured

SCHEMA = "weakmedsam-label-row-1"
_SET, _WORK = "set.json", "work"


@dataclass(frozen=True)
class LabelOptions:
    """What all rows of a set have in common.

    Attributes
    ----------
    folder : Path
        Holds the cases; its name is that of the set.
    labels : str
        Which label values are a class.
    sides : str
        On which side of the patient classes lie, such as ``"liver=right,spleen=left"``, or empty.
    stride, cases, axis, layout
        As for `find_cases`.
    preset, backbone, device
        Of the runs.
    overrides : tuple
        Settings of the method in place of the preset's.
    """

    folder: Path
    labels: str
    sides: str = ""
    stride: int = 1
    cases: int | None = None
    axis: str = "k"
    layout: str = AUTO
    preset: str = "fast"
    backbone: str = "litemedsam"
    device: str = "auto"
    overrides: tuple[tuple[str, Any], ...] = ()

    @property
    def set_name(self) -> str:
        """The name of the folder."""
        return Path(self.folder).resolve().name

    def to_json(self) -> dict[str, Any]:
        """As plain data; of the folder only its name."""
        return {**asdict(self), "folder": self.set_name, "overrides": dict(self.overrides)}

    def reading(self, row: LabelRow, seed: int, part: int | None) -> Reading:
        """What the simulated reader is asked for in one run."""
        return Reading(
            self.folder, self.labels, self.stride, self.cases, self.axis, self.layout,
            gesture=row.gesture, sides=self.sides if row.sides else "", part=part, seed=seed,
        )  # fmt: skip


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
    bench = _Bench(options, out / options.set_name, partial(run, cache_root=cache_root), told)
    return [bench.row(row, seed) for seed in seeds for row in rows]


def finished_rows(out: Path) -> list[dict[str, Any]]:
    """All reports in the folder of the benchmark, of all sets, failed rows included."""
    return [read_json(path) for path in sorted(Path(out).glob("*/*-seed*.json"))]


class _Bench:
    """Rows of one set, and the folder that they are kept in."""

    def __init__(
        self, options: LabelOptions, out: Path, run: Callable[..., RunSummary], told: Callable[[str], None]
    ) -> None:
        self._options, self._out, self._run, self._told = options, out, run, told
        self._classes: list[MaskClass] = parse_mask_classes(options.labels)
        with_sides(class_table(self._classes), parse_sides(options.sides))
        self._cases = Reading(
            options.folder, options.labels, options.stride, options.cases, options.axis, options.layout
        ).found_cases()
        self._checked = False
        claim(self._out / _SET, {**options.to_json(), "case_count": len(self._cases)})

    def row(self, row: LabelRow, seed: int) -> dict[str, Any]:
        """The report of a row: from before if it is finished, else of runs now."""
        file = self._out / f"{row.name}-seed{seed}.json"
        if (kept := finished(file, row.overrides)) is not None:
            self._told(f"{row.name}, seed {seed}: finished before")
            return kept
        self._check_once()
        self._told(f"{row.name}, seed {seed}: {row.title}")
        about = {"schema": SCHEMA, "set": self._options.set_name, "row": row.name, "seed": seed}
        about |= {"settings": dict(row.overrides), "options": self._options.to_json()}
        report = measured(file, about, partial(self._measure, row, seed))
        self._told(outcome_line(report))
        return report

    def _check_once(self) -> None:
        """Look at the masks before the first run: they are large, and nothing of it is needed where all is finished."""
        if not self._checked:
            for problem in check_cases(self._cases, self._classes):
                self._told(f"{problem.message} {problem.hint}")
            self._checked = True

    def _measure(self, row: LabelRow, seed: int) -> dict[str, Any]:
        parts = range(PARTS) if row.in_a_third else [None]
        runs = [self._measure_part(row, seed, part) for part in parts]
        scores = [score.to_json() for found, _ in runs for score in found]
        stages: dict[str, float] = {}
        for _, done in runs:
            for name, seconds in done.seconds_by_stage.items():
                stages[name] = stages.get(name, 0.0) + seconds
        return {
            "classes": by_class(scores),
            "patients": scores,
            "volumes": len(self._cases),
            "run_seconds": round(sum(done.seconds for _, done in runs), 1),
            "seconds_by_stage": round_seconds(stages),
        }

    def _measure_part(self, row: LabelRow, seed: int, part: int | None) -> tuple[list[LabelScore], RunSummary]:
        """Scores of one run, and how it went; nothing of it is left, nor of one that was broken off before."""
        name = f"{row.name}-seed{seed}" if part is None else f"{row.name}-seed{seed}-part{part}"
        place = self._out / _WORK / name
        shutil.rmtree(place, ignore_errors=True)
        private_folder(place)
        try:
            return self._run_and_score(row, seed, part, place)
        finally:
            shutil.rmtree(place, ignore_errors=True)
            with contextlib.suppress(OSError):  # another row may be running beside
                place.parent.rmdir()

    def _run_and_score(
        self, row: LabelRow, seed: int, part: int | None, place: Path
    ) -> tuple[list[LabelScore], RunSummary]:
        labels = read_apart(self._options.reading(row, seed, part), place / "labels.json")
        places = run_of(self._cases, labels, self._settings(row, seed), place)
        helped = set() if part is None else cases_of_part(self._cases, part, seed)
        done = self._run(places.path, **self._method(row, helped))
        scored = [(number, case) for number, case in enumerate(self._cases) if case.name not in helped]
        return [score for number, case in scored for score in self._scores(case, number, labels, places)], done

    def _settings(self, row: LabelRow, seed: int) -> RunSettings:
        options = self._options
        return RunSettings(
            preset=options.preset,
            backbone=options.backbone,
            seed=seed,
            device=options.device,
            overrides={**dict(options.overrides), **row.overrides},
        )

    def _method(self, row: LabelRow, helped: set[str]) -> dict[str, Any]:
        """For a bound, the method that learns true masks: of all cases, or of the third."""
        if not row.bound:
            return {}
        from WeakMedSAMLib.studies.bound import SupervisedMethod

        taught = {case.name: case for case in self._cases if not row.in_a_third or case.name in helped}
        return {"method": SupervisedMethod(taught, self._classes)}

    def _scores(self, case: Case, number: int, labels: CohortLabels, places: RunFolder) -> Iterable[LabelScore]:
        """Scores of one case; its mask is read here, after the run."""
        truth, said = case.masks(), labels.volume_for(case.name, None)
        (predicted,) = read_mask(places.results(volume_id(number)) / LABELS).on(case.geometry(), case.image).layers
        for entry, learned in zip(self._classes, labels.classes, strict=True):
            marked = [] if said is None else marked_slices(said, entry.name)
            masks = np.asarray(predicted == learned.label_value), truth.mask(entry)
            both = dice_here_and_elsewhere(*masks, case.axis, marked)
            yield LabelScore(case.name, case.patient, entry.name, *both, len(marked))


def outcome_line(report: dict[str, Any]) -> str:
    """How a row ended, for a terminal."""
    about = f"{report['row']}, seed {report['seed']}"
    if report["status"] == FAILED:
        return f"{about}: failed after {report['seconds']:.0f} s: {report['reason']}"
    dice = ", ".join(f"{name} {_figure(found['dice'])}" for name, found in report["classes"].items())
    return f"{about}: patient Dice {dice}; {report['run_seconds']:.0f} s"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
