"""Points and boxes as labels of a session: every change is one step, in the one history. No Qt, no MRML."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.frontend.labels.marks.mark_contradictions import contradictionsOf
from WeakMedSAMLib.frontend.labels.marks.mark_edits import MarkEdits
from WeakMedSAMLib.frontend.labels.marks.mark_finding import joinable, signsOf
from WeakMedSAMLib.frontend.labels.marks.mark_words import gapsInWords, marksOfSlice, noteOfSlice
from WeakMedSAMLib.frontend.labels.tag_session import TagSession

KEY = "a" * 64
COUNTS = {"i": 30, "j": 20, "k": 10}


@pytest.fixture
def session():
    made = TagSession()
    made.ensureVolume("Scan", KEY, "k", COUNTS)
    made.renameClass("Lesion", "liver")
    made.addClass("spleen")
    return made


@pytest.fixture
def marks(session):
    return MarkEdits(session)


def test_a_volume_knows_its_size(session):
    assert session.volume(KEY).size == (30, 20, 10)
    session.changeAxis(KEY, "i", 30)
    assert session.volume(KEY).size == (30, 20, 10)


def test_a_scene_of_before_gets_sizes_and_its_history_keeps_them(session, marks):
    session.setTag(KEY, "liver", 3, PRESENT)
    text = session.toJson().replace('"size": [30, 20, 10], ', "")
    assert "size" not in text
    again = TagSession()
    again.fromJson(text)
    assert again.volume(KEY).size is None
    again.setTag(KEY, "liver", 4, PRESENT)
    again.ensureVolume("Scan", KEY, "k", COUNTS)
    assert again.volume(KEY).size == (30, 20, 10)
    assert again.canUndo
    again.undo()
    assert again.volume(KEY).size == (30, 20, 10)
    with pytest.raises(UserError) as caught:
        MarkEdits(again).addPoint(KEY, "liver", (30, 0, 0))
    assert caught.value.code == "mark_outside"


def test_each_change_is_one_step_and_comes_back(session, marks):
    states = [marks.of(KEY)]

    def note():
        states.append(marks.of(KEY))

    box = marks.addBox(KEY, "liver", (9, 12, 4), (3, 2, 4))
    assert box == Box("liver", (3, 2, 4), (9, 12, 4))
    note()
    point = marks.addPoint(KEY, "spleen", (5, 5, 5))
    note()
    marks.addPoint(KEY, "spleen", (6, 5, 5), shows=False)
    note()
    marks.moveMark(KEY, box, Box("liver", (4, 2, 4), (10, 12, 4)))
    note()
    marks.setComplete(KEY, "liver", 4, True)
    assert marks.of(KEY)[0].complete
    note()
    marks.removeMark(KEY, point)
    note()
    marks.clear(KEY, "liver")
    note()
    assert marks.of(KEY) == (Point("spleen", (6, 5, 5), False),)
    for wanted in reversed(states[:-1]):
        session.undo()
        assert marks.of(KEY) == wanted
    assert not session.canUndo or "spleen" in session.undoText
    for wanted in states[1:]:
        session.redo()
        assert marks.of(KEY) == wanted


def test_what_is_said_twice_is_no_step(session, marks):
    marks.addPoint(KEY, "liver", (1, 1, 1))
    text = session.undoText
    assert text == "new point of 'liver' on slice 1"
    marks.addPoint(KEY, "liver", (1, 1, 1))
    session.undo()
    assert marks.of(KEY) == ()


def test_the_opposite_of_a_point_takes_its_place(marks):
    marks.addPoint(KEY, "liver", (1, 1, 1))
    marks.addPoint(KEY, "liver", (1, 1, 1), shows=False)
    assert marks.of(KEY) == (Point("liver", (1, 1, 1), False),)


def test_two_boxes_are_joined_only_when_asked(session, marks):
    one = marks.addBox(KEY, "liver", (3, 2, 2), (9, 12, 2))
    other = marks.addBox(KEY, "liver", (5, 1, 6), (11, 10, 6))
    far = marks.addBox(KEY, "liver", (5, 1, 9), (11, 10, 9))
    assert marks.of(KEY) == (one, other, far)
    joined = marks.joinBoxes(KEY, "liver", 2)
    assert joined == Box("liver", (3, 1, 2), (11, 12, 6))
    assert marks.of(KEY) == (far, joined)
    session.undo()
    assert marks.of(KEY) == (one, other, far)
    with pytest.raises(UserError, match="Two boxes of 'spleen'"):
        marks.joinBoxes(KEY, "spleen", 2)
    with pytest.raises(UserError) as caught:
        marks.joinBoxes(KEY, "liver", 4)
    assert caught.value.code == "no_box"


def test_all_boxed_needs_a_box(marks):
    with pytest.raises(UserError) as caught:
        marks.setComplete(KEY, "liver", 4, True)
    assert caught.value.code == "no_box"


@pytest.mark.parametrize("name", ["{mark}", "a {b} %s", "100 %"])
def test_names_of_classes_may_look_like_places_to_fill(session, marks, name):
    session.addClass(name)
    marks.addBox(KEY, name, (1, 1, 1), (2, 2, 1))
    marks.setComplete(KEY, name, 1, True)
    marks.clear(KEY, name)
    assert name in session.undoText


def test_unknown_classes_and_volumes_are_refused(session, marks):
    for function, arguments in ((marks.addPoint, ((1, 1, 1),)), (marks.addBox, ((1, 1, 1), (2, 2, 1)))):
        with pytest.raises(UserError) as caught:
            function(KEY, "kidney", *arguments)
        assert caught.value.code == "unknown_class"
        with pytest.raises(UserError) as caught:
            function("b" * 64, "liver", *arguments)
        assert caught.value.code == "unknown_volume"
    assert marks.of("b" * 64) == ()


def test_marks_follow_the_class_and_the_scene(session, marks):
    marks.addBox(KEY, "liver", (3, 2, 2), (9, 12, 2))
    marks.addPoint(KEY, "spleen", (5, 5, 5))
    session.renameClass("liver", "Leber")
    assert [mark.class_name for mark in marks.of(KEY)] == ["Leber", "spleen"]
    session.removeClass("Leber")
    assert [mark.class_name for mark in marks.of(KEY)] == ["spleen"]
    session.undo()
    kept = marks.of(KEY)
    again = TagSession()
    again.fromJson(session.toJson())
    again.ensureVolume("Scan", KEY, "k", COUNTS)
    assert MarkEdits(again).of(KEY) == kept


def test_marks_are_said_where_they_are(session, marks):
    session.tagRange(KEY, "liver", 2, 4, restIsAbsent=False)
    session.tagRange(KEY, "liver", 7, 8, restIsAbsent=False)
    labels = session.volume
    assert gapsInWords(labels(KEY), "liver") == "2-4, 7-8"
    marks.addBox(KEY, "liver", (3, 2, 3), (9, 12, 3))
    marks.addPoint(KEY, "liver", (5, 5, 3))
    marks.addPoint(KEY, "liver", (6, 5, 3))
    marks.addPoint(KEY, "liver", (6, 5, 8), shows=False)
    assert gapsInWords(labels(KEY), "liver") == "7-8"
    assert signsOf(labels(KEY), "liver") == {3: "box", 8: "not"}
    assert marksOfSlice(labels(KEY), "liver", 3) == "box, 2 × point"
    assert marksOfSlice(labels(KEY), "liver", 5) == ""
    # Tagged present it is anyway; where it is untagged, that it counts is to be seen.
    assert noteOfSlice(labels(KEY), "liver", 3) == "box, 2 × point"
    assert noteOfSlice(None, "liver", 3) == noteOfSlice(labels(KEY), "liver", None) == ""
    marks.addBox(KEY, "liver", (3, 2, 0), (9, 12, 0))
    marks.addPoint(KEY, "liver", (3, 2, 1), shows=False)
    assert noteOfSlice(labels(KEY), "liver", 0) == "box: counts as present"
    assert noteOfSlice(labels(KEY), "liver", 1) == "not here"
    session.undo()
    session.undo()
    session.restAbsent(KEY, "liver")
    marks.addPoint(KEY, "liver", (5, 5, 6))
    assert contradictionsOf(labels(KEY), session.classes, None) == []  # absent there only as the rest
    session.setRange(KEY, "liver", 3, 5, ABSENT)
    (found,) = contradictionsOf(labels(KEY), session.classes, None)
    assert (found.className, found.slices) == ("liver", (3,))
    # The mark counts, as it says more exactly what is there.
    np.testing.assert_array_equal(np.flatnonzero(labels(KEY).presence("liver") == PRESENT), [2, 3, 6, 7, 8])


def test_the_other_end_of_a_new_box_is_the_nearest_of_its_class_with_nothing_absent_between(session, marks):
    new = marks.addBox(KEY, "liver", (1, 2, 6), (4, 5, 6))
    assert joinable(session.volume(KEY), new) is None
    marks.addBox(KEY, "spleen", (1, 2, 5), (4, 5, 5))
    marks.addBox(KEY, "liver", (8, 9, 6), (9, 9, 6))  # on the same slice
    assert joinable(session.volume(KEY), new) is None
    far = marks.addBox(KEY, "liver", (1, 2, 1), (4, 5, 1))
    assert joinable(session.volume(KEY), new) == far
    deep = marks.addBox(KEY, "liver", (2, 2, 2), (4, 5, 3))
    assert joinable(session.volume(KEY), new) == deep
    assert joinable(session.volume(KEY), deep) is None  # not of one slice
    session.setTag(KEY, "liver", 4, ABSENT)
    assert joinable(session.volume(KEY), new) is None  # two things, by what was said between
    session.undo()
    session.setTag(KEY, "liver", 8, ABSENT)
    joined = marks.joinPair(KEY, new, joinable(session.volume(KEY), new))
    assert joined == Box("liver", (1, 2, 2), (4, 5, 6))
    assert joined in marks.of(KEY)
    assert not {new, deep} & {*marks.of(KEY)}
    session.undo()
    assert {new, deep} <= {*marks.of(KEY)}
