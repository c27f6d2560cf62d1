"""The runs of the benchmark of labels, and their scores: generated, corrected and updated, or made without learning.

A run gets scans and the label file of the simulated reader; masks are read here once a run has ended, to score it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import nan
from pathlib import Path
from time import monotonic
from typing import Any

from WeakMedSAMLib.contract.files import write_json
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.quality import ClassQuality, read_quality
from WeakMedSAMLib.contract.results import QUALITY
from WeakMedSAMLib.contract.run_folder import volume_id
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.engine.data.layouts.known import AUTO
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, class_table, parse_mask_classes
from WeakMedSAMLib.engine.runs.worker import RunSummary
from WeakMedSAMLib.studies.cases import Case, Masks
from WeakMedSAMLib.studies.cohorts import run_of
from WeakMedSAMLib.studies.corrections import CHOICES
from WeakMedSAMLib.studies.label_rows import LabelRow, row_named
from WeakMedSAMLib.studies.label_scores import LabelScore, dice_here_and_elsewhere, drawn_slices, marked_slices
from WeakMedSAMLib.studies.label_work import emptied_place, result_of, said_of, updated_alone
from WeakMedSAMLib.studies.reader import PARTS, Reading, cases_of_part, parse_sides, read_apart, with_sides
from WeakMedSAMLib.studies.without_learning import masks_without_learning


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

    def run_settings(self, seed: int) -> RunSettings:
        """Of the runs."""
        return RunSettings(
            preset=self.preset,
            backbone=self.backbone,
            seed=seed,
            device=self.device,
            overrides=dict(self.overrides),
        )

    def whole_reading(self) -> Reading:
        """All scans, of which tags alone are asked for."""
        return Reading(self.folder, self.labels, self.stride, self.cases, self.axis, self.layout)

    def reading(self, row: LabelRow, seed: int, part: int | None) -> Reading:
        """What the simulated reader is asked for in one run."""
        sides = self.sides if row.sides else ""
        return replace(self.whole_reading(), gesture=row.gesture, sides=sides, part=part, seed=seed, others=row.others)


@dataclass(frozen=True)
class Measured:
    """Scores of some runs, how long these took in all, and each of their stages."""

    scores: list[LabelScore]
    seconds: float
    seconds_by_stage: dict[str, float]

    @classmethod
    def of(cls, runs: Sequence[Measured]) -> Measured:
        """Several together."""
        stages: dict[str, float] = {}
        for one in runs:
            for name, seconds in one.seconds_by_stage.items():
                stages[name] = stages.get(name, 0.0) + seconds
        return cls([score for one in runs for score in one.scores], sum(one.seconds for one in runs), stages)


@dataclass(frozen=True)
class _Generated:
    """A run that is done: what the reader had said, where it lies, and how it went."""

    labels: CohortLabels
    places: RunFolder
    done: RunSummary


class LabelRuns:
    """Makes and scores the runs of one set.

    Parameters
    ----------
    options : LabelOptions
        What all have in common.
    corrected : sequence of str
        Rows whose masks later rows correct: their runs are kept until `forgetting` ends.
    work : Path
        For run folders (patient images) meanwhile.
    run : callable
        Runs a run folder.
    """

    def __init__(
        self, options: LabelOptions, corrected: Sequence[str], work: Path, run: Callable[..., RunSummary]
    ) -> None:
        self._options, self._corrected, self._work, self._run = options, corrected, work, run
        self.classes: list[MaskClass] = parse_mask_classes(options.labels)
        with_sides(class_table(self.classes), parse_sides(options.sides))
        self.cases = options.whole_reading().found_cases()
        self._kept: dict[tuple[str, int], _Generated] = {}
        self._places = contextlib.ExitStack()

    @contextlib.contextmanager
    def forgetting(self) -> Iterator[None]:
        """Remove, at the end, the runs that were kept."""
        with self._places:
            yield
        self._kept.clear()

    def measure(self, row: LabelRow, seed: int) -> Measured:
        """All runs of a row together; nothing of them is left, but what later rows correct."""
        if row.effect:
            return self._without_learning(row, seed)
        if row.corrects:
            return self._corrections(row, seed)
        if row.name in self._corrected:
            return self._scored(row, self._kept_run(row, seed))
        return Measured.of([self._part(row, seed, part) for part in (range(PARTS) if row.in_a_third else [None])])

    def _part(self, row: LabelRow, seed: int, part: int | None) -> Measured:
        """One run, of a third if there is a part: the others are scored."""
        name = f"{row.name}-seed{seed}" if part is None else f"{row.name}-seed{seed}-part{part}"
        helped = set() if part is None else cases_of_part(self.cases, part, seed)
        with self._place(name) as place:
            return self._scored(row, self._generate(row, seed, part, place), helped)

    def _scored(self, row: LabelRow, generated: _Generated, helped: Collection[str] = ()) -> Measured:
        """Scores of the cases of a run that were not helped."""
        labels, done = generated.labels, generated.done
        scores: list[LabelScore] = []
        for number, case in enumerate(self.cases):
            if case.name not in helped:
                masks = self._masks(case, generated.places, number, labels)
                scores += self._scores(row, case, labels, masks, said=_said(generated.places, number))
        return Measured(scores, done.seconds, done.seconds_by_stage)

    def _kept_run(self, row: LabelRow, seed: int) -> _Generated:
        """The run of a row that others correct; made once."""
        if (row.name, seed) not in self._kept:
            place = self._places.enter_context(self._place(f"{row.name}-seed{seed}"))
            self._kept[row.name, seed] = self._generate(row, seed, None, place)
        return self._kept[row.name, seed]

    def _place(self, name: str) -> contextlib.AbstractContextManager[Path]:
        return emptied_place(self._work / name)

    def _generate(self, row: LabelRow, seed: int, part: int | None, place: Path) -> _Generated:
        labels = read_apart(self._options.reading(row, seed, part), place / "labels.json")
        places = run_of(self.cases, labels, self._settings(row, seed), place)
        return _Generated(labels, places, self._run(places.path, **self._method(row, seed, part)))

    def _settings(self, row: LabelRow, seed: int) -> RunSettings:
        settings = self._options.run_settings(seed)
        return replace(settings, overrides={**settings.overrides, **row.overrides})

    def _method(self, row: LabelRow, seed: int, part: int | None) -> dict[str, Any]:
        """For a bound, the method that learns true masks: of all cases, or of the third."""
        if not row.bound:
            return {}
        from WeakMedSAMLib.studies.bound import SupervisedMethod

        helped = {case.name for case in self.cases} if part is None else cases_of_part(self.cases, part, seed)
        taught = {case.name: case for case in self.cases if case.name in helped}
        return {"method": SupervisedMethod(taught, self.classes)}

    def _corrections(self, row: LabelRow, seed: int) -> Measured:
        """Correct some slices of each volume, and update it alone: a reader looks at one after the other."""
        base = row_named(row.corrects)
        generated = self._kept_run(base, seed)
        model = str(generated.places.model.resolve())
        settings = replace(self._settings(base, seed), model=model, train=False, update=True)
        settings = replace(settings, overrides={**settings.overrides, **row.update})
        with self._place(f"{row.name}-seed{seed}") as place:
            write_json(place / "draw.json", self._chosen(row, seed, generated))
            reading = replace(self._options.reading(base, seed, None), draw=place / "draw.json")
            labels, runs = read_apart(reading, place / "labels.json"), []
            updates = updated_alone(self.cases, labels, settings, place, self._run)
            for number, (case, own, places, done) in enumerate(updates):
                now, before = (self._masks(case, *where, own) for where in ((places, 0), (generated.places, number)))
                scores = [*self._scores(row, case, own, now, before, _said(places, 0))]
                runs.append(Measured(scores, done.seconds, done.seconds_by_stage))
        return Measured.of(runs)

    def _chosen(self, row: LabelRow, seed: int, generated: _Generated) -> dict[str, list[int]]:
        """Name of a case -> slices that are corrected."""
        chosen = {}
        for number, case in enumerate(self.cases):
            said = _said(generated.places, number)
            chosen[case.name] = CHOICES[row.chosen](said_of(case, generated.labels), said, seed, ())
        return chosen

    def _without_learning(self, row: LabelRow, seed: int) -> Measured:
        started = monotonic()
        scores: list[LabelScore] = []
        with self._place(f"{row.name}-seed{seed}") as place:
            labels = read_apart(self._options.reading(row, seed, None), place / "labels.json")
            for case in self.cases:
                masks = masks_without_learning(row.effect, case, said_of(case, labels), labels.classes, place)
                scores += self._scores(row, case, labels, masks)
        return Measured(scores, monotonic() - started, {})

    def _masks(self, case: Case, places: RunFolder, number: int, labels: CohortLabels) -> Masks:
        """Class -> mask (bool, k x j x i) of a case that is the volume of this number in a run."""
        return case.masks_in(result_of(places, number), labels.classes)

    def _scores(
        self,
        row: LabelRow,
        case: Case,
        labels: CohortLabels,
        masks: Masks,
        before: Masks | None = None,
        said: Mapping[str, ClassQuality] | None = None,
    ) -> Iterator[LabelScore]:
        """Scores of one case, and what the run said of it; its true mask is read here, after the run."""
        truth, given = case.masks(), said_of(case, labels)
        for entry in self.classes:
            marked = drawn_slices(given, entry.name) if row.draws else marked_slices(given, entry.name)
            true = truth.mask(entry)
            both = dice_here_and_elsewhere(masks[entry.name], true, case.axis, marked)
            was = (nan, nan) if before is None else dice_here_and_elsewhere(before[entry.name], true, case.axis, marked)
            sure = said[entry.name].confidence if said and entry.name in said else None
            yield LabelScore(case.name, case.patient, entry.name, *both, len(marked), *was, sure)


def _said(places: RunFolder, number: int) -> Mapping[str, ClassQuality]:
    """Class -> what a run said of its result for the volume of this number."""
    return read_quality(places.results(volume_id(number)) / QUALITY).classes
