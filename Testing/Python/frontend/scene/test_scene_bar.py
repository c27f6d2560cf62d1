"""The bar above the sections, alone."""

from __future__ import annotations

import pytest
from flows.sight import opened

NAME = "BRATS_Case_with_a_name_of_forty_letters_"


@pytest.fixture
def bar(host, logic):
    from WeakMedSAMLib.frontend.bar.bar_panel import BarPanel

    made = opened(BarPanel(logic, lambda: "", lambda name: None), host)
    yield made
    made.cleanup()
    made.widget.close()


def test_the_whole_name_of_the_volume_stands_in_the_tip(logic, bar, make_volume):
    first, second = make_volume(f"{NAME}1"), make_volume(f"{NAME}2")
    tip = lambda: bar.ui.volumeSelector.toolTip  # noqa: E731
    assert tip() == "Choose a volume."
    for volume in (first, second):
        logic.state.currentVolume = volume
        assert f"{volume.GetName()}. It follows" in tip()
    second.SetName("renamed")
    assert "renamed. It follows" in tip()
    first.SetName("another one")
    assert "renamed. It follows" in tip()
    logic.state.currentVolume = None
    second.SetName("not asked for")
    assert tip() == "Choose a volume."
