"""Correcting with what is kept of it, in the whole module."""

from __future__ import annotations

import pytest
from flows.driver import fake_worker
from vtk.util.numpy_support import vtk_to_numpy


@pytest.fixture
def reviewed(driver):
    driver.open(worker=fake_worker("--seconds", "0.3"))
    driver.review_phantom()
    driver.click("review", "correctButton")
    return driver


def stroke(driver, index, rows, columns, mode="Add"):
    editor = driver.panel("review").correct.editor.widget
    effect = editor.effectByName("Paint")
    labelmap = effect.defaultModifierLabelmap()
    array = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(labelmap.GetDimensions()[::-1])
    array[:] = 0
    array[index, rows, columns] = 1
    labelmap.Modified()
    effect.saveStateForUndo()
    effect.modifySelectedSegmentByLabelmap(labelmap, getattr(effect, f"ModificationMode{mode}"))
    driver.host.settle(0.4)


def test_a_stroke_makes_a_slice_drawn_and_the_panel_says_so(reviewed):
    driver, review = reviewed, reviewed.panel("review")
    driver.press("Ctrl+N")
    index = review.slices.shownSlice()
    review.correct.editor.choose("Paint")
    stroke(driver, index, slice(5, 9), slice(5, 9))
    assert driver.logic.corrections.stateOf("Lesion", index) == "drawn"
    assert review.ui.stateLabel.text == f"Slice {index}, Lesion: # drawn"
    assert driver.logic.corrections.pending == 1
    box = review.correct.update
    assert box._pending == 1
    review.ui.scribbleButton.click()
    other = index + 1
    driver.go_to(other)
    stroke(driver, other, slice(5, 9), slice(5, 9))
    assert driver.logic.corrections.stateOf("Lesion", other) == "touched"
    assert driver.logic.corrections.pending == 2
    assert review.ui.rightButton.visible
    driver.click("bar", "undoButton")
    driver.host.settle(0.4)
    assert driver.logic.corrections.stateOf("Lesion", other) == "machine"
    assert review.correct.scribbling._hints.scribbles("Lesion", "k") == {}
    driver.click("bar", "redoButton")
    driver.host.settle(0.4)
    assert driver.logic.corrections.stateOf("Lesion", other) == "touched"
    assert list(review.correct.scribbling._hints.scribbles("Lesion", "k")) == [other]
    review.ui.scribbleButton.click()
    driver.go_to(index)
    driver.press("Ctrl+G")
    driver.host.settle(0.5)
    assert driver.logic.corrections.stateOf("Lesion", index) == "machine"
    assert driver.logic.corrections.stateOf("Lesion", other) == "touched"


def test_the_undo_key_of_the_editor_and_that_of_the_bar_are_one(reviewed):
    driver, review = reviewed, reviewed.panel("review")
    driver.press("Ctrl+N")
    index = review.slices.shownSlice()
    review.correct.editor.choose("Paint")
    stroke(driver, index, slice(5, 9), slice(5, 9))
    driver.press("Z")
    driver.host.settle(0.4)
    assert driver.logic.corrections.stateOf("Lesion", index) == "machine"
    assert driver.logic.corrections.pending == 0
    driver.press("Ctrl+Y")
    driver.host.settle(0.4)
    assert driver.logic.corrections.stateOf("Lesion", index) == "drawn"
    assert annotation_of(driver).endswith("# mask: drawn\ncorrecting: tagging keys are off")


def annotation_of(driver):
    return driver.panel("tags")._notes.annotations._actors["Red"][0].GetInput()
