"""The panel as a whole: one volume and one class for all of it, what to do next, one way back."""

from __future__ import annotations

import pytest
import qt
import slicer
import slicer.util
from flows.driver import fake_worker


def next_text(driver):
    driver.host.settle(0.25)
    return driver.ui("bar", "nextLabel").text


@pytest.fixture
def two(driver):
    """Two tagged volumes with masks."""
    driver.open(fake_worker("--seconds", "0.2"))
    nodes = []
    for number in range(2):
        node, first, last = driver.phantom(f"Scan {number}", number)
        driver.tag(node, first, last)
        nodes.append(node)
    driver.generate()
    assert driver.wait_for_end().status == "finished"
    driver.host.settle(0.3)
    return nodes


def test_what_is_next_leads_from_the_scan_to_the_export(driver, monkeypatch, window):
    asked = []
    monkeypatch.setattr(slicer.util, "openAddDataDialog", lambda: asked.append("add data"))
    driver.open(fake_worker("--seconds", "0.2"))
    assert next_text(driver) == "Next: Load a scan."
    driver.click("bar", "goButton")
    assert asked == ["add data"]
    node, first, last = driver.phantom()
    driver.choose(node)
    assert "present" in next_text(driver) or "tag" in next_text(driver).lower()
    driver.click("bar", "goButton")
    assert driver.open_sections() == ["tags"]
    driver.tag(node, first, last)
    assert next_text(driver) == "Next: Generate masks for this volume."
    driver.click("bar", "goButton")
    assert driver.open_sections() == ["generate"]
    driver.generate()
    assert "being generated" in next_text(driver)
    driver.wait_for_end()
    assert next_text(driver).startswith("Next: Correct Lesion (slice ")
    assert driver.open_sections() == ["review"]
    driver.host.dialogs.answer("Mark all the same")
    driver.ui("review", "classTable").item(0, 3).setCheckState(qt.Qt.Checked)
    assert "Export" in next_text(driver)
    driver.click("bar", "goButton")
    assert driver.open_sections() == ["export"]


def test_what_would_make_masks_better_can_be_read(driver):
    driver.open(fake_worker())
    node, first, last = driver.phantom()
    driver.tag(node, first, last)
    driver.host.settle(0.25)
    button = driver.ui("bar", "notesButton")
    assert button.visible
    driver.click("bar", "notesButton")
    assert any("tag more volumes" in text for text in driver.host.dialogs.texts)


def test_one_volume_is_what_all_is_about(two, driver):
    first, second = two
    for node in (second, first):
        driver.ui("bar", "volumeSelector").setCurrentNode(node)
        driver.host.settle(0.3)
        assert driver.logic.state.currentVolume is node
        for view in ("Red", "Green", "Yellow"):
            composite = slicer.app.layoutManager().sliceWidget(view).mrmlSliceCompositeNode()
            assert composite.GetBackgroundVolumeID() == node.GetID()
        assert driver.panel("review")._subject.volumeNode is node
        rows = driver.panel("volumes")._rows
        assert [row.nodeId for row in rows if row.isCurrent] == [node.GetID()]
        masks = driver.panel("export")._chosen()
        assert [subject.volumeNode for subject in masks] == [node]


def test_the_bar_follows_the_view_that_one_works_in(two, driver):
    first, second = two
    driver.choose(first)
    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    composite.SetBackgroundVolumeID(second.GetID())
    driver.host.settle(0.3)
    assert driver.ui("bar", "volumeSelector").currentNode() is second
    assert driver.panel("review")._subject.volumeNode is second


def test_a_volume_that_is_not_learned_from_is_not_followed(two, driver):
    other, _first, _last = driver.phantom("Another", 7, show=False)
    driver.choose(two[0])
    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    composite.SetBackgroundVolumeID(other.GetID())
    driver.host.settle(0.3)
    assert driver.logic.state.currentVolume is two[0]


