"""Points and boxes: where they lie, what they say of slices, and that they survive files and turned volumes."""

from __future__ import annotations

import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_json import labels_from_json, labels_to_json
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

TABLE = ClassTable.from_names(["liver", "spleen"])
BOX = Box("liver", (4, 5, 2), (9, 8, 2), complete=True)
POINT = Point("liver", (3, 1, 5))
NOT = Point("spleen", (0, 0, 0), shows=False)


def labels(axis="k", size=(20, 10, 6), marks=True):
    volume = VolumeLabels("one", "ab" * 32, axis, size["ijk".index(axis)], "slicer", size)
    if marks:
        BOXES.put(volume, [BOX])
        POINTS.put(volume, [POINT, NOT])
    return volume


@pytest.mark.parametrize(("axis", "box_slices", "point_slice"), [("k", [2], 5), ("j", [5, 6, 7, 8], 1)])
def test_a_box_and_a_point_say_that_their_slices_show_the_class(axis, box_slices, point_slice):
    row = labels(axis).presence("liver")
    assert [i for i, tag in enumerate(row) if tag == PRESENT] == sorted([*box_slices, point_slice])
    assert (labels(axis).presence("spleen") == UNTAGGED).all()


def test_marks_come_back_from_a_file():
    cohort = CohortLabels(TABLE, [labels()])
    back = labels_from_json(labels_to_json(cohort))
    assert back == cohort
    assert BOXES.marks(back.volumes[0]) == (BOX,)
    assert POINTS.marks(back.volumes[0]) == (POINT, NOT)
    assert back.volumes[0].size == (20, 10, 6)


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_turned_twice_is_the_same_and_turned_once_lies_at_the_other_end(axis):
    volume = labels(axis)
    once = volume.turned()
    assert POINTS.marks(once)[0].voxel == (3, 1, 0)
    assert (BOXES.marks(once)[0].first, BOXES.marks(once)[0].last) == ((4, 5, 3), (9, 8, 3))
    assert once.turned() == volume
    assert POINTS.marks(volume)[0] == POINT


def test_a_file_without_a_size_is_settled_by_the_volume_and_refused_by_another():
    data = labels_to_json(CohortLabels(TABLE, [labels()]))
    for key in ("size", "slices"):
        del data["volumes"][0][key]
    unsettled = labels_from_json(data).volumes[0]
    with pytest.raises(ValueError, match="not settled"):
        unsettled.turned()
    assert unsettled.settled(6, (20, 10, 6)).turned().turned() == labels()
    with pytest.raises(UserError) as caught:
        unsettled.settled(6, (9, 10, 6))
    assert (caught.value.code, caught.value.values["axis"], caught.value.values["last"]) == ("mark_outside", "i", 8)
    with pytest.raises(UserError) as caught:
        labels().settled(6, (21, 10, 6))
    assert caught.value.code == "size_differs"


@pytest.mark.parametrize(
    ("kind", "mark", "code"),
    [
        ("points", {"class": "liver", "voxel": [20, 0, 0]}, "mark_outside"),
        ("points", {"class": "liver", "voxel": [-1, 0, 0]}, "mark_outside"),
        ("points", {"class": "liver", "voxel": [0, 0]}, "bad_field"),
        ("points", {"class": "liver", "voxel": [0, 0, 0.5]}, "bad_field"),
        ("points", {"class": "kidney", "voxel": [0, 0, 0]}, "unknown_class"),
        ("points", {"voxel": [0, 0, 0]}, "bad_field"),
        ("points", {"class": "liver", "voxel": [0, 0, 0], "show": True}, "bad_field"),
        ("boxes", {"class": "liver", "first": [3, 0, 0], "last": [2, 1, 0]}, "bad_box"),
        ("boxes", {"class": "liver", "first": [0, 0, 0], "last": [2, 10, 0]}, "mark_outside"),
        ("boxes", {"class": "liver", "first": [0, 0, 0]}, "bad_field"),
    ],
)
def test_bad_marks_are_refused(kind, mark, code):
    data = labels_to_json(CohortLabels(TABLE, [labels(marks=False)]))
    data["volumes"][0]["labels"] = {kind: [mark]}
    with pytest.raises(UserError) as caught:
        labels_from_json(data)
    assert caught.value.code == code


def test_classes_are_renamed_and_removed_with_their_marks():
    volume = labels().with_classes({"liver": "hepar"})
    assert POINTS.marks(volume) == (Point("hepar", (3, 1, 5)),)
    assert BOXES.class_names(volume) == ["hepar"]
    assert labels().with_classes({}).further == {}


def test_marks_of_both_files_are_kept_and_each_once():
    other = labels(marks=False)
    POINTS.put(other, [POINT, Point("spleen", (1, 1, 1))])
    merged, differing = labels().with_below(other)
    assert POINTS.marks(merged) == (POINT, Point("spleen", (1, 1, 1)), NOT)
    assert (BOXES.marks(merged), differing) == ((BOX,), 0)


def test_of_marks_at_one_place_those_that_are_laid_over_count():
    other = labels(marks=False)
    POINTS.put(other, [Point("liver", POINT.voxel, shows=False), Point("spleen", POINT.voxel)])
    BOXES.put(other, [Box("liver", BOX.first, BOX.last)])
    merged, differing = labels().with_below(other)
    assert POINTS.marks(merged) == (Point("spleen", POINT.voxel), POINT, NOT)
    assert (BOXES.marks(merged), differing) == ((BOX,), 2)


def test_what_contradicts_itself_is_said():
    volume = labels()
    POINTS.put(volume, [POINT, Point("liver", (3, 1, 5), shows=False), Point("liver", (0, 0, 2))])
    said = {problem.code: problem.values for problem in check(CohortLabels(TABLE, [volume]))}
    assert said["points_contradict"]["voxel"] == [3, 1, 5]
    assert said["point_outside_boxes"]["slice"] == 2


def test_a_point_outside_of_the_box_of_a_class_of_one_piece_is_said():
    volume = labels(marks=False)
    BOXES.put(volume, [Box("liver", (4, 5, 2), (9, 8, 2))])
    POINTS.put(volume, [Point("liver", (0, 0, 2))])
    one = ClassTable.from_json([{"name": "liver", "known": {"pieces": "one"}}, {"name": "spleen"}])
    for table, is_said in ((one, True), (TABLE, False)):
        codes = {problem.code for problem in check(CohortLabels(table, [volume]))}
        assert ("point_outside_boxes" in codes) is is_said
