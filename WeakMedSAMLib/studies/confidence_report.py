"""What confidence is worth on many sets as a part of the page of figures: no case and no picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.stages import is_published
from WeakMedSAMLib.studies.ablation_figures import Estimate
from WeakMedSAMLib.studies.confidence import (
    ConfidenceFigures,
    Judged,
    confidence_of,
    judged_rows,
    nearer,
    slice_concordance,
)
from WeakMedSAMLib.studies.confidence_fit import (
    Fit,
    ShownSlices,
    fit_to_slices,
    fit_to_volumes,
    judged_by,
    mean_dice,
    shown_of,
)
from WeakMedSAMLib.studies.confidence_logistic import FIRST, Logistic, present_logistic
from WeakMedSAMLib.studies.many_sets import TAGGED
from WeakMedSAMLib.studies.patient_draws import in_words
from WeakMedSAMLib.studies.resumable import OK
from WeakMedSAMLib.studies.tables import figure, put_section, table

PAGE = "figures.md"
HEADING = "## Confidence, set by set\n"
_FITS: dict[str, Fit] = {"slices": fit_to_slices, "volumes": fit_to_volumes}

_INTRODUCTION = """
Written by `weakmedsam benchmark confidence bench_output/sets --write-docs docs` from runs of `weakmedsam benchmark
sets`, slice tags alone, all runs of a set. *Distance* is how far the confidence of a class in a volume lies from its
patient Dice, *concordance* the share of pairs of volumes of which the better drawn one is the surer one, within class
and run (ties count half, pairs that differ by less than 0.02 of Dice not). *Slices*: the same concordance of pairs of
slices of a volume that have a mask or are tagged as showing the class, with their Dice; the mean over classes in
volumes. In brackets 95 % intervals from resampling patients. What share of the missing Dice is found first in order of
confidence is told [below](#what-to-look-at-next).
"""
_FITTED = """
The constants of the logistic that makes confidence of agreement ([METHOD.md](METHOD.md), 9), fitted without the set
that they are judged on: to the Dice of slices (logistic regression), or to be nearest to that of classes in volumes
(least distance); a set counts once, in it a class, in that a volume. *Mean*: to say always the mean Dice of the others,
of which nothing can be ranked (concordance 0.500). *Now*: the constants of the program, which are not fitted without
the set. Distance, then concordance; slices count by the pixels of their mask, in a run by what the network saw, too, so
that *now* is not to the last digit what the runs said. Sets of which no slices were kept are left out.
"""


@dataclass(frozen=True)
class LeftOut:
    """One set, judged by what was fitted to the others.

    Attributes
    ----------
    now, by_mean : ConfidenceFigures
        Of the program's constants, and of saying always the mean of the others.
    fitted : mapping
        To what was fitted -> the constants, and their figures.
    said : float
        The mean Dice of the others.
    gain : mapping
        To what was fitted -> distance less that of the mean.
    """

    now: ConfidenceFigures
    by_mean: ConfidenceFigures
    fitted: Mapping[str, tuple[Logistic, ConfidenceFigures]]
    said: float
    gain: Mapping[str, Estimate]


def write_section(reports: Sequence[Mapping[str, Any]], folder: Path, seed: int = 0) -> Path:
    """Put the tables into the page of figures in a folder, of which the rest stays as it was; returns the page."""
    return put_section(folder / PAGE, HEADING, f"{HEADING}{_INTRODUCTION}\n{tables(reports, seed, _FITTED)}")


def tables(reports: Sequence[Mapping[str, Any]], seed: int = 0, between: str = "") -> str:
    """Both tables, of the sets that have a finished run with tags; `UserError` ``nothing_measured`` without any."""
    done = [one for one in reports if one.get("status") == OK and one["way"] == TAGGED]
    by_set = {name: [one for one in done if one["set"] == name] for name in dict.fromkeys(one["set"] for one in done)}
    if not by_set:
        hint = "Measure some first: weakmedsam benchmark sets docs/sets.csv --data FOLDER."
        raise UserError("nothing_measured", "No set of the benchmark is finished.", hint)
    parts = [confidence_table(by_set, seed)]
    kept = {name: own for name, found in by_set.items() if (own := kept_slices(found))}
    if len(kept) > 1:
        groups = {name: by_set[name][0]["group"] for name in kept}
        parts += [between, fit_table(leave_one_out(kept, seed), groups), fitted_to_all(kept)]
    return "\n".join(filter(None, parts))


def confidence_table(by_set: Mapping[str, Sequence[Mapping[str, Any]]], seed: int = 0) -> str:
    """A row a set: how far confidence tells the Dice of its classes in volumes, and ranks slices; and means of sets."""
    head = ("set", "patients", "classes in volumes", "confidence", "Dice", "distance", "concordance", "slices")
    rows, kept = [], {}
    for name, reports in by_set.items():
        if not (judged := _judged(reports)):
            continue
        found = confidence_of(judged, seed)
        ranked = slice_concordance([row for report in reports for row in _rows(report)])
        kept[name] = (found.distance.mean, found.concordance.mean, ranked.mean)
        told = (
            figure(found.confidence),
            figure(found.dice),
            *map(in_words, (found.distance, found.concordance, ranked)),
        )
        rows.append((name, str(found.patients), str(found.count), *told))
    for label, names in _groups({name: own[0]["group"] for name, own in by_set.items() if name in kept}).items():
        means = [_mean([kept[name][column] for name in names]) for column in range(3)]
        rows.append((f"**mean, {label}**", counted(len(names), "set"), "", "", "", *means))
    return table(head, rows)


def leave_one_out(kept: Mapping[str, Sequence[ShownSlices]], seed: int = 0) -> dict[str, LeftOut]:
    """Every set of at least two, judged by what the others say."""
    found = {}
    for name, own in kept.items():
        others = {other: shown for other, shown in kept.items() if other != name}
        said = mean_dice(others)
        always = judged_by(Logistic(float(np.log(said / (1 - said))), 0.0), [_without_fixed(one) for one in own])
        fitted, gain = {}, {}
        for to, fit in _FITS.items():
            logistic = fit(others)
            judged = judged_by(logistic, own)
            fitted[to], gain[to] = (logistic, confidence_of(judged, seed)), nearer(judged, always, seed)
        now = confidence_of(judged_by(present_logistic(), own), seed)
        found[name] = LeftOut(now, confidence_of(always, seed), fitted, said, gain)
    return found


def fit_table(found: Mapping[str, LeftOut], groups: Mapping[str, str]) -> str:
    """A row a set that was left out, and means of sets."""
    head = ("left out", "now", *(f"fitted to {to}" for to in _FITS), "mean", *(f"{to} - mean" for to in _FITS))
    rows = []
    for name, one in found.items():
        fits = (f"{_both(figures)}; {_constants(logistic)}" for logistic, figures in one.fitted.values())
        always = f"{figure(one.by_mean.distance.mean)}; {one.said:.2f}"
        gains = (in_words(gain, signed=True) for gain in one.gain.values())
        rows.append((name, _both(one.now), *fits, always, *gains))
    for label, names in _groups(groups).items():
        own = [found[name] for name in names]
        fits = (_mean_of([one.fitted[to][1] for one in own]) for to in _FITS)
        gains = (f"{np.mean([one.gain[to].mean for one in own]):+.3f}" for to in _FITS)
        always = _mean([one.by_mean.distance.mean for one in own])
        rows.append((f"**mean, {label}**", _mean_of([one.now for one in own]), *fits, always, *gains))
    return table(head, rows)


def fitted_to_all(kept: Mapping[str, Sequence[ShownSlices]]) -> str:
    """The constants that all sets together would give, as a sentence."""
    told = ", ".join(f"to {to} {_constants(fit(kept))}" for to, fit in _FITS.items())
    return f"Fitted to all of these sets: {told}; now {_constants(present_logistic())} (offset and slope).\n"


def kept_slices(reports: Sequence[Mapping[str, Any]]) -> list[ShownSlices]:
    """Slices of the reports of a set, of those runs whose confidence is made by a logistic."""
    found = []
    for report in reports:
        if is_published(report["settings"]["preset"]):
            continue
        constants = report["accuracy"].get("confidence_logistic")
        logistic = FIRST if constants is None else Logistic(**constants)
        for row in _rows(report):
            for judged in judged_rows([row], _run(report)):
                if (shown := shown_of(row, judged, logistic)) is not None:
                    found.append(shown)
    return found


def _judged(reports: Sequence[Mapping[str, Any]]) -> list[Judged]:
    return [one for report in reports for one in judged_rows(_rows(report), _run(report))]


def _rows(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(report["accuracy"]["tagged"]["patients"])


def _run(report: Mapping[str, Any]) -> tuple[int, int]:
    return report["seed"], report.get("machine", {}).get("threads", 0)


def _without_fixed(shown: ShownSlices) -> ShownSlices:
    """The same as if a logistic had a say on every slice: the mean is always said of all."""
    return ShownSlices(shown.judged, np.full_like(shown.fixed, np.nan), shown.agreement, shown.dice, shown.weight)


def _groups(groups: Mapping[str, str]) -> dict[str, list[str]]:
    """Name of a group of sets -> its sets; all together at last, where there are several groups."""
    found: dict[str, list[str]] = {}
    for name, label in groups.items():
        found.setdefault(label or "sets", []).append(name)
    return {**found, "all": [*groups]} if len(found) > 1 else found


def _both(figures: ConfidenceFigures) -> str:
    return f"{figures.distance.mean:.3f}, {_share(figures.concordance.mean)}"


def _mean_of(figures: Sequence[ConfidenceFigures]) -> str:
    return f"{_mean([one.distance.mean for one in figures])}, {_mean([one.concordance.mean for one in figures])}"


def _mean(values: Sequence[float]) -> str:
    """Mean of those that there are."""
    known = [value for value in values if not np.isnan(value)]
    return figure(float(np.mean(known)) if known else None)


def _share(value: float) -> str:
    return figure(None if np.isnan(value) else value)


def _constants(logistic: Logistic) -> str:
    return f"{logistic.offset:.2f}, {logistic.slope:.2f}"
