"""What the panels of the sections have in common."""

from __future__ import annotations

import contextlib

from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.panel import Panel


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
