"""Masks in the views: over their own volume alone, and nowhere where a person hid them."""

from __future__ import annotations

import numpy as np
import pytest

VIEWS = ("Red", "Yellow", "Green")


@pytest.fixture
def state(scene, lib):
    made = lib.ModuleState(scene)
    yield made
    made.cleanup()


@pytest.fixture
def masks(host, state, make_volume, make_run, lib):
    """masks(name): a volume with its masks in the scene, shown by nobody yet; followed as the logic does."""
    from WeakMedSAMLib.frontend.results.segment_views import SegmentViews

    follower = SegmentViews(state)

    def make(name, segmentation=None, volume=None):
        volume = volume or make_volume(name)
        run = make_run([volume])
        steps = lib.loader.volumeSteps(volume, run.result.volumes["000"], run.classes, run.record, segmentation)
        return volume, lib.end(steps)

    yield make
    follower.cleanup()


def seen_in(node):
    display = node.GetDisplayNode()
    return [view for view in VIEWS if display.IsDisplayableInView(f"vtkMRMLSliceNode{view}")]


def show(host, volume, view=None):
    for name in [view] if view else VIEWS:
        composite = host.app.layoutManager().sliceWidget(name).mrmlSliceCompositeNode()
        composite.SetBackgroundVolumeID(volume.GetID())


def test_masks_are_seen_where_their_volume_is_shown(host, masks):
    first, one = masks("one")
    second, two = masks("two")
    assert (seen_in(one), seen_in(two)) == ([], [])
    show(host, first)
    assert (seen_in(one), seen_in(two)) == (list(VIEWS), [])
    show(host, second, "Yellow")
    assert (seen_in(one), seen_in(two)) == (["Red", "Green"], ["Yellow"])
    for node in (one, two):
        assert node.GetDisplayNode().IsDisplayableInView("vtkMRMLViewNode1")
        assert node.GetDisplayNode().GetVisibility()


def test_the_picture_of_another_volume_is_free_of_masks(host, masks):
    first, _one = masks("one")
    host.slicer.util.setSliceViewerLayers(background=first, fit=True)
    host.settle(0.05)
    colored = lambda: np.ptp(host.sliceImage("Red").astype(int), axis=2).max()  # noqa: E731
    assert colored() > 30
    second, two = masks("two")
    two.GetDisplayNode().SetVisibility(False)
    host.slicer.util.setSliceViewerLayers(background=second, fit=True)
    host.settle(0.05)
    assert colored() == 0


def test_what_was_hidden_or_shown_by_hand_stays_so(host, masks):
    first, one = masks("one")
    second, _two = masks("two")
    show(host, first)
    display = one.GetDisplayNode()
    display.RemoveViewNodeID("vtkMRMLSliceNodeYellow")
    show(host, second)
    assert seen_in(one) == []
    show(host, first)
    assert seen_in(one) == ["Red", "Green"]
    display.AddViewNodeID("vtkMRMLSliceNodeYellow")
    show(host, second, "Red")
    assert seen_in(one) == ["Yellow", "Green"]
    show(host, second)
    assert seen_in(one) == []
    display.AddViewNodeID("vtkMRMLSliceNodeRed")
    show(host, second, "Green")
    show(host, first, "Green")
    assert seen_in(one) == ["Red", "Green"]
    display.SetVisibility(False)
    show(host, first)
    assert not display.GetVisibility()


def test_hidden_in_3d_too_it_is_seen_nowhere(host, masks):
    first, one = masks("one")
    second, _two = masks("two")
    show(host, first)
    one.GetDisplayNode().RemoveViewNodeID("vtkMRMLViewNode1")
    show(host, second)
    assert seen_in(one) == []
    assert not one.GetDisplayNode().IsDisplayableInView("vtkMRMLViewNode1")
    show(host, first)
    assert seen_in(one) == list(VIEWS)


def test_a_segmentation_of_the_user_is_left_alone(host, masks, make_volume, make_segmentation):
    first, _one = masks("one")
    own = make_segmentation(first, {"mine": np.ones((12, 32, 40), bool)})
    volume, made = masks("two", own)
    assert made is own
    show(host, volume)
    assert own.GetDisplayNode().GetViewNodeIDs() == ()


def test_masks_of_an_earlier_version_are_known_by_their_first_segment(host, masks):
    first, one = masks("one")
    one.SetAttribute("WeakMedSAM.Own", None)
    one.GetDisplayNode().SetAttribute("WeakMedSAM.Views", None)
    one.GetDisplayNode().RemoveAllViewNodeIDs()
    show(host, first, "Red")
    assert seen_in(one) == ["Red"]


def test_views_and_what_was_hidden_come_back_with_a_scene(host, masks, tmp_path):
    first, one = masks("one")
    show(host, first)
    one.GetDisplayNode().RemoveViewNodeID("vtkMRMLSliceNodeYellow")
    path = str(tmp_path / "x.mrb")
    host.slicer.util.saveScene(path)
    host.closeScene()
    host.slicer.util.loadScene(path)
    (one,) = host.slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    assert seen_in(one) == ["Red", "Green"]
    (volume,) = host.slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    host.slicer.util.setSliceViewerLayers(background=None)
    show(host, volume)
    assert seen_in(one) == ["Red", "Green"]


def seen_in_3d(node):
    return node.GetDisplayNode().IsDisplayableInView("vtkMRMLViewNode1")


