"""The panel as a whole: it fits a narrow dock, and no key of the keyboard means two things in it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import slicer
from flows.driver import fake_worker

UI = Path(__file__).resolve().parents[4] / "WeakMedSAM" / "Resources" / "UI"
SLICER_MENUS = set("fevwh")  # File, Edit, View, Window, Help
NARROWEST = 420  # pixels of the dock at 100 %, with the vertical scroll bar and Slicer's margins


def mnemonics():
    """Letter -> texts that have it after an ampersand, over all sections."""
    texts = [
        text
        for file in sorted(UI.glob("*.ui"))
        for text in re.findall(r"<string>([^<]*)</string>", file.read_text("utf-8"))
    ]
    found = {}
    for text in texts:
        for letter in re.findall(r"&amp;(\w)", text):
            found.setdefault(letter.lower(), []).append(text)
    return found


def test_no_letter_is_taken_twice_or_from_a_menu_of_slicer():
    found = mnemonics()
    assert len(found) >= 10
    assert {letter: texts for letter, texts in found.items() if len(texts) > 1} == {}
    assert set(found) & SLICER_MENUS == set()


def test_names_of_widgets_are_told_apart_within_a_section():
    for file in UI.glob("*.ui"):
        names = Counter(re.findall(r'<widget class="\w+" name="(\w+)"', file.read_text(encoding="utf-8")))
        assert [name for name, count in names.items() if count > 1] == [], file.name


@pytest.mark.parametrize("name", ["Brain", "BraTS_" + 74 * "x", "A scan " * 11 + "80"])
def test_the_panel_fits_a_narrow_dock(driver, make_volume, name):
    volume = make_volume(name=name)
    panel = driver.open(worker=fake_worker("--seconds", "0.3")).panel
    driver.tag(volume, 3, 6)
    driver.generate()
    assert driver.wait_for_end().status == "finished"
    window = slicer.util.mainWindow()
    window.resize(1280, 900)
    window.show()
    dock = slicer.util.findChild(window, "PanelDockWidget")
    dock.minimumWidth = dock.maximumWidth = NARROWEST
    try:
        panel.sections.stayOpen = True
        for section in panel.panels:
            driver.unfold(section)
        driver.host.settle(0.3)
        widths = {name: part.widget.minimumSizeHint.width() for name, part in panel.panels.items()}
        area = panel.ui.sectionsArea
        assert area.widget().minimumSizeHint.width() <= area.viewport().width, widths
        assert panel.widget.minimumSizeHint.width() <= NARROWEST, widths
        assert dock.width == NARROWEST
        assert area.verticalScrollBar().maximum > 0
        assert area.horizontalScrollBar().maximum == 0, widths
    finally:
        dock.minimumWidth, dock.maximumWidth = 0, 16777215
        window.hide()


@pytest.mark.parametrize("status", ["finished", "cancelled"])
def test_runs_are_not_cut_at_the_width_of_the_panel(driver, make_volume, status):
    from dataclasses import replace

    volume = make_volume(name="MRBrainTumor1")
    driver.open(worker=fake_worker("--seconds", "0.2"))
    driver.tag(volume, 3, 6)
    driver.generate()
    record = driver.wait_for_end()
    driver.logic.state.saveRun(replace(record, status=status))
    driver.host.settle(0.2)
    review = driver.ui("review", "runSelector")
    room = NARROWEST - 110  # the label before it, margins, the arrow and the scroll bar
    assert review.fontMetrics().boundingRect(review.currentText).width() <= room, review.currentText
    assert "UTC" not in review.toolTip  # by the clock of this computer
    assert status in review.toolTip


def test_the_list_of_volumes_is_as_high_as_its_rows(driver, make_volume):
    driver.open(worker=fake_worker())
    table = driver.ui("volumes", "volumeTable")
    heights = []
    for number in range(10):
        make_volume(name=f"Scan {number}")
        driver.host.settle(0.2)
        heights.append(table.minimumHeight)
        assert table.maximumHeight == table.minimumHeight
    row = table.rowHeight(0)
    assert table.rowCount == 10
    assert heights[0] < 3 * row + table.horizontalHeader().height
    assert heights[5] == heights[0] + 5 * row
    assert heights[6:] == [heights[5]] * 4


def test_long_words_may_be_broken_and_nothing_else_changes():
    from WeakMedSAMLib.frontend.base.panel_parts import breakable

    assert breakable("A few words, and a name_of_a_scan.") == "A few words, and a name_of_a_scan."
    broken = breakable("x" * 80 + ": ready")
    assert max(len(part) for part in broken.split("\u200b")) <= 24 + len(": ready")
    assert broken.replace("\u200b", "") == "x" * 80 + ": ready"
