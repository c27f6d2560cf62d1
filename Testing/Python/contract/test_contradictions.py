"""Labels that contradict each other, or what is known of their class, and checks of what is known and marked."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.contradictions import kind_contradictions, side_contradictions
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import ABSENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

SIZE = (20, 10, 6)


def marked(points=(), boxes=(), size=SIZE, **values):
    volume = VolumeLabels("one", "ab" * 32, "k", SIZE[2], "slicer", size, **values)
    POINTS.put(volume, points)
    BOXES.put(volume, boxes)
    return volume


def table(side, **known):
    return ClassTable.from_json([{"name": "kidney", "known": {"side": side, **known}}, {"name": "liver"}])


def codes(volume, classes=None, severity=None):
    cohort = CohortLabels(classes or ClassTable.from_names(["kidney", "liver"]), [volume])
    return [one.code for one in check(cohort) if severity in (None, one.severity)]


LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # from LPS voxels to RAS: i grows to the patient's left, j to the back


@pytest.mark.parametrize(
    ("side", "voxel", "wrong"),
    [
        ("left", (2, 5, 3), True),
        ("left", (12, 5, 3), False),
        ("right", (2, 5, 3), False),
        ("right", (12, 5, 3), True),
        ("front", (10, 1, 3), False),
        ("front", (10, 8, 3), True),
        ("back", (10, 1, 3), True),
        (None, (0, 0, 0), False),
    ],
)
def test_sides_are_the_patients_in_every_volume(side, voxel, wrong):
    for flip in (np.eye(4), np.diag([-1.0, 1, 1, 1]), np.diag([-1.0, -1, 1, 1]), np.eye(4)[[1, 2, 0, 3]]):
        # The volume is turned in the patient; the patient's side of a voxel is by where it lies.
        turned = LPS @ flip
        world = LPS @ [*(np.array(voxel) - (np.array(SIZE) - 1) / 2), 0]
        size = np.abs(np.linalg.inv(turned) @ LPS @ [*SIZE, 0])[:3].astype(int)
        at = np.rint((np.linalg.inv(turned) @ world)[:3] + (size - 1) / 2).astype(int)
        volume = VolumeLabels("one", size=tuple(size.tolist()), n_slices=int(size[2]))
        POINTS.put(volume, [Point("kidney", tuple(at.tolist()))])
        found = side_contradictions(volume, table(side), turned)
        assert bool(found) is wrong


def test_a_mark_on_the_other_side_is_named():
    boxes = [
        Box("kidney", (1, 2, 2), (8, 6, 4)),
        Box("kidney", (1, 2, 1), (10, 6, 1)),
        Box("liver", (0, 0, 0), (1, 1, 0)),
    ]
    volume = marked([Point("kidney", (1, 1, 5), shows=False)], boxes)
    (found,) = side_contradictions(volume, table("left"), LPS)
    assert (found.code, found.severity) == ("mark_on_other_side", "warning")
    assert found.values == {"name": "one", "class": "kidney", "slice": "2-4", "side": "left", "kind": "box"}
    assert "slice 2-4" in found.message
    with pytest.raises(ValueError, match="not settled"):
        side_contradictions(VolumeLabels("one"), table("left"), LPS)


def test_kinds_that_contradict_each_other_are_told_by_slice():
    volume = marked([Point("kidney", (1, 1, 0))], [Box("kidney", (1, 1, 1), (2, 2, 3))])
    volume.tag_range("kidney", 3, 4)
    assert kind_contradictions(volume) == []  # the class is nowhere else, as far as tags say
    volume.set_range("kidney", 0, 2, ABSENT)
    (boxes, points) = sorted(kind_contradictions(volume), key=lambda one: one.values["trusted"])
    assert boxes.values == {
        "name": "one",
        "class": "kidney",
        "slices": "1-2",
        "trusted": "boxes",
        "other": "slice_tags",
    }
    assert points.values["slices"] == "0"
    assert kind_contradictions(marked()) == []


def test_a_class_with_marks_needs_no_absent_slice():
    volume = marked(boxes=[Box("kidney", (1, 1, 1), (2, 2, 1))])
    classes = ClassTable.from_names(["kidney"])
    assert codes(volume, classes, "error") == []
    assert "class_never_absent" in codes(volume, classes, "warning")
    assert not {"few_present_slices", "few_absent_slices"} & {*codes(volume, classes)}
    tagged = VolumeLabels("one", n_slices=6, states={"kidney": np.array([1, -1, -1, -1, -1, -1])})
    assert codes(tagged, classes, "error") == ["class_never_absent"]
    assert "few_present_slices" in codes(tagged, classes)


def test_what_says_nothing_of_slices_is_said_all_the_same():
    volume = marked([Point("kidney", (1, 1, 1), shows=False)])
    assert codes(volume, ClassTable.from_names(["kidney"]), "error") == ["class_never_present"]
    assert codes(marked(), ClassTable.from_names(["kidney"]), "error") == ["no_tags"]


def knowing(**known):
    entries = [{"name": name, "known": known.get(name, {})} for name in ("a", "b", "c")]
    volume = VolumeLabels("one", n_slices=20)
    volume.tag_range("a", 3, 9)
    problems = check(CohortLabels(ClassTable.from_json(entries), [volume]))
    return [(one.code, one.values) for one in problems if one.code.startswith("inside_of")]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"a": {"inside_of": "b"}, "b": {"inside_of": "c"}}, []),
        ({"a": {"inside_of": "B "}}, [("inside_of_unknown", {"name": "a", "outer": "B "})]),
        ({"a": {"inside_of": "a"}}, [("inside_of_circle", {"name": "a", "outer": "a"})]),
        (
            {"a": {"inside_of": "b"}, "b": {"inside_of": "c"}, "c": {"inside_of": "b"}},
            [("inside_of_circle", {"name": "b", "outer": "c"}), ("inside_of_circle", {"name": "c", "outer": "b"})],
        ),
        (
            {"a": {"inside_of": "b", "smallest_ml": 9}, "b": {"largest_ml": 8.5}},
            [("inside_of_misfit", {"name": "a", "outer": "b"})],
        ),
        (
            {"a": {"inside_of": "b", "side": "left"}, "b": {"side": "right"}},
            [("inside_of_misfit", {"name": "a", "outer": "b"})],
        ),
        ({"a": {"inside_of": "b", "side": "left"}, "b": {"side": "front"}}, []),
        ({"a": {"inside_of": "b", "smallest_ml": 8}, "b": {"largest_ml": 8}}, []),
    ],
)
def test_what_is_known_of_parts_is_checked(known, expected):
    assert knowing(**known) == expected


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({}, True),
        ({"a": {"sharing": "free"}}, False),
        ({"a": {"inside_of": "b"}}, False),
        ({"a": {"inside_of": "c"}, "c": {"inside_of": "b"}}, False),
        ({"a": {"inside_of": "c"}, "b": {"inside_of": "c"}}, True),
    ],
)
def test_one_voxel_of_two_classes_that_exclude_each_other_is_told(known, told):
    classes = ClassTable.from_json([{"name": name, "known": known.get(name, {})} for name in "abc"])
    labels = VolumeLabels("scan", None, "k", 4, "slicer", (5, 5, 4))
    POINTS.put(
        labels, [Point("a", (1, 2, 3)), Point("b", (1, 2, 3)), Point("c", (1, 2, 3), False), Point("b", (0, 2, 3))]
    )
    found = [(one.code, one.values) for one in POINTS.check(classes, [labels])]
    values = {"name": "scan", "first": "a", "second": "b", "voxel": [1, 2, 3]}
    assert found == [("point_of_two_classes", values)] * told
