"""Whether runs are as sure as they are right, by what kind of label they got: a part of the page of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.studies.confidence import ConfidenceFigures, Judged, confidence_of
from WeakMedSAMLib.studies.label_rows import ROWS
from WeakMedSAMLib.studies.patient_draws import in_words
from WeakMedSAMLib.studies.resumable import OK
from WeakMedSAMLib.studies.tables import figure, table

_TEXT = """## Confidence

How far the confidence of a class in a volume lies from its patient Dice (*distance*), and how often the better drawn of
two volumes is the surer one, within class and run (*concordance*; ties count half, pairs that differ by less than 0.02
of Dice not), in brackets 95 % intervals from resampling patients; *sure by* is how much higher confidence is than Dice
on the mean. Rows from before confidence was kept, and of what says none, are not in it.
"""


def confidence_part(reports: Sequence[Mapping[str, Any]]) -> str:
    """The part of the page with its heading; empty if no report has a confidence."""
    lines = []
    for row in ROWS:
        own = [one for one in reports if one["row"] == row.name and one["status"] == OK]
        by_set = {name: judged_scores([one for one in own if one["set"] == name]) for name in _names(own)}
        found = {name: confidence_of(judged) for name, judged in by_set.items() if judged}
        lines += [_line(row.title, name, figures) for name, figures in found.items()]
        if len(found) > 1:
            lines.append(_mean_line(row.title, list(found.values())))
    head = ("", "set", "classes in volumes", "confidence", "Dice", "sure by", "distance", "concordance")
    return f"{_TEXT}\n{table(head, lines)}" if lines else ""


def judged_scores(reports: Sequence[Mapping[str, Any]]) -> list[Judged]:
    """Scores with a confidence and a Dice of the reports of one row and set."""
    return [
        Judged((report["seed"], one["class_name"]), one["patient"], one["confidence"], one["dice"])
        for report in reports
        for one in report["patients"]
        if one.get("confidence") is not None and one["dice"] is not None
    ]


def _names(reports: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({one["set"] for one in reports})


def _line(title: str, name: str, found: ConfidenceFigures) -> tuple[str, ...]:
    means = (figure(found.confidence), figure(found.dice), f"{found.confidence - found.dice:+.3f}")
    return title, name, str(found.count), *means, in_words(found.distance), in_words(found.concordance)


def _mean_line(title: str, found: Sequence[ConfidenceFigures]) -> tuple[str, ...]:
    """Means of sets, each counts once."""
    columns = [(one.confidence, one.dice, one.distance.mean, one.concordance.mean) for one in found]
    sure, dice, distance, concordance = (
        float(np.mean(known)) if (known := [value for value in values if not np.isnan(value)]) else None
        for values in zip(*columns, strict=True)
    )
    by = "-" if sure is None or dice is None else f"{sure - dice:+.3f}"
    return (
        title,
        f"**mean of {counted(len(found), 'set')}**",
        "",
        *map(figure, (sure, dice)),
        by,
        figure(distance),
        figure(concordance),
    )
