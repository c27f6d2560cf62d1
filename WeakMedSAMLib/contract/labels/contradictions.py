"""Where labels contradict each other or what is known of their class: they are kept, and it is shown which counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.knowledge import SIDES, Side
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.marks import AnyMark, slices_of
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.spans import slices_in_words
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Contradiction:
    """Two kinds of label say different things of a class on `slices`; those of the kind `trusted` count."""

    class_name: str
    trusted: str
    other: str
    slices: tuple[int, ...]


def contradictions(labels: VolumeLabels) -> list[Contradiction]:
    """Return where two kinds of label say different things of a slice: the one that counts, and each that does not.

    A slice that is absent only because the class is nowhere else contradicts nothing: nobody said so of the slice.
    """
    found = []
    for name in labels.class_names():
        rows = {kind.name: row for kind in labels.kinds() if (row := kind.states(labels).get(name)) is not None}
        counts = labels.presence(name)
        rows = {kind: np.pad(row, (0, counts.size - row.size), constant_values=UNTAGGED) for kind, row in rows.items()}
        open_ = np.ones(counts.shape, bool)
        for trusted, row in rows.items():
            first, open_ = open_ & (row != UNTAGGED), open_ & (row == UNTAGGED)
            for other, said in rows.items():
                slices = np.flatnonzero(first & (said != UNTAGGED) & (said != row))
                if slices.size:
                    found.append(Contradiction(name, trusted, other, tuple(slices.tolist())))
    return found


def kind_contradictions(labels: VolumeLabels) -> list[Problem]:
    """Return `contradictions` as warnings."""
    return [_contradiction_problem(one, labels) for one in contradictions(labels)]


def side_contradictions(labels: VolumeLabels, classes: ClassTable, ijk_to_ras: np.ndarray) -> list[Problem]:
    """Return `marks_on_other_side` as warnings; raises as it."""
    return [_problem(mark, side, labels) for mark, side in marks_on_other_side(labels, classes, ijk_to_ras)]


def marks_on_other_side(
    labels: VolumeLabels, classes: ClassTable, ijk_to_ras: np.ndarray
) -> Iterator[tuple[Point | Box, Side]]:
    """Find the points and boxes that lie wholly on the other side of the image's middle than their class is said to.

    A warning only, since the body may lie beside the middle of the image.

    Parameters
    ----------
    labels : VolumeLabels
        Settled with its size, and counted in the order of `ijk_to_ras`.
    classes : ClassTable
        Marks of classes that are not in it are passed over.
    ijk_to_ras : numpy.ndarray
        4 x 4, from voxel index to RAS mm.

    Yields
    ------
    tuple of mark and side
        The side is what is known of the class.

    Raises
    ------
    ValueError
        If the size is not settled.
    """
    if labels.size is None:
        raise ValueError(f"the size of {labels.name!r} is not settled")
    middle = (np.array(labels.size) - 1) / 2
    for entry in classes:
        side = entry.known.side
        if side is None:
            continue
        axis, grows = SIDES[side]
        steps = ijk_to_ras[axis, :3] * _RAS_TO_LPS[axis] * (1 if grows else -1)
        marks: tuple[Point | Box, ...] = (*POINTS.marks(labels, entry.name), *BOXES.marks(labels, entry.name))
        for mark in marks:
            if mark.shows and _furthest(mark, steps, middle) < 0:
                yield mark, side


def _contradiction_problem(one: Contradiction, labels: VolumeLabels) -> Problem:
    slices = slices_in_words(one.slices)
    message = (
        f"Labels of class {one.class_name!r} in {labels.name!r} contradict each other on slices {slices}; those of the "
        f"kind {one.trusted!r} count, not those of the kind {one.other!r}."
    )
    values = {"name": labels.name, "class": one.class_name, "slices": slices}
    values |= {"trusted": one.trusted, "other": one.other}
    return Problem("warning", "labels_contradict", message, "Correct the one that is wrong.", values)


def _furthest(mark: AnyMark, steps: np.ndarray, middle: np.ndarray) -> float:
    """How many mm to a side, from the middle of the image, the part of a mark lies that is furthest there."""
    low, high = np.array(mark.corners[0], float), np.array(mark.corners[-1], float)
    return float(((low + high) / 2 - middle) @ steps + (np.abs(steps) * (high - low) / 2).sum())


def _problem(mark: Point | Box, side: Side, labels: VolumeLabels) -> Problem:
    word = BOXES.word if isinstance(mark, Box) else POINTS.word
    first, last = slices_of(mark, labels)
    slices = str(first) if first == last else f"{first}-{last}"
    message = (
        f"A {word} of class {mark.class_name!r} in {labels.name!r}, slice {slices}, lies on the other side of the "
        f"image's middle than what is known of the class: {side}."
    )
    hint = "Left and right are the patient's. Remove what is wrong, or say nothing of the side."
    values = {"name": labels.name, "class": mark.class_name, "slice": slices, "side": side, "kind": word}
    return Problem("warning", "mark_on_other_side", message, hint, values)
