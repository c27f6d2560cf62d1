"""Where masks are lost: what each stage of a run would draw against the true masks, slice by slice.

True masks are compared with what stages told; no stage ever sees them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.engine.data.mask_tags import MIN_PIXELS, MaskClass, class_table
from WeakMedSAMLib.engine.methods.fast.method import FastMethod
from WeakMedSAMLib.engine.methods.fast.model import FastModel
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts.assembly import Results, VolumeResult
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.stage_maps import EVIDENCE, MEAN, NETWORK, OBJECTS, PSEUDO_MASK, StageMaps
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume
from WeakMedSAMLib.studies.cases import Case
from WeakMedSAMLib.studies.tables import figure

FINAL = "mask"
STAGES = (EVIDENCE, OBJECTS, PSEUDO_MASK, NETWORK, MEAN, FINAL)
# Why a slice is not drawn as it should be, each slice for the first reason that holds.
EMPTY, ALONG_Z, PLACE, REDRAWN, NETWORK_WORSE, THRESHOLD, EXTENT = CAUSES = (
    "left empty",
    "lost along z",
    "wrong place",
    "redrawn worse",
    "network worse",
    "threshold",
    "wrong extent",
)
_MISSED = 0.1  # Dice below which a mask lies elsewhere
_FOUND = 0.5  # Dice from which a slice next to it is said to be found
_NEXT = 3  # slices
_WORSE = 0.1  # of Dice, from which a step is blamed
_THRESHOLDS = np.linspace(0.1, 0.9, 9, dtype=np.float32)


@dataclass
class SliceTrace:
    """One class on one slice that shows it.

    Attributes
    ----------
    dice : dict
        Stage -> Dice of what it would draw; of the evidence by that threshold which fits the slice best.
    peak_inside : bool or None
        Whether the peak of the evidence lies in the class.
    best : float
        Dice of the final probabilities by that threshold which fits the slice best.
    empty : bool
        Whether nothing was drawn.
    """

    dice: dict[str, float] = field(default_factory=dict)
    peak_inside: bool | None = None
    best: float = 0.0
    empty: bool = True


@dataclass
class VolumeTrace:
    """What is known of one volume of a run: column -> slice -> trace, and of slices without the class."""

    name: str
    axis: str
    tagged: bool
    slices: dict[int, dict[int, SliceTrace]] = field(default_factory=dict)
    false_slices: dict[int, int] = field(default_factory=dict)
    absent_slices: dict[int, int] = field(default_factory=dict)

    def slice_of(self, column: int, index: int) -> SliceTrace:
        """The trace of a slice, made where there is none yet."""
        return self.slices.setdefault(column, {}).setdefault(index, SliceTrace())


class Diagnosis:
    """Collects what the stages of runs would draw, and compares it with true masks.

    Parameters
    ----------
    cases : sequence of Case
        All that are run.
    classes : sequence of MaskClass
        What is looked for.
    """

    def __init__(self, cases: Sequence[Case], classes: Sequence[MaskClass]) -> None:
        self._cases, self._classes = {case.name: case for case in cases}, classes
        self._names = [entry.name for entry in class_table(classes)]
        self._traces: list[VolumeTrace] = []
        self._running: dict[str, VolumeTrace] = {}
        self._truth: tuple[str, np.ndarray] = ("", np.zeros(0))

    def method(self) -> WatchedMethod:
        """The default method, watched."""
        return WatchedMethod(self)

    def begin(self, cohort: Sequence[CohortVolume]) -> None:
        """A run of these volumes begins."""
        self._running = {one.id: VolumeTrace(one.name, one.axis, one.supervision.is_said) for one in cohort}

    def watch(self, told: StageMaps) -> None:
        """Take what a stage would draw of a class."""
        trace = self._running[told.volume]
        truth = self._true_stack(trace)[told.column]
        for index, small in zip(told.indices.tolist(), told.maps, strict=True):
            true = truth[index]
            if np.count_nonzero(true) < MIN_PIXELS:
                continue
            found, drawn = trace.slice_of(told.column, index), told.frame.from_frame(small)
            if told.stage == EVIDENCE:
                found.peak_inside = bool(true.flat[int(drawn.argmax())])
                found.dice[EVIDENCE] = _best_dice(drawn, true)
            else:
                found.dice[told.stage] = _dice(drawn > 0.5, true)

    def finish(self, volume: CohortVolume, result: VolumeResult) -> None:
        """Take the masks of a volume."""
        trace = self._running[volume.id]
        layers = slice_stack(result.layers, volume.axis)
        for column, (truth, (value, soft)) in enumerate(
            zip(self._true_stack(trace), result.probabilities.items(), strict=True)
        ):
            drawn, likely = (layers == value).any(0), slice_stack(soft, volume.axis)
            pixels = np.count_nonzero(truth, axis=(1, 2))
            trace.false_slices[column] = int((drawn.any((1, 2)) & (pixels == 0)).sum())
            trace.absent_slices[column] = int((pixels == 0).sum())
            for index in np.flatnonzero(pixels >= MIN_PIXELS).tolist():
                found = trace.slice_of(column, index)
                found.dice[FINAL] = _dice(drawn[index], truth[index])
                found.best = _best_dice(likely[index] / np.float32(255), truth[index])
                found.empty = not drawn[index].any()
        if all((one.name, one.tagged) != (trace.name, trace.tagged) for one in self._traces):
            self._traces.append(trace)

    def report(self) -> dict[str, Any]:
        """By tagged and untagged volumes, and class: Dice after each stage, and what is missing by cause.

        Of several runs of a volume the first counts, as in the report of the benchmark.
        """
        groups = {"tagged": [one for one in self._traces if one.tagged]}
        groups["untagged"] = [one for one in self._traces if not one.tagged]
        return {
            name: {entry: _class_report(traces, column) for column, entry in enumerate(self._names)}
            for name, traces in groups.items()
            if traces
        }

    def _true_stack(self, trace: VolumeTrace) -> np.ndarray:
        """C x S x rows x columns, bool, of one volume; that of the last one is held."""
        if self._truth[0] != trace.name:
            masks = self._cases[trace.name].masks()
            self._truth = trace.name, np.stack([slice_stack(masks.mask(one), trace.axis) for one in self._classes])
        return self._truth[1]


@dataclass(frozen=True)
class WatchedMethod(FastMethod):
    """The default method, of which a diagnosis sees every stage.

    Parameters
    ----------
    diagnosis : Diagnosis
    """

    diagnosis: Diagnosis

    def run(
        self, cohort: Sequence[CohortVolume], settings: FastSettings, context: RunContext, start: FastModel | None
    ) -> Results:
        """As that of every method."""
        self.diagnosis.begin(cohort)
        watched = replace(context, watch=self.diagnosis.watch)
        return self._finished(super().run(cohort, settings, watched, start))

    def apply(
        self, cohort: Sequence[CohortVolume], settings: FastSettings, context: RunContext, model: FastModel
    ) -> Results:
        """As that of every method."""
        self.diagnosis.begin(cohort)
        return self._finished(super().apply(cohort, settings, replace(context, watch=self.diagnosis.watch), model))

    def _finished(self, results: Results) -> Results:
        for volume, result in results:
            self.diagnosis.finish(volume, result)
            yield volume, result


def cause_of(index: int, slices: Mapping[int, SliceTrace]) -> str:
    """Why a slice among those of a volume that show a class has not all of its Dice: one of `CAUSES`."""
    own = slices[index]
    final = own.dice[FINAL]
    if own.empty:
        return EMPTY
    if final < _MISSED:
        near = (slices[other] for other in range(index - _NEXT, index + _NEXT + 1) if other in slices)
        return ALONG_Z if any(other.dice[FINAL] >= _FOUND for other in near) else PLACE
    mean = own.dice.get(MEAN, final)
    if mean - final > _WORSE:
        return REDRAWN
    if own.dice.get(PSEUDO_MASK, mean) - mean > _WORSE:
        return NETWORK_WORSE
    return THRESHOLD if own.best - final > _WORSE else EXTENT


def _class_report(traces: Sequence[VolumeTrace], column: int) -> dict[str, Any]:
    """Figures of one class over the slices that show it, all volumes together, and what each volume is missing."""
    lost, volumes = dict.fromkeys(CAUSES, 0.0), []
    for trace in traces:
        slices = trace.slices.get(column, {})
        own = _lost(slices)
        lost = {cause: lost[cause] + own[cause] for cause in CAUSES}
        found = [_slice_report(index, slices) for index in sorted(slices)]
        volumes.append({"case": trace.name, "lost": _shares(own, len(slices)), "slices": found})
    shown = [one for trace in traces for one in trace.slices.get(column, {}).values()]
    peaks = [one.peak_inside for one in shown if one.peak_inside is not None]
    absent = sum(trace.absent_slices.get(column, 0) for trace in traces)
    false = sum(trace.false_slices.get(column, 0) for trace in traces)
    return {
        "slices": len(shown),
        "dice": {stage: _mean([one.dice[stage] for one in shown if stage in one.dice]) for stage in STAGES},
        "told": {stage: sum(stage in one.dice for one in shown) for stage in STAGES},
        "peak_inside": _mean(peaks),
        "lost": _shares(lost, len(shown)),
        "masks_on_absent_slices": round(false / absent, 4) if absent else None,
        "volumes": volumes,
    }


def _slice_report(index: int, slices: Mapping[int, SliceTrace]) -> dict[str, Any]:
    dice = slices[index].dice
    return {"index": index, "dice": {name: round(dice[name], 4) for name in dice}, "cause": cause_of(index, slices)}


def _lost(slices: Mapping[int, SliceTrace]) -> dict[str, float]:
    """Dice that is missing on the slices of a volume, by cause."""
    lost = dict.fromkeys(CAUSES, 0.0)
    for index, one in slices.items():
        lost[cause_of(index, slices)] += 1 - one.dice[FINAL]
    return lost


def _shares(lost: Mapping[str, float], slices: int) -> dict[str, float]:
    return {cause: round(value / max(1, slices), 4) for cause, value in lost.items()}


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None


def _best_dice(soft: np.ndarray, true: np.ndarray) -> float:
    return max(_dice(soft > threshold, true) for threshold in _THRESHOLDS)


def _dice(drawn: np.ndarray, true: np.ndarray) -> float:
    """Dice of two masks of a slice that shows the class; the metrics of MONAI take ten times as long for one slice."""
    return 2 * np.count_nonzero(drawn & true) / (np.count_nonzero(drawn) + np.count_nonzero(true))


def diagnosis_lines(report: Mapping[str, Any]) -> list[str]:
    """A diagnosis as a table for a terminal."""
    lines = []
    for group, classes in report.items():
        for name, found in classes.items():
            stages = "  ".join(f"{stage} {figure(value)}" for stage, value in found["dice"].items())
            lost = ", ".join(f"{cause} {value:.3f}" for cause, value in found["lost"].items() if value >= 0.0005)
            about = f"{group}, {name}, {found['slices']} slices"
            lines.append(f"{about}: slice Dice {stages}; peak inside {figure(found['peak_inside'])}")
            lines.append(f"  missing: {lost or 'nothing'}")
            if found["masks_on_absent_slices"]:
                lines.append(f"  masks on {found['masks_on_absent_slices']:.1%} of the slices without it")
    return lines
