"""Accuracy on many sets of scans, set by set, seed by seed, with and without tags: resumable, and one table of all."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json
from WeakMedSAMLib.contract.stages import is_published
from WeakMedSAMLib.studies.accuracy import AccuracyOptions, measure_accuracy
from WeakMedSAMLib.studies.resumable import Entry, failure, resumed
from WeakMedSAMLib.studies.tables import figure

SCHEMA = "weakmedsam-set-1"
TAGGED, FOLDS = "tagged", "folds"
_COLUMNS = ("set", "labels", "axis", "stride", "cases", "group")


@dataclass(frozen=True)
class ScanSet:
    """One set of scans with masks.

    Attributes
    ----------
    name : str
        Of its folder.
    labels : str
        Which label values are a class, as for `parse_mask_classes`.
    axis : str
        Slice axis.
    stride : int
        Only every so-manieth slice.
    cases : int, optional
        Only the first so many.
    group : str
        Sets whose mean is told together.
    """

    name: str
    labels: str
    axis: str = "k"
    stride: int = 1
    cases: int | None = None
    group: str = ""


@dataclass(frozen=True)
class SetsOptions:
    """What all sets have in common.

    Attributes
    ----------
    data : Path
        Holds the folders of the sets.
    folds : int
        So many runs a set, in which every patient is untagged once.
    preset, backbone, device : str
        Of the runs.
    overrides : tuple
        Method setting and value, each.
    """

    data: Path
    folds: int = 3
    preset: str = "fast"
    backbone: str = "litemedsam"
    device: str = "auto"
    overrides: tuple[tuple[str, Any], ...] = ()

    def of(self, one: ScanSet, way: str, seed: int) -> AccuracyOptions:
        """What to measure of one set."""
        return AccuracyOptions(
            self.data / one.name,
            one.labels,
            one.cases,
            one.stride,
            folds=self.folds if way == FOLDS else None,
            preset=self.preset,
            backbone=self.backbone,
            seed=seed,
            device=self.device,
            overrides=self.overrides,
            axis=one.axis,
            encoder_only=False,
            diagnose=not is_published(self.preset),
        )


def settings_of(one: ScanSet, asked: AccuracyOptions) -> dict[str, Any]:
    """What makes a report of before another one, as plain data; of the folder only its name."""
    return {**asdict(asked), "folder": one.name, "overrides": dict(asked.overrides), "cohort_sizes": []}


def read_sets(file: Path) -> list[ScanSet]:
    """The sets that a CSV lists, one a row; its columns are set and labels, and axis, stride, cases and group.

    Raises
    ------
    UserError
        ``bad_sets``.
    """
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines)
        names = rows.fieldnames or []
        if not {"set", "labels"} <= {*names} <= {*_COLUMNS}:
            message = f"{file.name} has the columns {', '.join(names) or 'none'}."
            raise UserError("bad_sets", message, f"Its columns are {', '.join(_COLUMNS)}; the first two are needed.")
        return [_set_of(row, f"{file.name}, line {rows.line_num}") for row in rows]


def chosen_sets(file: Path, names: Sequence[str]) -> list[ScanSet]:
    """The sets of a CSV that have one of these names, or all without any; `UserError` ``bad_sets``."""
    found = read_sets(file)
    if unknown := {*names} - {one.name for one in found}:
        message = f"{file.name} has no set {', '.join(sorted(unknown))}."
        raise UserError("bad_sets", message, f"It has {', '.join(one.name for one in found)}.")
    return [one for one in found if not names or one.name in names]


def _set_of(row: dict[str, str], place: str) -> ScanSet:
    said = {name: value.strip() for name, value in row.items() if name and value and value.strip()}
    try:
        stride, cases = (int(said[name]) if name in said else None for name in ("stride", "cases"))
        if 0 in (stride, cases) or min(stride or 1, cases or 1) < 1 or said.get("axis", "k") not in ("i", "j", "k"):
            raise ValueError
        group = said.get("group", "")
        return ScanSet(said["set"], said["labels"], said.get("axis", "k"), stride or 1, cases, group)
    except (KeyError, ValueError) as error:
        message = f"{place}: {', '.join(f'{name}={value}' for name, value in row.items())} is no set."
        hint = "set and labels are needed; axis is i, j or k; stride and cases are whole numbers from 1 on."
        raise UserError("bad_sets", message, hint) from error


def run_sets(
    options: SetsOptions,
    sets: Sequence[ScanSet],
    ways: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    told: Callable[[str], None] = lambda line: None,
    measure: Callable[[AccuracyOptions, Path], dict[str, Any]] = measure_accuracy,
) -> list[dict[str, Any]]:
    """Measure what is not finished: every set by the first seed and way, then by the next.

    Parameters
    ----------
    options : SetsOptions
        What all have in common.
    sets : sequence of ScanSet
    ways : sequence of str
        `TAGGED`: all with tags; `FOLDS`: everyone once without.
    seeds : sequence of int
        Of the runs, and of who is in which fold.
    out : Path
        Gets a folder a set with a JSON file a way and seed, and run folders (patient images) meanwhile.
    told : callable
        Gets a line about each.
    measure : callable
        As `measure_accuracy`.

    Returns
    -------
    list of dict
        Reports of these, those of before included. What a single one raises is in its report.
    """
    reports = []
    for seed, way, one in product(seeds, ways, sets):
        file, asked = out / one.name / f"{way}-seed{seed}.json", options.of(one, way, seed)
        settings = settings_of(one, asked)
        file.parent.mkdir(parents=True, exist_ok=True)
        about = {"schema": SCHEMA, "set": one.name, "group": one.group, "way": way, "seed": seed, "settings": settings}
        entry = Entry(f"{one.name}, {way}, seed {seed}", "", file, about)
        reports.append(resumed(entry, partial(_measured, measure, asked, file), told, outcome_line))
    return reports


def finished_sets(sets: Sequence[ScanSet], out: Path) -> list[dict[str, Any]]:
    """All reports of these sets in the folder of the benchmark, those that failed included."""
    return [read_json(file) for one in sets for file in sorted((out / one.name).glob("*-seed*.json"))]


def outcome_line(report: Mapping[str, Any]) -> str:
    """How one ended, for a terminal."""
    about = f"{report['set']}, {report['way']}, seed {report['seed']}"
    if failed := failure(report):
        return f"{about}: {failed}"
    dice = ", ".join(f"{name} {figure(value)}" for name, value in class_dice(report).items())
    return f"{about}: patient Dice {dice}; {report['accuracy']['total_seconds']:.0f} s"


def class_dice(report: Mapping[str, Any]) -> dict[str, float]:
    """Class -> mean patient Dice of a finished report; of the scans without tags if there are any."""
    scores = report["accuracy"]["untagged"] or report["accuracy"]["tagged"]
    found = scores.get("classes") or {scores["patients"][0]["class"]: scores}
    return {name: one["patient_dice_mean"] for name, one in found.items()}


def _measured(
    measure: Callable[[AccuracyOptions, Path], dict[str, Any]], asked: AccuracyOptions, file: Path
) -> dict[str, Any]:
    return {"accuracy": measure(asked, file)}
