"""The scene changes under a run: voxels or place of a volume, a segmentation that goes, results that come too late.

A run whose volumes are removed is in test_flow_ends.py, a scene that is closed or a module reloaded during a run in
test_flow_scenes.py, workers that die in test_job_runner.py. See docs/RELIABILITY.md.
"""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from flows.driver import fake_worker, segment_masks

from WeakMedSAMLib.frontend.base import engine_words


@pytest.fixture
def tagged(driver):
    """Two volumes with tags in an open module, and a segmentation that the user has made on the first."""
    first, second = driver.phantom("One", 1), driver.phantom("Two", 2)
    driver.open(fake_worker("--seconds", "0.5"))
    for node, begin, end in (first, second):
        driver.tag(node, begin, end)
    return [node for node, _begin, _end in (first, second)]


@pytest.fixture
def own(tagged, make_segmentation):
    """A segment that the user drew by hand, on the first volume."""
    drawn = np.zeros(slicer.util.arrayFromVolume(tagged[0]).shape, bool)
    drawn[2:4, 3:9, 3:9] = True
    return make_segmentation(tagged[0], {"By hand": drawn}, "Mine"), drawn


def tags_of(driver):
    return driver.logic.session.toJson()


def started(driver, segmentation=None):
    """Begin a run on all volumes and wait until its worker works."""
    run_id = driver.logic.startRun(segmentation=segmentation)
    driver.wait(lambda: driver.logic.job.state == "running")
    return run_id


def ended(driver):
    record = driver.wait_for_end()
    assert not driver.logic.isRunning
    return record


def masked(driver, record):
    """Names of the volumes that got masks."""
    names = {}
    for volume_id, node_id in record.segmentations.items():
        names[slicer.mrmlScene.GetNodeByID(record.volumes[volume_id]).GetName()] = slicer.mrmlScene.GetNodeByID(node_id)
    return names


def voxels_of(segmentation):
    """The first segment's voxels as they are kept, on whatever grid."""
    first = segmentation.GetSegmentation().GetNthSegmentID(0)
    return slicer.util.arrayFromSegmentInternalBinaryLabelmap(segmentation, first)


def change_voxels(volume):
    slicer.util.arrayFromVolume(volume)[:] += 7
    slicer.util.arrayFromVolumeModified(volume)


def move(volume):
    volume.SetOrigin(50, 0, 0)


def crop(volume):
    slicer.util.updateVolumeFromArray(volume, slicer.util.arrayFromVolume(volume)[:-1].copy())


@pytest.mark.parametrize(("change", "words"), [(change_voxels, "voxels"), (move, "position"), (crop, "size")])
def test_a_volume_that_changed_gets_no_masks_and_the_other_does(driver, tagged, own, change, words):
    mine, _drawn = own
    tags, before = tags_of(driver), voxels_of(mine).copy()
    run_id = started(driver)
    change(tagged[0])
    record = ended(driver)
    assert record.status == "finished"
    assert list(masked(driver, record)) == ["Two"]
    assert all(word in record.message for word in ("One", words, "generate again"))
    assert np.array_equal(voxels_of(mine), before)
    assert tags_of(driver) == tags or change is not move, "the tags changed"
    assert (driver.logic.job.runFolder / "results" / "000" / "labels.nrrd").is_file()
    assert driver.logic.state.run(run_id) == record


def test_after_the_change_is_undone_the_masks_can_be_brought_in(driver, tagged):
    run_id = started(driver)
    change_voxels(tagged[0])
    assert list(masked(driver, ended(driver))) == ["Two"]
    two = driver.logic.segmentationsOf(run_id)
    slicer.util.arrayFromVolume(tagged[0])[:] -= 7
    slicer.util.arrayFromVolumeModified(tagged[0])
    driver.logic.runs.load(run_id)
    record = ended(driver)
    assert set(masked(driver, record)) == {"One", "Two"}
    assert set(two) <= set(driver.logic.segmentationsOf(run_id)), "masks that were there were made anew"


