"""The panel as a whole: it fits a narrow dock, and no key of the keyboard means two things in it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from WeakMedSAMLib.frontend.trial.self_test import FakeWorkerProcess

UI = Path(__file__).resolve().parents[4] / "WeakMedSAM" / "Resources" / "UI"
SLICER_MENUS = set("fevwh")  # File, Edit, View, Window, Help
NARROWEST = 450  # pixels at 100 %; Slicer's dock is wider when it is first shown


def mnemonics():
    """Letter -> texts that have it after an ampersand, over all sections."""
    texts = [
        text for file in sorted(UI.glob("*.ui")) for text in re.findall(r"<string>([^<]*)</string>", file.read_text())
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


@pytest.mark.parametrize("name", ["Brain", "A name of a scan that is much longer than any panel of any window is wide"])
def test_the_panel_fits_a_narrow_dock(driver, make_volume, name):
    volume = make_volume(name=name)
    panel = driver.open(worker=FakeWorkerProcess).panel
    panel.logic.state.currentVolume = volume
    panel.logic.tagRange(volume, panel.logic.session.classes.names[0], 3, 6)
    panel.logic.startRun([volume])
    panel.logic.waitForRun(60)
    for section in ("volumes", "classes", "tags", "generate", "review", "export"):
        panel.section(section).collapsed = False
    driver.host.settle(0.2)
    widths = {name: part.widget.minimumSizeHint.width() for name, part in panel.panels.items()}
    assert max(widths.values()) <= NARROWEST, widths
