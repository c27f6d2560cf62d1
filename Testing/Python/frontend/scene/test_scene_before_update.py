"""Before and after, for as long as something is held; and the button Update, with what it is told."""

from __future__ import annotations

import numpy as np
import pytest
import qt
import slicer
from flows.kept_corrections import KeptCorrections

SHAPE = (20, 40, 50)


@pytest.fixture
def run(reviewed, host, logic):
    logic.setClasses(["Läsion", "organ"])
    reviewed.kept = KeptCorrections()
    reviewed.panel.correct.useCorrections(reviewed.kept, reviewed.kept.teaches)
    host.settle(0.05)
    return reviewed


class Learner:
    """Counts what it is asked."""

    def __init__(self, **answers):
        from WeakMedSAMLib.frontend.results.correcting.given import UpdateCalls

        self.said = []
        self.calls = UpdateCalls(
            onUpdate=lambda isAll: self.said.append(("update", isAll)),
            onCancel=lambda: self.said.append("cancel"),
            onUndo=lambda: self.said.append("undo"),
            **answers,
        )


def shown_before():
    nodes = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    return [node for node in nodes if node.GetName() == "WeakMedSAM before"]


def change(run, lib):
    """Draw something else on the first mask."""
    segment_id = run.panel.masks.segmentId
    mask = np.zeros(SHAPE, bool)
    mask[3, :5] = True
    packed = lib.images.PackedMask(np.packbits(mask), SHAPE, (0, 0, 0), np.eye(4))
    lib.images.setMask(run.node, segment_id, packed)
    return segment_id


def test_the_masks_as_generated_are_seen_while_the_button_is_down(run, host, lib, voxels_of, user):
    button, display = run.panel.ui.beforeButton, run.node.GetDisplayNode()
    segment_id = run.panel.masks.segmentId
    generated = voxels_of(run.node, segment_id, SHAPE)
    change(run, lib)
    assert "generated" in button.toolTip
    user.push(button)
    host.waitUntil(shown_before)
    (node,) = shown_before()
    np.testing.assert_array_equal(voxels_of(node, segment_id, SHAPE), generated)
    assert not display.GetVisibility()
    assert node.GetHideFromEditors()
    assert not node.GetSaveWithScene()
    user.unpush(button)
    assert not shown_before()
    assert display.GetVisibility()


def test_after_an_update_it_is_the_masks_before_that(run, host, lib, voxels_of):
    segment_id = change(run, lib)
    earlier = {segment_id: lib.images.packMask(run.node, segment_id)}
    run.panel.correct.useUpdates(Learner(before=lambda _subject: earlier).calls)
    assert "before the last update" in run.panel.ui.beforeButton.toolTip
    lib.images.setMask(run.node, segment_id, None)
    run.panel.correct._before.hold()
    (node,) = shown_before()
    assert voxels_of(node, segment_id, SHAPE).sum() == 5 * 50
    run.panel.correct._before.release()


def test_a_key_shows_it_as_long_as_it_is_held(run, user, host):
    table = run.panel.ui.sliceTable
    user.hold(table, "Ctrl+E")
    host.waitUntil(shown_before)
    user.letGo(table, "Ctrl+E")
    assert not shown_before()
    assert run.node.GetDisplayNode().GetVisibility()


def test_what_is_held_is_seen_though_the_lists_are_filled_anew_meanwhile(run, host, logic):
    run.panel.correct._before.hold()
    logic.runs.changed("")
    host.settle(0.1)
    host.waitUntil(shown_before)
    logic.runs.changed("")
    host.settle(0.1)
    assert shown_before()
    run.panel.correct._before.release()
    assert not shown_before()


@pytest.mark.parametrize("how", ["leave", "close", "other volume", "cleanup"])
def test_it_ends_with_whatever_ends(run, host, logic, how):
    run.panel.correct._before.hold()
    host.waitUntil(shown_before)
    if how == "leave":
        run.panel.exit()
    elif how == "close":
        host.closeScene()
        run.panel.setScene(slicer.mrmlScene)
    elif how == "other volume":
        logic.state.currentVolume = run.volumes[1]
    else:
        run.panel.cleanup()
    host.settle(0.1)
    assert not shown_before()
    if how != "close":
        assert run.node.GetDisplayNode().GetVisibility()


