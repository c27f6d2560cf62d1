"""What contradicts in a volume: where, in which words, and of which marks, for each pair of kinds of labels."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels, label_kinds
from WeakMedSAMLib.frontend.labels.marks.contradiction_words import countingInWords
from WeakMedSAMLib.frontend.labels.marks.mark_contradictions import byMark, bySlice, contradictionsOf, shortOf

CLASSES = ClassTable.from_names(["liver", "spleen"])
BOX, POINT = Box("liver", (2, 2, 4), (8, 6, 4)), Point("liver", (3, 3, 4))


def volume():
    return VolumeLabels("one", "ab" * 32, "k", 10, "slicer", (20, 12, 10))


def say(labels, *said):
    """Say things of slice 4: ``"absent"``, ``"drawn"``, ..."""
    plane = np.zeros((12, 20), np.uint8)
    ways = {
        "absent": lambda: labels.set_range("liver", 4, 4, ABSENT),
        "present": lambda: labels.set_range("liver", 4, 4, PRESENT),
        "not here": lambda: SCAN_TAGS.put(labels, {"liver": False}),
        "box": lambda: BOXES.put(labels, [BOX]),
        "point": lambda: POINTS.put(labels, [POINT]),
        "empty": lambda: PAINTED.put(labels, "liver", 4, "fine", plane),
        "drawn": lambda: PAINTED.put(labels, "liver", 4, "drawn", np.pad(np.ones((2, 2), np.uint8), ((3, 7), (3, 15)))),
    }
    for one in said:
        ways[one]()
    return labels


@pytest.mark.parametrize(
    ("said", "losing", "winning", "counts", "marks"),
    [
        (("absent", "box"), "tagged absent", "a box shows it here", "the box counts", (BOX,)),
        (("absent", "point"), "tagged absent", "a point shows it here", "the point counts", (POINT,)),
        (("absent", "drawn"), "tagged absent", "pixels of it are drawn here", "what is drawn counts", ()),
        (("present", "empty"), "tagged present", "without it", "what is drawn counts", ()),
        (("box", "empty"), "in a box", "without it", "what is drawn counts", (BOX,)),
        (("point", "empty"), "a point says otherwise", "pixel by pixel", "what is drawn counts", (POINT,)),
        (("not here", "present"), "said not to be in this volume", "tagged present", "the slice's tag counts", ()),
        (("not here", "box"), "said not to be in this volume", "a box shows it", "the box counts", (BOX,)),
        (("not here", "point"), "said not to be in this volume", "a point shows it", "the point counts", (POINT,)),
        (("not here", "drawn"), "said not to be in this volume", "drawn here", "what is drawn counts", ()),
    ],
)
def test_words_fit_each_pair_of_kinds(said, losing, winning, counts, marks):
    (found,) = contradictionsOf(say(volume(), *said), CLASSES, None)
    assert (found.className, found.slices, found.short, found.marks) == ("liver", (4,), counts, marks)
    assert losing in found.words
    assert winning in found.words
    assert "count" in found.words
    assert (", as " in found.words) or ("as it" in found.words)  # why
    assert "mark" not in found.words  # as of old, whatever the kinds were


@pytest.mark.parametrize(
    "said",
    [
        ("present", "box"),
        ("box", "drawn"),
        ("absent", "empty"),
        ("absent", "not here"),
        ("not here", "empty"),
        ("box",),
    ],
)
def test_what_fits_together_is_no_contradiction(said):
    assert contradictionsOf(say(volume(), *said), CLASSES, None) == []


def test_a_slice_that_is_drawn_has_the_last_word_of_several():
    found = contradictionsOf(say(volume(), "absent", "not here", "box", "drawn"), CLASSES, None)
    assert {each.short for each in found} == {"what is drawn counts"}
    assert len(bySlice(found)["liver"][4].splitlines()) == 2  # against the slice's tag, and the scan's
    assert shortOf(found, "liver", 4) == ("what is drawn counts",)
    assert shortOf(found, "liver", 5) == shortOf(found, "spleen", 4) == ()


def test_only_the_point_that_lies_outside_of_the_boxes_is_meant():
    labels, inside, outside = volume(), POINT, Point("liver", (15, 3, 4))
    POINTS.put(labels, [inside, outside])
    BOXES.put(labels, [Box("liver", (2, 2, 4), (8, 6, 4), complete=True)])
    found = contradictionsOf(labels, CLASSES, None)
    assert [*byMark(found)] == [outside]
    assert "outside of the boxes" in byMark(found)[outside]
    assert bySlice(found) == {"liver": {4: byMark(found)[outside]}}
    assert found[0].short == "the point counts"


def test_points_that_contradict_are_both_meant():
    labels, other = volume(), Point("liver", (3, 3, 4), shows=False)
    POINTS.put(labels, [POINT, other, Point("liver", (9, 9, 4))])
    found = contradictionsOf(labels, CLASSES, None)
    assert {*byMark(found)} == {POINT, other}
    assert "the later counts" in byMark(found)[POINT]


def test_two_classes_at_one_place_are_told_at_both():
    labels, other = volume(), Point("spleen", (3, 3, 4))
    POINTS.put(labels, [POINT, other])
    for name in ("liver", "spleen"):
        PAINTED.put(labels, name, 7, "drawn", np.ones((12, 20), np.uint8))
    found = bySlice(contradictionsOf(labels, CLASSES, None))
    assert {name: sorted(slices) for name, slices in found.items()} == {"liver": [4, 7], "spleen": [4, 7]}
    assert "'spleen'" in found["liver"][4]
    assert "'liver'" in found["spleen"][7]
    assert "drawn as" in found["spleen"][7]
    assert {*byMark(contradictionsOf(labels, CLASSES, None))} == {POINT, other}


def test_a_scan_that_shows_a_class_on_no_slice():
    labels = volume()
    SCAN_TAGS.put(labels, {"liver": True})
    labels.set_range("liver", 0, 9, ABSENT)
    (found,) = contradictionsOf(labels, CLASSES, None)
    assert (found.slices, found.short) == (tuple(range(10)), "the slice's tag counts")
    assert "each slice is tagged absent" in found.words


def test_along_another_axis_slices_are_those_of_that_axis():
    labels = VolumeLabels("one", "ab" * 32, "i", 20, "slicer", (20, 12, 10))
    POINTS.put(labels, [Point("liver", (3, 5, 7)), Point("liver", (3, 5, 7), False)])
    assert [each.slices for each in contradictionsOf(labels, CLASSES, None)] == [(3,)]


def test_each_kind_that_says_something_of_slices_has_words():
    silent = {name for name in label_kinds() if not countingInWords(name)}
    assert silent <= {"confirmed"}  # says nothing of slices by itself
    assert len(label_kinds()) > 4


def test_classes_that_are_not_in_the_table_are_passed_over():
    assert contradictionsOf(say(volume(), "absent", "box"), ClassTable.from_names(["spleen"]), None) == []
