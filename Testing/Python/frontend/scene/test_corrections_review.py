"""The review beside corrections: fine slices, reviewed masks and the threshold are about the same labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import qt
from flows.sight import cell, center_of, tick_reviewed
from flows.strokes import disc

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED

SHAPE = (20, 40, 50)


def look(bench, index):
    """Look at a slice for as long as it takes to be seen."""
    bench.show(index)
    bench.panel.slices.showShown()


def test_fine_slices_are_labels(correcting, click):
    bench, ui = correcting, correcting.ui
    bench.show(3)
    click(ui.fineButton)
    bench.settle()
    assert bench.corrections.stateOf("organ", 3) == bench.corrections.stateOf("Läsion", 3) == "fine"
    assert "1 of 19 fine" in ui.slicesLabel.text
    assert cell(ui.sliceTable, 3, 0) == "✓"
    assert np.array_equal(PAINTED.slices(bench.labels, "organ")[3].pixels, bench.voxels("organ")[3])
    assert bench.corrections.pending == 0
    bench.session.undo()
    assert "0 of 19 fine" in ui.slicesLabel.text
    assert not bench.corrections.states("organ")


def test_fine_means_drawn_where_it_was_touched_and_changes_nothing_that_was_drawn(correcting):
    bench = correcting
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8) | disc(SHAPE, 9))
    bench.settle()
    for index in (8, 9):
        bench.corrections.markFine(index, True)
    assert dict(bench.corrections.states("organ")) == {8: "drawn", 9: "drawn"}
    bench.corrections.markFine(8, False)
    assert bench.corrections.stateOf("organ", 8) == "drawn"
    assert bench.corrections.stateOf("Läsion", 8) == "machine"
    assert bench.corrections.stateOf("Läsion", 9) == "fine"


def test_a_reviewed_mask_is_fine_everywhere_and_stays_reviewed_when_it_is_corrected(correcting, click):
    bench, ui, told = correcting, correcting.ui, []
    bench.corrections.told.connect(told.append)
    bench.show(8)
    bench.editor.stroke(bench.ids["Läsion"], disc(SHAPE, 8))
    bench.settle()
    assert len(bench.corrections.unseen("Läsion")) == 19
    tick_reviewed(bench.host, ui.classTable, 0, click)
    assert bench.corrections.unseen("Läsion") == []
    assert bench.corrections.stateOf("Läsion", 8) == "drawn"
    bench.settle()
    assert cell(ui.classTable, 0, 3) == "yes"
    # Every slice is known: an edit that goes through many keeps all of them so.
    bench.editor.stroke(bench.ids["Läsion"], disc(SHAPE, 8, at=(5, 5)) | disc(SHAPE, 10, at=(5, 5)))
    bench.settle()
    bench.host.settle(0.6)
    states = bench.corrections.states("Läsion")
    assert (states[8], states[10], states[11]) == ("drawn", "drawn", "fine")
    assert cell(ui.classTable, 0, 3) == "yes"
    assert bench.panel.stateInWords().startswith("1 of 2 reviewed")
    assert told == ["'Läsion' stays reviewed: what you correct counts as right."]
    # Unticked: corrections stay, slices that nobody looked at are the machine's again.
    click(ui.classTable.viewport(), *center_of(ui.classTable, 0, 3, x=10))
    assert dict(bench.corrections.states("Läsion")) == {8: "drawn", 10: "drawn"}
    bench.session.undo()
    assert bench.corrections.unseen("Läsion") == []
    bench.host.settle(0.2)
    assert cell(ui.classTable, 0, 3) == "yes"


def test_slices_that_nobody_looked_at_are_named_before_a_mask_is_reviewed(correcting, click):
    bench, ui, asked = correcting, correcting.ui, correcting.host.dialogs
    place = ui.classTable.viewport(), *center_of(ui.classTable, 1, 3, x=10)
    for index in (2, 3, 4):
        look(bench, index)
    bench.corrections.markFine(6, True)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 4) | disc(SHAPE, 9))
    bench.settle()
    # Looked at: 2 to 4, and the first one that was shown; 6 is fine; 9 was changed from elsewhere, unseen.
    shown = {bench.panel.slices.shownSlice(), *bench.panel.slices._seen.of(bench.panel._subject)}
    asked.answer(qt.QMessageBox.Cancel)
    click(*place)
    left = [index for index in range(20) if index not in shown | {6}]
    assert f"{len(left)} of 20 slices of 'organ' were not looked at:" in asked.texts[-1]
    assert "5, 7-" in asked.texts[-1]
    assert cell(ui.classTable, 1, 3) == "no"
    assert len(bench.corrections.unseen("organ")) == 18
    bench.logic.state.currentClass = "organ"
    asked.answer("Go there")
    click(*place)
    bench.host.settle(0.1)
    rows = bench.panel.slices.table.rows
    assert bench.panel.slices.shownSlice() == next(row.index for row in rows if row.index in left)
    assert bench.logic.state.currentClass == "organ"
    assert cell(ui.classTable, 1, 3) == "no"
    for index in left:
        look(bench, index)
    # All were shown by now: nobody asks.
    click(*place)
    bench.settle()
    assert (cell(ui.classTable, 1, 3), bench.corrections.unseen("organ")) == ("yes", [])


def test_masks_that_come_while_it_is_asked_are_not_called_reviewed(correcting, click, monkeypatch):
    from WeakMedSAMLib.frontend.results import review_slices

    panel = correcting.panel

    def ask(*_given):
        panel._subject = replace(panel._subject, volumeId="001")
        return review_slices.MARK

    monkeypatch.setattr(review_slices, "askOfUnseen", ask)
    click(correcting.ui.classTable.viewport(), *center_of(correcting.ui.classTable, 1, 3, x=10))
    assert len(correcting.corrections.unseen("organ")) == 20


def test_slices_that_an_update_changed_are_not_looked_at_any_more(correcting, click, make_run):
    bench, ui, asked = correcting, correcting.ui, correcting.host.dialogs
    for index in range(20):
        look(bench, index)
    assert bench.panel.slices.unseen(bench.ids["organ"]) == []
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:15, 5:10, 5:10] = 7
    before = bench.voxels("organ")
    bench.update(make_run([bench.volume], labels), labels)
    bench.host.settle(0.3)
    changed = np.flatnonzero((bench.voxels("organ") != before).any((1, 2)))
    unseen = {*bench.panel.slices.unseen(bench.ids["organ"])}
    assert unseen
    assert unseen == {*changed.tolist()} - {bench.panel.slices.shownSlice()}
    asked.answer(qt.QMessageBox.Cancel)
    click(ui.classTable.viewport(), *center_of(ui.classTable, 1, 3, x=10))
    assert "were not looked at" in asked.texts[-1]


def test_slices_called_fine_one_by_one_stay_so_when_a_mask_is_not_reviewed_after_all(correcting, click):
    bench, ui = correcting, correcting.ui
    for index in (2, 3):
        bench.show(index)
        click(ui.fineButton)
    tick_reviewed(bench.host, ui.classTable, 1, click)
    bench.settle()
    click(ui.classTable.viewport(), *center_of(ui.classTable, 1, 3, x=10))
    bench.settle()
    assert dict(bench.corrections.states("organ")) == {2: "fine", 3: "fine"}


def test_all_slices_of_the_list_fine_make_masks_reviewed_but_say_nothing_of_slices_that_nobody_saw(correcting):
    bench, ui = correcting, correcting.ui
    bench.show(0)
    for _slice in range(19):
        bench.panel.slices.fineAndNext()
    bench.settle()
    assert [cell(ui.classTable, row, 3) for row in range(2)] == ["yes", "yes"]
    assert bench.corrections.unseen("organ") == [19]


def test_the_threshold_moves_slices_of_the_machine_only(correcting):
    bench, ui = correcting, correcting.ui
    bench.logic.state.currentClass = "organ"
    bench.host.waitUntil(lambda: ui.thresholdSlider.enabled)
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8, at=(3, 3), radius=2) | disc(SHAPE, 9, at=(3, 3), radius=2))
    bench.settle()
    bench.corrections.markFine(6, True)
    before = bench.voxels("organ")
    ui.thresholdSlider.value = 20
    bench.panel.threshold.finish()
    bench.settle()
    after = bench.voxels("organ")
    assert np.array_equal(after[8], before[8])
    assert np.array_equal(after[6], before[6])
    assert (after[7] != before[7]).any()
    known = PAINTED.slices(bench.labels, "organ")[9].pixels
    assert (after[9] != before[9]).any()
    assert np.array_equal(after[9][known != 255], known[known != 255] == 1)
    assert dict(bench.corrections.states("organ")) == {6: "fine", 8: "drawn", 9: "touched"}
    assert bench.corrections.states("Läsion") == {6: "fine"}
    # Taken back in the order in which it was done.
    bench.history.undo(bench.node)
    bench.settle()
    assert np.array_equal(bench.voxels("organ"), before)
    assert dict(bench.corrections.states("organ")) == {6: "fine", 8: "drawn", 9: "touched"}
    # As generated, but where it is known.
    ui.resetButton.click()
    bench.settle()
    assert np.array_equal(bench.voxels("organ")[8], before[8])


def test_the_threshold_goes_by_the_probabilities_of_the_update(correcting, make_run):
    bench, ui = correcting, correcting.ui
    bench.logic.state.currentClass = "organ"
    bench.host.waitUntil(lambda: ui.thresholdSlider.enabled)
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:15, 5:10, 5:10] = 7
    maps = {7: (labels == 7) * np.uint8(200), 1: np.zeros(SHAPE, np.uint8)}
    bench.update(make_run([bench.volume], labels, maps), labels)
    bench.host.waitUntil(lambda: ui.thresholdSlider.enabled)
    ui.thresholdSlider.value = 20
    bench.panel.threshold.finish()
    bench.settle()
    assert np.array_equal(bench.voxels("organ"), labels == 7)
    # Those of before once the update is taken back.
    assert bench.corrections.undoUpdate()
    bench.host.settle(0.2)
    bench.host.waitUntil(lambda: ui.thresholdSlider.enabled)
    ui.thresholdSlider.value = 21
    bench.panel.threshold.finish()
    assert bench.voxels("organ").sum() > 10 * (labels == 7).sum()


def test_a_drag_ends_before_an_update_is_written(correcting):
    bench, ui = correcting, correcting.ui
    bench.logic.state.currentClass = "organ"
    bench.host.waitUntil(lambda: ui.thresholdSlider.enabled)
    ui.thresholdSlider.value = 20
    bench.corrections.putUpdate({"organ": {5: np.zeros(SHAPE[1:], bool)}})
    assert [each.text for each in bench.history._done] == ["change the threshold", "update the masks"]
    # It moves slices, and no update with them.
    bench.history.undo(bench.node)
    assert bench.voxels("organ")[5].any()


def test_marks_of_an_earlier_version_are_read_and_become_labels_with_the_next_one(correcting):
    bench = correcting
    from WeakMedSAMLib.frontend.results.fine_slices import FINE_ATTRIBUTE

    old = f'{{"{bench.record.runId}/000": {{"organ": [4, 5], "Läsion": [4, 5]}}}}'
    bench.node.SetAttribute(FINE_ATTRIBUTE, old)
    bench.panel.slices.showFine()
    assert bench.panel.slices._fine()["organ"] == {4, 5}
    bench.show(2)
    bench.panel.slices.fineAndNext()
    assert dict(bench.corrections.states("organ")) == {2: "fine", 4: "fine", 5: "fine"}
    bench.show(5)
    bench.panel.slices.notFine()
    assert "organ" not in bench.node.GetAttribute(FINE_ATTRIBUTE)
    assert bench.panel.slices._fine()["organ"] == {2, 4}
    bench.session.undo()
    bench.session.undo()
    assert not bench.corrections.states("organ")
    assert bench.panel.slices._fine()["organ"] == {4, 5}


def test_a_review_of_what_is_known_already_can_be_taken_back(correcting, click):
    bench, ui = correcting, correcting.ui
    bench.corrections.mark({"organ": range(20)}, {}, "fine")
    click(ui.classTable.viewport(), *center_of(ui.classTable, 1, 3, x=10))
    bench.settle()
    assert cell(ui.classTable, 1, 3) == "yes"
    assert bench.session.undo() == "mark organ as reviewed"
    bench.panel.masks.showReviewed()
    assert cell(ui.classTable, 1, 3) == "no"
    assert bench.corrections.unseen("organ") == []


@pytest.fixture
def changed(correcting, make_run):
    """An update that changed most of slice 12, less of 19, and of nothing else."""
    bench = correcting
    bench.labels_of_update = labels = np.where(bench.voxels("organ"), 7, bench.voxels("Läsion")).astype(np.uint8)
    labels[12, :5, :8] = 7
    labels[19, :2, :3] = 1
    labels[19, 5, 5] = 7
    bench.update(make_run([bench.volume], labels), labels)
    bench.host.settle(0.2)
    return bench


def rows_of(bench, count=3):
    rows = bench.panel.slices.table.rows[:count]
    return [(row.index, row.worst.className, row.worst.isChanged) for row in rows]


def test_slices_that_the_update_changed_most_come_first_in_the_list(changed, click):
    bench, ui = changed, changed.ui
    assert rows_of(bench) == [(12, "organ", True), (19, "Läsion", True), (0, "Läsion", False)]
    assert cell(ui.sliceTable, 0, 4) == cell(ui.sliceTable, 1, 4) == "changed by the update"
    assert "changed and" in ui.slicesLabel.text
    assert "0 of 20 fine" in ui.slicesLabel.text
    # What is fine stays in its row, and is not among them the next time that the list is made.
    bench.show(12)
    bench.panel.slices.fineAndNext()
    bench.host.settle(0.1)
    assert rows_of(bench, 2) == [(12, "organ", True), (19, "Läsion", True)]
    assert cell(ui.sliceTable, 0, 0) == "✓"
    assert bench.panel.slices.shownSlice() == 19
    bench.panel.slices._filledFor = ()
    bench.panel.refresh()
    assert rows_of(bench, 2) == [(19, "Läsion", True), (0, "Läsion", False)]


def test_an_update_that_is_taken_back_changed_nothing(changed):
    bench = changed
    assert bench.corrections.undoUpdate()
    bench.host.settle(0.2)
    assert rows_of(bench, 1) == [(0, "Läsion", False)]
    assert "changed" not in bench.ui.slicesLabel.text
    bench.history.redo(bench.node)
    bench.host.settle(0.2)
    assert rows_of(bench, 1) == [(12, "organ", True)]


def test_only_what_the_last_update_changed_comes_first(changed, make_run):
    bench, labels = changed, changed.labels_of_update.copy()
    labels[10, :3, :3] = 7
    bench.update(make_run([bench.volume], labels), labels)
    bench.host.settle(0.2)
    assert rows_of(bench, 2) == [(10, "organ", True), (0, "Läsion", False)]
