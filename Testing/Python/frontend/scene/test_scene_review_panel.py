"""The panel of the review: which run and volume it is of, and what it says of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from flows.sight import cell, opened


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


def test_the_banner_says_what_is_doubted_where_and_what_mends_it(host, logic, reviewed):
    ui, path = reviewed.panel.ui, reviewed.folder / "results" / "001" / "quality.json"
    data = json.loads(path.read_text("utf-8"))
    doubted = {"confidence": 0.41, "unsure_of": "place_doubted", "unsure_on": [4, 5, 6, 9], "pixels": [0] * 9 + [3]}
    data["classes"] = {**data["classes"], "organ": {**data["classes"]["organ"], **doubted}}
    path.write_text(json.dumps(data), "utf-8")
    logic.resultsReady(reviewed.record.runId)
    logic.state.currentVolume = reviewed.volumes[1]
    host.settle(0.1)
    said = "'organ': place unsure (slices: 4-6, 9); put a box around it on slice 9."
    assert ui.bannerLabel.text == f"⚠ Low confidence (41 %): check every slice. {said}"
    assert ui.bannerFrame.toolTip.split("\n")[:2] == [said, "Tag more volumes."]


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


@pytest.fixture
def other_run(scene, logic, reviewed, make_run, lib):
    """other_run(volume, status): a later run of a volume, with masks of it in the scene."""

    def make(volume, status="finished"):
        run = make_run([volume])
        steps = lib.loader.volumeSteps(volume, run.result.volumes["000"], run.classes, run.record)
        run.record.segmentations["000"] = lib.end(steps).GetID()
        run.record.status = status
        logic.state.saveRun(run.record)
        return run

    return make


@pytest.fixture
def runs_spoken_of(host, logic, reviewed):
    """Return the ids of the runs that review, export, undo and the bar's next step are about."""
    from WeakMedSAMLib.frontend.bar.bar_panel import BarPanel
    from WeakMedSAMLib.frontend.results.export_panel import ExportPanel
    from WeakMedSAMLib.frontend.results.segment_tags import RUN_TAG, segmentIdsIn, tagOf

    export = opened(ExportPanel(logic.labels, logic.runs, logic.history), host)
    bar = BarPanel(logic, lambda: "", lambda name: None)
    made = bar, export

    def run_of(node):
        found = {tagOf(node.GetSegmentation().GetSegment(each), RUN_TAG) for each in segmentIdsIn(node)}
        return found.pop() if node is not None and len(found) == 1 else ""

    def spoken_of(volume):
        logic.state.currentVolume = volume
        reviewed.panel.refresh()
        export.refresh()
        subject = reviewed.panel._subject
        node = bar._masksNow()
        return {
            "review": subject.record.runId if subject is not None and subject.segmentIds else "",
            "export": "".join(each.record.runId for each in export._chosen()),
            "undo": run_of(node) if node is not None else "",
            "next": bar._steps._reviewing() is not None,
        }

    yield spoken_of
    for panel in made:
        panel.cleanup()
        panel.widget.close()


def all_of(run_id):
    return {"review": run_id, "export": run_id, "undo": run_id, "next": bool(run_id)}


def test_review_export_and_bar_speak_of_one_run(logic, reviewed, make_volume, other_run, runs_spoken_of):
    added = make_volume("added")
    later = other_run(added)
    logic.state.reviewRunId = later.record.runId
    for volume, run in ((added, later), (reviewed.volumes[0], reviewed), (reviewed.volumes[1], reviewed)):
        assert runs_spoken_of(volume) == all_of(run.record.runId)


def test_masks_of_a_run_that_was_cancelled_are_under_review(
    logic, reviewed, make_run, make_volume, other_run, runs_spoken_of
):
    added = make_volume("added")
    cancelled = other_run(added, "cancelled")
    failed = make_run([added]).record
    failed.status = "failed"
    logic.state.saveRun(failed)
    logic.state.reviewRunId = ""
    assert runs_spoken_of(added) == all_of(cancelled.record.runId)
    assert runs_spoken_of(reviewed.volumes[1]) == all_of(reviewed.record.runId)


def test_nothing_is_under_review_where_the_masks_of_the_chosen_run_are_gone(
    host, scene, logic, reviewed, other_run, runs_spoken_of
):
    volume = reviewed.volumes[0]
    later = other_run(volume)
    logic.state.reviewRunId = later.record.runId
    assert runs_spoken_of(volume) == all_of(later.record.runId)
    scene.RemoveNode(scene.GetNodeByID(later.record.segmentations["000"]))
    assert runs_spoken_of(volume) == all_of("")
    assert reviewed.panel.ui.loadButton.visible
    logic.runs.load(later.record.runId)
    host.waitUntil(lambda: not logic.isRunning)
    assert runs_spoken_of(volume) == all_of(later.record.runId)


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
    from WeakMedSAMLib.frontend.results.under_review import UnderReview
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
    assert UnderReview(logic.state).masks(again).segmentationNode is reviewed.node
    assert reviewed.node.GetDisplayNode().IsDisplayableInView("vtkMRMLViewNode1")
    host.waitUntil(lambda: ui.thresholdSlider.enabled)
    assert not ui.movedLabel.visible


def test_views_are_left_alone_where_a_volume_has_nothing_to_show(host, logic, reviewed, make_volume, click):
    from WeakMedSAMLib.frontend.scene.slice_views import shownVolume

    other, (empty, _second) = make_volume("other", show=True), reviewed.volumes
    empty.SetAndObserveImageData(None)
    logic.state.currentVolume = other
    host.settle(0.1)
    click(reviewed.panel.ui.volumeButton)
    assert logic.state.currentVolume is empty
    assert shownVolume("Red") is other


def test_class_and_mask_are_chosen_together(host, logic, reviewed, press):
    ui = reviewed.panel.ui
    logic.setClasses(["Läsion", "organ"])
    press(ui.classTable, "Down")
    assert logic.state.currentClass == "organ"
    logic.state.currentClass = "Läsion"
    assert ui.classTable.currentRow() == 0
    logic.state.currentClass = "something else"
    assert ui.classTable.currentRow() == 0


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
