"""Accuracy on many sets of scans, set by set, seed by seed, with and without tags: resumable, and one table of all."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json
from WeakMedSAMLib.contract.stages import is_published
from WeakMedSAMLib.studies.accuracy import AccuracyOptions, measure_accuracy
from WeakMedSAMLib.studies.resumable import Entry, claim, failure, require_options, require_settings, resumed
from WeakMedSAMLib.studies.tables import figure

SCHEMA = "weakmedsam-set-1"
TAGGED, FOLDS = "tagged", "folds"
SET_FILE = "set.json"
_RUN_SETTINGS = ("seed", "folds", "seeds")  # of a report; all others are of its set
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
    threads : tuple
        Numbers of threads to run in, one after the other; None for as many as PyTorch has by itself.
    """

    data: Path
    folds: int = 3
    preset: str = "fast"
    backbone: str = "litemedsam"
    device: str = "auto"
    overrides: tuple[tuple[str, Any], ...] = ()
    threads: tuple[int | None, ...] = (None,)

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


def set_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those settings of a report that all reports of its set have in common."""
    return {name: value for name, value in settings.items() if name not in _RUN_SETTINGS}


def usual_settings() -> dict[str, Any]:
    """What a setting is that a report does not name, since it is from before there was such a setting."""
    return settings_of(ScanSet("", ""), AccuracyOptions(Path()))


def claim_sets(entries: Sequence[Entry]) -> None:
    """Keep in the folder of each set what its reports have in common; nothing is written if one of them differs.

    Raises
    ------
    UserError
        ``other_settings`` names a finished report of other settings, one of these entries or of another seed or way;
        ``other_grid`` a folder that was begun with others.
    """
    shared = {entry.file.parent: set_settings(entry.about["settings"]) for entry in entries}
    for place, settings in shared.items():
        for file in _reports_in(place):
            kept = read_json(file).get("settings", {})
            own = {name: kept[name] for name in _RUN_SETTINGS if name in kept}
            require_settings(file, {**settings, **own}, usual_settings())
        require_options(place / SET_FILE, settings, usual_settings())
    for entry in entries:
        require_settings(entry.file, entry.about["settings"], entry.usual)
    for place, settings in shared.items():
        claim(place / SET_FILE, settings, usual_settings())


def _reports_in(place: Path) -> list[Path]:
    return [file for file in sorted(place.glob("*.json")) if file.name != SET_FILE]


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

    Raises
    ------
    UserError
        As `claim_sets`, before anything is measured.
    """
    plan = []
    for seed, way, count, one in product(seeds, ways, options.threads, sets):
        asked = options.of(one, way, seed)
        about = {"schema": SCHEMA, "set": one.name, "group": one.group, "way": way, "seed": seed}
        about["settings"] = settings_of(one, asked)
        file = _file_of(out / one.name, f"{way}-seed{seed}", count)
        name = f"{one.name}, {way}, seed {seed}" + ("" if count is None else f", {counted(count, 'thread')}")
        plan.append((Entry(name, "", file, about, usual_settings()), asked, count))
    claim_sets([entry for entry, _asked, _count in plan])
    reports = []
    for entry, asked, count in plan:
        with _threads(count):
            reports.append(resumed(entry, partial(_measured, measure, asked, entry.file), told, outcome_line))
    return reports


def finished_sets(sets: Sequence[ScanSet], out: Path) -> list[dict[str, Any]]:
    """All reports of these sets in the folder of the benchmark, those that failed included."""
    found = [read_json(file) for one in sets for file in sorted((out / one.name).glob("*-seed*.json"))]
    return [one for one in found if "status" in one]  # one that was broken off as it was written has none


def threads_of(report: Mapping[str, Any]) -> int | None:
    """In how many threads a report was measured; None of one from before this was kept."""
    count = report.get("machine", {}).get("threads")
    return None if count is None else int(count)


def _file_of(place: Path, name: str, threads: int | None) -> Path:
    """Where a report lies: one of a number of threads that was asked for under a name of its own.

    Unless that of no number is of as many: what was measured once is not measured again for its name.
    """
    plain = place / f"{name}.json"
    if threads is None or (plain.exists() and threads_of(read_json(plain)) == threads):
        return plain
    return place / f"{name}_threads{threads}.json"  # sorts behind the plain name


@contextlib.contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
