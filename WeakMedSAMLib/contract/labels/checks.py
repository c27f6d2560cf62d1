"""What stands in the way of learning from the tags of a cohort, said before anything is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from WeakMedSAMLib.contract.labels.slice_tags import PRESENT
from WeakMedSAMLib.contract.likely_names import named, same_but_for_writing

if TYPE_CHECKING:
    from WeakMedSAMLib.contract.labels.cohort_labels import CohortTags

NEARLY_THE_SAME = 0.95
FEW_PRESENT = 5
FEW_ABSENT = 10
FEW_VOLUMES = 8


@dataclass(frozen=True)
class Problem:
    """One thing that stops a run (``"error"``) or makes its masks worse (``"warning"``), and the way out."""

    severity: Literal["error", "warning"]
    code: str
    message: str
    hint: str


@dataclass(frozen=True)
class Overlap:
    """How far the present slices of two classes are the same: slices with both / slices with either, 0..1."""

    first: str
    second: str
    jaccard: float


def check(cohort: CohortTags) -> list[Problem]:
    """List what is wrong with the tags of a cohort, errors first.

    Parameters
    ----------
    cohort : CohortTags
        With volumes settled or not.

    Returns
    -------
    list of Problem
        Empty if there is nothing to say.
    """
    if not cohort.classes:
        return [Problem("error", "no_classes", "There is no class.", "Add a class, then tag slices.")]
    if not any(_tagged_volumes(cohort, name) for name in cohort.classes.names):
        hint = "Tag the first and the last slice that show a class."
        return [Problem("error", "no_tags", "No slice is tagged.", hint)]
    problems = [problem for name in cohort.classes.names for problem in _class_problems(cohort, name)]
    problems += [*_name_problems(cohort), *_overlap_problems(cohort), *_cohort_problems(cohort)]
    return sorted(problems, key=lambda problem: problem.severity)


def overlaps(cohort: CohortTags) -> list[Overlap]:
    """Compare the present slices of every two classes over the whole cohort.

    Returns
    -------
    list of Overlap
        One entry a pair of which at least one class is present somewhere, in table order.
    """
    names = cohort.classes.names
    if not cohort.volumes:
        return []
    present = {name: _present_slices(cohort, name) for name in names}
    result = []
    for first, second in combinations(names, 2):
        either = len(present[first] | present[second])
        if either:
            result.append(Overlap(first, second, len(present[first] & present[second]) / either))
    return result


def _present_slices(cohort: CohortTags, class_name: str) -> set[tuple[int, int]]:
    return {
        (number, int(index))
        for number, volume in enumerate(cohort.volumes)
        for index in np.flatnonzero(volume.state(class_name) == PRESENT)
    }


def _tagged_volumes(cohort: CohortTags, class_name: str) -> int:
    counts = [(volume, volume.counts(class_name)) for volume in cohort.volumes]
    return sum(class_name in volume.rest_is_absent or found.present + found.absent > 0 for volume, found in counts)


def _class_problems(cohort: CohortTags, name: str) -> Iterator[Problem]:
    present, absent, _ = cohort.counts(name)
    rest_pending = any(name in volume.rest_is_absent for volume in cohort.volumes)
    if present == 0:
        message = f"Class {name!r} is present on no slice."
        others = [other for other in cohort.classes.names if cohort.counts(other).present]
        hint = "Tag a slice that shows it, or remove the class." + (f" Present: {named(others)}." if others else "")
        yield Problem("error", "class_never_present", message, hint)
    elif absent == 0 and not rest_pending:
        message = f"Class {name!r} is absent on no slice of the whole cohort, so that nothing tells it from the rest."
        hint = "Tag slices that do not show it, or a volume without it; 'Rest is absent' does it for untagged slices."
        yield Problem("error", "class_never_absent", message, hint)
    if 0 < present < FEW_PRESENT:
        message = f"Class {name!r} is present on {_counted(present, 'slice')} only."
        hint = f"Tag more slices that show it, at least {FEW_PRESENT}."
        yield Problem("warning", "few_present_slices", message, hint)
    if present and 0 < absent < FEW_ABSENT and not rest_pending:
        message = f"Class {name!r} is absent on {_counted(absent, 'slice')} only."
        hint = f"Masks get better with more slices that do not show it: tag at least {FEW_ABSENT}."
        yield Problem("warning", "few_absent_slices", message, hint)


def _name_problems(cohort: CohortTags) -> Iterator[Problem]:
    for first, second in combinations(cohort.classes.names, 2):
        if same_but_for_writing(first, second):
            message = f"The classes {first!r} and {second!r} have nearly the same name, and are learnt as two."
            yield Problem("warning", "classes_alike", message, "If they are one class, give it one name.")


def _overlap_problems(cohort: CohortTags) -> Iterator[Problem]:
    for overlap in overlaps(cohort):
        if overlap.jaccard >= NEARLY_THE_SAME:
            message = f"The classes {overlap.first!r} and {overlap.second!r} are tagged on nearly the same slices."
            hint = "Tags alone cannot tell them apart: merge them, or tag volumes where one appears without the other."
            yield Problem("warning", "classes_overlap", message, hint)


def _cohort_problems(cohort: CohortTags) -> Iterator[Problem]:
    tagged = max(_tagged_volumes(cohort, name) for name in cohort.classes.names)
    if tagged < FEW_VOLUMES:
        message = f"Tagged so far: {_counted(tagged, 'volume')}."
        hint = "The number of tagged volumes decides how good the masks get: tag more volumes, 8 or better 30."
        yield Problem("warning", "one_volume" if tagged == 1 else "few_volumes", message, hint)
    unhashed = [volume.name for volume in cohort.volumes if volume.sha256 is None]
    if unhashed:
        yield matched_by_name(len(unhashed), repr(unhashed[0]))


def matched_by_name(number: int, one: str) -> Problem:
    """The warning that nothing but the names says that tags are of these volumes, one of which is called ``one``."""
    message = f"Matched to their tags by name alone: {_counted(number, 'volume')}, such as {one}."
    return Problem("warning", "matched_by_name", message, "Make sure that they are these very scans.")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