def test_of_five_volumes_in_one_place_the_masks_of_the_one_that_is_shown_are_seen(host, masks, state):
    made = [masks(f"scan {number}") for number in range(5)]
    for number, (_volume, node) in enumerate(made):
        # Told apart in the picture by how much red and green there is.
        for index in range(2):
            node.GetSegmentation().GetNthSegment(index).SetColor(1.0 - number / 5, number / 5, 0.0)
    for number, (volume, node) in enumerate(made):
        state.currentVolume = volume
        host.slicer.util.setSliceViewerLayers(background=volume, fit=True)
        assert [seen_in(each) for _volume, each in made] == [list(VIEWS) if each is node else [] for _v, each in made]
        assert [seen_in_3d(each) for _volume, each in made] == [each is node for _volume, each in made]
        host.settle(0.05)
        picture = host.sliceImage("Red").astype(int)
        red, green = (picture[..., channel] - picture[..., 2] for channel in (0, 1))
        colored = (red > 30) | (green > 30)
        assert colored.any()
        share = green[colored].sum() / (red + green)[colored].sum()
        assert abs(share - number / 5) < 0.05


def test_at_no_moment_of_loading_are_masks_seen_over_another_volume(host, masks, state, make_volume, make_run, lib):
    volumes = [make_volume(f"scan {number}") for number in range(5)]
    show(host, volumes[2])
    state.currentVolume = volumes[2]
    run = make_run(volumes)
    for _step in lib.loader.loadSteps(run.record):
        for node in host.slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
            isShown = node.GetName().startswith("scan 2 ")
            assert (seen_in(node), seen_in_3d(node)) == (list(VIEWS) if isShown else [], isShown)
    assert len(run.record.segmentations) == 5


def test_masks_stay_with_their_volume_where_loading_is_broken_off(host, masks, make_volume, make_run, lib):
    volumes = [make_volume(f"scan {number}") for number in range(2)]
    show(host, volumes[0])
    run = make_run(volumes)
    steps = lib.loader.volumeSteps(volumes[1], run.result.volumes["001"], run.classes, run.record)
    while not host.slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        next(steps)
    steps.close()
    (node,) = host.slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    assert node.GetSegmentation().GetNumberOfSegments() == 2
    assert seen_in(node) == []


def test_what_the_views_do_in_a_batch_is_followed_at_its_end(host, scene, masks):
    first, one = masks("one")
    second, two = masks("two")
    show(host, first)
    scene.StartState(scene.BatchProcessState)
    show(host, second)
    scene.EndState(scene.BatchProcessState)
    assert (seen_in(one), seen_in(two)) == ([], list(VIEWS))


def test_of_two_volumes_over_each_other_the_lower_one_has_its_masks_seen(host, masks, make_volume):
    first, one = masks("one")
    second, two = masks("two")
    layers = host.slicer.util.setSliceViewerLayers
    layers(background=first, foreground=second, foregroundOpacity=0.5)
    assert (seen_in(one), seen_in(two)) == (list(VIEWS), [])
    layers(background=make_volume("without masks"))
    assert (seen_in(one), seen_in(two)) == ([], list(VIEWS))
    layers(foregroundOpacity=0.0)
    assert seen_in(two) == []


def test_masks_whose_volume_is_gone_lie_over_no_other(host, scene, masks):
    first, one = masks("one")
    second, _two = masks("two")
    show(host, first)
    scene.RemoveNode(first)
    assert seen_in(one) == list(VIEWS)
    show(host, second, "Yellow")
    assert seen_in(one) == ["Red", "Green"]


def test_of_two_runs_the_masks_of_the_one_under_review_are_seen(host, masks, state):
    volume, one = masks("one")
    _same, two = masks("one", volume=volume)
    show(host, volume)
    assert (seen_in(one), seen_in(two)) == ([], list(VIEWS))
    for reviewed, other in ((two, one), (one, two)):
        state.reviewRunId = reviewed.GetAttribute("WeakMedSAM.RunId")
        assert (seen_in(reviewed), seen_in(other)) == (list(VIEWS), [])
        assert (seen_in_3d(reviewed), seen_in_3d(other)) == (True, False)
    # A run on another volume has nothing to say here.
    _other, three = masks("three")
    state.reviewRunId = three.GetAttribute("WeakMedSAM.RunId")
    assert (seen_in(one), seen_in(two)) == ([], list(VIEWS))


def test_no_others_are_seen_where_those_of_the_run_under_review_were_removed(host, scene, masks, state, lib):
    from WeakMedSAMLib.frontend.results.under_review import UnderReview

    volume, one = masks("one")
    _same, two = masks("one", volume=volume)
    show(host, volume)
    for node in (one, two):
        runId, places = node.GetAttribute("WeakMedSAM.RunId"), ({"000": volume.GetID()}, {"000": node.GetID()})
        state.saveRun(lib.RunRecord(runId, status="finished", volumes=places[0], segmentations=places[1]))
    state.reviewRunId = one.GetAttribute("WeakMedSAM.RunId")
    assert (seen_in(one), seen_in(two)) == (list(VIEWS), [])
    scene.RemoveNode(one)
    # As the section of the review says.
    assert UnderReview(state).masks(volume) is None
    assert seen_in(two) == []
    state.reviewRunId = two.GetAttribute("WeakMedSAM.RunId")
    assert seen_in(two) == list(VIEWS)


def test_masks_of_two_runs_in_one_segmentation_are_seen_with_either_under_review(host, masks, state):
    volume, one = masks("one")
    first = one.GetAttribute("WeakMedSAM.RunId")
    _same, both = masks("one", segmentation=one, volume=volume)
    assert both is one
    assert one.GetAttribute("WeakMedSAM.RunId") != first
    _same, third = masks("one", volume=volume)
    show(host, volume)
    for runId in (first, one.GetAttribute("WeakMedSAM.RunId")):
        state.reviewRunId = runId
        assert (seen_in(one), seen_in(third)) == (list(VIEWS), [])
