"""Correcting in the whole module: keys and notes of the views, sections that open, and room for all of it."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from flows.driver import fake_worker
from flows.kept_corrections import KeptCorrections
from flows.strokes import Editor

from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.frontend.scene.run_records import folderOf

NARROWEST, HIGHEST = 420, 700


@pytest.fixture
def reviewed(driver):
    """The module with the masks of a run, and slices that were corrected."""
    driver.open(worker=fake_worker("--seconds", "0.3"))
    driver.review_phantom()
    driver.kept = KeptCorrections(class_names=("Lesion",))
    driver.panel("review").correct.useCorrections(driver.kept, driver.kept.teaches)
    driver.host.settle(0.2)
    return driver


def tag_here(driver):
    volume = driver.logic.session.volume(driver.logic.currentKey())
    return volume.state("Lesion")[2]


def annotation(driver):
    return driver.panel("tags")._notes.annotations._actors["Red"][0].GetInput()


def test_keys_of_tagging_are_off_while_one_corrects_and_on_afterwards(reviewed):
    driver = reviewed
    driver.go_to(2)
    before = tag_here(driver)
    driver.click("review", "correctButton")
    driver.press("P")
    assert tag_here(driver) == before
    driver.host.settle(0.1)
    assert annotation(driver).endswith("o mask: machine\ncorrecting: tagging keys are off")
    driver.press("1")  # of the editor: its first tool
    assert driver.panel("review").correct.editor.effect == "Paint"
    driver.press("Escape")
    assert driver.panel("review").correct.editor.effect == ""
    driver.click("review", "correctButton")
    driver.press("P")
    assert tag_here(driver) != before
    assert "off" not in annotation(driver)


def test_chords_work_in_the_views_beside_a_tool(reviewed):
    driver = reviewed
    driver.click("review", "correctButton")
    driver.panel("review").correct.editor.choose("Paint")
    driver.press("Ctrl+N")
    index = driver.panel("review").slices.shownSlice()
    driver.kept.put("Lesion", index, "drawn")
    driver.press("Ctrl+G")
    assert driver.kept.said == [("back", index, index, None)]
    assert driver.panel("review").correct.editor.effect == "Paint"


def test_another_section_that_opens_has_the_keys_again(reviewed):
    driver = reviewed
    driver.click("review", "correctButton")
    driver.panel("review").correct.editor.choose("Paint")
    driver.widget.panel.goTo("tags")
    driver.host.settle(0.2)
    assert not driver.panel("review").correct.editor.isOn
    assert driver.logic.views.use.taken == ""
    driver.widget.panel.goTo("review")
    driver.host.settle(0.2)
    assert driver.panel("review").correct.editor.isOn
    driver.select("SegmentEditor")
    assert not driver.panel("review").correct.editor.isOn
    driver.select()


def test_the_folded_section_says_what_waits_for_an_update(reviewed):
    review = reviewed.panel("review")
    assert review.stateInWords() == "0 of 1 reviewed"
    reviewed.kept.put("Lesion", 3, "drawn")
    assert review.stateInWords() == "0 of 1 reviewed, 1 to update"


def test_a_button_that_is_down_is_seen_in_a_dark_style(reviewed, palette_of):
    button = reviewed.ui("review", "correctButton")
    light = button.styleSheet
    with palette_of("dark"):
        reviewed.host.settle(0.1)
        assert button.styleSheet != light
    reviewed.host.settle(0.1)
    assert button.styleSheet == light


def test_keys_of_correcting_stand_in_the_help(reviewed):
    reviewed.panel("tags").menu.actions["keys"].checked = True
    text = reviewed.ui("tags", "keysLabel").text
    for key in ("Ctrl+D", "Ctrl+N", "Ctrl+E", "Ctrl+R", "Ctrl+G", "Ctrl+U"):
        assert key in text


@pytest.mark.parametrize("state", ["masks", "correct", "update", "touched", "outlined"])
def test_all_of_it_fits_a_narrow_dock(reviewed, state):
    driver, review = reviewed, reviewed.panel("review")
    window = slicer.util.mainWindow()
    window.resize(1280, 1000)
    window.show()
    dock = slicer.util.findChild(window, "PanelDockWidget")
    dock.minimumWidth = dock.maximumWidth = NARROWEST
    try:
        review.ui.correctButton.checked = state != "masks"
        driver.host.settle(0.2)
        review.correct.editor.choose("Paint")
        if state == "update":
            review.correct.update.start()
            review.correct.update.progress(0.5, 300)
        if state in ("touched", "outlined"):
            driver.kept.put("Lesion", review.slices.shownSlice(), "touched")
        if state == "outlined":
            answers = review.correct.answers
            assert answers.ask == driver.logic.resident.ask
            answers._mask = np.ones((4, 4), bool)
            answers._say("The model's outline on slice 123: Enter takes it as drawn, Esc leaves it.")
        driver.host.settle(0.3)
        area = driver.widget.panel.ui.sectionsArea
        assert area.widget().minimumSizeHint.width() <= area.viewport().width
        assert area.horizontalScrollBar().maximum == 0
        assert review.widget.height <= HIGHEST
        assert review.ui.updateFrame.visible
        assert review.ui.outlineButton.visible == (state == "outlined")
        assert (review.ui.correctFrame.visible, review.ui.masksFrame.visible) == (state != "masks", state == "masks")
    finally:
        dock.minimumWidth, dock.maximumWidth = 0, 16777215
        window.hide()


def test_what_is_drawn_before_there_are_masks_goes_into_the_first_run_and_stays(driver):
    """A slice that is drawn in the panel alone, without a tag, is enough to generate."""
    driver.open(worker=fake_worker("--seconds", "0.3"))
    volume, first, _last = driver.phantom()
    driver.choose(volume)
    driver.widget.panel.goTo("review")
    driver.go_to(first)
    slicer.util.mainWindow().show()
    driver.click("review", "correctButton")
    driver.host.settle(0.2)
    correct = driver.panel("review").correct
    shape = slicer.util.arrayFromVolume(volume).shape
    mask = np.zeros(shape, bool)
    mask[first, 4:9, 5:11] = True
    node, segment_id = correct.editor.segmentationNode, correct.editor.segmentId
    Editor(slicer, node, volume).stroke(segment_id, mask)
    driver.host.settle(0.3)
    driver.press("Ctrl+R")
    driver.host.settle(0.2)
    labels = driver.logic.labels.ofCurrent()
    assert {at: one.state for at, one in PAINTED.slices(labels, "Lesion").items()} == {first: "drawn"}
    driver.press("Ctrl+Z")
    assert PAINTED.slices(driver.logic.labels.ofCurrent(), "Lesion")[first].state == "scribbled"
    driver.press("Ctrl+Y")
    driver.generate()
    assert driver.wait_for_end().status == "finished"
    run = driver.logic.state.runs()[-1]
    (told,) = read_label_file(RunFolder(folderOf(run)).tags).volumes
    assert np.array_equal(PAINTED.slices(told, "Lesion")[first].pixels, mask[first])
    driver.widget.panel.goTo("review")
    driver.host.settle(0.3)
    assert correct.editor.segmentationNode in (None, driver.logic.segmentationsOf(run.runId)[0])
    assert np.array_equal(PAINTED.slices(driver.logic.labels.ofCurrent(), "Lesion")[first].pixels, mask[first])
    assert driver.ui("review", "fineButton").visible