def test_scrolling_a_view_of_another_volume_takes_nothing_back(two, driver):
    first, second = two
    driver.choose(first)
    show(second, "Yellow")
    assert driver.logic.state.currentVolume is second  # it came to be shown
    driver.logic.state.currentVolume = first
    node = slicer.app.layoutManager().sliceWidget("Yellow").mrmlSliceNode()
    node.SetSliceOffset(node.GetSliceOffset() + 4)
    driver.host.settle(0.1)
    assert driver.logic.state.currentVolume is first


def show(node, view):
    slicer.app.layoutManager().sliceWidget(view).mrmlSliceCompositeNode().SetBackgroundVolumeID(node.GetID())


def test_the_first_scan_that_is_loaded_while_the_module_is_open_is_taken(driver):
    driver.open(fake_worker())
    node, _first, _last = driver.phantom()
    driver.host.settle(0.3)
    assert driver.logic.state.currentVolume is node
    assert "Load" not in next_text(driver)
    assert driver.ui("bar", "sliceLabel").text.startswith("slice ")


def test_what_another_module_showed_is_current_when_one_comes_back(two, driver):
    first, second = two
    driver.choose(first)
    driver.select("SegmentEditor")
    for view in ("Red", "Green", "Yellow"):
        show(second, view)
    driver.select()
    assert driver.logic.state.currentVolume is second


def test_an_untagged_volume_is_to_be_marked_before_others_are_generated(two, driver):
    other, _first, _last = driver.phantom("Another", 7)
    driver.choose(other)
    assert next_text(driver) == "Next: Mark this volume, or generate masks for the 2 in use."


def test_what_stands_in_the_way_is_among_the_notes_while_masks_are_reviewed(two, driver):
    driver.logic.session.addClass("Oedema")
    assert next_text(driver).startswith("Next: Correct Lesion (slice ")
    driver.click("bar", "notesButton")
    assert any("Oedema" in text and "remove the class" in text for text in driver.host.dialogs.texts)


def test_go_chooses_the_class_that_is_to_be_marked(driver, window):
    driver.open(fake_worker())
    node, first, last = driver.phantom()
    driver.tag(node, first, last)
    driver.logic.session.addClass("Oedema")
    assert next_text(driver).startswith("Next: Oedema: ")
    driver.click("bar", "goButton")
    assert driver.logic.state.currentClass == "Oedema"


def test_the_current_class_is_always_one_that_there_is(two, driver):
    session, state = driver.logic.session, driver.logic.state
    session.addClass("Oedema")
    state.currentClass = "Oedema"
    session.renameClass("Oedema", "Edema")
    assert state.currentClass == "Edema"
    session.undo()
    assert state.currentClass == "Oedema"
    old = session.classes.names[0]
    state.currentClass = old
    session.renameClass(old, "Tumour")
    # The mask of the run has the name of before.
    driver.unfold("review")
    driver.panel("review")._onMaskChosen()
    assert state.currentClass == "Tumour"
    session.removeClass("Tumour")
    assert state.currentClass == "Oedema"


def test_what_was_taken_back_is_gone_once_something_else_was_done(two, driver):
    session, key = driver.logic.session, driver.logic.currentKey()
    name = session.classes.names[0]
    session.setTag(key, name, 1, 1)
    driver.click("bar", "undoButton")
    assert driver.ui("bar", "redoButton").enabled
    driver.unfold("review")
    driver.host.dialogs.answer("Mark all the same")
    driver.ui("review", "classTable").item(0, 3).setCheckState(qt.Qt.Checked)
    driver.host.settle(0.1)
    assert not driver.ui("bar", "redoButton").enabled
    driver.click("bar", "undoButton")
    session.setTag(key, name, 2, 1)
    driver.host.settle(0.1)
    assert not driver.ui("bar", "redoButton").enabled


