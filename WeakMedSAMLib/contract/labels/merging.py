"""Several sets of labels as one: of labels that contradict each other, those of the later set count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.classes import MAX_LABEL_VALUE, ClassTable, SegmentClass
from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.knowledge import Knowledge
from WeakMedSAMLib.contract.labels.cohort_labels import ONE_DIRECTION, CohortLabels
from WeakMedSAMLib.contract.labels.marks import MarkKind
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.spans import spans_in_words, spans_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels, label_kinds


def merge_cohorts(cohorts: Sequence[CohortLabels]) -> tuple[CohortLabels, list[Problem]]:
    """Make one of several sets of labels.

    Volumes are the same by their hash, or by name where one of them carries none. A class has the number, colour,
    terminology and key of the first set that says them; what is known of it is added, the later one counts.

    Parameters
    ----------
    cohorts : sequence of CohortLabels
        One or more; later ones count more.

    Returns
    -------
    CohortLabels
    list of Problem
        Warnings: where they contradict each other.

    Raises
    ------
    UserError
        ``numbering_differs``, ``tagged_in_two_directions``, and what `VolumeLabels.settled` and `CohortLabels` raise.
    """
    classes, problems = cohorts[0].classes, []
    for cohort in cohorts[1:]:
        classes, found = merge_classes(classes, cohort.classes)
        problems += found
    merged = CohortLabels(classes, cohorts[0].volumes)
    for cohort in cohorts[1:]:
        volumes = list(merged.volumes)
        for later in cohort.volumes:
            earlier, found = _same_volume(merged, later)
            problems += found
            if earlier is None:
                volumes.append(later)
                continue
            both, found = merge_volumes(earlier, later)
            volumes = [both if volume is earlier else volume for volume in volumes]
            problems += found
        merged = CohortLabels(classes, volumes)
    return merged, problems


def _same_volume(cohort: CohortLabels, volume: VolumeLabels) -> tuple[VolumeLabels | None, list[Problem]]:
    try:
        return cohort.volume_for(volume.name, volume.sha256), []
    except UserError as error:
        if error.code != "tags_for_other_volume":
            raise
    message = f"There are labels of two volumes named {volume.name!r}, with other voxels; they are kept apart."
    hint = "If it is one volume, give its scan too: --volume scan.nrrd"
    return None, [Problem("warning", "same_name_other_voxels", message, hint, {"name": volume.name})]


def merge_volumes(earlier: VolumeLabels, later: VolumeLabels) -> tuple[VolumeLabels, list[Problem]]:
    """Return all labels of a volume; it keeps the earlier name. Raises as `merge_cohorts`."""
    if earlier.axis != later.axis:
        earlier, later = _along_one_axis(earlier, later)
    if earlier.numbering != later.numbering and _lies_along_k(earlier) and _lies_along_k(later):
        raise _numbering_differs(earlier, later)
    n_slices, size = earlier.n_slices or later.n_slices, earlier.size or later.size
    if n_slices is not None:
        earlier, later = earlier.settled(n_slices, size), later.settled(n_slices, size)
    problems = _contradictions(earlier, later)
    both, _ = later.with_below(earlier)
    numbering = earlier.numbering or later.numbering
    both = replace(both, name=earlier.name, sha256=earlier.sha256 or later.sha256, numbering=numbering)
    return both, problems


def merge_classes(earlier: ClassTable, later: ClassTable) -> tuple[ClassTable, list[Problem]]:
    """Return the classes of both tables, those of the first one first, and where they contradict each other."""
    entries, problems = list(earlier), []
    for entry in later:
        table = ClassTable(entries)
        if entry.name not in table.names:
            entries.append(_fitted(entry, table))
            continue
        at = table.index(entry.name)
        first = entries[at]
        known, changed = _merged_knowledge(first.known, entry.known)
        words = {
            name: value or getattr(entry, name) for name in ("terminology",) if not (value := getattr(first, name))
        }
        entries[at] = replace(first, known=known, **words)
        if entry.label_value != first.label_value:
            message = f"Class {entry.name!r} has the label values {first.label_value} and {entry.label_value}."
            values = {"name": entry.name, "first": first.label_value, "later": entry.label_value}
            problems.append(Problem("warning", "label_values_differ", message, "The first one counts.", values))
        if changed:
            message = f"What is known of class {entry.name!r} differs: {', '.join(changed)}."
            values = {"name": entry.name, "names": changed}
            problems.append(Problem("warning", "knowledge_differs", message, "What was said later counts.", values))
    return ClassTable(entries), problems


def _fitted(entry: SegmentClass, table: ClassTable) -> SegmentClass:
    """A class with a label value and a key that no class of the table has."""
    taken = set(table.label_values)
    value = entry.label_value
    if value in taken:
        value = next((each for each in range(1, MAX_LABEL_VALUE + 1) if each not in taken), value)
    is_free = entry.shortcut not in {each.shortcut for each in table}
    return replace(entry, label_value=value, shortcut=entry.shortcut if is_free else "")


def _merged_knowledge(earlier: Knowledge, later: Knowledge) -> tuple[Knowledge, list[str]]:
    """What both say, the later one first; and the names of what they say differently."""
    nothing, merged, changed = Knowledge(), {}, []
    for one in fields(Knowledge):
        first, second, unsaid = (getattr(each, one.name) for each in (earlier, later, nothing))
        merged[one.name] = first if second == unsaid else second
        if unsaid not in (first, second) and first != second:
            changed.append(one.name)
    if None not in (merged["smallest_ml"], merged["largest_ml"]) and merged["smallest_ml"] > merged["largest_ml"]:
        merged |= {name: getattr(later, name) for name in ("smallest_ml", "largest_ml")}
        changed.append("smallest_ml")
    return Knowledge(**merged), changed


def _along_one_axis(earlier: VolumeLabels, later: VolumeLabels) -> tuple[VolumeLabels, VolumeLabels]:
    """Both along the axis of the one with slice tags: points and boxes lie at voxels, whatever the slices are."""
    for one, other in ((earlier, later), (later, earlier)):
        kinds = [label_kinds().get(name) for name in other.further]
        of_no_slice = all(isinstance(kind, MarkKind) or kind is SCAN_TAGS for kind in kinds)
        if of_no_slice and not other.states and not other.rest_is_absent:
            n_slices = None if other.size is None else other.size["ijk".index(one.axis)]
            turned: dict[str, Any] = {"axis": one.axis, "n_slices": n_slices, "states": {}}
            along = replace(other, **turned)
            return (one, along) if one is earlier else (along, one)
    message = f"The volume {earlier.name!r} is tagged in two directions: along {earlier.axis} and along {later.axis}."
    values = {"name": earlier.name, "axes": [earlier.axis, later.axis]}
    raise UserError("tagged_in_two_directions", message, ONE_DIRECTION, values)


def _lies_along_k(labels: VolumeLabels) -> bool:
    """Whether it makes a difference from which end slices along k are counted."""
    of_slices = [kind for kind in labels.kinds() if kind is not SCAN_TAGS and kind.said(labels)]
    return bool(of_slices) and (labels.axis == "k" or any(kind.name in labels.further for kind in of_slices))


def _numbering_differs(earlier: VolumeLabels, later: VolumeLabels) -> UserError:
    words = {"slicer": "as 3D Slicer does", "file": "as the file does", None: "in a way that is not said"}
    ways = " and ".join(words[each.numbering] for each in (earlier, later))
    message = f"The labels of {earlier.name!r} count its slices {ways}; which slices these are, its scan alone says."
    return UserError("numbering_differs", message, "Give the scan too: --volume scan.nrrd", {"name": earlier.name})


def _contradictions(earlier: VolumeLabels, later: VolumeLabels) -> list[Problem]:
    """What labels of one kind say differently of a slice or of a place; across kinds the more trusted one counts.

    That a class is nowhere else yields to what another file says of a slice. Where a later file says that, it is told.
    """
    problems, hint = [], "The later file counts."
    for name in dict.fromkeys([*earlier.class_names(), *later.class_names()]):
        slices = _clash(earlier, later, name)
        if slices:
            message = f"Volume {earlier.name!r}: class {name!r} is tagged in two ways on slices {slices}."
            values = {"name": earlier.name, "class": name, "slices": slices}
            problems.append(Problem("warning", "merged_tags_differ", message, hint, values))
        shown = _shown_elsewhere(earlier, later, name)
        if shown:
            message = (
                f"Volume {earlier.name!r}: a later file says that class {name!r} is nowhere else, an earlier one shows "
                f"it on slices {shown}, which counts."
            )
            values = {"name": earlier.name, "class": name, "slices": shown}
            way_out = "Tag these slices absent if they do not show it."
            problems.append(Problem("warning", "merged_rest_differs", message, way_out, values))
    _, differing = replace(later, states={}).with_below(replace(earlier, states={}))
    if differing:
        message = f"Volume {earlier.name!r}: two files say different things of {counted(differing, 'place')}."
        problems.append(
            Problem("warning", "merged_marks_differ", message, hint, {"name": earlier.name, "count": differing})
        )
    return problems


def _clash(earlier: VolumeLabels, later: VolumeLabels, name: str) -> str:
    """The slices, in words, on which both have a tag, and not the same."""
    one, other = _stated(earlier, later, name)
    return spans_in_words(spans_of(((one != UNTAGGED) & (other != UNTAGGED) & (one != other)).astype(np.int8), 1))


def _shown_elsewhere(earlier: VolumeLabels, later: VolumeLabels, name: str) -> str:
    """The slices, in words, that the earlier one shows although the later one says that the class is nowhere else."""
    one, other = _stated(earlier, later, name)
    shown = (one == PRESENT) & (other == UNTAGGED) & later.is_rest_absent(name)
    return spans_in_words(spans_of(shown.astype(np.int8), 1))


def _stated(earlier: VolumeLabels, later: VolumeLabels, name: str) -> tuple[np.ndarray, np.ndarray]:
    """What each says of slices themselves, as far as the longer one reaches."""
    one, other = earlier.stated(name), later.stated(name)
    length = max(one.size, other.size)
    one, other = (np.pad(row, (0, length - row.size), constant_values=UNTAGGED) for row in (one, other))
    return one, other
