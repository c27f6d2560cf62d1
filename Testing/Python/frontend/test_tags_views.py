"""Slice views and layouts while one tags: which volume a key is for, and the ways out where none shows it."""

from __future__ import annotations

import numpy as np
import pytest
from flows.bench import annotation, volume_node

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.frontend.scene import slice_views


@pytest.fixture
def second(ready, host, tmp_path):
    """A second scan, loaded from a file after the first was chosen: Slicer shows it in every view."""
    other = volume_node(host, "CT", 30, seed=7)
    path = str(tmp_path / "CT.nrrd")
    host.slicer.util.saveNode(other, path)
    host.slicer.mrmlScene.RemoveNode(other)
    host.slicer.util.setSliceViewerLayers(background=ready.logic.state.currentVolume, fit=True)
    ready.jump(5)
    loaded = host.slicer.util.loadVolume(path)
    host.settle()
    return loaded


def all_tags(bench):
    return [state.tolist() for volume in bench.logic.session.cohort.volumes for state in volume.states.values()]


def test_keys_come_along_into_another_layout(ready, host):
    host.app.layoutManager().setLayout(host.slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    host.settle()
    ready.jump(5)
    ready.press("1")
    assert ready.tag(5) == PRESENT
    assert len({id(shortcut) for _action, shortcut in ready.panel._keys._shortcuts}) == len(
        ready.panel._keys._shortcuts
    )


def test_keys_are_made_anew_for_other_classes_alone(ready, host):
    keys = ready.panel._keys
    before = keys._shortcuts
    assert before
    ready.panel.refresh()
    assert keys._shortcuts is before
    ready.logic.setClasses(["spleen", "liver", "kidney"])
    host.settle(0.1)
    assert keys._shortcuts is not before
    ready.jump(5)
    ready.press("3")
    assert ready.logic.labels.ofCurrent().state("kidney")[5] == PRESENT
    ready.panel.exit()
    assert not keys._shortcuts
    ready.panel.enter()
    assert keys._shortcuts


def test_a_view_that_the_layout_does_not_show_is_not_scrolled(ready, host):
    manager = host.app.layoutManager()
    before = ready.panel._navigator.sliceIndex()
    manager.setLayout(host.slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpYellowSliceView)
    host.settle()
    assert slice_views.sliceViewNames() == ["Yellow"]
    assert ready.panel._navigator.viewName() == ""
    with pytest.raises(UserError, match="No slice view of this layout"):
        ready.panel._navigator.jump(5)
    manager.setLayout(host.slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    assert ready.panel._navigator.sliceIndex() == before
    assert slice_views.sliceViewNames() == ["Red", "Yellow", "Green"]


def test_a_view_that_cuts_across_the_slices_says_so_and_is_turned(ready, make_volume):
    oblique = make_volume("oblique", (30, 20, 24), "oblique", show=True)
    ready.choose(oblique)
    if not ready.ui.alignButton.visible:
        pytest.fail("an oblique volume in an axial view is cut across")
    ready.ui.alignButton.click()
    assert not ready.ui.alignButton.visible
    ready.jump(7)


def test_no_key_button_or_drag_tags_a_volume_that_is_not_shown(ready, second):
    assert ready.ui.problemLabel.text.startswith("The Red view does not show 'MR ü'")
    assert annotation(ready) == "CT\nnot part of the run"
    for key in ("P", "A", "S", "E", "1", "N"):
        ready.press(key)
        assert "shows 'CT', which is not part of the run" in ready.ui.messageLabel.text
    ready.drag(0, 3, 8)
    assert "The Red view does not show 'MR ü'" in ready.ui.messageLabel.text
    for control in (ready.ui.startButton, ready.ui.presentButton, ready.panel.menu.actions["rest"]):
        assert not control.enabled
    assert not any(any(state) for state in all_tags(ready))
    assert ready.actions.start is None


def test_show_it_brings_the_volume_to_tag_back(ready, second):
    assert not ready.ui.layoutButton.visible
    ready.press("P")
    assert "not part of the run" in ready.ui.messageLabel.text
    ready.ui.showButton.click()
    assert not ready.ui.showButton.visible
    assert not ready.ui.useButton.visible
    # What was said of the view holds no longer.
    assert ready.ui.messageLabel.text == ""
    ready.jump(5)
    ready.press("P")
    assert ready.tag(5) == PRESENT


def test_use_it_makes_the_volume_that_is_shown_part_of_the_run(ready, second, host):
    first = ready.key
    ready.ui.useButton.click()
    assert ready.logic.state.currentVolume is second
    assert second in ready.logic.volumesOfRun()
    ready.key = host.waitUntil(ready.logic.currentKey)
    ready.press("P")
    assert ready.counts()[0] == 1
    assert ready.logic.session.volume(first).counts("Lesion").present == 0
    assert annotation(ready).startswith("CT\nslice ")


def test_a_key_tags_the_volume_of_its_own_view(ready, second, host):
    """Two volumes of the run side by side: the keyboard's view says which one is meant."""
    first_node, first = ready.logic.state.currentVolume, ready.key
    for node in (first_node, second):
        ready.logic.state.setInCohort(node, True)
    other = host.waitUntil(lambda: ready.logic.keyOf(second))
    ready.logic.views.showVolume(first_node, "Yellow")
    slice_views.sliceNodeOf("Yellow").SetOrientationToAxial()
    slice_views.jumpToSlice(first_node, slice_views.sliceNodeOf("Yellow"), "k", 11)
    slice_views.jumpToSlice(second, slice_views.sliceNodeOf("Red"), "k", 22)
    assert annotation(ready, "Yellow") == "MR ü\nslice 11: ? Lesion untagged"
    assert annotation(ready, "Red") == "CT\nslice 22: ? Lesion untagged\nnot the current volume"
    ready.press("P")
    assert ready.logic.state.currentVolume is second
    ready.press("P", widget=ready.view("Yellow"))
    assert ready.logic.state.currentVolume is first_node
    for key, index in ((first, 11), (other, 22)):
        assert np.flatnonzero(ready.logic.session.volume(key).state("Lesion") == PRESENT).tolist() == [index]


def test_the_foreground_never_counts(ready, second, host):
    host.slicer.util.setSliceViewerLayers(foreground=ready.logic.state.currentVolume, foregroundOpacity=1.0)
    ready.press("P")
    assert "shows 'CT'" in ready.ui.messageLabel.text
    assert ready.counts()[0] == 0
    ready.ui.showButton.click()
    composite = host.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert composite.GetForegroundVolumeID() is None
    assert slice_views.shownVolume("Red") is ready.logic.state.currentVolume


def test_one_view_with_another_volume_offers_a_way_out_for_that_view(ready, second, host):
    current = ready.logic.state.currentVolume
    host.slicer.util.setSliceViewerLayers(background=current)
    ready.logic.views.showVolume(second, "Yellow")
    assert not ready.ui.showButton.visible
    ready.press("P", widget=ready.view("Yellow"))
    assert "The Yellow view shows 'CT'" in ready.ui.messageLabel.text
    assert ready.ui.showButton.visible
    assert "CT" in ready.ui.useButton.toolTip
    ready.logic.views.showVolume(second, "Green")
    ready.ui.showButton.click()
    assert slice_views.shownVolume("Yellow") is current
    assert slice_views.shownVolume("Green") is second


def test_a_start_of_a_range_does_not_go_over_to_another_volume(ready, second, host):
    current = ready.logic.state.currentVolume
    host.slicer.util.setSliceViewerLayers(background=current)
    ready.logic.state.setInCohort(second, True)
    host.waitUntil(lambda: ready.logic.keyOf(second))
    ready.jump(5)
    ready.press("S")
    host.slicer.util.setSliceViewerLayers(background=second)
    ready.press("E")
    assert "Set the start of the range first" in ready.ui.messageLabel.text
    assert not any(any(state) for state in all_tags(ready))


def test_without_a_current_volume_the_one_that_is_shown_is_offered(bench, host):
    node = volume_node(host)
    bench.press("P")
    assert "not part of the run" in bench.ui.messageLabel.text
    assert not bench.ui.showButton.visible
    bench.ui.useButton.click()
    assert bench.logic.state.currentVolume is node


def test_what_cannot_be_used_is_not_offered(ready, host):
    constant = volume_node(host, "flat")
    host.slicer.util.updateVolumeFromArray(constant, np.zeros((5, 6, 7), np.int16))
    ready.press("P")
    assert not ready.ui.useButton.enabled
    assert ready.ui.useButton.toolTip == "All voxels have the same value."


def test_a_volume_of_the_run_that_became_useless_is_not_said_to_be_read(ready, second, host):
    ready.logic.state.setInCohort(second, True)
    host.waitUntil(lambda: ready.logic.keyOf(second))
    host.slicer.util.updateVolumeFromArray(second, np.zeros((5, 6, 7), np.int16))
    ready.press("P")
    assert "All voxels have the same value" in ready.ui.messageLabel.text


@pytest.mark.parametrize("layout", ["SlicerLayoutOneUp3DView", "SlicerLayoutOneUpYellowSliceView"])
def test_a_layout_without_a_view_along_the_tags_is_said_and_another_offered(ready, host, layout):
    ready.jump(5)
    ready.actions.present()
    host.app.layoutManager().setLayout(getattr(host.slicer.vtkMRMLLayoutNode, layout))
    host.settle()
    assert ready.ui.problemLabel.text.startswith("No slice view of this layout shows 'MR ü'")
    assert "key R" not in ready.ui.problemLabel.text
    assert not ready.ui.presentButton.enabled
    assert not ready.ui.showButton.visible
    ready.ui.layoutButton.click()
    assert not ready.ui.layoutButton.visible
    assert ready.panel._navigator.sliceIndex() == 5


def test_a_view_that_was_turned_is_turned_back_where_no_layout_helps(ready, host):
    ready.jump(5)
    ready.actions.present()
    slice_views.sliceNodeOf("Red").SetOrientation("Sagittal")
    host.settle()
    assert ready.ui.problemLabel.text.startswith("No slice view of this layout shows 'MR ü'")
    ready.ui.layoutButton.click()
    host.settle()
    assert not ready.ui.layoutButton.visible
    assert ready.panel._navigator.viewName() == "Red"
    assert ready.ui.presentButton.enabled


def test_views_are_listed_in_one_order_whatever_the_layout(ready, host):
    layouts, manager = host.slicer.vtkMRMLLayoutNode, host.app.layoutManager()
    for layout in (layouts.SlicerLayoutConventionalView, layouts.SlicerLayoutFourUpView):
        manager.setLayout(layout)
        assert slice_views.sliceViewNames() == ["Red", "Yellow", "Green"]
