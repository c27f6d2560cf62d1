"""The panels of review and export, used by mouse and keyboard."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK


@pytest.fixture
def logic(scene):
    from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic

    made = WeakMedSAMLogic()
    yield made
    made.cleanup()


def opened(panel, host):
    panel.widget.resize(480, 700)
    panel.widget.show()
    host.settle(0.05)
    return panel


def qt_of(host):
    import qt

    return qt


def cell(table, row, column):
    return table.item(row, column).text()


def center_of(table, row, column, x=None):
    rect = table.visualItemRect(table.item(row, column))
    return (rect.center().x() if x is None else rect.left() + x), rect.center().y()


# Review


@pytest.fixture
def reviewed(host, scene, logic, make_volume, make_run, lib):
    """A run of two volumes with masks in the scene, and the panel; the second volume has low confidence."""
    from WeakMedSAMLib.frontend.results.review_panel import ReviewPanel

    volumes = [make_volume("CT", (20, 40, 50), show=True), make_volume("MR", (20, 40, 50))]
    run = make_run(volumes)
    path = run.folder / "results" / "001" / "quality.json"
    data = {**json.loads(path.read_text("utf-8")), "low_confidence": True, "confidence": 0.41}
    path.write_text(json.dumps({**data, "advice": "Tag more volumes."}), "utf-8")
    run.result = lib.results.readRun(run.folder)
    for volume_id, volume in zip(("000", "001"), volumes, strict=True):
        steps = lib.loader.volumeSteps(volume, run.result.volumes[volume_id], run.classes, run.record)
        run.record.segmentations[volume_id] = lib.end(steps).GetID()
    panel = ReviewPanel(logic.state, logic.runs, logic.views, logic.history)
    panel.enter()
    run.volumes, run.panel = volumes, opened(panel, host)
    logic.state.saveRun(run.record)
    logic.state.currentVolume = volumes[0]
    logic.resultsReady(run.record.runId)
    host.settle(0.1)
    run.node = scene.GetNodeByID(run.record.segmentations["000"])
    yield run
    run.panel.cleanup()
    run.panel.widget.close()


def test_masks_of_the_current_volume_are_shown_with_what_is_known(host, logic, reviewed, lib):
    ui = reviewed.panel.ui
    assert not ui.runSelector.visible
    assert not ui.bannerFrame.visible
    assert [cell(ui.classTable, row, 0) for row in range(2)] == ["Läsion", "organ"]
    assert cell(ui.classTable, 0, 2) == "80 %, fair"
    assert "not accuracy" in ui.classTable.item(0, 2).toolTip()
    voxels = (lib.end(lib.raw.readSteps(reviewed.result.volumes["000"].labels)).array == 1).sum()
    host.waitUntil(lambda: cell(ui.classTable, 0, 1) == f"{voxels / 1000:.1f}")
    assert reviewed.panel.stateInWords() == "0 of 2 reviewed"
    logic.state.currentVolume = reviewed.volumes[1]
    host.settle(0.1)
    assert ui.bannerFrame.visible
    assert "Low confidence (41 %)" in ui.bannerLabel.text
    assert "Tag more volumes." in ui.bannerFrame.toolTip
    assert reviewed.panel.stateInWords() == "0 of 2 reviewed, low confidence"


def test_results_leave_the_current_volume_and_a_volume_of_another_run_is_one_click_away(
    host, logic, reviewed, make_volume, click
):
    ui, state = reviewed.panel.ui, logic.state
    state.currentVolume = reviewed.volumes[1]
    logic.resultsReady(reviewed.record.runId)
    assert state.currentVolume is reviewed.volumes[1]
    state.currentVolume = make_volume("a_name_of_forty_letters_without_any_space")
    host.settle(0.1)
    assert ui.messageLabel.text.replace("\u200b", "").endswith("without_any_space is not part of this run.")
    assert not ui.classTable.visible
    assert not ui.sliceTable.visible
    assert reviewed.panel.stateInWords() == ""
    click(ui.volumeButton)
    assert state.currentVolume is reviewed.volumes[0]
    assert ui.classTable.rowCount == 2
    assert not ui.volumeButton.visible
    from WeakMedSAMLib.frontend.scene.slice_views import shownVolume

    assert shownVolume("Red") is reviewed.volumes[0]


def test_runs_are_chosen_where_there_are_several(host, logic, reviewed, make_run):
    ui = reviewed.panel.ui
    other = make_run(reviewed.volumes[:1])
    logic.state.saveRun(other.record)
    host.settle(0.1)
    assert ui.runSelector.visible
    assert "(latest)" in ui.runSelector.itemText(0)
    # The run that was chosen stays so.
    assert ui.runSelector.currentIndex == 1
    ui.runSelector.currentIndex = 0
    assert logic.state.reviewRunId == other.record.runId
    assert ui.messageLabel.text == "The masks of this run are not in the scene."
    logic.state.currentVolume = reviewed.volumes[1]
    host.settle(0.1)
    # That run lacks the volume: the latest that has it, as the bar and the views do.
    assert ui.runSelector.currentIndex == 1
    assert ui.classTable.visible
    logic.state.reviewRunId = ""
    host.settle(0.1)
    assert ui.runSelector.currentIndex == 1
    # Who chooses a run gets to see one of its volumes.
    ui.runSelector.currentIndex = 0
    assert logic.state.currentVolume is reviewed.volumes[0]
    assert ui.runSelector.currentIndex == 0


def test_review_export_and_bar_speak_of_one_run(host, scene, logic, reviewed, make_run, make_volume, lib):
    from WeakMedSAMLib.frontend.bar.next_step import masksOf
    from WeakMedSAMLib.frontend.results.export_panel import ExportPanel

    added = make_volume("added")
    later = make_run([added])
    steps = lib.loader.volumeSteps(added, later.result.volumes["000"], later.classes, later.record)
    later.record.segmentations["000"] = lib.end(steps).GetID()
    logic.state.saveRun(later.record)
    logic.state.reviewRunId = later.record.runId
    export = opened(ExportPanel(logic.labels, logic.runs), host)
    for volume, run in ((added, later), (reviewed.volumes[0], reviewed), (reviewed.volumes[1], reviewed)):
        logic.state.currentVolume = volume
        reviewed.panel.refresh()
        export.refresh()
        assert reviewed.panel._subject.record.runId == run.record.runId
        assert [each.record.runId for each in export._chosen()] == [run.record.runId]
        assert masksOf(logic.state, volume)[1] == run.record.runId
    export.cleanup()
    export.widget.close()


def test_sizes_of_another_volume_are_never_those_of_the_former(host, logic, reviewed, lib, monkeypatch):
    ui, panel = reviewed.panel.ui, reviewed.panel
    host.waitUntil(lambda: cell(ui.classTable, 0, 1) not in ("", "1.5"))
    counted = cell(ui.classTable, 0, 1)
    panel.refresh()
    assert cell(ui.classTable, 0, 1) == counted
    monkeypatch.setattr(panel.masks, "count", lambda: None)
    logic.state.currentVolume = reviewed.volumes[1]
    panel.refresh()
    assert [cell(ui.classTable, row, 1) for row in range(2)] == ["1.5", "1.5"], "as the run says"


def test_the_views_are_followed_between_enter_and_exit_alone(host, reviewed, lib):
    ui, panel, volume = reviewed.panel.ui, reviewed.panel, reviewed.volumes[0]
    panel.exit()
    reviewed.node.GetSegmentation().GetNthSegment(0).SetName("renamed")
    host.waitUntil(lambda: cell(ui.classTable, 0, 0) == "renamed")
    before = ui.sliceTable.currentRow()
    lib.views.jumpToSlice(volume, lib.views.sliceNodeOf("Red"), "k", 3)
    host.settle(0.1)
    assert ui.sliceTable.currentRow() == before != 3
    panel.enter()
    assert ui.sliceTable.currentRow() == 3
    lib.views.jumpToSlice(volume, lib.views.sliceNodeOf("Red"), "k", 4)
    host.waitUntil(lambda: ui.sliceTable.currentRow() == 4)


@pytest.mark.parametrize("isInLaterRun", [False, True])
def test_masks_of_a_volume_that_was_removed_and_loaded_again_are_its_own(
    host, scene, logic, reviewed, lib, make_run, isInLaterRun
):
    from WeakMedSAMLib.contract.runs import load_run, save_run
    from WeakMedSAMLib.frontend.bar.next_step import masksOf
    from WeakMedSAMLib.frontend.scene.scene_volumes import identitySteps

    ui, volume, runId = reviewed.panel.ui, reviewed.volumes[0], reviewed.record.runId
    description = load_run(reviewed.folder)
    known = zip(description.volumes, reviewed.volumes, strict=True)
    entries = [replace(entry, sha256=lib.end(identitySteps(node))) for entry, node in known]
    save_run(reviewed.folder, replace(description, volumes=entries))
    again = host.slicer.modules.volumes.logic().CloneVolume(scene, volume, "CT again")
    logic.runChanged()
    logic.state.currentVolume = again
    if isInLaterRun:
        logic.state.saveRun(make_run([again]).record)
        scene.RemoveNode(volume)
        host.waitUntil(lambda: logic.state.run(runId).volumes.get("000") == again.GetID())
        return
    host.settle(0.2)
    assert ui.messageLabel.text == "CT again is not part of this run.", "its own volume is still there"
    scene.RemoveNode(volume)
    logic.runChanged()
    host.waitUntil(lambda: ui.classTable.visible)
    assert logic.state.run(runId).volumes["000"] == again.GetID()
    assert masksOf(logic.state, again)[0] is reviewed.node
    assert reviewed.node.GetDisplayNode().IsDisplayableInView("vtkMRMLViewNode1")
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    assert not ui.movedLabel.visible


def test_class_and_mask_are_chosen_together(host, logic, reviewed, press):
    ui = reviewed.panel.ui
    logic.setClasses(["Läsion", "organ"])
    press(ui.classTable, "Down")
    assert logic.state.currentClass == "organ"
    logic.state.currentClass = "Läsion"
    assert ui.classTable.currentRow() == 0
    logic.state.currentClass = "something else"
    assert ui.classTable.currentRow() == 0


def shown_slice(lib, volume):
    return lib.views.currentSlice(volume, lib.views.sliceNodeOf("Red"), "k")


def test_the_least_sure_slice_is_one_click_away(host, logic, reviewed, lib, click, press):
    ui, volume = reviewed.panel.ui, reviewed.volumes[0]
    logic.setClasses(["Läsion", "organ"])
    # One row a slice, of which the one without any doubt is left out.
    assert ui.sliceTable.rowCount == 19
    assert [cell(ui.sliceTable, 0, column) for column in range(5)] == ["⚠", "0", "Läsion", "–", "not drawn"]
    assert "Läsion: tagged present, nothing drawn\norgan:" in ui.sliceTable.item(0, 0).toolTip()
    assert [cell(ui.sliceTable, 1, column) for column in range(4)] == ["?", "1", "Läsion", "24 %"]
    assert cell(ui.sliceTable, 18, 0) == "·"
    click(ui.sliceTable.viewport(), *center_of(ui.sliceTable, 3, 1))
    assert shown_slice(lib, volume) == 3
    for row in (4, 5):
        press(ui.sliceTable, "Down")
        assert shown_slice(lib, volume) == int(cell(ui.sliceTable, row, 1)) == row
    # The row follows whoever scrolls.
    lib.views.jumpToSlice(volume, lib.views.sliceNodeOf("Red"), "k", 8)
    host.waitUntil(lambda: ui.sliceTable.currentRow() == 8)
    lib.views.jumpToSlice(volume, lib.views.sliceNodeOf("Red"), "k", 19)
    host.waitUntil(lambda: ui.sliceTable.currentRow() == -1)
    assert logic.state.currentClass == "Läsion"


def test_fine_and_next_goes_through_the_slices_and_is_undone(host, logic, reviewed, lib, click, press):
    ui, volume = reviewed.panel.ui, reviewed.volumes[0]
    lib.views.jumpToSlice(volume, lib.views.sliceNodeOf("Red"), "k", 19)
    host.settle(0.1)
    # Nothing is in doubt on the slice that is shown: the first of the list is gone to, nothing is marked.
    click(ui.fineButton)
    assert shown_slice(lib, volume) == 0
    assert "0 of 19 fine" in ui.slicesLabel.text
    click(ui.fineButton)
    assert (shown_slice(lib, volume), cell(ui.sliceTable, 0, 0)) == (1, "✓")
    press(ui.sliceTable, "Return")
    press(ui.sliceTable, "Space")
    assert shown_slice(lib, volume) == 3
    assert "3 of 19 fine" in ui.slicesLabel.text
    assert logic.history.last(reviewed.node).text == "mark slice 2 as fine"
    # Who goes through the list goes on; who came to a slice by scrolling goes to the least sure one.
    lib.views.jumpToSlice(volume, lib.views.sliceNodeOf("Red"), "k", 10)
    click(ui.fineButton)
    assert (shown_slice(lib, volume), cell(ui.sliceTable, 10, 0)) == (3, "✓")
    logic.history.undo(reviewed.node)
    logic.history.undo(reviewed.node)
    assert "2 of 19 fine" in ui.slicesLabel.text
    assert cell(ui.sliceTable, 2, 0) == "?"
    logic.history.redo(reviewed.node)
    assert cell(ui.sliceTable, 2, 0) == "✓"
    # Back to one that was fine: it is passed over by the next, and can be called not fine.
    ui.sliceTable.setCurrentCell(1, 1)
    press(ui.sliceTable, "Delete")
    assert cell(ui.sliceTable, 1, 0) == "?"
    ui.sliceTable.setCurrentCell(0, 1)
    press(ui.sliceTable, "Return")
    assert shown_slice(lib, volume) == 1


def test_a_mask_is_reviewed_once_all_its_slices_are_fine_and_the_other_way_round(host, logic, reviewed, lib, click):
    ui, node = reviewed.panel.ui, reviewed.node
    segments = [node.GetSegmentation().GetNthSegment(number) for number in range(2)]
    lib.views.jumpToSlice(reviewed.volumes[0], lib.views.sliceNodeOf("Red"), "k", 0)
    for _slice in range(18):
        click(ui.fineButton)
    assert not any(map(lib.segments.isReviewed, segments))
    click(ui.fineButton)
    assert all(map(lib.segments.isReviewed, segments))
    assert (ui.fineButton.enabled, ui.fineButton.toolTip) == (False, "All slices of the list are marked as fine.")
    assert [cell(ui.classTable, row, 3) for row in range(2)] == ["yes", "yes"]
    assert reviewed.panel.stateInWords() == "2 of 2 reviewed"
    logic.history.undo(node)
    assert not any(map(lib.segments.isReviewed, segments))
    click(ui.classTable.viewport(), *center_of(ui.classTable, 0, 3, x=10))
    assert lib.segments.isReviewed(segments[0])
    # The last slice is in doubt for the other class, too.
    assert cell(ui.sliceTable, 18, 0) == "·"
    click(ui.classTable.viewport(), *center_of(ui.classTable, 1, 3, x=10))
    assert cell(ui.sliceTable, 18, 0) == "✓"
    click(ui.classTable.viewport(), *center_of(ui.classTable, 1, 3, x=10))
    assert not lib.segments.isReviewed(segments[1])
    # What was called fine one by one stays so.
    assert [cell(ui.sliceTable, row, 0) for row in (0, 18)] == ["✓", "·"]
    logic.history.undo(node)
    assert cell(ui.sliceTable, 18, 0) == "✓"


def test_fine_slices_are_kept_with_the_scene(host, scene, reviewed, lib, click, tmp_path):
    ui = reviewed.panel.ui
    lib.views.jumpToSlice(reviewed.volumes[0], lib.views.sliceNodeOf("Red"), "k", 0)
    click(ui.fineButton)
    click(ui.fineButton)
    path = str(tmp_path / "x.mrb")
    host.slicer.util.saveScene(path)
    host.closeScene()
    reviewed.panel.setScene(scene)
    assert not ui.sliceTable.visible
    host.slicer.util.loadScene(path)
    reviewed.panel.setScene(scene)
    host.waitUntil(lambda: "2 of 19 fine" in ui.slicesLabel.text)
    assert [cell(ui.sliceTable, row, 0) for row in range(3)] == ["✓", "✓", "?"]


def test_the_slider_draws_and_can_be_taken_back(host, logic, reviewed, lib, voxels_of, click):
    ui, node = reviewed.panel.ui, reviewed.node
    shape = (20, 40, 50)
    first, second = lib.segments.segmentIdsOf(node)
    before = {each: voxels_of(node, each, shape) for each in (first, second)}
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    assert ui.thresholdState.text == ""
    probability = lib.end(lib.raw.readSteps(reviewed.result.volumes["000"].probabilities[1])).array
    for percent in (40, 30, 20):
        ui.thresholdSlider.value = percent
    np.testing.assert_array_equal(voxels_of(node, first, shape), probability >= 51)
    np.testing.assert_array_equal(voxels_of(node, second, shape), before[second])
    assert ui.thresholdState.text == "Drawn at a probability of 20 %."
    host.waitUntil(lambda: cell(ui.classTable, 0, 1) == f"{(probability >= 51).sum() / 1000:.1f}")
    # A drag that has not ended is one step, and is taken back whole.
    logic.history.undo(node)
    np.testing.assert_array_equal(voxels_of(node, first, shape), before[first])
    assert (ui.thresholdSlider.value, logic.history.last(node)) == (50, None)
    logic.history.redo(node)
    assert ui.thresholdSlider.value == 20
    click(ui.resetButton)
    np.testing.assert_array_equal(voxels_of(node, first, shape), before[first])
    assert ui.thresholdState.text == ""


def test_the_other_mask_has_a_slider_of_its_own(host, reviewed, lib, voxels_of, press):
    ui, node = reviewed.panel.ui, reviewed.node
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    ui.thresholdSlider.value = 25
    press(ui.classTable, "Down")
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    assert ui.thresholdSlider.value == 50
    ui.thresholdSlider.value = 10
    probability = lib.end(lib.raw.readSteps(reviewed.result.volumes["000"].probabilities[7])).array
    second = lib.segments.segmentIdsOf(node)[1]
    np.testing.assert_array_equal(voxels_of(node, second, probability.shape), probability >= 26)
    press(ui.classTable, "Up")
    assert ui.thresholdSlider.value == 25


def test_reviewed_is_a_check_and_kept_with_the_segment(host, reviewed, lib, click):
    ui = reviewed.panel.ui
    segment = reviewed.node.GetSegmentation().GetNthSegment(0)
    click(ui.classTable.viewport(), *center_of(ui.classTable, 0, 3, x=10))
    assert lib.segments.isReviewed(segment)
    assert cell(ui.classTable, 0, 3) == "yes"
    host.settle(0.1)
    click(ui.classTable.viewport(), *center_of(ui.classTable, 0, 3, x=10))
    assert not lib.segments.isReviewed(segment)


def test_a_mask_that_changed_since_its_review_is_left_again_until_it_is_as_it_was(host, logic, reviewed, lib, click):
    ui, node = reviewed.panel.ui, reviewed.node
    segments = [node.GetSegmentation().GetNthSegment(number) for number in range(2)]
    for row in range(2):
        click(ui.classTable.viewport(), *center_of(ui.classTable, row, 3, x=10))
    assert "19 of 19 fine" in ui.slicesLabel.text
    host.settle(0.5)
    assert list(map(lib.segments.isReviewed, segments)) == [True, True]
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    ui.thresholdSlider.value = 3
    reviewed.panel.threshold.finish()
    host.waitUntil(lambda: cell(ui.classTable, 0, 3) == "changed")
    assert "since it was reviewed" in ui.classTable.item(0, 3).toolTip()
    assert list(map(lib.segments.isReviewed, segments)) == [False, True]
    assert reviewed.panel.stateInWords() == "1 of 2 reviewed"
    assert "0 of 19 fine" in ui.slicesLabel.text
    assert ui.fineButton.enabled
    logic.history.undo(node)
    host.waitUntil(lambda: cell(ui.classTable, 0, 3) == "yes")
    assert "19 of 19 fine" in ui.slicesLabel.text
    # Drawn upon, by whatever means.
    image = node.GetBinaryLabelmapInternalRepresentation(lib.segments.segmentIdsOf(node)[1])
    lib.images.imageArray(image)[0, 0, 0] = segments[1].GetLabelValue()
    image.Modified()
    node.GetSegmentation().InvokeEvent(node.GetSegmentation().SourceRepresentationModified)
    host.waitUntil(lambda: cell(ui.classTable, 1, 3) == "changed")
    click(ui.classTable.viewport(), *center_of(ui.classTable, 1, 3, x=10))
    host.settle(0.5)
    assert [cell(ui.classTable, row, 3) for row in range(2)] == ["yes", "yes"]


def test_a_changed_mask_is_known_after_the_scene_was_loaded_again(host, scene, reviewed, lib, click, tmp_path):
    ui = reviewed.panel.ui
    click(ui.classTable.viewport(), *center_of(ui.classTable, 0, 3, x=10))
    host.settle(0.5)
    path = str(tmp_path / "x.mrb")
    host.slicer.util.saveScene(path)
    host.closeScene()
    reviewed.panel.setScene(scene)
    host.slicer.util.loadScene(path)
    reviewed.panel.setScene(scene)
    host.settle(0.5)
    assert [cell(ui.classTable, row, 3) for row in range(2)] == ["yes", "no"]
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    ui.thresholdSlider.value = 3
    reviewed.panel.threshold.finish()
    host.waitUntil(lambda: cell(ui.classTable, 0, 3) == "changed")


def test_on_to_the_segment_editor(host, reviewed, click):
    click(reviewed.panel.ui.editButton)
    slicer = host.slicer
    assert slicer.util.selectedModule() == "SegmentEditor"
    editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
    assert editor.segmentationNode() is reviewed.node
    assert editor.sourceVolumeNode() is reviewed.volumes[0]
    assert editor.currentSegmentID() == reviewed.node.GetSegmentation().GetNthSegmentID(0)


def test_the_undo_of_the_segment_editor_knows_a_threshold(host, reviewed, lib, voxels_of, click):
    ui, node = reviewed.panel.ui, reviewed.node
    click(ui.editButton)
    editor = host.slicer.modules.segmenteditor.widgetRepresentation().self().editor
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    first = lib.segments.segmentIdsOf(node)[0]
    before = voxels_of(node, first, (20, 40, 50))
    ui.thresholdSlider.value = 5
    reviewed.panel.threshold.finish()
    assert (voxels_of(node, first, (20, 40, 50)) != before).any()
    editor.undo()
    np.testing.assert_array_equal(voxels_of(node, first, (20, 40, 50)), before)


def test_surfaces_come_and_go_and_follow_the_slider(host, reviewed, lib, click):
    ui, node = reviewed.panel.ui, reviewed.node
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    click(ui.show3dButton)
    assert node.GetSegmentation().ContainsRepresentation("Closed surface")
    ui.thresholdSlider.value = 30
    reviewed.panel.threshold.finish()
    assert node.GetSegmentation().ContainsRepresentation("Closed surface")
    assert ui.show3dButton.checked
    click(ui.show3dButton)
    # Hidden, not removed: they may be somebody else's.
    assert node.GetSegmentation().ContainsRepresentation("Closed surface")
    assert not node.GetDisplayNode().GetVisibility3D()
    assert not ui.show3dButton.checked
    # Nothing is computed for what nobody sees.
    ui.thresholdSlider.value = 60
    reviewed.panel.threshold.finish()
    assert not node.GetSegmentation().ContainsRepresentation("Closed surface")
    click(ui.show3dButton)
    assert node.GetSegmentation().ContainsRepresentation("Closed surface")
    node.GetDisplayNode().SetVisibility3D(False)
    assert not ui.show3dButton.checked


def test_loading_again_leaves_corrected_masks_alone(host, scene, logic, make_volume, make_run, lib, voxels_of):
    volumes = [make_volume("CT", (20, 40, 50)), make_volume("MR", (20, 40, 50))]
    run = make_run(volumes)
    logic.state.saveRun(run.record)
    logic.runs.load(run.record.runId)
    host.waitUntil(lambda: not logic.isRunning)
    kept, gone = logic.segmentationsOf(run.record.runId)
    first = lib.segments.segmentIdsOf(kept)[0]
    image = kept.GetBinaryLabelmapInternalRepresentation(first)
    lib.images.imageArray(image)[:3] = 1
    image.Modified()
    corrected = voxels_of(kept, first, (20, 40, 50))
    scene.RemoveNode(gone)
    logic.runs.load(run.record.runId)
    host.waitUntil(lambda: not logic.isRunning)
    again, new = logic.segmentationsOf(run.record.runId)
    assert again is kept
    assert new.GetName().startswith("MR masks")
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 2
    np.testing.assert_array_equal(voxels_of(kept, first, (20, 40, 50)), corrected)


def test_what_is_gone_is_said(host, scene, logic, reviewed, click):
    import shutil

    ui = reviewed.panel.ui
    scene.RemoveNode(reviewed.node)
    host.waitUntil(lambda: ui.loadButton.visible)
    assert "not in the scene" in ui.messageLabel.text
    click(ui.loadButton)
    host.waitUntil(lambda: not logic.isRunning and not ui.loadButton.visible)
    assert ui.classTable.rowCount == 2
    shutil.rmtree(reviewed.folder)
    logic.runChanged()
    host.waitUntil(lambda: "gone" in ui.messageLabel.text)
    assert not ui.thresholdSlider.enabled
    assert "gone" in ui.thresholdSlider.toolTip
    host.closeScene()
    reviewed.panel.setScene(scene)
    assert "Masks appear here" in ui.messageLabel.text


# Export


def test_a_volume_that_was_moved_is_said_and_its_masks_follow_on_a_click(host, logic, reviewed, lib):
    ui, (volume, _other) = reviewed.panel.ui, reviewed.volumes
    row_ml = lambda: ui.classTable.item(0, 1).text()  # noqa: E731
    assert not ui.movedLabel.visible
    assert not ui.followButton.visible
    before = host.waitUntil(row_ml)
    volume.SetSpacing(2, 2, 2)
    host.waitUntil(lambda: ui.movedLabel.visible)
    assert ui.movedLabel.text.startswith("⚠ CT was moved or given another spacing")
    # Of the spacing that it has now, where the masks still lie as before.
    host.waitUntil(lambda: row_ml() != before)
    right = row_ml()
    ui.followButton.click()
    assert not ui.followButton.visible
    host.settle(0.4)
    assert row_ml() == right
    assert logic.history.last(reviewed.node).text == "move the masks along with their volume"
    logic.history.undo(reviewed.node)
    host.waitUntil(lambda: ui.followButton.visible)
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    ui.thresholdSlider.value = 30
    assert "All masks were moved along" in ui.thresholdState.text
    host.waitUntil(lambda: not ui.followButton.visible)


def test_a_layout_that_cannot_show_a_slice_of_the_list_is_said(host, reviewed):
    ui, manager, layouts = reviewed.panel.ui, host.app.layoutManager(), host.slicer.vtkMRMLLayoutNode
    manager.setLayout(layouts.SlicerLayoutOneUp3DView)
    ui.sliceTable.setCurrentCell(0, 0)
    assert ui.messageLabel.text.startswith("No view of this layout")
    manager.setLayout(layouts.SlicerLayoutFourUpView)
    ui.sliceTable.setCurrentCell(1, 0)
    assert not ui.messageLabel.visible


def test_the_report_of_a_moved_volume_says_so(host, logic, export_panel, reviewed, click, tmp_path):
    reviewed.volumes[0].SetSpacing(2, 2, 2)
    for kind in ("segmentation", "labelmap"):
        getattr(export_panel.ui, f"{kind}Check").checked = False
    export_panel.ui.reportCheck.checked = True
    click(export_panel.ui.exportButton)
    host.waitUntil(lambda: "moved or given another spacing" in export_panel.ui.resultLabel.text)


def test_a_transform_that_bends_is_said(host, scene, reviewed):
    bent = scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    reviewed.volumes[0].SetAndObserveTransformNodeID(bent.GetID())
    host.waitUntil(lambda: "transforms that bend" in reviewed.panel.ui.movedLabel.text)
    assert not reviewed.panel.ui.followButton.visible


@pytest.fixture
def export_panel(host, logic, reviewed, tmp_path):
    from WeakMedSAMLib.frontend.results.export_panel import ExportPanel

    logic.state.currentVolume = reviewed.volumes[0]
    panel = opened(ExportPanel(logic.labels, logic.runs), host)
    panel.ui.folderEdit.currentPath = str(tmp_path)
    yield panel
    panel.cleanup()
    panel.widget.close()


def files_in(folder):
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_all_files_are_written_by_one_click_under_one_name(host, export_panel, reviewed, click, tmp_path):
    ui = export_panel.ui
    ui.reportCheck.checked = True
    assert (ui.nameEdit.text, ui.detailsSection.collapsed) == ("CT", True)
    assert ui.filesLabel.text.split("\n") == ["CT_masks.seg.nrrd", "CT_labels.nrrd", "CT_report.html"]
    ui.nameEdit.text = "ö 1"
    assert ui.filesLabel.text.startswith("ö 1_masks.seg.nrrd")
    click(ui.exportButton)
    assert not ui.exportButton.enabled
    host.waitUntil(lambda: "3 files written" in ui.resultLabel.text)
    assert files_in(tmp_path) == {"ö 1_masks.seg.nrrd", "ö 1_labels.nrrd", "ö 1_report.html"}
    labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "ö 1_labels.nrrd")))
    assert set(np.unique(labels)) == {0, 1, 7}
    assert "file:///" in ui.resultLabel.text
    # Once more: it asks, and no means no.
    stamp = (tmp_path / "ö 1_labels.nrrd").stat().st_mtime_ns
    host.dialogs.answer(qt_of(host).QMessageBox.No)
    click(ui.exportButton)
    assert (tmp_path / "ö 1_labels.nrrd").stat().st_mtime_ns == stamp
    assert "ö 1_labels.nrrd" in host.dialogs.texts[-1]
    host.dialogs.answer(qt_of(host).QMessageBox.Yes)
    click(ui.exportButton)
    host.waitUntil(lambda: ui.exportButton.enabled)
    assert (tmp_path / "ö 1_labels.nrrd").stat().st_mtime_ns > stamp


def test_the_masks_of_the_current_volume_are_exported_under_its_name(host, logic, export_panel, reviewed, make_volume):
    ui = export_panel.ui
    ui.nameEdit.text = "first case"
    logic.state.currentVolume = reviewed.volumes[1]
    host.settle(0.2)
    # What was typed for one volume is never written on masks of another.
    assert ui.filesLabel.text.split("\n") == ["MR_masks.seg.nrrd", "MR_labels.nrrd"]
    assert [each.volumeNode for each in export_panel._chosen()] == [reviewed.volumes[1]]
    reviewed.volumes[1].SetName("MR <2>")
    logic.state.changed()
    host.settle(0.2)
    assert ui.nameEdit.text == "MR _2"
    logic.state.currentVolume = make_volume("of no run")
    host.settle(0.2)
    assert not ui.exportButton.enabled
    assert ui.exportButton.toolTip == "'of no run' has no masks in the run under review."
    assert ui.segmentationCheck.toolTip == ui.exportButton.toolTip
    assert not ui.filesLabel.visible


def test_all_volumes_of_the_run_are_written_by_their_names(host, logic, export_panel, reviewed, click, tmp_path):
    ui = export_panel.ui
    assert ui.allCheck.text == "All 2 volumes of the run"
    ui.reportCheck.checked = True
    click(ui.allCheck, 10, 10)
    assert not ui.nameEdit.enabled
    assert "names of the volumes" in ui.nameEdit.toolTip
    names = ["CT_masks.seg.nrrd", "CT_labels.nrrd", "MR_masks.seg.nrrd", "MR_labels.nrrd", "report.html"]
    assert ui.filesLabel.toolTip.split("\n") == names
    click(ui.exportButton)
    host.waitUntil(lambda: "5 files written" in ui.resultLabel.text)
    assert files_in(tmp_path) == set(names)
    report = (tmp_path / "report.html").read_text("utf-8")
    assert all(word in report for word in ("Volume 000", "Volume 001", "<th>Size</th>"))
    assert "<h2>MR" not in report, "names are not asked for"
    ui.namesCheck.checked = True
    host.dialogs.answer(qt_of(host).QMessageBox.Yes)
    click(ui.exportButton)
    host.waitUntil(lambda: ui.exportButton.enabled)
    assert "<h2>MR" in (tmp_path / "report.html").read_text("utf-8")


def test_masks_of_the_run_under_review_are_exported_not_those_of_a_later_one(host, logic, export_panel, reviewed, lib):
    record = replace(reviewed.record, runId="e" * 32, segmentations={})
    volume, result = reviewed.volumes[0], reviewed.result.volumes["000"]
    record.segmentations["000"] = lib.end(
        lib.loader.volumeSteps(volume, result, reviewed.classes, record, reviewed.node)
    ).GetID()
    logic.state.saveRun(record)
    export_panel.refresh()
    chosen = lambda: export_panel._chosen()[0].record.runId  # noqa: E731
    assert chosen() == reviewed.record.runId == logic.state.reviewRunId
    logic.state.reviewRunId = record.runId
    export_panel.refresh()
    assert chosen() == record.runId
    assert not export_panel.ui.allCheck.visible, "it has masks of one volume"
    logic.state.reviewRunId = ""
    export_panel.refresh()
    assert chosen() == record.runId, "the latest"
    logic.state.currentVolume = reviewed.volumes[1]
    export_panel.refresh()
    assert chosen() == reviewed.record.runId, "the latest that has the volume"


def test_masks_that_are_not_in_the_scene_are_not_exported(host, scene, export_panel, reviewed):
    for node_id in reviewed.record.segmentations.values():
        scene.RemoveNode(scene.GetNodeByID(node_id))
    host.settle(0.2)
    assert not export_panel.ui.exportButton.enabled
    assert "load them in section 5" in export_panel.ui.exportButton.toolTip


def test_a_format_without_a_row_in_the_form_is_for_scripts_alone(host, logic, reviewed):
    from WeakMedSAMLib.frontend.results import export_formats
    from WeakMedSAMLib.frontend.results.export_panel import ExportPanel

    export_formats.exportFormats()
    export_formats.register(export_formats.ExportFormat("toy", "_toy.txt", "masks", lambda work, path: None))
    try:
        panel = opened(ExportPanel(logic.labels, logic.runs), host)
        assert list(panel._formats) == ["segmentation", "labelmap", "report"]
        panel.cleanup()
        panel.widget.close()
    finally:
        del export_formats._formats["toy"]


def test_what_cannot_be_exported_says_why(host, export_panel, reviewed, click, tmp_path):
    ui = export_panel.ui
    for kind in ("segmentation", "labelmap"):
        getattr(ui, f"{kind}Check").checked = False
    assert (ui.exportButton.enabled, ui.exportButton.toolTip) == (False, "Nothing to write is checked.")
    ui.labelmapCheck.checked = True
    for name, reason in {" ": "Type a name", "../x": "cannot have / in it", "a:b": "cannot have : in it"}.items():
        ui.nameEdit.text = name
        assert not ui.exportButton.enabled
        assert reason in ui.exportButton.toolTip
        assert not ui.filesLabel.visible
    ui.nameEdit.text = "x"
    ui.folderEdit.currentPath = str(tmp_path / "no such folder")
    click(ui.exportButton)
    assert "does not exist" in host.dialogs.texts[-1]
    ui.folderEdit.currentPath = str(tmp_path)
    (tmp_path / "x_labels.nrrd").mkdir()
    host.dialogs.answer(qt_of(host).QMessageBox.Yes)
    click(ui.exportButton)
    host.waitUntil(lambda: ui.resultLabel.text.startswith("✗"))
    assert "it is a folder" in ui.resultLabel.text
    ui.folderEdit.currentPath = " "
    assert ui.exportButton.toolTip == "Choose a folder."
