"""Accuracy on many sets as a part of the page of figures: no case and no picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.studies.diagnosis import STAGES
from WeakMedSAMLib.studies.many_sets import FOLDS, TAGGED, class_dice, set_settings, threads_of, usual_settings
from WeakMedSAMLib.studies.resumable import OK, differences
from WeakMedSAMLib.studies.tables import figure, put_section, table

PAGE = "figures.md"
HEADING = "## All sets\n"

_INTRODUCTION = """
Written by `weakmedsam benchmark sets docs/sets.csv --data FOLDER --write-docs docs` from what the same command without
`--write-docs` measured. Slice tags alone, all classes of a set learned together. Patient Dice by class: the mean over
patients, then over runs (seeds, and numbers of threads, which round otherwise; a question mark where a report does not
say in how many), in brackets the lowest and the highest run; *mean* is over classes, in brackets the 95 % interval of
the first run from resampling patients, *spread* how far the means of two runs lie apart at most. *Untagged*: every
patient once without tags, learned from the others. *Distance* is how far the confidence of a class lies from its
patient Dice, *concordance* how often the better drawn of two scans is the surer one, *doubtful* how many scans are
marked; of the first run, as are seconds.
"""
_LOSSES = """
Where masks are lost, with tags, of the first run: slice Dice of what each stage would draw (of the evidence at the
threshold that suits each slice best; of objects where there are some), the share of slices whose peak of evidence lies
inside, and the Dice that is missing at the end, by cause, most first. *K* is the number of sub-classes that the data
chose, of each run with another one; a dash where a report is from before it was kept.
"""
_LEAST_LOSS = 0.02  # that is told
_OF_SET = ("folder", "labels", "cases", "stride", "axis", "layout")  # settings that are those of a set
_HEAD = (
    *("set", "scans", "seeds", "threads", "patient Dice", "mean", "spread"),
    *("untagged", "distance", "concordance", "doubtful", "s"),
)


def write_section(reports: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """Put the tables into the page of figures in a folder, of which the rest stays as it was; returns the page.

    Raises
    ------
    UserError
        ``nothing_measured``.
    """
    if not any(report["status"] == OK for report in reports):
        raise UserError("nothing_measured", "No set of the benchmark is finished.", "Run some first.")
    return put_section(folder / PAGE, HEADING, section(reports))


def section(reports: Sequence[Mapping[str, Any]]) -> str:
    """The part of the page, as Markdown."""
    done = [report for report in reports if report["status"] == OK]
    tables = (scores_table(done), *circumstances(done), _LOSSES, losses_table(done))
    return "\n".join([HEADING.rstrip(), _INTRODUCTION, *tables])


def circumstances(reports: Sequence[Mapping[str, Any]]) -> list[str]:
    """In what finished reports differ that stand in one table: settings, and what made them; lines of Markdown."""
    lines = []
    if found := mixed_settings(reports):
        lines.append("\n".join(["**Settings differ** between the reports of this table:\n", *found]) + "\n")
    made: dict[str, list[str]] = {}
    for report in reports:
        versions = report.get("versions", {})
        by = f"WeakMedSAM {versions.get('weakmedsam', '?')}, torch {versions.get('torch', '?')}"
        day = report["accuracy"].get("date", "")[:10]
        made.setdefault(f"{by}{day and f', {day}'}", []).append(report["set"])
    if len(made) > 1:
        told = (f"{by}: {', '.join(dict.fromkeys(names))}" for by, names in made.items())
        return [*lines, f"Measured by {'; '.join(told)}.\n"]
    return [*lines, *(f"Measured by {by}.\n" for by in made)]


def mixed_settings(reports: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which reports differ in settings from the first one of all, and, in what goes by set, from that of their set."""
    lines: list[str] = []
    first: dict[tuple[str, ...], dict[str, Any]] = {}
    for report in reports:
        known = {**usual_settings(), **report["settings"]}
        name, way = report["set"], report["way"]
        parts = {
            (): {key: value for key, value in set_settings(known).items() if key not in _OF_SET},
            (name,): {key: known[key] for key in _OF_SET},
            (name, way): {"folds": known["folds"]},
        }
        found = [line for key, own in parts.items() for line in differences(own, first.setdefault(key, own))]
        if found:
            lines.append(f"- {name}, {way}, seed {report['seed']}: {'; '.join(found)}")
    return lines


