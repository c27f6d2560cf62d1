"""The states of a policy: what the reader says and does, the masks that come of it, and their scores.

A run gets scans and the label file of the simulated reader; masks are read here once a run has ended, to score it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.open_proposals import Since
from WeakMedSAMLib.contract.proposals import VolumeState
from WeakMedSAMLib.contract.proposals import said_of as said_of_class
from WeakMedSAMLib.contract.quality import read_quality
from WeakMedSAMLib.contract.results import QUALITY
from WeakMedSAMLib.contract.run_folder import volume_id
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, class_table, parse_mask_classes
from WeakMedSAMLib.engine.evaluation.scoring import rounded
from WeakMedSAMLib.engine.parts.metrics import patient_dice
from WeakMedSAMLib.engine.runs.worker import RunSummary
from WeakMedSAMLib.studies.cases import Case, Masks
from WeakMedSAMLib.studies.cohorts import REFUSALS, run_of
from WeakMedSAMLib.studies.corrections import CHOICES, in_order
from WeakMedSAMLib.studies.effort_log import Played, amounts_until
from WeakMedSAMLib.studies.effort_parts import Part, cut, parts_without
from WeakMedSAMLib.studies.effort_policies import OUTLINED, Policy, policy_named
from WeakMedSAMLib.studies.effort_reader import Asked, play_apart
from WeakMedSAMLib.studies.label_runs import LabelOptions
from WeakMedSAMLib.studies.label_work import emptied_place, result_of, said_of, updated_alone
from WeakMedSAMLib.studies.reader import parse_sides, with_sides
from WeakMedSAMLib.studies.without_learning import masks_without_learning

Files = Mapping[str, Path]  # name of a case -> label map


@dataclass(frozen=True)
class State:
    """What a policy has come to.

    Attributes
    ----------
    patients : list of dict
        Case, patient, class and Dice of each mask.
    run_seconds : float
        That the machine took for it.
    refused : str
        Why the method made no masks of such labels (then each counts as empty), or empty.
    """

    patients: list[dict[str, Any]]
    run_seconds: float
    refused: str = ""


@dataclass(frozen=True)
class _Generated:
    """A run that is done: what was said, where it lies, how long it took, or why there is none."""

    labels: CohortLabels
    places: RunFolder | None
    seconds: float = 0.0
    refused: str = ""


class EffortRuns:
    """Plays the policies of one set.

    Parameters
    ----------
    options : LabelOptions
        What all have in common.
    work : Path
        For run folders (patient images) meanwhile.
    run : callable
        Runs a run folder.
    """

    def __init__(self, options: LabelOptions, work: Path, run: Callable[..., RunSummary]) -> None:
        self._options, self._work, self._run = options, work, run
        self.classes: list[MaskClass] = parse_mask_classes(options.labels)
        with_sides(class_table(self.classes), parse_sides(options.sides))
        self.cases = options.whole_reading().found_cases()
        self._log: list[Played] = []

    def play(self, policy: Policy, seed: int) -> tuple[list[State], list[Played]]:
        """The states of a policy, and the log of all gestures; nothing else of it is left."""
        self._log = []
        with emptied_place(self._work / f"{policy.name}-seed{seed}") as place:
            in_rounds = policy.corrects or policy.follows
            ways = (self._rounds if in_rounds else self._each_state)(policy, seed, place)
            return list(ways), self._log

    def horizon(self) -> dict[str, float]:
        """What outlining everything costs: gesture -> units; nothing of it is left to chance."""
        self._log = []
        with emptied_place(self._work / "horizon") as place:
            self._says(self._asked(policy_named(OUTLINED), 0, 0), place)
        return amounts_until(self._log, 0)

    def _asked(self, policy: Policy, seed: int, state: int) -> Asked:
        options = self._options
        asked = Asked(
            str(options.folder), options.labels, options.sides, options.stride, options.cases, options.axis,
            options.layout, seed, state, policy.says, policy.every[: state + 1], effect=policy.effect,
        )  # fmt: skip
        if policy.cuts:
            asked = replace(asked, parts=tuple(parts_without(self.cases, self.classes, seed)))
        if not policy.shares:
            return asked
        counts = [max(1, math.ceil(share * len(self.cases))) for share in policy.shares]
        order = np.random.default_rng(seed).permutation([case.name for case in self.cases]).tolist()
        before = counts[state - 1] if state else 0
        return replace(asked, outlined=tuple(order[: counts[state]]), outlined_before=before)

    def _says(self, asked: Asked, place: Path) -> CohortLabels:
        labels, played = play_apart(asked, _labels_of(place, asked.state))
        self._log += played
        return labels

    def _each_state(self, policy: Policy, seed: int, place: Path) -> Iterator[State]:
        """States each of which has labels of its own, from the start."""
        for state in range(len(policy.states) if policy.every or policy.shares else 1):
            asked = self._asked(policy, seed, state)
            labels = self._says(asked, place)
            with emptied_place(place / f"state{state}") as here:
                if policy.effect:
                    yield self._without_learning(policy, labels, here)
                else:
                    yield self._scored(self._generated(policy, labels, seed, here, asked.parts))

    def _generated(
        self, policy: Policy, labels: CohortLabels, seed: int, place: Path, parts: Sequence[Part] = ()
    ) -> _Generated:
        method: dict[str, Any] = {}
        if policy.bound:
            from WeakMedSAMLib.studies.bound import SupervisedMethod

            method = {"method": SupervisedMethod({case.name: case for case in self.cases}, self.classes)}
        # The scans themselves come first: masks of parts are not scored.
        cases = [*self.cases, *cut(self.cases, parts)]
        places = run_of(cases, labels, self._options.run_settings(seed), place)
        try:
            return _Generated(labels, places, self._run(places.path, **method).seconds)
        except UserError as error:
            if error.code not in REFUSALS:
                raise
            return _Generated(labels, None, refused=error.message)

    def _without_learning(self, policy: Policy, labels: CohortLabels, place: Path) -> State:
        started = monotonic()
        scores: list[dict[str, Any]] = []
        for case in self.cases:
            masks = masks_without_learning(policy.effect, case, said_of(case, labels), labels.classes, place)
            scores += self._scores(case, masks)
        return State(scores, monotonic() - started)

    def _scored(self, generated: _Generated) -> State:
        places = generated.places
        scores: list[dict[str, Any]] = []
        for number, case in enumerate(self.cases):
            masks = case.masks_in(result_of(places, number), generated.labels.classes) if places else {}
            scores += self._scores(case, masks)
        return State(scores, generated.seconds, generated.refused)

    def _scores(self, case: Case, masks: Masks) -> Iterator[dict[str, Any]]:
        """Of each class of a case; its true mask is read here, after the run. Without masks each counts as empty.

        What is not there and was not drawn is right: 1, so that every state has the same patients.
        """
        truth = case.masks()
        for entry in self.classes:
            true = truth.mask(entry)
            drawn = masks.get(entry.name, np.zeros_like(true))
            dice = patient_dice(drawn, true) if true.any() or drawn.any() else 1.0
            yield {"case": case.name, "patient": case.patient, "class_name": entry.name, "dice": rounded(dice)}

    def _rounds(self, policy: Policy, seed: int, place: Path) -> Iterator[State]:
        """Masks, then rounds in which something is done in some volumes, and each of these is updated alone."""
        with contextlib.ExitStack() as kept:
            labels = self._says(self._asked(policy, seed, 0), place)
            generated = self._generated(policy, labels, seed, kept.enter_context(emptied_place(place / "generated")))
            yield (first := self._scored(generated))
            if generated.places is None:
                return
            masks = {case.name: result_of(generated.places, number) for number, case in enumerate(self.cases)}
            quality = {case.name: generated.places.results(volume_id(n)) / QUALITY for n, case in enumerate(self.cases)}
            seconds = first.run_seconds
            before: dict[str, list[int]] = {}
            model = str(generated.places.model.resolve())
            settings = replace(self._options.run_settings(seed), model=model, train=False, update=True)
            for state in range(1, policy.rounds + 1):
                asked = replace(self._asked(policy, seed, state), corrected_before=before, masks=_as_text(masks))
                if policy.follows:
                    proposed = self._proposed(policy, seed, state, labels, quality)
                    if not proposed:
                        return
                    asked = replace(asked, proposed=proposed, before=str(_labels_of(place, state - 1)))
                else:
                    asked = replace(asked, corrected=self._chosen(policy, seed, labels, quality, before))
                labels = self._says(asked, place)
                here = kept.enter_context(emptied_place(place / f"round{state}"))
                updated, better, took = self._updated(asked.touched, labels, settings, here)
                after = str(_labels_of(place, state)) if asked.before else ""
                self._says(replace(asked, updated=_as_text(updated), before=after), here)
                seconds, masks, quality = seconds + took, {**masks, **updated}, {**quality, **better}
                now = asked.corrected
                before = {name: sorted({*before.get(name, ()), *now[name]}) for name in now}
                yield State(self._all_scores(masks, labels.classes), seconds)

    def _updated(
        self, names: Collection[str], labels: CohortLabels, settings: RunSettings, place: Path
    ) -> tuple[dict[str, Path], dict[str, Path], float]:
        """Label map and quality of some cases after an update of each alone, and the seconds of all."""
        masks, quality, seconds = {}, {}, 0.0
        cases = [case for case in self.cases if case.name in names]
        for case, _own, places, done in updated_alone(cases, labels, settings, place, self._run):
            masks[case.name], quality[case.name] = result_of(places, 0), places.results(volume_id(0)) / QUALITY
            seconds += done.seconds
        return masks, quality, seconds

    def _all_scores(self, masks: Files, classes: ClassTable) -> list[dict[str, Any]]:
        return [one for case in self.cases for one in self._scores(case, case.masks_in(masks[case.name], classes))]

    def _chosen(
        self,
        policy: Policy,
        seed: int,
        labels: CohortLabels,
        quality: Files,
        before: Mapping[str, Sequence[int]],
    ) -> dict[str, list[int]]:
        """Name of a case -> slices that are corrected: by labels and results, never by true masks."""
        choose, chosen = CHOICES[policy.corrects], {}
        for case in self.cases:
            classes = read_quality(quality[case.name]).classes
            chosen[case.name] = choose(said_of(case, labels), classes, seed, before.get(case.name, ()))
        return chosen

    def _proposed(
        self, policy: Policy, seed: int, state: int, labels: CohortLabels, quality: Files
    ) -> dict[str, list[dict[str, Any]]]:
        """Name of a case -> what is done there in a sitting: the first of what is proposed for all volumes."""
        told = {name: read_quality(file) for name, file in quality.items()}
        said = {case.name: said_of(case, labels) for case in self.cases}

        def since(name: str, class_name: str) -> Since:
            # All volumes of which something was said are updated: their masks know of every box.
            found = said_of_class(said[name], class_name)
            return Since(found, found.boxes)

        states = {name: VolumeState(one.classes, one.advice) for name, one in told.items()}
        proposals = in_order(policy.follows, states, since, seed * len(policy.states) + state)
        chosen: dict[str, list[dict[str, Any]]] = {}
        for one in proposals[: policy.proposals_in(state, len(self.cases))]:
            chosen.setdefault(one.volume, []).append(asdict(one))
        return chosen


def _labels_of(place: Path, state: int) -> Path:
    return place / f"labels{state}.json"


def _as_text(files: Files) -> dict[str, str]:
    return {name: str(path.resolve()) for name, path in files.items()}
