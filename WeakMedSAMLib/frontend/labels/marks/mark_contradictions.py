"""Which labels of a volume contradict each other, or what is known of their class, and where. Neither Qt nor MRML."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.contradictions import contradictions, marks_on_other_side
from WeakMedSAMLib.contract.labels.marks import slices_of
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels.marks.contradiction_words import (
    TAGS,
    countingInWords,
    pairInWords,
    problemInWords,
    sideProblemInWords,
)
from WeakMedSAMLib.frontend.labels.marks.mark_finding import Mark
from WeakMedSAMLib.frontend.labels.marks.voxel_grid import VoxelGrid
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode

# Kind of label that counts, by the code of what a check has found.
_COUNTS = {
    "point_outside_boxes": POINTS.name,
    "points_contradict": POINTS.name,
    "point_against_painted": PAINTED.name,
    "scan_tag_contradicted": TAGS,
}


@dataclass(frozen=True)
class Wrong:
    """Labels of a class that contradict each other, or what is known of it.

    Attributes
    ----------
    className : str
    slices : tuple of int
    words : str
        What is said, which counts, and why.
    short : str
        Which counts; may be empty.
    marks : tuple of Mark
        The points and boxes that it is about; none where only others are.
    """

    className: str
    slices: tuple[int, ...]
    words: str
    short: str
    marks: tuple[Mark, ...] = ()


def contradictionsOf(labels: VolumeLabels, classes: ClassTable, volumeNode: VolumeNode | None) -> list[Wrong]:
    """Return what contradicts in a volume, of the classes of a table.

    Parameters
    ----------
    labels : VolumeLabels
    classes : ClassTable
    volumeNode : vtkMRMLScalarVolumeNode or None
        The volume; without it nothing is said of sides.
    """
    if not labels.further:
        return []
    found = [*_ofKinds(labels), *_ofChecks(labels, classes)]
    if volumeNode is not None and labels.size is not None:
        found += _onOtherSide(labels, classes, VoxelGrid.of(volumeNode))
    return [each for each in found if each.className in classes.names]


def bySlice(found: Iterable[Wrong]) -> dict[str, dict[int, str]]:
    """Return class -> slice -> what contradicts there, in words, a line each."""
    lines: dict[str, dict[int, dict[str, None]]] = {}
    for each in found:
        for index in each.slices:
            lines.setdefault(each.className, {}).setdefault(index, {})[each.words] = None
    return {name: {index: "\n".join(texts) for index, texts in slices.items()} for name, slices in lines.items()}


def byMark(found: Iterable[Wrong]) -> dict[Mark, str]:
    """Return mark -> what contradicts it, in words, a line each."""
    lines: dict[Mark, dict[str, None]] = {}
    for each in found:
        for mark in each.marks:
            lines.setdefault(mark, {})[each.words] = None
    return {mark: "\n".join(texts) for mark, texts in lines.items()}


def shortOf(found: Iterable[Wrong], className: str, index: int) -> tuple[str, ...]:
    """Return which labels of a class count on a slice where some contradict, each once; empty where none do."""
    here = (each.short for each in found if each.className == className and index in each.slices)
    return tuple(dict.fromkeys(here))


def _ofKinds(labels: VolumeLabels) -> Iterator[Wrong]:
    """What two kinds say of the same slice."""
    for one in contradictions(labels):
        if (one.trusted, one.other) == (PAINTED.name, POINTS.name):
            continue  # the check says it of each point
        row = labels.presence(one.class_name)
        for isShown in (True, False):
            slices = tuple(index for index in one.slices if (row[index] == PRESENT) == isShown)
            if slices:
                words = pairInWords(one.trusted, one.other, isShown)
                marks = _marksOn(labels, one.class_name, slices, {one.trusted, one.other})
                yield Wrong(one.class_name, slices, words, countingInWords(one.trusted), marks)


def _marksOn(labels: VolumeLabels, className: str, slices: Sequence[int], kinds: set[str]) -> tuple[Mark, ...]:
    marks = (mark for kind in (BOXES, POINTS) if kind.name in kinds for mark in kind.marks(labels, className))
    return tuple(mark for mark in marks if mark.shows and _meets(slices_of(mark, labels), slices))


def _meets(span: tuple[int, int], slices: Sequence[int]) -> bool:
    """Whether a first and a last slice have one of some between them; these are in order."""
    position = bisect_left(slices, span[0])
    return position < len(slices) and slices[position] <= span[1]


def _ofChecks(labels: VolumeLabels, classes: ClassTable) -> Iterator[Wrong]:
    """What the kinds themselves find wrong."""
    for kind in labels.kinds():
        for problem in kind.check(classes, [labels]):
            values = problem.values
            both = values.get("first"), values.get("second")
            pairs = (both, both[::-1]) if "first" in values else ((values.get("class"), ""),)
            for name, other in pairs:
                words, slices = problemInWords(problem.code, str(other)), _slicesOf(values, labels)
                if words and slices:
                    marks = _marksAt(labels, str(name), values.get("voxel"))
                    yield Wrong(str(name), slices, words, countingInWords(_COUNTS.get(problem.code, "")), marks)


def _slicesOf(values: Mapping[str, object], labels: VolumeLabels) -> tuple[int, ...]:
    """The slices that a problem names, by one of them, several, a voxel; else all."""
    if isinstance(voxel := values.get("voxel"), list):
        return (int(voxel[labels.axis_index]),)
    named = str(values.get("slice", values.get("slices", "")))
    if not named:
        return tuple(range(labels.n_slices or 0))
    found: list[int] = []
    for span in named.split(", "):
        first, _dash, last = span.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def _marksAt(labels: VolumeLabels, className: str, voxel: object) -> tuple[Mark, ...]:
    return tuple(point for point in POINTS.marks(labels, className) if list(point.voxel) == voxel)


def _onOtherSide(labels: VolumeLabels, classes: ClassTable, grid: VoxelGrid) -> Iterator[Wrong]:
    """Marks that lie on the other side than what is known of their class."""
    for mark, side in marks_on_other_side(labels, classes, grid.local):
        first, last = slices_of(mark, labels)
        isBox = isinstance(mark, Box)
        short = countingInWords(BOXES.name if isBox else POINTS.name)
        yield Wrong(mark.class_name, tuple(range(first, last + 1)), sideProblemInWords(side, isBox), short, (mark,))
