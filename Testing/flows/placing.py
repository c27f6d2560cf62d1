"""What one sees and finds while boxes and points are placed in the module."""

from __future__ import annotations

import slicer
import slicer.util

PLACE = slicer.vtkMRMLInteractionNode.Place


def modes():
    logic = slicer.app.applicationLogic()
    return logic.GetInteractionNode(), logic.GetSelectionNode()


def is_placing():
    return modes()[0].GetCurrentInteractionMode() == PLACE


def pens():
    return [node for node in slicer.util.getNodesByClass("vtkMRMLMarkupsNode") if "pen" in node.GetName()]


def assert_nothing_left(driver):
    driver.host.settle(0.1)
    interaction, selection = modes()
    assert interaction.GetCurrentInteractionMode() != PLACE
    assert selection.GetActivePlaceNodeID() in (None, "")
    assert not pens()
    ui = driver.panel("tags").ui
    assert not any(getattr(ui, name).checked for name in ("boxButton", "pointButton", "notButton"))
    assert not driver.panel("tags").marks.actions.kind


def marks(driver):
    return driver.logic.marksOf(driver.logic.state.currentVolume)


def message(driver):
    return driver.ui("tags", "messageLabel").text


def hint(driver):
    frame = driver.ui("tags", "placingFrame")
    return driver.ui("tags", "hintLabel").text if frame.visible else ""