def test_letting_go_before_it_is_read_shows_nothing(run, host):
    run.panel.correct._before.hold()
    run.panel.correct._before.release()
    host.settle(0.3)
    assert not shown_before()


def test_without_a_run_folder_there_is_nothing_before(run, host):
    run.result.volumes["000"].labels.unlink()
    run.panel.correct._before.choose(None)
    run.panel.refresh()
    assert not run.panel.ui.beforeButton.enabled
    assert "gone" in run.panel.ui.beforeButton.toolTip
    run.panel.correct._before.hold()
    host.settle(0.2)
    assert not shown_before()
    assert run.node.GetDisplayNode().GetVisibility()


def test_masks_that_were_hidden_by_hand_stay_hidden(run, host):
    run.node.GetDisplayNode().SetVisibility(False)
    run.panel.correct._before.hold()
    host.waitUntil(shown_before)
    run.panel.correct._before.release()
    assert not run.node.GetDisplayNode().GetVisibility()


def test_update_counts_what_waits_and_says_why_it_cannot(run, click, host, press):
    ui, learner = run.panel.ui, Learner()
    assert not ui.updateButton.enabled
    assert "nothing that learns" in ui.updateButton.toolTip
    run.panel.correct.useUpdates(learner.calls)
    assert ui.updateButton.text == "Update"
    assert ui.updateButton.toolTip.find("Nothing was corrected since the last update.") >= 0
    press(ui.sliceTable, "Ctrl+U")
    assert ui.updateLabel.text == "Nothing was corrected since the last update."
    for index in (3, 4, 5):
        run.kept.put("organ", index, "drawn")
    host.settle(0.05)
    assert ui.updateButton.text == "Update (3)"
    click(ui.updateButton)
    press(ui.sliceTable, "Ctrl+U")
    assert learner.said == [("update", False)] * 2
    run.kept.noteUpdated()
    host.settle(0.05)
    assert ui.updateButton.text == "Update"
    assert not ui.updateButton.enabled


def test_an_update_says_how_far_it_is_and_can_be_stopped(run, click, host):
    ui, learner = run.panel.ui, Learner()
    box = run.panel.correct.useUpdates(learner.calls)
    run.kept.put("organ", 3, "drawn")
    box.start()
    box.progress(0.25, 7.4)
    host.settle(0.05)
    assert ui.updateBar.visible
    assert ui.updateBar.value == 25
    assert "a few seconds left" in ui.updateBar.text
    assert not ui.updateButton.visible
    assert run.panel.correct.update.problem() == "An update is under way."
    box.progress(0.5, 200)
    assert "about 3 minutes left" in ui.updateBar.text
    click(ui.cancelUpdateButton)
    assert learner.said == ["cancel"]
    box.finished()
    assert not ui.updateBar.visible
    assert ui.updateButton.visible
    box.start()
    box.failed("The worker was stopped.")
    assert ui.updateLabel.text == "Not updated: The worker was stopped. Your corrections are kept."
    box.start()
    assert not ui.updateLabel.visible


def test_the_menu_tells_the_cost_and_takes_an_update_back(run, host):
    learner = Learner(cost=lambda: "4 volumes, about 20 min", undoProblem=lambda: "There was no update.")
    box = run.panel.correct.useUpdates(learner.calls)
    run.kept.put("organ", 3, "drawn")
    box._fillMenu()
    assert "4 volumes, about 20 min" in box._others.toolTip
    assert not box._undo.enabled
    host.dialogs.answer(qt.QMessageBox.No)
    box._others.trigger()
    assert learner.said == []
    host.dialogs.answer(qt.QMessageBox.Yes)
    box._others.trigger()
    assert learner.said == [("update", True)]
    assert "about 20 min" in host.dialogs.texts[-1]
    run.panel.correct.useUpdates(Learner().calls)
    box._fillMenu()
    assert not box._others.enabled  # no other volumes
    assert box._undo.enabled


def test_nothing_is_updated_while_masks_are_generated(run, logic, monkeypatch, host):
    run.panel.correct.useUpdates(Learner().calls)
    run.kept.put("organ", 3, "drawn")
    monkeypatch.setattr(type(logic.runs), "isRunning", property(lambda _self: True))
    logic.runs.changed("")
    host.settle(0.05)
    assert not run.panel.ui.updateButton.enabled
    assert run.panel.correct.update.problem() == "A run is under way."
