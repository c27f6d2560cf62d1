"""A simulated reader whose gestures have prices: sees true masks and results, writes label files and a log.

A process of its own, ``python -m WeakMedSAMLib.studies.effort_reader``: the label file that it writes is all that a run
learns of the truth. He errs, by chance that can be repeated: see `effort_gestures` and `gestures`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.files import read_json, write_json
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.proposals import Proposal
from WeakMedSAMLib.engine.cli.options import EXISTING, PLACE
from WeakMedSAMLib.engine.cli.outcome import outcome
from WeakMedSAMLib.engine.data.layouts.known import AUTO
from WeakMedSAMLib.engine.data.mask_tags import class_table, parse_mask_classes
from WeakMedSAMLib.studies.cases import Case
from WeakMedSAMLib.studies.effort_following import FollowingSitting
from WeakMedSAMLib.studies.effort_log import Hand, Played, read_log, write_log
from WeakMedSAMLib.studies.effort_parts import Part, cut
from WeakMedSAMLib.studies.effort_policies import ALL_OUTLINED
from WeakMedSAMLib.studies.effort_sitting import Mistakes
from WeakMedSAMLib.studies.reader import Reading, parse_sides, with_sides

_MODULE = "WeakMedSAMLib.studies.effort_reader"
Slices = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Asked:
    """What the reader is asked for in one state of a policy.

    Attributes
    ----------
    folder, labels, sides, stride, cases, axis, layout
        As of `Reading`.
    seed : int
        Of the hand.
    state : int
        In the first one what is said of the volumes is said, and costs; in later ones it is there.
    says : tuple of str
        Out of `effort_policies.SAID`.
    every : tuple of int
        Every so-manieth slice is drawn: the last one of these, of which those of the others are there already.
    outlined : tuple of str
        Names of cases that are outlined in full, those of the states before first; nothing is said of others.
    outlined_before : int
        So many of them are there already.
    parts : tuple
        Of `effort_parts`: scans of their own, of which the same is said; nobody looks at their masks.
    corrected : mapping
        Name of a case -> slices that are corrected now.
    corrected_before : mapping
        Those of the states before.
    proposed : mapping
        Name of a case -> `Proposal` as plain data: what is done now, volume by volume.
    before : str
        Label file of the state before, which what is done now is added to; in place of all that is said.
    effect : str
        Which effect of Slicer's Segment Editor makes the masks, volume by volume, in place of a run.
    masks : mapping
        Name of a case -> label map of the masks that are corrected.
    updated : mapping
        Name of a case -> label map after an update, which is compared with ``masks``. Then nothing is said: what the
        update made wrong is logged, of slices that are not corrected, or not painted in ``before``.
    """

    folder: str
    labels: str
    sides: str = ""
    stride: int = 1
    cases: int | None = None
    axis: str = "k"
    layout: str = AUTO
    seed: int = 0
    state: int = 0
    says: tuple[str, ...] = ()
    every: tuple[int, ...] = ()
    outlined: tuple[str, ...] = ()
    outlined_before: int = 0
    parts: tuple[Part, ...] = ()
    corrected: Slices = field(default_factory=dict)
    corrected_before: Slices = field(default_factory=dict)
    proposed: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    before: str = ""
    effect: str = ""
    masks: Mapping[str, str] = field(default_factory=dict)
    updated: Mapping[str, str] = field(default_factory=dict)

    def found_cases(self) -> list[Case]:
        """The scans."""
        reading = Reading(Path(self.folder), self.labels, self.stride, self.cases, self.axis, self.layout)
        return reading.found_cases()

    @property
    def touched(self) -> set[str]:
        """Names of the cases that are updated afterwards."""
        return {*self.corrected, *self.proposed}


def play(asked: Asked) -> tuple[CohortLabels, list[Played]]:
    """The labels of the scans, and the gestures of this state that made them.

    Raises
    ------
    UserError
        ``bad_labels``, ``unknown_class``, and what cases and masks raise.
    """
    classes, cases = parse_mask_classes(asked.labels), asked.found_cases()
    sides = parse_sides(asked.sides) if "side" in asked.says else {}
    table, hand = with_sides(class_table(classes), sides), Hand(asked.state, len(classes))
    if asked.state == 0 and not asked.updated:
        for name in sides:
            hand.does("side", f"the side of {name}")
    mistakes = Mistakes.of(cases, [entry.name for entry in classes], asked.seed)
    before = read_label_file(Path(asked.before)) if asked.before else None
    volumes = []
    for case in (*cases, *cut(cases, asked.parts)):
        sitting = FollowingSitting(case, classes, hand, asked.seed, mistakes)
        if before is not None:
            sitting.labels = before.volume_for(case.name, None) or sitting.labels
        if case.name in asked.updated:
            masks, updated = (Path(one[case.name]) for one in (asked.masks, asked.updated))
            sitting.judges(masks, updated, _known(asked, case.name, sitting.labels, table), table)
        elif not asked.updated:
            volumes.append(_volume(asked, case, sitting, table))
            _machine(asked, case.name, hand)
            if ALL_OUTLINED not in asked.says and case.name not in asked.outlined and case in cases:
                sitting.reviews()
    if not (asked.touched or asked.effect or asked.updated or ALL_OUTLINED in asked.says):
        hand.does("button", "*Generate*")
    return CohortLabels(table, volumes), hand.log


def _known(asked: Asked, name: str, labels: VolumeLabels, table: ClassTable) -> dict[str, set[int]]:
    """Class -> slices that an update may not draw otherwise."""
    slices = {*asked.corrected.get(name, ()), *asked.corrected_before.get(name, ())}
    return {entry.name: slices | {*PAINTED.slices(labels, entry.name)} for entry in table}


def _machine(asked: Asked, name: str, hand: Hand) -> None:
    """Have the masks of a volume made, where that is done volume by volume."""
    hand.at(name)
    if asked.effect:
        hand.notes("button", "", None, "the effect of the editor")
    elif asked.corrected.get(name) or asked.proposed.get(name):
        hand.notes("button", "", None, "*Update*")
        hand.notes("wait", "", None, "for the update")


def _volume(asked: Asked, case: Case, sitting: FollowingSitting, table: ClassTable) -> VolumeLabels:
    """What is said of a volume, in the order in which it is said."""
    if asked.before:
        if proposed := [Proposal(**one) for one in asked.proposed.get(case.name, ())]:
            sitting.follows(proposed, Path(asked.masks[case.name]), table)
        return sitting.labels
    if asked.outlined and case.name not in asked.outlined:
        return sitting.labels
    is_first = asked.state == 0
    if asked.outlined:
        sitting.outlines(is_new=case.name in asked.outlined[asked.outlined_before :], drawn=True)
        return sitting.labels
    for said in asked.says:
        sitting.says(said, is_new=is_first)
    if asked.every:
        sitting.draws_every(asked.every)
    sitting.draws_again(asked.corrected_before.get(case.name, ()))
    if now := asked.corrected.get(case.name, ()):
        sitting.corrects(now, Path(asked.masks[case.name]), table)
    return sitting.labels


def play_apart(asked: Asked, out: Path) -> tuple[CohortLabels, list[Played]]:
    """What `play` gives, by way of a process of its own, of the label file ``out`` and the log beside it.

    Raises
    ------
    RuntimeError
        The process failed.
    """
    request = out.with_suffix(".asked.json")
    write_json(request, asdict(asked))
    command = [sys.executable, "-m", _MODULE, str(request), f"--out={out}"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        raise RuntimeError(f"the reader's process ended with {done.returncode}: {done.stderr.strip()}")
    return read_label_file(out), read_log(log_beside(out))


def log_beside(labels: Path) -> Path:
    """The log of a label file."""
    return labels.with_suffix(".jsonl")


def asked_from_json(data: Mapping[str, Any]) -> Asked:
    """What `asdict` made of it."""
    lists = {name: tuple(data[name]) for name in ("says", "every", "outlined")}
    parts = tuple((name, first, last) for name, first, last in data["parts"])
    return replace(Asked(data["folder"], data["labels"]), **{**data, **lists, "parts": parts})


@click.command()
@click.argument("request", type=EXISTING)
@click.option("--out", type=PLACE, required=True, help="Label file to write, JSON; the log is beside it.")
def main(request: Path, out: Path) -> None:
    """Write what a reader says who is asked for what is in REQUEST, and a log of what it costs."""
    labels, played = play(asked_from_json(read_json(request)))
    write_label_file(out, labels)
    write_log(log_beside(out), played)


if __name__ == "__main__":
    sys.exit(outcome(main))
