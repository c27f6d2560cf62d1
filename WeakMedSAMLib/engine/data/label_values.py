"""Which values label maps hold, against those that are asked for: a value that does not occur is no empty class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.likely_names import likely_pairs
from WeakMedSAMLib.engine.data.mask_tags import MaskClass

_MOST_VALUES = 12
_MOST_MASKS = 5


def require_values(found: Mapping[Path, frozenset[int]], classes: Sequence[MaskClass], option: str) -> list[Problem]:
    """Refuse classes that are in none of the masks.

    Parameters
    ----------
    found : mapping
        File of a mask -> the label values in it.
    classes : sequence of MaskClass
        What is asked for.
    option : str
        By which option, for the way out.

    Returns
    -------
    list of Problem
        Warnings: values of a class that occur nowhere though others of the class do; masks without a class.

    Raises
    ------
    UserError
        ``label_not_in_masks`` with the values that are there.
    """
    there = frozenset().union(*found.values())
    lacking = [entry for entry in classes if not holds(there, entry)]
    if lacking:
        raise _nowhere(list(found), there, lacking, option)
    return [*_rare_values(there, classes), *_incomplete_masks(found, classes)]


def too_small(path: Path, tags: VolumeLabels, values: frozenset[int], classes: Sequence[MaskClass]) -> list[Problem]:
    """Warn of classes that a mask shows, but on no slice that was tagged: too few pixels, or slices that are left out.

    Not of those that the whole scan is said to show.

    Parameters
    ----------
    path : Path
        The mask.
    tags : VolumeLabels
        Made from it.
    values : frozenset of int
        The label values in it.
    classes : sequence of MaskClass
        What was asked for.
    """
    shown = [entry for entry in classes if holds(values, entry)]
    said = {*(name for name, is_shown in SCAN_TAGS.shows(tags).items() if is_shown)}
    lost = [one for one in shown if one.name not in said and not (tags.state(one.name) == PRESENT).any()]
    if not lost:
        return []
    message = f"{path} shows {classes_in_words(lost)}, but on no slice that counts as present."
    return [Problem("warning", "class_too_small", message, "Ask for fewer pixels by --min-pixels, or for --stride 1.")]


def other_values(found: Mapping[Path, frozenset[int]], classes: Sequence[MaskClass], hint: str) -> list[Problem]:
    """Warn of masks that are not empty, but hold no value of any class: they may be numbered in another way.

    Parameters
    ----------
    found : mapping
        File of a mask -> the label values in it.
    classes : sequence of MaskClass
        What is asked for.
    hint : str
        The way out.
    """
    strange = [path for path, values in found.items() if values and not any(holds(values, entry) for entry in classes)]
    if not strange:
        return []
    message = f"{strange[0]} holds other values alone: {values_in_words(found[strange[0]])} ({len(strange)} such)."
    return [Problem("warning", "other_values_alone", message, hint)]


def crossed_pairs(masks: Sequence[Path], volumes: Sequence[Path]) -> list[Problem]:
    """Warn of the first mask that stands beside a volume while its name belongs to another one of them.

    Scans of one scanner have one grid, so that nothing but the names tells that two are mixed up.
    """
    names, others = [path.name for path in masks], [path.name for path in volumes]
    if len(set(names)) < len(names) or len(set(others)) < len(others):
        return []
    for name, other in likely_pairs(names, others):
        place, elsewhere = names.index(name), others.index(other)
        if place != elsewhere:
            message = f"{masks[place]} is given with {volumes[place]}, though by its name it belongs to {other!r}."
            hint = "Give --mask and --volume in the same order."
            return [Problem("warning", "masks_and_volumes_crossed", message, hint)]
    return []


def values_in_words(values: Iterable[int]) -> str:
    """Return the values that are there, 0 left out: the first few, and how many more."""
    ordered = sorted(values)
    more = len(ordered) - _MOST_VALUES
    return (", ".join(map(str, ordered[:_MOST_VALUES])) + (f" and {more} more" if more > 0 else "")) or "none but 0"


def classes_in_words(classes: Iterable[MaskClass]) -> str:
    """Return classes with their values, as ``'liver' (1), 'kidneys' (2+3)``."""
    return ", ".join(f"{entry.name!r} ({'+'.join(map(str, (*entry.values, *entry.segments)))})" for entry in classes)


def holds(values: frozenset[int], entry: MaskClass) -> bool:
    """Whether a mask with these values holds a class. One that is asked for by segment is refused in reading if not."""
    return bool(entry.segments) or not values.isdisjoint(entry.values)


def _nowhere(masks: Sequence[Path], there: frozenset[int], lacking: Sequence[MaskClass], option: str) -> UserError:
    where = str(masks[0]) if len(masks) == 1 else f"None of the {len(masks)} masks, such as {masks[0]},"
    holds = "holds nothing of" if len(masks) == 1 else "holds anything of"
    message = f"{where} {holds} {classes_in_words(lacking)}. Values that are there: {values_in_words(there)}."
    if not there:
        hint = "Check that these are the masks, and not empty ones."
    else:
        hint = f'Say which of these values it is, such as {option} "{lacking[0].name}={min(there)}", or leave it out.'
    return UserError("label_not_in_masks", message, hint)


def _rare_values(there: frozenset[int], classes: Sequence[MaskClass]) -> list[Problem]:
    rare = [(entry, values) for entry in classes if (values := sorted(set(entry.values) - there))]
    message = "The value {values} of the class {name!r} is in none of the masks; values that are there: {there}."
    return [
        Problem(
            "warning",
            "label_value_unused",
            message.format(values=values_in_words(values), name=entry.name, there=values_in_words(there)),
            "Check the number; the class is made of its other values.",
        )
        for entry, values in rare
    ]


def _incomplete_masks(found: Mapping[Path, frozenset[int]], classes: Sequence[MaskClass]) -> list[Problem]:
    problems = []
    for path, values in found.items():
        lacking = [entry for entry in classes if not holds(values, entry)]
        if lacking:
            message = f"{path} holds nothing of {classes_in_words(lacking)}. Its values: {values_in_words(values)}."
            hint = "That is right if the scan does not show it."
            problems.append(Problem("warning", "class_not_in_mask", message, hint))
    more = len(problems) - _MOST_MASKS
    if more > 0:
        message = f"{more} more of the {len(found)} masks lack a class."
        return [*problems[:_MOST_MASKS], Problem("warning", "class_not_in_mask", message, "")]
    return problems
