"""Boxes and points in the panel: the model's answers, the list, the menu, what is missing and what contradicts."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import slicer
import slicer.util
from flows.driver import fake_worker
from flows.placing import hint, marks, message

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.frontend.running import resident_worker
from WeakMedSAMLib.frontend.running.worker_command import Command, residentCommand


def test_the_answer_is_an_outline_on_its_slice(work):
    work.press("X")
    work.click_at((30, 40, 20))
    work.click_at((12, 22, 20))
    assert "asked" in hint(work)
    answered = work.asked[-1][-1]
    size = work.logic.labels.ofCurrent().size
    mask = np.zeros((size[1], size[0]), bool)
    mask[25:35, 15:28] = True
    answered(mask, None)
    outlines = work.panel("tags").marks._outlines
    assert "asked" not in hint(work)
    assert outlines.viewsOf("answer") == ["Red"]
    lines = outlines.shown("answer").lines
    np.testing.assert_allclose((lines.min(axis=(0, 1)), lines.max(axis=(0, 1))), ((14.5, 24.5, 20), (27.5, 34.5, 20)))
    assert len(lines) == 2 * (10 + 13)
    work.go_to(21)
    assert outlines.viewsOf("answer") == []
    work.go_to(20)
    assert outlines.viewsOf("answer") == ["Red"]
    # Moved, it is asked about anew, and an answer that comes late counts no longer.
    key, box = work.logic.currentKey(), marks(work)[0]
    work.logic.labels.marks.moveMark(key, box, Box("Lesion", (13, 22, 20), (31, 40, 20)))
    assert len(work.asked) == 2
    assert outlines.shown("answer") is None
    answered(mask, None)
    assert outlines.shown("answer") is None
    work.asked[-1][-1](mask, None)
    assert outlines.shown("answer") is not None
    work.press("Z")
    work.press("Z")
    assert outlines.shown("answer") is None


def test_without_an_answer_a_line_says_why(work):
    work.press("O")
    work.click_at((15, 16, 20))
    answered = work.asked[-1][-1]
    answered(None, UserError("no_weights", "There are no weights.", "Install them."))
    assert "No outline: There are no weights." in hint(work)
    size = work.logic.labels.ofCurrent().size
    answered(np.zeros((size[1], size[0]), bool), None)
    assert "finds nothing" in hint(work)


def test_without_a_model_nothing_is_said(work):
    work.panel("tags").marks.useModel(None)
    work.press("O")
    work.click_at((15, 16, 20))
    assert hint(work).startswith("New point of 'Lesion' on slice 20")
    assert "asked" not in hint(work)


def test_the_list_goes_there_and_removes(work):
    key, edits = work.logic.currentKey(), work.logic.labels.marks
    work.logic.session.addClass("Edge")
    edits.addBox(key, "Lesion", (10, 10, 25), (20, 20, 25), complete=True)
    edits.addBox(key, "Edge", (10, 10, 5), (20, 20, 8))
    edits.addPoint(key, "Edge", (10, 10, 15), shows=False)
    work.host.settle(0.1)
    section, table = work.ui("tags", "marksSection"), work.ui("tags", "marksTable")
    assert section.visible
    assert section.collapsed
    assert section.text == "Boxes and points: 3"
    section.collapsed = False
    rows = [[table.item(row, column).text() for column in range(3)] for row in range(3)]
    assert rows == [["Edge", "box in 3-D", "5-8"], ["Edge", "not here", "15"], ["Lesion", "box, all of it", "25"]]
    click_row(work, table, 1)
    assert work.panel("tags")._navigator.sliceIndex() == 15
    assert work.logic.state.currentClass == "Edge"
    click_row(work, table, 2)
    assert work.panel("tags")._navigator.sliceIndex() == 25
    work.user.press(table, "Delete")
    assert [mark.class_name for mark in marks(work)] == ["Edge", "Edge"]
    work.logic.session.undo()
    assert len(marks(work)) == 3


def click_row(driver, table, row):
    place = table.visualItemRect(table.item(row, 0)).center()
    driver.user.click(table.viewport(), place.x(), place.y())


def test_the_menu_joins_completes_and_clears(work):
    actions = work.panel("tags").menu.actions
    key, edits = work.logic.currentKey(), work.logic.labels.marks
    actions["join"].trigger()
    assert "Two boxes" in message(work)
    actions["boxed"].trigger()
    assert "no box" in message(work)
    assert not actions["boxed"].checked
    edits.addBox(key, "Lesion", (10, 10, 20), (20, 20, 20))
    work.host.settle(0.1)
    actions["boxed"].trigger()
    assert marks(work)[0].complete
    assert actions["boxed"].checked
    work.go_to(21)
    assert not actions["boxed"].checked
    work.go_to(20)
    assert actions["boxed"].checked
    actions["boxed"].trigger()
    assert not marks(work)[0].complete
    edits.addBox(key, "Lesion", (12, 10, 24), (22, 20, 24))
    actions["join"].trigger()
    assert marks(work) == (Box("Lesion", (10, 10, 20), (22, 20, 24)),)
    actions["clearMarks"].trigger()
    assert marks(work) == ()
    work.press("Z")
    assert len(marks(work)) == 1


def test_ranges_without_a_box_are_named(work):
    label = work.ui("tags", "gapsLabel")
    assert not label.visible
    key, session = work.logic.currentKey(), work.logic.session
    session.tagRange(key, "Lesion", 15, 24)
    work.host.settle(0.1)
    assert (label.visible, label.text) == (True, "No box yet: 15-24")
    work.logic.labels.marks.addBox(key, "Lesion", (10, 10, 20), (20, 20, 20))
    work.host.settle(0.1)
    assert not label.visible


def test_what_contradicts_is_shown_where_it_is(work):
    key, session = work.logic.currentKey(), work.logic.session
    strip = work.panel("tags").strip
    session.setRange(key, "Lesion", 0, 24, 0)
    work.logic.labels.marks.addBox(key, "Lesion", (10, 10, 20), (20, 20, 20))
    work.host.settle(0.1)
    assert list(strip._view.wrong["Lesion"]) == [20]
    geometry = strip.stripGeometry()
    work.user.hover(strip, geometry.sliceMiddle(20), geometry.rowTop(0) + 3)
    assert "box" in strip._tip
    assert "tagged absent, but a box shows it here; the box counts" in strip._tip
    # In the list of marks, and in the view of that slice.
    section, table = work.ui("tags", "marksSection"), work.ui("tags", "marksTable")
    assert section.text == "Boxes and points: 1, contradicted: 1"
    assert table.item(0, 1).text() == "! box"
    assert "the box counts" in table.item(0, 1).toolTip()
    note = work.panel("tags")._notes.annotations._actors["Red"][0]
    assert "! contradiction: the box counts" in note.GetInput()
    work.go_to(21)
    assert "contradiction" not in note.GetInput()
    work.go_to(20)
    session.setTag(key, "Lesion", 20, -1)
    work.host.settle(0.1)
    assert not strip._view.wrong
    assert strip._view.marks["Lesion"] == {20: "box"}
    assert (section.text, table.item(0, 1).text()) == ("Boxes and points: 1", "box")
    assert "contradiction" not in note.GetInput()


def test_a_point_outside_of_the_boxes_is_told_of_that_point_alone(work):
    key, edits = work.logic.currentKey(), work.logic.labels.marks
    edits.addBox(key, "Lesion", (10, 10, 20), (20, 20, 20), complete=True)
    edits.addPoint(key, "Lesion", (12, 12, 20))
    edits.addPoint(key, "Lesion", (40, 30, 20))
    work.host.settle(0.1)
    table = work.ui("tags", "marksTable")
    assert sorted(table.item(row, 1).text() for row in range(3)) == ["! point", "box, all of it", "point"]
    assert "outside of the boxes" in work.panel("tags").strip._view.wrong["Lesion"][20]
    note = work.panel("tags")._notes.annotations._actors["Red"][0]
    assert "the point counts" in note.GetInput()


def test_a_slice_against_its_scan_is_shown_without_any_mark(work):
    from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS

    key, session = work.logic.currentKey(), work.logic.session
    session.edit("not here", key, lambda labels: SCAN_TAGS.put(labels, {"Lesion": False}))
    session.setTag(key, "Lesion", 20, 1)
    work.host.settle(0.1)
    (words,) = work.panel("tags").strip._view.wrong["Lesion"].values()
    assert "said not to be in this volume, but this slice is tagged present; that counts" in words
    assert "slice's tag counts" in work.panel("tags")._notes.annotations._actors["Red"][0].GetInput()


def test_a_box_on_the_other_side_of_the_patient_is_told(work):
    from WeakMedSAMLib.contract.knowledge import Knowledge
    from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToWorld

    key, session, strip = work.logic.currentKey(), work.logic.session, work.panel("tags").strip
    volume, size = work.logic.state.currentVolume, work.logic.labels.ofCurrent().size
    edits = work.logic.labels.marks
    # Which end of i is the patient's left: where R decreases.
    grows = ijkToWorld(volume)[0, 0] < 0
    left = (size[0] - 8, size[0] - 3) if grows else (3, 8)
    session.changeClass("Lesion", known=Knowledge(side="left"))
    edits.addBox(key, "Lesion", (left[0], 10, 20), (left[1], 20, 20))
    work.host.settle(0.1)
    assert not strip._view.wrong
    session.changeClass("Lesion", known=Knowledge(side="right"))
    work.host.settle(0.1)
    assert "other side" in strip._view.wrong["Lesion"][20]


def test_a_real_resident_worker_is_asked_and_answers(driver, window, monkeypatch, tmp_path):
    worker = Path(__file__).parents[1] / "answering_worker.py"

    def command(folder, *arguments):
        real = residentCommand(folder, *arguments)
        words = real.arguments[real.arguments.index("resident") :]
        return Command(sys.executable, (str(worker), "good", str(tmp_path / "log.txt"), *words), {"PYTHONUTF8": "1"})

    monkeypatch.setattr(resident_worker, "residentCommand", command)
    node, _first, _last = driver.phantom()
    driver.open(fake_worker(), resident=None)
    driver.choose(node)
    driver.unfold("tags")
    driver.go_to(20)
    driver.press("X")
    driver.click_at((30, 40, 20))
    driver.click_at((12, 22, 20))
    outlines = driver.panel("tags").marks._outlines
    driver.wait(lambda: outlines.shown("answer") is not None)
    lines = outlines.shown("answer").lines
    np.testing.assert_allclose((lines.min(axis=(0, 1)), lines.max(axis=(0, 1))), ((11.5, 21.5, 20), (30.5, 40.5, 20)))
    driver.host.closeScene()
    assert outlines.shown("answer") is None


def test_a_box_alone_is_enough(driver, window):
    node, first, last = driver.phantom()
    driver.open(fake_worker("--seconds", "0.3"))
    driver.choose(node)
    assert driver.panel("tags").stateInWords() == "not ready"
    middle = (first + last) // 2
    driver.go_to(middle)
    driver.press("X")
    driver.click_at((30, 40, middle))
    driver.click_at((12, 22, middle))
    driver.host.settle(0.3)
    assert driver.panel("tags").stateInWords() == "ready"
    assert driver.ui("bar", "nextLabel").text == "Next: Generate masks for this volume."
    assert driver.logic.readyProblem() == ""
    driver.generate()
    assert driver.wait_for_end().status == "finished"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_section_fits_a_screen_while_one_places(work, dark, palette_of):
    session, key = work.logic.session, work.logic.currentKey()
    names = ["liver", "right kidney", "left kidney", "spleen"]
    work.logic.setClasses(names)
    for number, name in enumerate(names):
        session.tagRange(key, name, 3 + 5 * number, 12 + 5 * number)
        work.logic.labels.marks.addBox(key, name, (5, 5, 5), (20, 20, 5))
        work.logic.labels.marks.addPoint(key, name, (8, 8, 25))
    dock = slicer.util.findChild(slicer.util.mainWindow(), "PanelDockWidget")
    dock.minimumWidth = dock.maximumWidth = 420
    slicer.util.mainWindow().resize(1280, 1000)
    panel = work.widget.panel
    heights = {}
    try:
        with palette_of(dark):
            panel.goTo("tags")
            work.press("X")
            work.click_at((30, 40, 20))
            for state in ("placing", "placed", "with list"):
                if state == "placed":
                    work.click_at((12, 22, 20))
                elif state == "with list":
                    work.ui("tags", "marksSection").collapsed = False
                work.host.settle(0.3)
                part = panel.panels["tags"].widget
                assert part.minimumSizeHint.width() <= part.width, state
                heights[state] = part.sizeHint.height() + panel.bar.widget.height
            print(heights)
    finally:
        dock.minimumWidth, dock.maximumWidth = 0, 16777215
    # Six folded headers beside it are 42 pixels each.
    assert max(heights.values()) <= 700, heights


def test_a_selected_box_is_dragged_by_its_handles(work):
    work.press("X")
    work.click_at((30, 40, 20))
    work.click_at((12, 22, 20))
    work.press("Return")
    assert not slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")[0].GetDisplayNode().GetHandlesInteractive()
    work.ui("tags", "marksSection").collapsed = False
    click_row(work, work.ui("tags", "marksTable"), 0)
    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    view.forceRender()
    widget, *start = work.point_at((30.5, 31, 20))
    _widget, *end = work.point_at((36.5, 31, 20))
    work.user.hover(widget, *start)
    work.user.drag(widget, tuple(start), tuple(end))
    work.host.settle(0.2)
    assert marks(work) == (Box("Lesion", (12, 22, 20), (36, 40, 20)),)
    assert work.logic.session.undoText.startswith("move of box")
    work.press("Z")
    assert marks(work) == (Box("Lesion", (12, 22, 20), (30, 40, 20)),)
