"""The list of volumes says which of them still need review."""

from __future__ import annotations

import numpy as np
import pytest
from flows.sight import cell, opened, tick_reviewed

from WeakMedSAMLib.frontend.labels.volume_table import STATE
from WeakMedSAMLib.frontend.results import review_changes


@pytest.fixture
def volumes_panel(host, logic, reviewed, make_volume):
    """The list of the volumes of a run and of one beside it."""
    from WeakMedSAMLib.frontend.labels.volumes_panel import VolumesPanel
    from WeakMedSAMLib.frontend.results.review_states import ReviewStates

    make_volume("of no run")
    states = ReviewStates(logic.state, logic.history)
    panel = opened(VolumesPanel(logic.labels, logic.views, states), host)
    yield panel
    panel.cleanup()
    states.cleanup()
    panel.widget.close()


def states_in(panel):
    panel.refresh()
    return [cell(panel.ui.volumeTable, row, STATE) for row in range(3)]


def review(reviewed, host, click, *rows):
    table = reviewed.panel.ui.classTable
    for row in rows:
        tick_reviewed(host, table, row, click)
    host.settle(0.5)


def test_each_volume_of_a_run_says_how_many_masks_are_to_be_reviewed(
    host, scene, logic, reviewed, volumes_panel, click
):
    table = volumes_panel.ui.volumeTable
    assert states_in(volumes_panel) == ["2 to review", "2 to review", ""]
    review(reviewed, host, click, 0)
    assert cell(table, 0, STATE) == "1 to review", "at once, without a refresh"
    assert table.item(0, STATE).toolTip().startswith("Still to be reviewed: organ\nMasks of this run: ")
    review(reviewed, host, click, 1)
    assert states_in(volumes_panel) == ["✓ reviewed", "2 to review", ""]
    logic.history.undo(reviewed.node)
    host.settle(0.1)
    assert cell(table, 0, STATE) == "1 to review"
    scene.RemoveNode(reviewed.node)
    assert states_in(volumes_panel)[1:] == ["2 to review", ""]
    assert "review" not in cell(table, 0, STATE)


def test_masks_that_are_changed_while_another_volume_is_current_are_to_be_reviewed_again(
    host, logic, reviewed, volumes_panel, lib, click
):
    review(reviewed, host, click, 0, 1)
    logic.state.currentVolume = reviewed.volumes[1]
    host.settle(0.3)
    assert cell(volumes_panel.ui.volumeTable, 0, STATE) == "✓ reviewed"
    first = lib.segments.segmentIdsOf(reviewed.node)[0]
    image = lib.images.ownImage(reviewed.node, first, (20, 40, 50), (0, 0, 0), np.eye(4))
    lib.images.imageArray(image)[3, 4, 5] = 1
    image.Modified()
    volumes_panel.refresh()
    host.waitUntil(lambda: cell(volumes_panel.ui.volumeTable, 0, STATE) == "1 to review")


def test_no_voxel_is_looked_at_for_what_nobody_changed(host, logic, reviewed, volumes_panel, monkeypatch):
    looked = []
    monkeypatch.setattr(review_changes, "maskSteps", lambda *given: looked.append(given) or iter(()))
    for number in range(2):
        reviewed.node.GetSegmentation().GetNthSegment(number).SetTag("Segmentation.Status", "completed")
    logic.state.currentVolume = reviewed.volumes[1]
    host.settle(0.3)
    assert states_in(volumes_panel)[0] == "✓ reviewed"
    host.settle(0.1)
    assert not looked
