"""The panel of the export: what it offers, writes and says."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import SimpleITK
from flows.sight import opened, tick_reviewed


def files_in(folder):
    return {path.name for path in folder.iterdir() if path.is_file()}


def qt_of(host):
    import qt

    return qt


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
    alone = {"000": reviewed.record.volumes["000"]}
    record = replace(reviewed.record, runId="e" * 32, volumes=alone, segmentations={})
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
        panel = opened(ExportPanel(logic.labels, logic.runs, logic.history), host)
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


def test_the_report_of_a_moved_volume_says_so(host, logic, export_panel, reviewed, click, tmp_path):
    reviewed.volumes[0].SetSpacing(2, 2, 2)
    for kind in ("segmentation", "labelmap"):
        getattr(export_panel.ui, f"{kind}Check").checked = False
    export_panel.ui.reportCheck.checked = True
    click(export_panel.ui.exportButton)
    host.waitUntil(lambda: "moved or given another spacing" in export_panel.ui.resultLabel.text)


def test_what_was_changed_while_another_volume_was_current_is_not_called_reviewed(
    host, logic, export_panel, reviewed, lib, click, tmp_path
):
    ui, table = export_panel.ui, reviewed.panel.ui.classTable
    for row in range(2):
        tick_reviewed(host, table, row, click)
    host.settle(0.5)
    logic.state.currentVolume = reviewed.volumes[1]
    host.settle(0.2)
    first, _second = lib.segments.segmentIdsOf(reviewed.node)
    image = lib.images.ownImage(reviewed.node, first, (20, 40, 50), (0, 0, 0), np.eye(4))
    lib.images.imageArray(image)[3, 4, 5] = 1
    image.Modified()
    ui.reportCheck.checked = True
    click(ui.allCheck, 10, 10)
    click(ui.exportButton)
    host.waitUntil(lambda: "files written" in ui.resultLabel.text)
    report = (tmp_path / "report.html").read_text("utf-8")
    assert re.findall(r"<td>(yes|not yet)</td></tr>", report) == ["not yet", "yes", "not yet", "not yet"]
    written = SimpleITK.ReadImage(str(tmp_path / "CT_masks.seg.nrrd"))
    assert ["completed" in written.GetMetaData(f"Segment{number}_Tags") for number in (0, 1)] == [False, True]
    assert not lib.segments.isReviewed(reviewed.node.GetSegmentation().GetSegment(first))
