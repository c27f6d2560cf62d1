"""The panels of volumes, review and export, used by mouse and keyboard."""

from __future__ import annotations

import json

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


# Volumes


@pytest.fixture
def volumes_panel(host, logic):
    from WeakMedSAMLib.frontend.labels.volumes_panel import VolumesPanel

    panel = opened(VolumesPanel(logic.labels, logic.views), host)
    yield panel
    panel.cleanup()
    panel.widget.close()


def test_a_volume_is_chosen_tagged_and_learned_from(host, logic, volumes_panel, make_volume, lib):
    ui = volumes_panel.ui
    assert ui.helpLabel.visible
    first, second = make_volume("first"), make_volume("second")
    make_volume("flat", array=np.zeros((3, 4, 5)))
    host.settle(0.1)
    assert not ui.helpLabel.visible
    assert not logic.state.cohort()
    ui.volumeSelector.setCurrentNode(first)
    assert logic.state.currentVolume is first
    host.waitUntil(lambda: logic.currentKey() and "Slices along K: 12," in ui.directionLabel.text)
    assert "first alone" in ui.cohortLabel.text
    logic.setClasses(["Läsion"])
    logic.tagRange(first, "Läsion", 2, 4)
    host.settle(0.15)
    assert logic.state.cohort() == [first]
    table = ui.volumeTable
    assert cell(table, 0, 1) == "Läsion: 3 present, 9 absent"
    assert cell(table, 0, 2) == "✓ ready"
    assert "same value" in cell(table, 2, 2)
    assert not int(table.item(2, 0).flags()) & int(qt_of(host).Qt.ItemIsEnabled)
    assert second.GetName() == cell(table, 1, 0)


def test_volumes_are_checked_by_mouse_and_key(host, logic, volumes_panel, make_volume, click, press):
    volumes = [make_volume("a"), make_volume("b")]
    host.settle(0.1)
    table = volumes_panel.ui.volumeTable
    click(table.viewport(), *center_of(table, 1, 0, x=10))
    host.settle(0.1)
    assert logic.state.cohort() == [volumes[1]]
    table.setCurrentCell(0, 0)
    press(table, "Space")
    host.settle(0.1)
    assert logic.state.cohort() == [volumes[1], volumes[0]]
    assert "2 checked, 0 of them tagged" in volumes_panel.ui.cohortLabel.text
    table.setCurrentCell(1, 0)
    press(table, "Return")
    assert logic.state.currentVolume is volumes[1]
    assert volumes_panel.ui.volumeSelector.currentNode() is volumes[1]


def test_another_view_means_another_direction(host, logic, volumes_panel, make_volume):
    ui = volumes_panel.ui
    volume = make_volume("a", (12, 32, 40), show=True)
    ui.volumeSelector.setCurrentNode(volume)
    host.waitUntil(lambda: logic.currentKey())
    tags = lambda: logic.session.volume(logic.currentKey())  # noqa: E731
    ui.viewSelector.currentIndex = ui.viewSelector.findText("Green")
    assert (tags().axis, tags().n_slices, logic.state.sliceView) == ("j", 32, "Green")
    logic.setClasses(["x"])
    logic.tagRange(volume, "x", 1, 5)
    host.dialogs.answer(qt_of(host).QMessageBox.No)
    ui.viewSelector.currentIndex = ui.viewSelector.findText("Yellow")
    assert (tags().axis, ui.viewSelector.currentText) == ("j", "Green")
    host.dialogs.answer(qt_of(host).QMessageBox.Yes)
    ui.viewSelector.currentIndex = ui.viewSelector.findText("Yellow")
    assert (tags().axis, tags().n_slices, tags().states) == ("i", 40, {})
    logic.session.undo()
    assert tags().axis == "j"


def test_an_oblique_volume_offers_to_turn_the_view(host, logic, volumes_panel, make_volume, click):
    ui = volumes_panel.ui
    volume = make_volume("a", geometry="oblique", show=True)
    ui.volumeSelector.setCurrentNode(volume)
    host.waitUntil(lambda: logic.currentKey() and "cuts across" in ui.directionLabel.text)
    assert ui.alignButton.visible
    click(ui.alignButton)
    host.settle(0.2)
    assert not ui.alignButton.visible
    from WeakMedSAMLib.frontend.scene.slice_views import sliceNodeOf

    sliceNodeOf("Red").SetOrientationToAxial()


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
    run.volumes, run.panel = volumes, opened(panel, host)
    logic.state.saveRun(run.record)
    logic.resultsReady(run.record.runId)
    host.settle(0.1)
    run.node = scene.GetNodeByID(run.record.segmentations["000"])
    yield run
    run.panel.cleanup()
    run.panel.widget.close()


def test_masks_of_a_run_are_shown_with_what_is_known(host, reviewed, lib):
    ui = reviewed.panel.ui
    assert "(latest)" in ui.runSelector.currentText
    assert [ui.volumeSelector.itemText(i) for i in range(2)] == ["CT (80 %, fair)", "⚠ MR (41 %, low)"]
    assert not ui.bannerFrame.visible
    assert [cell(ui.classTable, row, 0) for row in range(2)] == ["Läsion", "organ"]
    voxels = (lib.end(lib.raw.readSteps(reviewed.result.volumes["000"].labels)).array == 1).sum()
    host.waitUntil(lambda: cell(ui.classTable, 0, 1) == f"{voxels / 1000:.1f} ml")
    ui.volumeSelector.currentIndex = 1
    assert ui.bannerFrame.visible
    assert "Low confidence (41 %)" in ui.bannerLabel.text
    assert "Tag more volumes." in ui.bannerLabel.text