def test_undo_is_of_the_current_volume(two, driver):
    first, second = two
    session, button = driver.logic.session, driver.ui("bar", "undoButton")
    name = session.classes.names[0]
    driver.choose(second)
    key = driver.logic.currentKey()
    session.setTag(key, name, 1, 1)
    driver.host.settle(0.1)
    assert "present on slice 1" in button.toolTip
    driver.choose(first)
    driver.host.settle(0.2)
    assert "present on slice 1" not in button.toolTip
    before = session.tag(key, name, 1)
    driver.click("bar", "undoButton")
    assert session.tag(key, name, 1) == before
    # Classes are of all volumes, and of what is tagged by them.
    session.addClass("Other")
    session.setTag(key, "Other", 2, 1)
    driver.host.settle(0.1)
    assert not button.enabled
    assert f"something was done since: {second.GetName()}" in button.toolTip
    driver.choose(second)
    driver.host.settle(0.2)
    for _time in range(2):
        driver.click("bar", "undoButton")
    assert [*session.classes.names] == [name]


def test_masks_that_come_do_not_fold_what_one_works_on(driver, window):
    driver.open(fake_worker("--seconds", "1"))
    node, first, last = driver.phantom()
    driver.tag(node, first, last)
    driver.generate()
    driver.unfold("tags")
    driver.wait_for_end()
    driver.host.settle(0.4)
    assert driver.open_sections() == ["tags"]
    assert "Correct" in next_text(driver)


def test_files_have_the_name_that_a_volume_has_now(two, driver):
    first, second = two
    driver.choose(first)
    driver.unfold("export")
    first.SetName("ANON_17")
    driver.host.settle(0.3)
    assert driver.ui("export", "nameEdit").text == "ANON_17"
    driver.panel("export")._setText("written")
    driver.choose(second)
    driver.host.settle(0.3)
    assert not driver.ui("export", "resultLabel").visible
    assert driver.ui("export", "nameEdit").text == second.GetName()


def test_undo_goes_back_over_masks_and_tags_as_they_came(two, driver):
    first = two[0]
    driver.choose(first)
    driver.host.settle(0.3)
    session, key = driver.logic.session, driver.logic.currentKey()
    name = session.classes.names[0]
    before = [session.tag(key, name, index) for index in (1, 2)]
    session.setTag(key, name, 1, 1)
    driver.unfold("review")
    table = driver.ui("review", "classTable")
    driver.host.dialogs.answer("Mark all the same")
    table.item(0, 3).setCheckState(qt.Qt.Checked)  # what is done to masks
    session.setTag(key, name, 2, 1)
    bar = driver.widget.panel.bar
    segment = driver.panel("review")._subject.segment(driver.panel("review")._subject.segmentIds[0])

    def state():
        from WeakMedSAMLib.frontend.results.segment_tags import isReviewed

        return [session.tag(key, name, 1), isReviewed(segment), session.tag(key, name, 2)]

    assert state() == [1, True, 1]
    steps = []
    for _ in range(3):
        driver.click("bar", "undoButton")
        steps.append(state())
    assert steps == [[1, True, before[1]], [1, False, before[1]], [before[0], False, before[1]]]
    for wanted in ([1, False, before[1]], [1, True, before[1]], [1, True, 1]):
        driver.click("bar", "redoButton")
        assert state() == wanted
    assert not driver.ui("bar", "redoButton").enabled
    assert bar.undo.redoText == ""


def test_a_class_is_chosen_for_all_sections_at_once(driver):
    driver.open(fake_worker())
    node, _first, _last = driver.phantom()
    driver.choose(node)
    driver.logic.setClasses(["Tumour", "Oedema"])
    driver.host.settle(0.1)
    driver.ui("bar", "classSelector").currentIndex = 1
    assert driver.logic.state.currentClass == "Oedema"
    driver.logic.state.currentClass = "Tumour"
    driver.host.settle(0.1)
    assert driver.ui("bar", "classSelector").currentText == "Tumour"


def test_the_slice_is_told_as_one_scrolls(driver):
    driver.open(fake_worker())
    node, _first, _last = driver.phantom()
    driver.choose(node)
    for index in (3, 17):
        driver.go_to(index)
        assert driver.ui("bar", "sliceLabel").text == f"slice {index}"
