"""From a loaded volume to masks, with mouse and keyboard."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from flows.driver import fake_worker, segment_masks

from WeakMedSAMLib.contract.errors import UserError


def test_four_gestures_make_a_segment(driver):
    _volume, first, last = driver.phantom()
    driver.open(fake_worker("--seconds", "0.5"))
    # The volume that is shown is chosen by itself, and a class is ready.
    driver.wait(lambda: driver.logic.currentKey() is not None)

    driver.go_to(first)
    driver.press("S")
    driver.go_to(last)
    driver.press("E")
    assert driver.logic.labels.ofCurrent().counts("Lesion").present == last - first + 1
    assert driver.panel("tags").stateInWords() == "ready"
    run_id = driver.generate()
    record = driver.wait_for_end()

    assert record.status == "finished", record.message
    (mask,) = driver.segments(run_id).values()
    shown = np.flatnonzero(mask.any(axis=(1, 2)))
    assert shown.min() >= first
    assert shown.max() <= last
    assert mask.sum() > 100
    assert not driver.widget.panel.section("review").collapsed
    assert driver.logic.state.reviewRunId == run_id


def test_cohort_of_two_gets_two_segmentations(driver):
    one, first, last = driver.phantom("One", 1)
    two, first2, last2 = driver.phantom("Two", 2)
    driver.open(fake_worker("--seconds", "0.3"))
    driver.tag(one, first, last)
    driver.tag(two, first2, last2)
    assert [node.GetName() for node in driver.logic.volumesOfRun()] == ["One", "Two"]

    driver.generate()
    record = driver.wait_for_end()

    assert list(record.volumes.values()) == [one.GetID(), two.GetID()]
    for volume, node in zip((one, two), driver.logic.segmentationsOf(record.runId), strict=True):
        assert volume.GetName() in node.GetName()
        (mask,) = segment_masks(node, volume).values()
        assert mask.any()
    for volume in (one, two):
        driver.choose(volume)
        shown = [
            node.GetDisplayNode().IsDisplayableInView("vtkMRMLSliceNodeRed")
            for node in driver.logic.segmentationsOf(record.runId)
        ]
        assert shown == [volume is one, volume is two]


def test_own_segments_survive_with_undo(driver, make_segmentation):
    volume, first, last = driver.phantom()
    own = np.zeros(slicer.util.arrayFromVolume(volume).shape, bool)
    own[2:6, 10:30, 10:30] = True
    segmentation = make_segmentation(volume, {"By hand": own, "Lesion": own})
    driver.open(fake_worker("--seconds", "0.3"))
    driver.tag(volume, first, last)
    driver.ui("generate", "segmentationSelector").setCurrentNode(segmentation)

    run_id = driver.generate()
    driver.wait_for_end()

    assert driver.logic.segmentationsOf(run_id) == [segmentation]
    masks = segment_masks(segmentation, volume)
    assert list(masks)[:2] == ["By hand", "Lesion"]
    assert len(masks) == 3
    for name in ("By hand", "Lesion"):
        np.testing.assert_array_equal(masks[name], own)


def test_a_chosen_segmentation_gets_the_masks_of_its_own_volume(driver, make_segmentation):
    one, first, last = driver.phantom("One", 1)
    two, first2, last2 = driver.phantom("Two", 2)
    chosen = make_segmentation(two, {"By hand": np.ones(slicer.util.arrayFromVolume(two).shape, bool)})
    driver.open(fake_worker("--seconds", "0.3"))
    driver.tag(one, first, last)
    driver.tag(two, first2, last2)
    with pytest.raises(UserError, match="Two, which is not in this run"):
        driver.logic.startRun([one], segmentation=chosen)
    assert not driver.logic.isRunning
    driver.ui("generate", "segmentationSelector").setCurrentNode(chosen)
    driver.generate()
    record = driver.wait_for_end()
    assert driver.logic.segmentationsOf(record.runId)[1] is chosen
    assert len(segment_masks(chosen, two)) == 2


def test_tagging_can_be_undone_with_keys(driver):
    volume, first, last = driver.phantom()
    driver.open(fake_worker())
    driver.tag(volume, first, last)
    key = driver.logic.currentKey()
    assert driver.logic.session.volume(key).counts("Lesion").present == last - first + 1
    driver.press("Ctrl+Z")
    assert driver.logic.session.volume(key).counts("Lesion").present == 0
    driver.press("Y")
    assert driver.logic.session.volume(key).counts("Lesion").present == last - first + 1


def test_the_only_volume_is_shown_where_nothing_is(driver, make_volume):
    only = make_volume("Only")
    driver.open(fake_worker())
    assert driver.logic.state.currentVolume is only
    driver.wait(lambda: driver.logic.currentKey() is not None)
    driver.go_to(3)
    driver.press("P")
    assert driver.logic.session.volume(driver.logic.currentKey()).counts("Lesion").present == 1