def scores_table(reports: Sequence[Mapping[str, Any]]) -> str:
    """Finished reports as a table, a row a set; then the means of each group of sets, and of all."""
    names = list(dict.fromkeys(report["set"] for report in reports))
    by_set = {name: [report for report in reports if report["set"] == name] for name in names}
    rows = [_scores_row(name, own) for name, own in by_set.items() if _of(own, TAGGED)]
    groups: dict[str, list[str]] = {}
    for name, own in by_set.items():
        if _of(own, TAGGED):
            groups.setdefault(own[0]["group"], []).append(name)
    if len(groups) > 1:
        groups["all"] = [name for own in groups.values() for name in own]
    rows += [_mean_row(label, {name: by_set[name] for name in own}) for label, own in groups.items()]
    return table(_HEAD, rows)


def losses_table(reports: Sequence[Mapping[str, Any]]) -> str:
    """Of the first run of every set, what each stage would draw of its classes, and what is missing; K of all runs."""
    head = ("set", "class", "K", *STAGES, "peak inside", "missing")
    rows = []
    for name in dict.fromkeys(report["set"] for report in reports):
        tagged = _of([report for report in reports if report["set"] == name], TAGGED)
        for label, found in tagged[0]["accuracy"].get("diagnosis", {}).get("tagged", {}).items() if tagged else ():
            lost = sorted(found["lost"].items(), key=lambda one: -one[1])
            told = ", ".join(f"{cause} {value:.2f}" for cause, value in lost if value >= _LEAST_LOSS)
            stages = (_hundredths(found["dice"][stage]) for stage in STAGES)
            rows.append(
                (name, label, _sub_classes(tagged, label), *stages, _hundredths(found["peak_inside"]), told or "-")
            )
    return table(head, rows)


def _scores_row(name: str, reports: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    tagged, first = _of(reports, TAGGED), _of(reports, TAGGED)[0]["accuracy"]
    scores, confidence = first["tagged"], first["tagged"]["confidence"] or {}
    dice = [class_dice(one) for one in tagged]
    by_class = ", ".join(f"{label} {_over_runs([one[label] for one in dice])}" for label in dice[0])
    means = [mean(one.values()) for one in dice]
    low, high = scores["patient_dice_interval"]
    untagged = _value(reports, FOLDS)
    return (
        name,
        str(first["cases"]),
        ", ".join(dict.fromkeys(str(report["seed"]) for report in tagged)),
        ", ".join(dict.fromkeys(str(threads_of(report) or "?") for report in tagged)),
        by_class,
        f"{figure(mean(means))} ({figure(low)}-{figure(high)})",
        figure(max(means) - min(means)) if len(means) > 1 else "-",
        figure(untagged),
        figure(confidence.get("error")),
        figure(confidence.get("concordance")),
        _doubtful(scores["patients"]),
        f"{first['total_seconds']:.0f}",
    )


def _doubtful(rows: Sequence[Mapping[str, Any]]) -> str:
    """Scans that the run marked, of how many: it marks one for the class that is least sure."""
    marked = {row["case"]: bool(row.get("low_confidence")) for row in rows}
    return f"{sum(marked.values())} of {len(marked)}"


def _mean_row(label: str, by_set: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[str, ...]:
    tagged = [_value(own, TAGGED) for own in by_set.values()]
    untagged = [_value(own, FOLDS) for own in by_set.values()]
    both = (
        mean(value for value in untagged if value is not None) if all(value is not None for value in untagged) else None
    )
    means = (figure(mean(value for value in tagged if value is not None)), "", figure(both))
    return (f"**mean, {label or 'sets'}**", counted(len(by_set), "set"), "", "", "", *means, "", "", "", "")


def _of(reports: Sequence[Mapping[str, Any]], way: str) -> list[Mapping[str, Any]]:
    return sorted((report for report in reports if report["way"] == way), key=lambda report: report["seed"])


def _value(reports: Sequence[Mapping[str, Any]], way: str) -> float | None:
    """Mean over runs of the mean over classes."""
    own = _of(reports, way)
    return mean(mean(class_dice(report).values()) for report in own) if own else None


def _over_runs(values: Sequence[float]) -> str:
    spread = f" ({figure(min(values))}-{figure(max(values))})" if len(values) > 1 else ""
    return f"{figure(mean(values))}{spread}"


def _sub_classes(reports: Sequence[Mapping[str, Any]], label: str) -> str:
    """Numbers of sub-classes of a class in all runs, each number once."""
    counts = {run.get("sub_classes", {}).get(label) for report in reports for run in report["accuracy"].get("runs", ())}
    return ", ".join(map(str, sorted(counts - {None}))) or "-"


def _hundredths(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
