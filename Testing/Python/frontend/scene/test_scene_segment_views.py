"""Masks in the views: over their own volume alone, and nowhere where a person hid them."""

from __future__ import annotations

import numpy as np
import pytest

VIEWS = ("Red", "Yellow", "Green")


@pytest.fixture
def masks(host, scene, make_volume, make_run, lib):
    """masks(name): a volume with its masks in the scene, shown by nobody yet; followed as the logic does."""
    from WeakMedSAMLib.frontend.results.segment_views import SegmentViews

    follower = SegmentViews(scene)

    def make(name, segmentation=None):
        volume = make_volume(name)
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
    host.slicer.util.setSliceViewerLayers(foreground=second, foregroundOpacity=0.5)
    assert seen_in(two) == list(VIEWS)
    host.slicer.util.setSliceViewerLayers(foregroundOpacity=0.0)
    assert seen_in(two) == ["Yellow"]
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
