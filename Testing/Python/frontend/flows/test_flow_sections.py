"""The sections of the panel: one is open at a time, a folded one says how it stands, and each fits a screen."""

from __future__ import annotations

import pytest
import qt
import slicer
import slicer.util
from flows.driver import SECTIONS, fake_worker

from WeakMedSAMLib.frontend.base.sections import Sections

WIDTH = 420  # pixels of the dock at 100 %
MOST = 700  # pixels that an open section and the bar may take of a screen of 1080
NAMES = [f"A_class_with_a_name_of_forty_letters_{number:04}" for number in range(4)]


def test_opening_a_section_folds_the_others_but_not_where_one_types(driver):
    driver.open(fake_worker())
    window = slicer.util.mainWindow()
    window.show()
    try:
        sections = driver.widget.panel.sections
        sections.open("classes")
        assert driver.open_sections() == ["classes"]
        driver.ui("classes", "classTable").setFocus()
        qt.QApplication.setActiveWindow(window)
        driver.host.settle(0.1)
        sections.open("tags")
        held = qt.QApplication.focusWidget() is not None
        assert driver.open_sections() == (["classes", "tags"] if held else ["tags"])
        driver.ui("bar", "volumeSelector").setFocus()
        sections.open("export")
        assert driver.open_sections() == ["export"]
    finally:
        window.hide()


def test_sections_stay_open_for_whoever_wants_that(driver):
    driver.open(fake_worker())
    panel = driver.widget.panel
    action = panel.bar.menu.actions()[0]
    action.setChecked(True)
    for name in SECTIONS:
        driver.unfold(name)
    assert driver.open_sections() == list(SECTIONS)
    assert panel.sections.stayOpen
    action.setChecked(False)
    panel.sections.open("tags")
    assert driver.open_sections() == ["tags"]


def test_a_folded_header_says_how_things_stand_in_few_letters(host, scene):
    import ctk

    buttons = {}
    for name in ("one", "two"):
        buttons[name] = ctk.ctkCollapsibleButton()
        buttons[name].text = f"1. {name}"
    sections = Sections(buttons, {"one": "5, 4 ready", "two": "x" * 80}.get)
    sections.open("two")
    sections.showStates()
    assert buttons["one"].text == "1. one: 5, 4 ready"
    assert buttons["two"].text == "1. two"
    sections.open("one")
    assert buttons["one"].text == "1. one"
    assert len(buttons["two"].text) < 45
    for button in buttons.values():
        button.deleteLater()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_open_section_fits_a_screen_beside_the_bar(driver, dark, palette_of):
    driver.open(fake_worker("--seconds", "0.2"))
    nodes = [driver.phantom(f"BRATS_Case_{number:03}_FLAIR_axial_reoriented_1mm", number) for number in range(5)]
    driver.choose(nodes[0][0])
    driver.logic.setClasses(NAMES)
    for node, first, last in nodes:
        driver.logic.state.setInCohort(node, True)
        for name in NAMES:
            driver.logic.tagRange(node, name, first, last)
    window, panel = slicer.util.mainWindow(), driver.widget.panel
    dock = slicer.util.findChild(window, "PanelDockWidget")
    dock.minimumWidth = dock.maximumWidth = WIDTH
    window.resize(1280, 1000)
    window.show()
    try:
        with palette_of(dark):
            heights = measured_heights(driver)
            driver.generate()
            driver.wait_for_end()
            heights |= {f"{name} with masks": height for name, height in measured_heights(driver).items()}
    finally:
        dock.minimumWidth, dock.maximumWidth = 0, 16777215
        window.hide()
    assert max(heights.values()) <= MOST, heights
    assert panel.bar.widget.height <= 110


def measured_heights(driver):
    """Section -> pixels of its contents when open, with the bar; nothing is wider than its place."""
    panel, heights = driver.widget.panel, {}
    for name in SECTIONS:
        panel.goTo(name)
        driver.host.settle(0.2)
        part = panel.panels[name].widget
        place = panel.ui.sectionsArea
        assert place.widget().minimumSizeHint.width() <= place.viewport().width, name
        assert part.minimumSizeHint.width() <= part.width, name
        heights[name] = part.sizeHint.height() + panel.bar.widget.height
    return heights
