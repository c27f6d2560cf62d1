"""A simulated reader before one volume: what he says of it, draws and corrects, gesture by gesture."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.spans import spans_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.data.geometry import plane_axes, slice_stack
from WeakMedSAMLib.engine.data.mask_tags import MIN_PIXELS, MaskClass
from WeakMedSAMLib.studies.cases import Case
from WeakMedSAMLib.studies.effort_gestures import changed_length, contour_length, erring_box, erring_ranges, scribbles
from WeakMedSAMLib.studies.effort_log import REVIEW, Hand
from WeakMedSAMLib.studies.effort_policies import ALL_OUTLINED, TAGS
from WeakMedSAMLib.studies.effort_prices import SCREEN_CM
from WeakMedSAMLib.studies.gestures import GESTURES, chosen_slice
from WeakMedSAMLib.studies.reader import chance_of

LEAST_CM = 1e-3


@dataclass(frozen=True)
class Mistakes:
    """The one scan tag of a set that is wrong, and the one volume in which two classes are taken for each other.

    Attributes
    ----------
    scan, scan_class : str
        Of this scan the opposite is said of this class.
    exchanged : str
        The scan in which the slices of two classes are tagged the wrong way round; empty where there is one class.
    pair : tuple of str
        These classes.
    """

    scan: str
    scan_class: str
    exchanged: str = ""
    pair: tuple[str, str] | None = None

    @classmethod
    def of(cls, cases: Sequence[Case], names: Sequence[str], seed: int) -> Mistakes:
        """Chosen by chance; the same for all policies of a seed."""
        chance = chance_of(seed, "mistakes")
        scan, name = cases[int(chance.integers(len(cases)))].name, names[int(chance.integers(len(names)))]
        if len(names) < 2:
            return cls(scan, name)
        one, other = (names[int(place)] for place in chance.choice(len(names), 2, replace=False))
        return cls(scan, name, cases[int(chance.integers(len(cases)))].name, (one, other))


class Sitting:
    """A reader before a volume. What he says is in ``labels``; what is new is made by the hand, and logged.

    Parameters
    ----------
    case : Case
        With its true masks, which he sees.
    classes : sequence of MaskClass
    hand : Hand
    seed : int
        Of chance.
    mistakes : Mistakes
        Of the set.
    """

    def __init__(self, case: Case, classes: Sequence[MaskClass], hand: Hand, seed: int, mistakes: Mistakes) -> None:
        self._case, self._hand, self._seed, self._mistakes = case, hand, seed, mistakes
        truth, geometry = case.masks(), case.geometry()
        self._masks = {entry.name: truth.mask(entry) for entry in classes}
        self._stacks = {name: slice_stack(mask, case.axis) for name, mask in self._masks.items()}
        count = geometry.size["ijk".index(case.axis)]
        self.labels = VolumeLabels(case.name, axis=case.axis, n_slices=count, size=geometry.size)
        rows, columns = plane_axes(case.axis)
        self._spacing = (geometry.spacing[rows], geometry.spacing[columns])
        longer = max(geometry.spacing[axis] * geometry.size[axis] for axis in (rows, columns))
        self._cm = SCREEN_CM / longer  # of the screen for each mm
        self._count, self._is_open = count, False

    def says(self, said: str, is_new: bool) -> None:
        """Say one kind of label: of the first state by the hand, later it is there."""
        before = len(self._hand.log)
        if said == "scan-tags":
            self._says_of_scan()
        elif said == TAGS:
            self._tags()
        elif said == ALL_OUTLINED:
            self.outlines(is_new=True, drawn=False)
        elif said == "scribble":
            self._scribbles()
        elif said != "side":  # that of all volumes is said once
            self._marks(said)
        if not is_new:
            del self._hand.log[before:]
            self._is_open = False

    def outlines(self, is_new: bool, drawn: bool) -> None:
        """Outline every slice that shows a class; with tags that are right, since nobody looks closer.

        Where ``drawn`` is false the outlines are not in the labels: the network is given the true masks.
        """
        for name, stack in self._stacks.items():
            self._tag(name, _stretches(self._shown(name)))
            for index in self._shown(name) if drawn else ():
                PAINTED.put(self.labels, name, int(index), "drawn", stack[index])
        if not is_new:
            return
        self._opens("to outline it")
        for name in self._stacks:
            for index in self._shown(name):
                self._draws_by_hand(name, int(index), "outlined in full")

    def draws_every(self, every: Sequence[int]) -> None:
        """Draw every so-manieth slice that shows a class, and its first and last one: by hand what is not there yet."""
        for name in self._stacks:
            wanted = [self._every(name, count) for count in every]
            for index in wanted[-1]:
                PAINTED.put(self.labels, name, index, "drawn", self._stacks[name][index])
            for index in sorted(wanted[-1] - set().union(*wanted[:-1])):
                self._opens("to draw slices")
                self._draws_by_hand(name, index, f"every {every[-1]}th slice")

    def draws_again(self, indices: Iterable[int]) -> None:
        """What was corrected in states before."""
        for index in indices:
            for name, stack in self._stacks.items():
                PAINTED.put(self.labels, name, int(index), "drawn", stack[index])

    def corrects(self, indices: Sequence[int], file: Path, table: ClassTable) -> None:
        """Put slices of a label map right, all classes, in the order of the list."""
        masks = self._case.masks_in(file, table)
        drawn = {name: slice_stack(mask, self._case.axis) for name, mask in masks.items()}
        self._opens("to correct masks")
        for index in indices:
            self._hand.goes_to(index, "to a slice to correct")
            for name in self._stacks:
                self._puts_right(name, index, drawn[name][index])
            self._hand.notes("fine", "", index, "the slice is right now")
        self.draws_again(indices)

    def judges(self, before: Path, after: Path, known: Mapping[str, Collection[int]], table: ClassTable) -> None:
        """Log what an update made wrong on slices of a class that are not known, by the length of contour."""
        was, found = (self._case.masks_in(file, table) for file in (before, after))
        self._hand.at(self._case.name)
        for name, stack in self._stacks.items():
            pair = [slice_stack(masks[name], self._case.axis) for masks in (was, found)]
            for index in range(self._count):
                if index not in known[name] and (pair[0][index] != pair[1][index]).any():
                    lengths = [changed_length(one[index], stack[index], self._spacing)[0] for one in pair]
                    more = (lengths[1] - lengths[0]) * self._cm
                    if more > LEAST_CM:
                        self._hand.notes("handed-on", name, index, "an update made it wrong", more)

    def reviews(self) -> None:
        """Look at every slice of the masks that come of it."""
        self._hand.at(self._case.name)
        self._hand.passes(REVIEW, self._count, "before the masks are reviewed")

    def _puts_right(self, name: str, index: int, drawn: np.ndarray) -> None:
        """Pay for the correction of a class on a slice (what is drawn there: bool, rows x columns)."""
        length, false = changed_length(drawn, self._stacks[name][index], self._spacing)
        if length * self._cm > LEAST_CM:
            self._hand.marks("outline", name, "the contour that is wrong", length * self._cm)
        if false:
            self._hand.marks("erase", name, "pieces that touch nothing true", false)

    def _opens(self, why: str) -> None:
        if not self._is_open:
            self._hand.opens(self._case.name, why)
        self._is_open = True

    def _looks_through(self) -> None:
        if not self._is_open:
            self._opens("to say what it shows")
            self._hand.passes("scroll", self._count, "to see where each class begins and ends")

    def _shown(self, name: str) -> np.ndarray:
        """Slices that show enough of a class for a tag."""
        return np.flatnonzero(np.count_nonzero(self._stacks[name], axis=(1, 2)) >= MIN_PIXELS)

    def _says_of_scan(self) -> None:
        self._looks_through()
        found = {name: bool(self._shown(name).size) for name in self._stacks}
        if self._mistakes.scan == self._case.name:
            found[self._mistakes.scan_class] = not found[self._mistakes.scan_class]
        for name in found:
            self._hand.marks("scan-tag", name, "whether the scan shows it")
        SCAN_TAGS.put(self.labels, found)

    def _tags(self) -> None:
        self._looks_through()
        for name in self._stacks:
            shown = np.zeros(self._count, bool)
            shown[self._shown(self._taken_for(name))] = True
            self._tags_ranges(name, shown)

    def _tags_ranges(self, name: str, shown: np.ndarray) -> None:
        """Tag the slices of a class (bool, one a slice), with ends that are off."""
        ranges = erring_ranges(shown, chance_of(self._seed, self._case.name, name, TAGS))
        self._tag(name, ranges)
        for _ in ranges:
            self._hand.marks("range-end", name, "start and end of a range", 2)
        if not ranges:
            self._hand.marks("scan-tag", name, "not in this volume")

    def _taken_for(self, name: str) -> str:
        """The class whose slices are tagged as this one: itself, but in the one volume with a mistake."""
        if self._mistakes.exchanged != self._case.name or self._mistakes.pair is None:
            return name
        one, other = self._mistakes.pair
        return {one: other, other: one}.get(name, name)

    def _tag(self, name: str, ranges: Iterable[tuple[int, int]]) -> None:
        for first, last in ranges:
            self.labels.tag_range(name, first, last, rest_is_absent=False)
        self.labels.set_rest_absent(name)

    def _marks(self, said: str) -> None:
        """Points or boxes of every class, as the gestures of `gestures` make them."""
        given: list[Point | Box] = []
        self._opens("to mark it")
        for name, mask in self._masks.items():
            made = GESTURES[said](name, mask, self._case.axis, chance_of(self._seed, self._case.name, name))
            for mark in (self._as_given(one, said) for one in made if isinstance(one, Point | Box)):
                along = "ijk".index(self._case.axis)
                first, last = mark.corners[0][along], mark.corners[-1][along]
                self._hand.goes_to(first, f"to where the {said} is given")
                self._hand.marks("point" if said == "point" else "box", name, said)
                if said == "box-3d":
                    self._hand.goes_to(last, "to the end of the box")
                    self._hand.marks("range-end", name, "first and last slice of a box in 3-D", 2)
                given.append(mark)
        POINTS.put(self.labels, [mark for mark in given if isinstance(mark, Point)])
        BOXES.put(self.labels, [mark for mark in given if isinstance(mark, Box)])

    def _as_given(self, mark: Point | Box, said: str) -> Point | Box:
        """A mark of `gestures` as this reader gives it: he is off along the slices, too."""
        if said != "box-3d" or not isinstance(mark, Box):
            return mark
        tagged = spans_of(self.labels.state(mark.class_name), PRESENT)
        ranges = [*((span.first, span.last) for span in tagged), (0, self._count - 1)]
        chance = chance_of(self._seed, self._case.name, mark.class_name, f"ends {mark.corners}")
        return erring_box(mark, self._case.axis, ranges, chance)

    def _scribbles(self) -> None:
        self._opens("to scribble in it")
        for name, stack in self._stacks.items():
            chance = chance_of(self._seed, self._case.name, name)
            for index in chosen_slice(stack, chance):
                PAINTED.put(self.labels, name, index, "scribbled", scribbles(stack[index], chance))
                self._hand.goes_to(index, "to where the scribbles are made")
                self._hand.marks("scribble", name, "one in the class, one outside of it", 2)

    def _every(self, name: str, count: int) -> set[int]:
        """Every so-manieth slice of a class, from one by chance on, and its first and last."""
        shown = self._shown(name)
        if not shown.size:
            return set()
        offset = int(chance_of(self._seed, self._case.name, name, "every").integers(1 << 20))
        return {int(index) for index in (*shown[offset % count :: count], shown[0], shown[-1])}

    def _draws_by_hand(self, name: str, index: int, why: str) -> None:
        self._hand.goes_to(index, "to a slice to draw")
        length = contour_length(self._stacks[name][index], self._spacing)
        self._hand.marks("outline", name, why, length * self._cm)


def _stretches(indices: np.ndarray) -> list[tuple[int, int]]:
    """First and last of each row of neighbours."""
    starts = [0, *(place + 1 for place, (one, other) in enumerate(pairwise(indices)) if other != one + 1), len(indices)]
    return [(int(indices[first]), int(indices[stop - 1])) for first, stop in pairwise(starts)] if len(indices) else []
