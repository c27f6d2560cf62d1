"""Painted labels, a kind of label: pixels of slices that somebody drew, found to be fine, or scribbled on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.painted_json import painted_from_json, painted_to_json
from WeakMedSAMLib.contract.labels.painted_slice import (
    NOT_SHOWN,
    PLANES,
    SHOWN,
    STATES,
    UNKNOWN,
    PaintedSlice,
    Slices,
    State,
    laid_over,
    meet,
    plane_of,
)
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.spans import slices_in_words
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels


class PaintedKind:
    """Painted labels as a `LabelKind`; they lie in `VolumeLabels.further` as class -> slice -> `PaintedSlice`.

    Slices that were drawn or are fine count more than scribbles, and these more than points. Of a class a slice is in
    one state, and classes that exclude each other are put in that order by `engine.supervision.painted`.
    """

    name = "painted"
    trust = 600

    def slices(self, labels: VolumeLabels, class_name: str) -> Slices:
        """Return what is painted of a class, by slice, in order; a copy."""
        found: Slices = labels.further.get(self.name, {}).get(class_name, {})
        return dict(sorted(found.items()))

    def put(self, labels: VolumeLabels, class_name: str, index: int, state: State, pixels: np.ndarray) -> None:
        """Paint a slice, in place of what is painted there of the class.

        Parameters
        ----------
        labels : VolumeLabels
            With its size.
        class_name : str
        index : int
            Slice along the labels' axis.
        state : {"drawn", "fine", "scribbled"}
        pixels : numpy.ndarray
            As of `PaintedSlice.of`. Scribbles of which nothing is known take back what was painted there.

        Raises
        ------
        UserError
            ``slice_out_of_range``.
        ValueError
            If the size of the volume is not settled, or the pixels do not fit.
        """
        labels.require_slice(index)
        painted = PaintedSlice.of(state, pixels)
        if labels.size is not None and index >= labels.size[labels.axis_index]:
            raise ValueError(f"{labels.name!r} has no slice {index} by its size")
        if painted.shape != plane_of(labels):
            raise ValueError(f"slices of {labels.name!r} have {plane_of(labels)} pixels, not {painted.shape}")
        known = painted.is_whole or bool((painted.pixels != UNKNOWN).any())
        self._replace(labels, class_name, {**self.slices(labels, class_name), int(index): painted if known else None})

    def put_slices(self, labels: VolumeLabels, class_name: str, found: Mapping[int, PaintedSlice | None]) -> None:
        """Put slices of the size of the volume in place of those there; None takes one back."""
        self._replace(labels, class_name, {**self.slices(labels, class_name), **found})

    def take(self, labels: VolumeLabels, class_name: str, index: int) -> PaintedSlice | None:
        """Take back what is painted of a class on a slice, and return it; None if there was nothing."""
        found = self.slices(labels, class_name)
        taken = found.pop(index, None)
        self._replace(labels, class_name, found)
        return taken

    def unseen(self, labels: VolumeLabels, class_name: str) -> list[int]:
        """Return the slices that are neither drawn nor fine. The class is reviewed in the volume if there are none."""
        found = self.slices(labels, class_name)
        return [index for index in range(labels.n_slices or 0) if index not in found or not found[index].is_whole]

    def in_words(self, labels: VolumeLabels, class_name: str) -> str:
        """Return the slices by state: ``"drawn 3, 8-10; scribbled 12"``."""
        found = self.slices(labels, class_name)
        words = {
            state: slices_in_words(index for index, one in found.items() if one.state == state) for state in STATES
        }
        return "; ".join(f"{state} {numbers}" for state, numbers in words.items() if numbers)

    def class_names(self, labels: VolumeLabels) -> list[str]:
        """Return the classes that are painted."""
        return [*labels.further.get(self.name, {})]

    def said(self, labels: VolumeLabels) -> dict[str, Any]:
        """Return what is painted, by class."""
        return {name: self.slices(labels, name) for name in self.class_names(labels)}

    def states(self, labels: VolumeLabels) -> dict[str, np.ndarray]:
        """Return what is said of slices: a pixel of the class shows it, a slice all known without one does not."""
        rows = {}
        for name, found in self.said(labels).items():
            rows[name] = np.full(max([labels.n_slices or 0, *(index + 1 for index in found)]), UNTAGGED, np.int8)
            for index, painted in found.items():
                rows[name][index] = painted.says
        return rows

    def to_json(self, labels: VolumeLabels) -> dict[str, Any]:
        """Return all of it as plain data, the pixels packed as text; files have these beside, see `painted_files`."""
        return painted_to_json(self.said(labels))

    def from_json(self, data: Any, labels: VolumeLabels) -> None:
        """Take over what `to_json` gave; `UserError` ``bad_field``, ``bad_tags``, ``tags_conflict``."""
        for class_name, found in painted_from_json(data, labels.name).items():
            self._replace(labels, class_name, found)

    def check(self, classes: ClassTable, volumes: Sequence[VolumeLabels]) -> Iterator[Problem]:
        """Say where two classes that exclude each other are painted on the same pixels, and which points differ."""
        for volume in volumes:
            painted = self.said(volume)
            for one, other in combinations(painted, 2):
                if not classes.may_share(one, other):
                    yield from self._overlaps(volume, one, other)
            for point in POINTS.marks(volume):
                found = painted.get(point.class_name, {}).get(point.voxel[volume.axis_index])
                if found is not None and _differs(found, point, volume):
                    yield _point_differs(point, volume)

    def settle(self, labels: VolumeLabels) -> None:
        """Refuse slices that the volume does not have; `UserError` ``slice_out_of_range``, ``bad_tags``."""
        for name, found in self.said(labels).items():
            for index, painted in found.items():
                labels.require_slice(index)
                if labels.size is not None and painted.shape != plane_of(labels):
                    shapes = [" x ".join(map(str, shape)) for shape in (painted.shape, plane_of(labels))]
                    message = f"has {shapes[0]} pixels painted of class {name!r} on slice {index}"
                    raise labels.bad(message, f"Its slices along {labels.axis} have {shapes[1]}.")

    def turn(self, labels: VolumeLabels) -> None:
        """Count voxels along k from the other end."""
        last = (labels.n_slices or 0) - 1
        for name, found in self.said(labels).items():
            if labels.axis == "k":
                turned = {last - index: painted for index, painted in found.items()}
            else:  # rows are along k
                turned = {index: painted.flipped() for index, painted in found.items()}
            self._replace(labels, name, turned)

    def rename(self, labels: VolumeLabels, names: Mapping[str, str]) -> None:
        """Keep only the classes of `names`, called as it says."""
        self._put_all(labels, {names[name]: found for name, found in self.said(labels).items() if name in names})

    def lay_over(self, labels: VolumeLabels, below: VolumeLabels) -> int:
        """Take over what `below` has painted where nothing is known here; returns how many pixels they say otherwise.

        A whole slice below stays where there are only scribbles here: it counts more.
        """
        differing, merged = 0, {}
        mine, theirs = self.said(labels), self.said(below)
        for name in dict.fromkeys([*theirs, *mine]):
            merged[name] = {**theirs.get(name, {}), **mine.get(name, {})}
            for index in {*theirs.get(name, {})} & {*mine.get(name, {})}:
                merged[name][index], count = laid_over(mine[name][index], theirs[name][index])
                differing += count
        if theirs and labels.size is None:
            labels.size = below.size
        self._put_all(labels, merged)
        return differing

    def _overlaps(self, volume: VolumeLabels, one: str, other: str) -> Iterator[Problem]:
        first, second = self.slices(volume, one), self.slices(volume, other)
        slices = slices_in_words(index for index in first if index in second and meet(first[index], second[index]))
        if slices:
            message = (
                f"Of {volume.name!r}, slices {slices}, the same pixels are painted as {one!r} and as {other!r}: these "
                f"exclude each other."
            )
            hint = "Correct one of them, or say that pixels of one class may be of any other ('free')."
            values = {"name": volume.name, "first": one, "second": other, "slices": slices}
            yield Problem("warning", "painted_as_two_classes", message, hint, values)

    def _replace(self, labels: VolumeLabels, class_name: str, found: Mapping[int, PaintedSlice | None]) -> None:
        self._put_all(labels, {**labels.further.get(self.name, {}), class_name: found})

    def _put_all(self, labels: VolumeLabels, painted: Mapping[str, Mapping[int, PaintedSlice | None]]) -> None:
        kept = {name: {at: one for at, one in found.items() if one is not None} for name, found in painted.items()}
        kept = {name: found for name, found in kept.items() if found}
        others = {name: said for name, said in labels.further.items() if name != self.name}
        labels.further = {**others, self.name: kept} if kept else others


KIND = PaintedKind()


def _differs(painted: PaintedSlice, point: Point, volume: VolumeLabels) -> bool:
    row, column = (point.voxel[axis] for axis in PLANES[volume.axis])
    if row >= painted.shape[0] or column >= painted.shape[1]:
        return False
    return int(painted.pixels[row, column]) == (NOT_SHOWN if point.shows else SHOWN)


def _point_differs(point: Point, volume: VolumeLabels) -> Problem:
    at, index = list(point.voxel), point.voxel[volume.axis_index]
    message = (
        f"A point of class {point.class_name!r} at voxel {at} of {volume.name!r} says otherwise than what is painted"
    )
    values = {"name": volume.name, "class": point.class_name, "voxel": at, "slice": index}
    hint = "What is painted counts; remove the point, or correct the slice."
    return Problem("warning", "point_against_painted", f"{message} there.", hint, values)
