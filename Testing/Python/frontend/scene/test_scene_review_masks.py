"""Masks put right from the panel of the review: the slider, surfaces, the Segment Editor, moved volumes."""

from __future__ import annotations

import numpy as np
from flows.sight import cell


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


def test_a_transform_that_bends_is_said(host, scene, reviewed):
    bent = scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    reviewed.volumes[0].SetAndObserveTransformNodeID(bent.GetID())
    host.waitUntil(lambda: "transforms that bend" in reviewed.panel.ui.movedLabel.text)
    assert not reviewed.panel.ui.followButton.visible
