"""Planted errors on many sets, set by set and seed by seed: resumable; and the part of the page of figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json
from WeakMedSAMLib.studies.doubts import CLEAN
from WeakMedSAMLib.studies.many_sets import TAGGED, ScanSet, SetsOptions, claim_sets, settings_of, usual_settings
from WeakMedSAMLib.studies.planted_errors import KINDS, SHARE
from WeakMedSAMLib.studies.resumable import OK, Entry, failure, finished, measured
from WeakMedSAMLib.studies.tables import figure, put_section, table

SCHEMA = "weakmedsam-doubts-1"
DOUBTS, DICE = "doubts", "dice"
PAGE = "figures.md"
HEADING = "## Doubted tags\n"

_INTRODUCTION = f"""
Written by `weakmedsam benchmark doubts docs/sets.csv --data FOLDER --write-docs docs` from what the same command
without `--write-docs` measured. Errors of one kind are planted in the tags that the masks give: *flips* in that share
of all tags; in {SHARE:.0%} of the ranges an end that is off by so many slices, or the whole range forgotten, one
that is not the longest of its volume where there are such; {SHARE:.0%} of the volumes have the tags of another one,
or two of their classes swapped. Models see these tags, and judge those of patients that they did not see. *AUROC*
tells how well wrong tags are told from right ones by how much they are doubted (mean over classes, then seeds),
*precision* how many of the marked tags are wrong, *found* how many of the errors, each a stretch of slices, have a
marked slice. *None*: without any error all tags that are marked are wrongly so.
"""
_DICE_INTRODUCTION = """
Mean patient Dice over classes of whole runs, by tags without errors and with 5 % of them flipped; *gated*: nothing is
drawn on slices that are tagged absent, as in every run, *free*: what the same models draw where no tag has a say.
"""


def run_doubts(
    options: SetsOptions,
    sets: Sequence[ScanSet],
    seeds: Sequence[int],
    out: Path,
    measure: Mapping[str, Callable[..., dict[str, Any]]],
    told: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Measure what is not finished, set by set.

    Parameters
    ----------
    options : SetsOptions
        What all have in common.
    sets : sequence of ScanSet
    seeds : sequence of int
        Of the errors and of the models.
    out : Path
        Gets a folder a set with a JSON file for planted errors, and one for each seed of whole runs.
    measure : mapping
        `DOUBTS` -> what measures that, of all seeds together; `DICE` -> the same of one seed.
    told : callable
        Gets a line about each.

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
    for one, (way, measure_it) in product(sets, measure.items()):
        for some in [seeds] if way == DOUBTS else [[seed] for seed in seeds]:
            name = way if way == DOUBTS else f"{way}-seed{some[0]}"
            file, asked = out / one.name / f"{name}.json", options.of(one, TAGGED, 0 if way == DOUBTS else some[0])
            settings = {**settings_of(one, asked), "seeds": [*some]}
            about = {"schema": SCHEMA, "set": one.name, "group": one.group, "way": way, "settings": settings}
            arguments = (asked, seeds) if way == DOUBTS else (asked,)
            plan.append((Entry(name, "", file, about, usual_settings()), measure_it, arguments))
    claim_sets([entry for entry, *_how in plan])
    reports = []
    for entry, measure_it, arguments in plan:
        report = finished(entry.file, entry.about["settings"], entry.usual)
        report = report or measured(entry.file, entry.about, partial(measure_it, *arguments))
        told(outcome_line(report))
        reports.append(report)
    return reports


def finished_doubts(sets: Sequence[ScanSet], out: Path) -> list[dict[str, Any]]:
    """All reports of these sets in the folder of the benchmark, those that failed included."""
    files = [file for one in sets for way in (DICE, DOUBTS) for file in sorted((out / one.name).glob(f"{way}*.json"))]
    return [read_json(file) for file in files]


def outcome_line(report: Mapping[str, Any]) -> str:
    """How one ended, for a terminal."""
    about = f"{report['set']}, {report['way']}, seeds {_seeds([report])}"
    if failed := failure(report):
        return f"{about}: {failed}"
    if report["way"] == DICE:
        found = ", ".join(f"{name} {figure(value)}" for name, value in report["dice"].items())
        return f"{about}: {found}; {report['seconds']:.0f} s"
    found = ", ".join(f"{kind} {figure(_mean(own, 'auroc'))}" for kind, own in report["kinds"].items() if kind != CLEAN)
    return f"{about}: AUROC {found}; {report['seconds']:.0f} s"


def write_section(reports: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """Put the tables into the page of figures in a folder; returns the page; `UserError` ``nothing_measured``."""
    if not any(report["status"] == OK for report in reports):
        raise UserError("nothing_measured", "No set of the benchmark is finished.", "Run some first.")
    return put_section(folder / PAGE, HEADING, section(reports))


def section(reports: Sequence[Mapping[str, Any]]) -> str:
    """The part of the page, as Markdown."""
    done = [report for report in reports if report["status"] == OK]
    parts = [HEADING.rstrip(), _INTRODUCTION, kinds_table(done)]
    if any(report["way"] == DICE for report in done):
        parts += [_DICE_INTRODUCTION, dice_table(done)]
    return "\n".join(parts)


def kinds_table(reports: Sequence[Mapping[str, Any]]) -> str:
    """A row a kind of error, a column a set: AUROC, precision and share found, means over seeds; and mean AUROC."""
    done = [report for report in reports if report["way"] == DOUBTS]
    names = [report["set"] for report in done]
    rows = []
    for kind in (*KINDS, CLEAN):
        by_set = {one["set"]: one["kinds"].get(kind, []) for one in done}
        if not any(by_set.values()):
            continue
        auroc = [value for own in by_set.values() if (value := _mean(own, "auroc")) is not None]
        cells = [_clean_cell(own) if kind == CLEAN else _cell(own) for own in by_set.values()]
        rows.append((kind, *cells, figure(mean(auroc)) if auroc else "-"))
    return table((f"AUROC, precision, found (seeds {_seeds(done)})", *names, "mean AUROC"), rows)


def dice_table(reports: Sequence[Mapping[str, Any]]) -> str:
    """A row a set: Dice of whole runs, means over seeds."""
    done = [report for report in reports if report["way"] == DICE]
    ways = list(dict.fromkeys(way for report in done for way in report["dice"]))
    rows = []
    for name in dict.fromkeys(report["set"] for report in done):
        own = [report for report in done if report["set"] == name]
        rows.append((name, _seeds(own), *(figure(mean(one["dice"][way] for one in own)) for way in ways)))
    return table(("set", "seeds", *ways), rows)


def _cell(own: Sequence[Mapping[str, Any]]) -> str:
    values = (_mean(own, name) for name in ("auroc", "precision", "found"))
    return ", ".join("-" if value is None else f"{value:.2f}" for value in values) if own else "-"


def _clean_cell(own: Sequence[Mapping[str, Any]]) -> str:
    return f"marked {sum(one['marked'] for one in own) / sum(one['tags'] for one in own):.1%}" if own else "-"


def _mean(own: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [one[name] for one in own if one[name] is not None]
    return mean(values) if values else None


def _seeds(reports: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(str(seed) for seed in sorted({seed for one in reports for seed in one["settings"]["seeds"]}))
