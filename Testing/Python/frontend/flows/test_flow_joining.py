"""What the corner of the view says while one places, and the offer to join two boxes to one in 3-D."""

from __future__ import annotations

import slicer.util
from flows.placing import assert_nothing_left, hint, marks

from WeakMedSAMLib.contract.labels.boxes import Box

FIRST, SECOND = Box("Lesion", (12, 22, 20), (30, 40, 20)), Box("Lesion", (10, 25, 24), (28, 42, 24))
BOTH = Box("Lesion", (10, 22, 20), (30, 42, 24))


def corner(work, view="Red"):
    """The lines of the note in a view, without those that it always has."""
    _name, *lines = work.panel("tags")._notes.annotations._actors[view][0].GetInput().splitlines()
    return [line for line in lines if not line.startswith("slice ") and not line.endswith("counts as present")]


def place(work, box):
    work.go_to(box.first[2])
    work.press("X")
    work.click_at(box.last)
    work.click_at(box.first)
    work.host.settle(0.1)


def test_the_corner_of_the_view_leads_through_a_box(work):
    work.press("X")
    assert corner(work) == ["box: click on a corner", "Esc: leave", "placing: tagging keys are off"]
    assert corner(work, "Green") == ["placing: tagging keys are off"]
    work.click_at((30, 40, 20))
    work.hover_at((10, 20, 20))
    work.host.settle(0.1)
    assert corner(work)[:2] == ["box: click on the opposite corner", "Enter: take, Esc: leave"]
    work.click_at((12, 22, 20))
    assert corner(work) == ["new box", "Enter: take, Esc: take back"]
    work.press("Return")
    assert corner(work) == []
    work.press("Escape")
    assert marks(work) == (FIRST,)


def test_the_corner_of_the_view_leads_through_points_and_outermost_points(work):
    work.press("O")
    work.hover_at((15, 16, 20))
    work.host.settle(0.1)
    assert corner(work)[:2] == ["point: click on it", "Enter: take, Esc: leave"]
    work.press("Shift+O")
    assert corner(work)[0] == "not: click on what it is not"
    work.press("Escape")
    assert corner(work) == []
    work.panel("tags").menu.actions["extreme"].trigger()
    work.press("X")
    work.click_at((20, 10, 20))
    assert corner(work)[0] == "box: outermost points, 1 of 4"
    work.press("Escape")
    assert corner(work) == []
    assert_nothing_left(work)


def test_a_second_box_on_another_slice_is_offered_to_be_joined_and_never_joined_by_itself(work):
    button = work.ui("tags", "joinButton")
    place(work, FIRST)
    assert not button.visible
    work.press("Shift+Return")
    assert marks(work) == (FIRST,)
    place(work, SECOND)
    assert marks(work) == (FIRST, SECOND)
    assert button.visible
    assert "join it with that of slice 20" in hint(work)
    assert corner(work) == ["new box", "Shift+Enter: join with slice 20", "Enter: take, Esc: take back"]
    work.click("tags", "joinButton")
    assert marks(work) == (BOTH,)
    assert not button.visible
    assert "New box of 'Lesion' on slices 20 to 24" in hint(work)
    (roi,) = slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")
    assert roi.GetDisplayNode().GetHandlesInteractive()
    work.press("Return")
    work.press("Z")
    assert marks(work) == (FIRST, SECOND)
    work.press("Y")
    assert marks(work) == (BOTH,)


def test_one_key_joins_and_escape_takes_the_joining_back(work):
    place(work, FIRST)
    place(work, SECOND)
    work.press("Shift+Return")
    assert marks(work) == (BOTH,)
    work.press("Escape")
    assert marks(work) == (FIRST, SECOND)
    assert hint(work) == ""


def test_enter_keeps_both_boxes_and_the_offer_is_gone(work):
    place(work, FIRST)
    place(work, SECOND)
    work.press("Return")
    assert not work.ui("tags", "joinButton").visible
    work.press("Shift+Return")
    assert marks(work) == (FIRST, SECOND)


def test_the_corner_of_the_view_names_no_keys_that_are_off(work):
    place(work, FIRST)
    use = work.logic.views.use
    use.take("correcting")
    assert corner(work) == ["correcting: tagging keys are off"]
    use.take("")
    assert corner(work) == ["new box", "Enter: take, Esc: take back"]


def test_nothing_is_offered_over_slices_without_the_class_and_for_another_class(work):
    key, session = work.logic.currentKey(), work.logic.session
    place(work, FIRST)
    session.setTag(key, "Lesion", 22, 0)
    place(work, SECOND)
    assert not work.ui("tags", "joinButton").visible
    session.undo()
    session.undo()
    session.addClass("Edge")
    work.logic.state.currentClass = "Edge"
    place(work, SECOND)
    assert not work.ui("tags", "joinButton").visible
    # The menu still joins what one wants joined.
    assert work.panel("tags").menu.actions["join"].enabled
