"""What stands in the way of learning from the labels of a cohort, said before anything is run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.knowledge import SIDES, Knowledge
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.marks import MarkKind
from WeakMedSAMLib.contract.labels.painted import PaintedKind
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels, label_kinds
from WeakMedSAMLib.contract.likely_names import did_you_mean, list_names, same_but_for_writing

FEW_PRESENT = 5
FEW_ABSENT = 10
FEW_VOLUMES = 8


def check(cohort: CohortLabels) -> list[Problem]:
    """List what is wrong with the labels of a cohort, errors first.

    Parameters
    ----------
    cohort : CohortLabels
        With volumes settled or not.

    Returns
    -------
    list of Problem
        Empty if there is nothing to say.
    """
    if not cohort.classes:
        return [Problem("error", "no_classes", "There is no class.", "Add a class, then tag slices.")]
    said = {name: [volume.presence(name) for volume in cohort.volumes] for name in cohort.classes.names}
    spoken_of = [{name for kind in volume.kinds() for name in kind.said(volume)} for volume in cohort.volumes]
    tagged = max(sum(name in names for names in spoken_of) for name in cohort.classes.names)
    if not tagged:
        hint = "Tag the first and the last slice that show a class."
        return [Problem("error", "no_tags", "No slice is tagged.", hint), *kind_problems(cohort)]
    problems = [*_class_problems(cohort, said), *_name_problems(cohort), *kind_problems(cohort)]
    problems += [*_knowledge_problems(cohort.classes), *_cohort_problems(cohort, tagged)]
    return sorted(problems, key=lambda problem: problem.severity)


def matched_by_name(number: int, one: str) -> Problem:
    """The warning that nothing but the names says that tags are of these volumes, one of which is called ``one``."""
    message = f"Matched to their tags by name alone: {counted(number, 'volume')}, such as {one}."
    return Problem(
        "warning", "matched_by_name", message, "Make sure that they are these very scans.", {"count": number}
    )


def _class_problems(cohort: CohortLabels, said: dict[str, list[np.ndarray]]) -> Iterator[Problem]:
    present = {name: sum(int(np.count_nonzero(row == PRESENT)) for row in rows) for name, rows in said.items()}
    shown = [name for name in cohort.classes.names if present[name]]
    marked = _marked_classes(cohort)
    for name, rows in said.items():
        absent = sum(int(np.count_nonzero(row == ABSENT)) for row in rows)
        rest_pending = any(_is_rest_pending(volume, name) for volume in cohort.volumes)
        bags = sum(SCAN_TAGS.is_open(volume, name) for volume in cohort.volumes)
        if not present[name] and bags:
            message = (
                f"Class {name!r} is tagged on no slice; {counted(bags, 'scan')} show it, nobody says on which slices."
            )
            hint = "Masks get far better with slices of some scans tagged."
            yield Problem("warning", "scan_tags_alone", message, hint, {"names": [name], "count": bags})
        elif not present[name]:
            message = f"Class {name!r} is present on no slice."
            others = f" Present: {list_names(shown)}." if shown else ""
            hint = f"Tag a slice that shows it, or remove the class.{others}"
            yield Problem("error", "class_never_present", message, hint, {"names": [name]})
        elif present[name] < FEW_PRESENT and name not in marked:
            message = f"Class {name!r} is present on {counted(present[name], 'slice')} only."
            hint = f"Tag more slices that show it, at least {FEW_PRESENT}."
            values = {"names": [name], "count": present[name], "aim": FEW_PRESENT}
            yield Problem("warning", "few_present_slices", message, hint, values)
        if (present[name] or bags) and not rest_pending:
            yield from _absence_problems(name, absent, name in marked)


def _is_rest_pending(volume: VolumeLabels, name: str) -> bool:
    """Whether slices of a class become absent once it is known how many there are."""
    in_scan = volume.n_slices is None and SCAN_TAGS.lacks(volume, name)
    return name in volume.rest_is_absent or in_scan


def _marked_classes(cohort: CohortLabels) -> set[str]:
    """The classes with points, boxes or pixels, which say what of a slice shows a class, and what does not."""
    kinds = [kind for kind in label_kinds().values() if isinstance(kind, MarkKind | PaintedKind)]
    return {name for volume in cohort.volumes for kind in kinds for name in kind.class_names(volume)}


def _absence_problems(name: str, absent: int, is_marked: bool) -> Iterator[Problem]:
    hint = "Tag slices that do not show it, or a volume without it; 'Rest is absent' does it for untagged slices."
    if absent == 0 and is_marked:
        message = (
            f"Class {name!r} is absent on no slice of the whole cohort; marks and painted slices alone tell it apart."
        )
        yield Problem("warning", "class_never_absent", message, hint, {"names": [name]})
    elif absent == 0:
        message = f"Class {name!r} is absent on no slice of the whole cohort, so that nothing tells it from the rest."
        yield Problem("error", "class_never_absent", message, hint, {"names": [name]})
    elif absent < FEW_ABSENT and not is_marked:
        message = f"Class {name!r} is absent on {counted(absent, 'slice')} only."
        hint = f"Masks get better with more slices that do not show it: tag at least {FEW_ABSENT}."
        values = {"names": [name], "count": absent, "aim": FEW_ABSENT}
        yield Problem("warning", "few_absent_slices", message, hint, values)


def _knowledge_problems(classes: ClassTable) -> Iterator[Problem]:
    """What is known of classes that are inside of others, against those."""
    known = {entry.name: entry.known for entry in classes}
    for name, knowledge in known.items():
        outer = knowledge.inside_of
        if outer is None:
            continue
        values = {"name": name, "outer": outer}
        if outer not in known:
            message = f"Class {name!r} is said to be inside of {outer!r}, which is no class."
            hint = f"{did_you_mean(outer, known)} Until it is corrected, that is not used.".strip()
            yield Problem("warning", "inside_of_unknown", message, hint, values)
        elif name in classes.around(outer):
            message = f"Class {name!r} is said to be inside of {outer!r}, and that inside of {name!r}."
            yield Problem("warning", "inside_of_circle", message, "Take one of both back.", values)
        elif words := _misfit(knowledge, known[outer]):
            message = f"Class {name!r} is said to be inside of {outer!r}, but {words}."
            yield Problem("warning", "inside_of_misfit", message, "Correct what is known of one of them.", values)


def _misfit(inner: Knowledge, outer: Knowledge) -> str:
    if inner.smallest_ml is not None and outer.largest_ml is not None and inner.smallest_ml > outer.largest_ml:
        return f"at least {inner.smallest_ml} ml large, the other {outer.largest_ml} ml at most"
    if inner.side and outer.side and inner.side != outer.side and SIDES[inner.side][0] == SIDES[outer.side][0]:
        return f"lies {inner.side}, the other {outer.side}"
    return ""


def _name_problems(cohort: CohortLabels) -> Iterator[Problem]:
    for first, second in combinations(cohort.classes.names, 2):
        if same_but_for_writing(first, second):
            message = f"The classes {first!r} and {second!r} have nearly the same name, and are learnt as two."
            hint = "If they are one class, give it one name."
            yield Problem("warning", "classes_alike", message, hint, {"names": [first, second]})


def kind_problems(cohort: CohortLabels) -> Iterator[Problem]:
    """What each kind of label finds wrong with what it says, whether anything is learned from it or not."""
    kinds = {kind.name: kind for volume in cohort.volumes for kind in volume.kinds()}
    for kind in kinds.values():
        yield from kind.check(cohort.classes, cohort.volumes)


def _cohort_problems(cohort: CohortLabels, tagged: int) -> Iterator[Problem]:
    if tagged < FEW_VOLUMES:
        message = f"Tagged so far: {counted(tagged, 'volume')}."
        hint = "The number of tagged volumes decides how good the masks get: tag more volumes, 8 or better 30."
        values = {"count": tagged}
        yield Problem("warning", "one_volume" if tagged == 1 else "few_volumes", message, hint, values)
    unhashed = [volume.name for volume in cohort.volumes if volume.sha256 is None]
    if unhashed:
        yield matched_by_name(len(unhashed), repr(unhashed[0]))
