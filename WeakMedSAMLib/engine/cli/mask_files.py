"""Masks among label files: what is drawn in a label map or a segmentation of 3D Slicer, as painted labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.mask_painting import (
    SHOWN_ALONE,
    classes_of_segments,
    put_painted,
    scribbles_unknown,
)
from WeakMedSAMLib.contract.labels.merging import merge_classes
from WeakMedSAMLib.contract.labels.mrk_json import NOT
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import UNKNOWN
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.spans import slices_in_words
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.likely_names import list_names
from WeakMedSAMLib.engine.cli.mask_labels import parse_painted_slices
from WeakMedSAMLib.engine.data.label_values import values_in_words
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, class_table, parse_mask_classes, unknown_of
from WeakMedSAMLib.engine.data.segmentations import MaskFile, read_mask
from WeakMedSAMLib.engine.data.volumes import volume_name

if TYPE_CHECKING:
    from WeakMedSAMLib.engine.cli.options import MaskReading
    from WeakMedSAMLib.engine.data.volumes import Scan


@dataclass(frozen=True)
class _Asked:
    """A class, what of a file shows it, and what says where it is not: then other pixels are unknown."""

    name: str
    shows: MaskClass | None
    shows_not: MaskClass | None = None


def read_mask_labels(
    path: Path, scan: Scan | None, blank: VolumeLabels | None, axis: str, reading: MaskReading
) -> tuple[CohortLabels, list[Problem], frozenset[int]]:
    """Read what is drawn in a file as painted labels of its volume, by the rules of ``tags from-mask``.

    Every slice is drawn, or those that ``reading`` names. Where a label map has 255 nothing is known; of a class that
    has scribbles (its segment, and one called ``not`` and its name) nothing but these.

    Parameters
    ----------
    path : Path
    scan : Scan, optional
        What it is drawn on; without it slices are counted by what the file says.
    blank : VolumeLabels, optional
        Labels of the scan that say nothing, which are filled.
    axis : str
        Of the slices, without a scan.
    reading : MaskReading
        Which values or segments are which class, which slices count; the label values of the classes that are known
        say the former where it does not.

    Returns
    -------
    CohortLabels
        The classes that are painted, with the one volume.
    list of Problem
        Warnings: how it was read, what was not.
    frozenset of int
        Label values that occur.

    Raises
    ------
    UserError
        ``labels_needed``, ``segment_ambiguous``, ``segmentation_empty``, ``grids_differ`` and what `read_mask`,
        `MaskFile.mask`, `parse_painted_slices` and `parse_mask_classes` raise.
    """
    chosen = parse_painted_slices(reading.slices) if reading.slices else None
    drawn, known = read_mask(path), reading.known or ClassTable()
    asked = _asked(drawn, reading, known)
    if scan is None or blank is None:
        placed = drawn.on_its_scan()
        size = placed.geometry.size
        labels = VolumeLabels(volume_name(path), None, axis, size["ijk".index(axis)], "slicer", size)
    else:
        placed, labels = drawn.on(scan.geometry, scan.path), blank
    problems = [Problem("warning", note.code, note.message, note.hint, note.values) for note in placed.notes]
    classes = [entry.shows for entry in asked if entry.shows is not None]
    masks, unknown, left = _masks(placed, asked, classes, keeps_empty=bool(reading.labels))
    if not masks:
        raise UserError("segmentation_empty", f"Nothing is drawn in {path}.", "Draw or export segments first.")
    put_painted(labels, masks, unknown, range(labels.n_slices or 0) if chosen is None else chosen)
    problems += [_told(path, labels, list(masks)), *_unread(drawn, classes, left)]
    table = _table([entry for entry in classes if entry.name in masks], masks, known)
    return CohortLabels(table, [labels]), problems, frozenset(drawn.values)


def _masks(
    placed: MaskFile, asked: Sequence[_Asked], classes: Sequence[MaskClass], keeps_empty: bool
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], list[str]]:
    """By class where it is and where nothing is known; and the classes that are left out, as nothing is drawn."""
    hidden = unknown_of(placed, classes)
    masks, unknown, left = {}, {}, []
    for entry in asked:
        nothing = np.zeros(hidden.shape, bool)
        mask = nothing if entry.shows is None else placed.mask(entry.shows)
        elsewhere = nothing if entry.shows_not is None else placed.mask(entry.shows_not)
        if not (keeps_empty or mask.any() or elsewhere.any()):
            left.append(entry.name)
            continue
        masks[entry.name] = mask
        unknown[entry.name] = hidden if entry.shows_not is None else scribbles_unknown(mask, elsewhere)
    return masks, unknown, left


def _asked(drawn: MaskFile, reading: MaskReading, known: ClassTable) -> list[_Asked]:
    """What of a file is which class: as was said, else segments by name, and values of a label map by the classes."""
    if reading.labels:
        return [_Asked(entry.name, entry, _opposite(drawn, entry)) for entry in parse_mask_classes(reading.labels)]
    if drawn.segments:
        _require_told_apart(drawn)
        return [
            _Asked(one.name, _segment(one.name, one.shows), _segment(one.name, one.shows_not))
            for one in classes_of_segments(drawn.names, known.names)
        ]
    there = frozenset(drawn.values)
    found = [MaskClass(entry.name, (entry.label_value,)) for entry in known if entry.label_value in there]
    if not found:
        raise _labels_needed(drawn, known)
    return [_Asked(entry.name, entry) for entry in found]


def _require_told_apart(drawn: MaskFile) -> None:
    """Refuse segments whose names differ by large and small letters alone: one of them would be passed over."""
    found: dict[str, str] = {}
    for name in drawn.names:
        other = found.setdefault(name.casefold(), name)
        if other != name:
            message = f"{drawn.path} has the segments {other!r} and {name!r}, which is one name for a class."
            raise UserError("segment_ambiguous", message, f'Say which count: --labels "{name}={other}+{name}".')


def _opposite(drawn: MaskFile, entry: MaskClass) -> MaskClass | None:
    """The segments that say where a class is not, by its name or by those of its segments."""
    meant = (one.name for one in drawn.segments if one.id in entry.segments)
    names = {f"{NOT}{name}".casefold() for name in (entry.name, *entry.segments, *meant)}
    found = tuple(name for name in drawn.names if name.casefold() in names)
    return MaskClass(entry.name, (), found) if found else None


def _segment(class_name: str, name: str | None) -> MaskClass | None:
    return None if name is None else MaskClass(class_name, (), (name,))


def _table(classes: Sequence[MaskClass], names: Iterable[str], known: ClassTable) -> ClassTable:
    """The classes as other files know them; new ones with the first label value of each, or a free one."""
    told = ClassTable(entry for entry in known if entry.name in names)
    return merge_classes(told, class_table([entry for entry in classes if entry.name not in told.names]))[0]


def _told(path: Path, labels: VolumeLabels, names: Sequence[str]) -> Problem:
    """How a mask was read: a slice on which nothing is drawn says that the class is not there."""
    parts = []
    for name in names:
        found = PAINTED.slices(labels, name)
        drawn = [index for index, one in found.items() if one.is_whole and one.shows]
        empty = sum(1 for one in found.values() if one.is_whole and not one.shows)
        scribbled = [index for index, one in found.items() if not one.is_whole]
        words = [
            f"drawn on {slices_in_words(drawn)}" if drawn else "",
            f"drawn empty, so absent, on {counted(empty, 'slice')}" if empty else "",
            f"scribbled on {slices_in_words(scribbled)}" if scribbled else "",
        ]
        parts.append(f"{name!r} is {', '.join(word for word in words if word) or 'unknown on every slice'}")
    hint = f"If other slices count: --slices 3,8-10, or --slices {SHOWN_ALONE} for those that show a class."
    return Problem("warning", "read_as_painted", f"{path}: {'; '.join(parts)}.", hint, {"file": str(path)})


def _unread(drawn: MaskFile, classes: Sequence[MaskClass], left: Sequence[str]) -> Iterator[Problem]:
    """What of a file says nothing: classes without a voxel, values of a label map that are no class."""
    if left:
        message = f"{drawn.path} has nothing of {list_names(left)}: that says nothing of them."
        hint = f'If they are absent, name them: --labels "{left[0]}={left[0]}".'
        yield Problem("warning", "class_not_in_mask", message, hint, {"names": list(left)})
    read = {value for entry in classes for value in entry.values} | {UNKNOWN}
    if not drawn.segments and (unread := sorted({*drawn.values} - read)):
        message = f"{drawn.path}: no class has the label value {values_in_words(unread)}; there no class is shown."
        hint = "Say which class it is by --labels, such as liver=1,cyst=2."
        yield Problem("warning", "other_values", message, hint, {"values": unread})


def _labels_needed(drawn: MaskFile, known: ClassTable) -> UserError:
    message = f"{drawn.path} is a label map, and does not say which class its values are: "
    message += f"{values_in_words(drawn.values)}."
    if len(known):
        message += f" The classes have others: {', '.join(f'{e.name!r} {e.label_value}' for e in known)}."
    hint = "Say it by --labels liver=1,cyst=2, or give a label file of classes with these label values, too."
    return UserError("labels_needed", message, hint, {"file": str(drawn.path)})