def test_the_least_sure_slice_is_one_click_away(host, reviewed, lib, click, press):
    ui = reviewed.panel.ui
    assert cell(ui.sliceTable, 0, 2) == "20 %"
    assert cell(ui.sliceTable, 0, 3) == "tagged present, nothing drawn"
    click(ui.sliceTable.viewport(), *center_of(ui.sliceTable, 0, 0))
    node = lib.views.sliceNodeOf("Red")
    assert lib.views.currentSlice(reviewed.volumes[0], node, "k") == int(cell(ui.sliceTable, 0, 0)) == 0
    for row in (1, 2, 3):
        press(ui.sliceTable, "Down")
        assert lib.views.currentSlice(reviewed.volumes[0], node, "k") == int(cell(ui.sliceTable, row, 0))
    assert cell(ui.sliceTable, 3, 1) == cell(ui.classTable, ui.classTable.currentRow(), 0)


def test_the_slider_draws_and_can_be_taken_back(host, reviewed, lib, voxels_of, click):
    panel, ui, node = reviewed.panel, reviewed.panel.ui, reviewed.node
    shape = (20, 40, 50)
    first, second = lib.segments.segmentIdsOf(node)
    before = {each: voxels_of(node, each, shape) for each in (first, second)}
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    assert ui.thresholdState.text.startswith("As generated")
    assert not ui.undoButton.enabled
    assert ui.undoButton.toolTip == "There is nothing to undo."
    probability = lib.end(lib.raw.readSteps(reviewed.result.volumes["000"].probabilities[1])).array
    for percent in (40, 30, 20):
        ui.thresholdSlider.value = percent
    np.testing.assert_array_equal(voxels_of(node, first, shape), probability >= 51)
    np.testing.assert_array_equal(voxels_of(node, second, shape), before[second])
    host.waitUntil(lambda: ui.undoButton.enabled)
    assert ui.thresholdState.text.startswith("Drawn at a probability of 20 %")
    host.waitUntil(lambda: cell(ui.classTable, 0, 1).startswith(f"{(probability >= 51).sum() / 1000:.1f}"))
    click(ui.undoButton)
    np.testing.assert_array_equal(voxels_of(node, first, shape), before[first])
    assert (ui.thresholdSlider.value, ui.undoButton.enabled) == (50, False)
    click(ui.redoButton)
    assert ui.thresholdSlider.value == 20
    click(ui.resetButton)
    np.testing.assert_array_equal(voxels_of(node, first, shape), before[first])
    assert ui.thresholdState.text.startswith("As generated")
    ui.thresholdSlider.value = 60
    panel.threshold.finish()
    image = node.GetBinaryLabelmapInternalRepresentation(first)
    lib.images.imageArray(image)[:] = 1
    image.Modified()
    host.dialogs.answer(qt_of(host).QMessageBox.No)
    click(ui.undoButton)
    assert voxels_of(node, first, shape).sum() > (probability >= 153).sum()


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
    host.waitUntil(lambda: ui.undoButton.enabled)
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


def test_a_volume_that_was_moved_is_said_and_its_masks_follow_on_a_click(host, reviewed, lib):
    ui, (volume, _other) = reviewed.panel.ui, reviewed.volumes
    row_ml = lambda: ui.classTable.item(0, 1).text()  # noqa: E731
    assert not ui.movedLabel.visible
    assert not ui.followButton.visible
    before = host.waitUntil(row_ml)
    volume.SetSpacing(2, 2, 2)
    host.waitUntil(lambda: ui.movedLabel.visible)
    assert ui.movedLabel.text.startswith("⚠ CT was moved, or given another spacing")
    # Of the spacing that it has now, where the masks still lie as before.
    host.waitUntil(lambda: row_ml() != before)
    right = row_ml()
    ui.followButton.click()
    assert not ui.followButton.visible
    host.settle(0.4)
    assert row_ml() == right
    assert ui.undoButton.toolTip == "Undo: move the masks along with their volume"
    ui.undoButton.click()
    assert ui.followButton.visible
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    ui.thresholdSlider.value = 30
    assert "All masks were moved along" in ui.thresholdState.text
    host.waitUntil(lambda: not ui.followButton.visible)


def test_two_thresholds_are_undone_without_a_question(host, reviewed, lib):
    ui, node = reviewed.panel.ui, reviewed.panel._subject.segmentationNode
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    for percent in (70, 30):
        ui.thresholdSlider.value = percent
        reviewed.panel.threshold.finish()
    for _step in range(2):
        # A question would have no answer here.
        ui.undoButton.click()
    assert reviewed.panel._history.last(node) is None
    assert not host.dialogs.texts


def test_a_layout_that_cannot_show_a_slice_of_the_list_is_said(host, reviewed):
    ui, manager, layouts = reviewed.panel.ui, host.app.layoutManager(), host.slicer.vtkMRMLLayoutNode
    manager.setLayout(layouts.SlicerLayoutOneUp3DView)
    ui.sliceTable.setCurrentCell(0, 0)
    assert ui.messageLabel.text.startswith("The layout has no slice view along K")
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
    from dataclasses import replace

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