def test_the_only_volume_changed_is_a_failure_with_a_way_out(driver):
    volume, first, last = driver.phantom("One", 1)
    driver.open(fake_worker("--seconds", "0.5"))
    driver.tag(volume, first, last)
    started(driver)
    change_voxels(volume)
    record = ended(driver)
    assert record.status == "failed"
    assert "One" in record.message
    assert "Review" in record.message
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_the_segmentation_chosen_for_the_masks_is_deleted_during_the_run(driver, tagged, own):
    mine, _drawn = own
    tags = tags_of(driver)
    started(driver, mine)
    slicer.mrmlScene.RemoveNode(mine)
    record = ended(driver)
    assert record.status == "finished"
    assert set(masked(driver, record)) == {"One", "Two"}
    assert all(node.GetScene() is slicer.mrmlScene for node in masked(driver, record).values())
    assert tags_of(driver) == tags


def test_another_segmentation_of_the_user_stays_as_it_is(driver, tagged, own):
    mine, drawn = own
    started(driver, mine)
    record = ended(driver)
    masks = segment_masks(mine, tagged[0])
    assert np.array_equal(masks.pop("By hand"), drawn)
    assert set(masks) == {"Lesion"}
    assert masked(driver, record)["One"] is mine


def test_results_whose_scene_was_closed_go_into_no_scene_and_can_be_used_later(driver, tagged):
    run_id = started(driver)
    folder = driver.logic.job.runFolder
    outcome = driver.logic.job.ended
    late = []
    driver.wait(lambda: (folder / "results" / "001" / "labels.nrrd").is_file())
    driver.host.closeScene()
    # What the worker of the closed scene would have said last, said even so.
    trace = driver.logic.job._trace
    late.append(trace.outcome("finished"))
    outcome(late[0])
    driver.host.settle(0.3)
    assert late[0].runId == run_id
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert driver.logic.state.runs() == []
    assert not driver.logic.isRunning
    assert (folder / "results" / "000" / "labels.nrrd").is_file()


@pytest.mark.parametrize("name", ["labels.nrrd", "quality.json"])
def test_one_damaged_result_does_not_keep_the_others_out(driver, tagged, name):
    run_id = started(driver)
    record = ended(driver)
    for node in driver.logic.segmentationsOf(run_id):
        slicer.mrmlScene.RemoveNode(node)
    file = driver.logic.job.runFolder / "results" / "000" / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    if name == "labels.nrrd":
        driver.logic.runs.load(run_id)
        record = ended(driver)
        assert list(masked_again(record)) == ["001"]
        assert "000" in record.message
    else:
        with pytest.raises(Exception, match="quality") as caught:
            driver.logic.runs.load(run_id)
        assert caught.value.hint


def test_what_is_wrong_with_a_result_is_said_in_the_language_of_the_window(driver, tagged, monkeypatch):
    monkeypatch.setattr(engine_words, "tr", lambda source: f"~{source}")
    run_id = started(driver)
    ended(driver)
    review, folder = driver.panel("review"), driver.logic.job.runFolder / "results" / "000"
    volume_id = driver.logic.state.run(run_id).volumes["000"]
    driver.logic.state.currentVolume = slicer.mrmlScene.GetNodeByID(volume_id)
    driver.wait(lambda: review._subject.volumeId == "000" and review.threshold._editor is not None)
    # Without the places where a long name may be broken.
    shown = lambda label: driver.ui("review", label).text.replace("\u200b", "")  # noqa: E731

    def spoiled(name):
        file = folder / name
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        return lambda: file.write_bytes(whole)

    mend = spoiled("probability_1.nrrd")
    review.threshold.choose(None, "")
    review.refresh()
    driver.wait(lambda: review.threshold._loading is None)
    assert shown("thresholdState").startswith(f"~{folder}")
    mend()
    mend = spoiled("quality.json")
    review._subjects.forget()
    review.refresh()
    assert shown("messageLabel").startswith(f"~{folder}")
    mend()
    spoiled("labels.nrrd")
    for node in driver.logic.segmentationsOf(run_id):
        slicer.mrmlScene.RemoveNode(node)
    driver.logic.runs.load(run_id)
    assert f"~{folder}" in ended(driver).message


def masked_again(record):
    """Ids of volumes whose segmentation is in the scene."""
    return [each for each, node in record.segmentations.items() if slicer.mrmlScene.GetNodeByID(node) is not None]
