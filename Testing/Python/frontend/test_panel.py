"""What the panels of the sections have in common."""

from __future__ import annotations

import contextlib

import pytest
import qt

from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.panel import Panel
from WeakMedSAMLib.frontend.base.panel_parts import contrast, makeReadable, rgb, toldApart


def test_a_panel_that_was_let_go_hears_nothing_and_waits_for_nothing(scene, host):
    calls, told = [], Callbacks()
    panel = Panel("Classes.ui")
    soon = panel.soon(lambda: calls.append("soon"), 1)
    panel.follow((told, lambda: calls.append("told")))
    told()
    soon()
    host.settle(0.05)
    assert calls == ["told", "soon"]
    soon()
    panel.cleanup()
    told()
    host.settle(0.05)
    assert calls == ["told", "soon"]
    panel.widget.deleteLater()


def test_filling_lasts_until_the_outermost_end(scene):
    panel = Panel("Classes.ui")
    with panel.filling():
        with panel.filling():
            assert panel._isFilling
        assert panel._isFilling
    with contextlib.suppress(ValueError), panel.filling():
        int("no number")
    assert not panel._isFilling
    panel.widget.deleteLater()


def test_names_that_begin_alike_show_where_they_differ():
    names = [f"BRATS_Case_{number:03}_FLAIR_axial_reoriented" for number in (7, 8, 12)]
    assert toldApart(names) == [f"BRATS_…{number:03}_FLAIR_axial_reoriented" for number in (7, 8, 12)]
    assert toldApart(["Head", "Heart"]) == ["Head", "Heart"]
    assert toldApart([names[0]]) == [names[0]]
    assert toldApart([names[0], names[0]]) == [names[0]] * 2
    assert toldApart([]) == []
    short = ["Case_of_A_1", "Case_of_A_2"]
    assert toldApart(short) == short
    digits = ["1.2.840.113619.2.55.3.1", "1.2.840.113619.2.55.3.27"]
    assert toldApart(digits) == ["1.2.84…1", "1.2.84…27"]


@pytest.mark.parametrize("highlight", ["#308cc6", "#2a82da", "#101010", "#fafafa"])
def test_what_is_selected_can_be_read(host, scene, highlight):
    widget = qt.QWidget()
    palette = qt.QPalette(widget.palette)
    palette.setColor(qt.QPalette.Highlight, qt.QColor(highlight))
    widget.palette = palette
    inner = qt.QListWidget(widget)
    makeReadable(widget)
    colors = [rgb(inner.palette.color(role)) for role in (qt.QPalette.Highlight, qt.QPalette.HighlightedText)]
    assert contrast(*colors) >= 4.5
    widget.deleteLater()
