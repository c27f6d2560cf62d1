"""Where labels contradict each other or what is known of their class: they are kept, and it is shown which counts."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.knowledge import SIDES
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.marks import AnyMark, slices_of
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.spans import spans_in_words, spans_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


def kind_contradictions(labels: VolumeLabels) -> list[Problem]:
    """Say on which slices two kinds of label say different things of a class: the more trusted one counts."""
    found = []
    for name in labels.class_names():
        rows = {kind.name: row for kind in labels.kinds() if (row := kind.states(labels).get(name)) is not None}
        length = max((row.size for row in rows.values()), default=0)
        rows = {kind: np.pad(row, (0, length - row.size), constant_values=UNTAGGED) for kind, row in rows.items()}
        for trusted, other in combinations(rows, 2):
            one, two = rows[trusted], rows[other]
            clash = (one != UNTAGGED) & (two != UNTAGGED) & (one != two)
            if clash.any():
                slices = spans_in_words(spans_of(clash.astype(np.int8), 1))
                message = (
                    f"Labels of class {name!r} in {labels.name!r} contradict each other on slices {slices}; those of "
                    f"the kind {trusted!r} count, not those of the kind {other!r}."
                )
                values = {"name": labels.name, "class": name, "slices": slices, "trusted": trusted, "other": other}
                hint = "Correct the one that is wrong."
                found.append(Problem("warning", "labels_contradict", message, hint, values))
    return found


def side_contradictions(labels: VolumeLabels, classes: ClassTable, ijk_to_ras: np.ndarray) -> list[Problem]:
    """Say which points and boxes lie wholly on the other side of the image's middle than their class is said to.

    A warning only, since the body may lie beside the middle of the image.

    Parameters
    ----------
    labels : VolumeLabels
        Settled with its size, and counted in the order of `ijk_to_ras`.
    classes : ClassTable
        Marks of classes that are not in it are passed over.
    ijk_to_ras : numpy.ndarray
        4 x 4, from voxel index to RAS mm.

    Raises
    ------
    ValueError
        If the size is not settled.
    """
    if labels.size is None:
        raise ValueError(f"the size of {labels.name!r} is not settled")
    middle, found = (np.array(labels.size) - 1) / 2, []
    for entry in classes:
        side = entry.known.side
        if side is None:
            continue
        axis, grows = SIDES[side]
        steps = ijk_to_ras[axis, :3] * _RAS_TO_LPS[axis] * (1 if grows else -1)
        for kind, word in ((POINTS, POINTS.word), (BOXES, BOXES.word)):
            for mark in kind.marks(labels, entry.name):
                if mark.shows and _furthest(mark, steps, middle) < 0:
                    found.append(_problem(mark, word, side, labels))
    return found


def _furthest(mark: AnyMark, steps: np.ndarray, middle: np.ndarray) -> float:
    """How many mm to a side, from the middle of the image, the part of a mark lies that is furthest there."""
    low, high = np.array(mark.corners[0], float), np.array(mark.corners[-1], float)
    return float(((low + high) / 2 - middle) @ steps + (np.abs(steps) * (high - low) / 2).sum())


def _problem(mark: AnyMark, word: str, side: str, labels: VolumeLabels) -> Problem:
    first, last = slices_of(mark, labels)
    slices = str(first) if first == last else f"{first}-{last}"
    message = (
        f"A {word} of class {mark.class_name!r} in {labels.name!r}, slice {slices}, lies on the other side of the "
        f"image's middle than what is known of the class: {side}."
    )
    hint = "Left and right are the patient's. Remove what is wrong, or say nothing of the side."
    values = {"name": labels.name, "class": mark.class_name, "slice": slices, "side": side, "kind": word}
    return Problem("warning", "mark_on_other_side", message, hint, values)
