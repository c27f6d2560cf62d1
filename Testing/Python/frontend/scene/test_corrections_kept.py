"""Corrections with the scene: saved, turned, renamed, removed, copied; and what is no correction."""

from __future__ import annotations

import numpy as np
import pytest
from flows.strokes import Editor, disc

from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.frontend.results.slice_digests import SLICES_TAG, readDigests

SHAPE = (20, 40, 50)


@pytest.fixture
def drawn(corrected):
    """Slice 8 of one class drawn, slice 9 touched."""
    bench = corrected()
    draw(bench)
    return bench


def draw(bench, *indices):
    bench.show(8)
    masks = [disc(bench.shape, index) for index in indices or (8, 9)]
    bench.editor.stroke(bench.ids["organ"], np.any(masks, axis=0))
    bench.settle()


def states(bench, name="organ"):
    return dict(bench.corrections.states(name))


def reload(bench, path):
    bench.host.slicer.util.saveScene(str(path))
    bench.host.closeScene()
    bench.host.slicer.util.loadScene(str(path))
    bench.host.settle(0.4)
    bench.find()


def test_corrections_are_kept_in_the_scene(drawn, tmp_path):
    before = drawn.voxels("organ")
    painted = PAINTED.said(drawn.labels)
    reload(drawn, tmp_path / "x.mrb")
    assert states(drawn) == {8: "drawn", 9: "touched"}
    assert PAINTED.said(drawn.labels) == painted
    assert np.array_equal(drawn.voxels("organ"), before)
    # The loading of it was no edit, and what is edited now is.
    assert not drawn.session.canUndo
    drawn.show(12)
    drawn.editor.stroke(drawn.ids["organ"], disc(SHAPE, 12, at=(4, 4)))
    drawn.settle()
    assert states(drawn) == {8: "drawn", 9: "touched", 12: "drawn"}
    # What the machine drew is known from before.
    drawn.editor.stroke(drawn.ids["organ"], disc(SHAPE, 12, at=(4, 4)), "Remove")
    drawn.settle()
    assert states(drawn) == {8: "drawn", 9: "touched"}


def test_what_was_edited_while_nobody_looked_is_touched(drawn, tmp_path, lib):
    drawn.corrections.watch.forget()
    image = drawn.node.GetBinaryLabelmapInternalRepresentation(drawn.ids["organ"])
    lib.images.imageArray(image)[0] = 0
    image.Modified()
    drawn.corrections.watch.follow()
    drawn.settle()
    extent = image.GetExtent()
    assert states(drawn) == {8: "drawn", 9: "touched", extent[4]: "touched"}


def test_a_scene_without_digests_begins_with_what_it_holds(drawn):
    segment = drawn.node.GetSegmentation().GetSegment(drawn.ids["organ"])
    drawn.corrections.watch.forget()
    segment.RemoveTag(SLICES_TAG)
    drawn.logic.state.node.UnsetParameter("teaching")
    drawn.corrections.watch.follow()
    drawn.settle()
    assert states(drawn) == {8: "drawn", 9: "touched"}
    assert len(readDigests(segment).machine) == 20
    draw(drawn, 8, 12)
    assert states(drawn) == {8: "drawn", 9: "touched", 12: "touched"}


@pytest.mark.parametrize("geometry", [np.diag([1.0, 1.2, -2, 1]), "lps", "plain"], ids=["left", "lps", "plain"])
def test_slices_of_a_left_handed_volume_are_the_same_after_it_was_turned(corrected, geometry, tmp_path):
    bench = corrected(geometry=geometry)
    draw(bench)
    isTurned = np.linalg.det(bench.lib.volumes.ijkToRas(bench.volume)[:3, :3]) < 0
    pixels = PAINTED.slices(bench.labels, "organ")[8].pixels
    reload(bench, tmp_path / "x.mrb")
    assert isTurned == (not isinstance(geometry, str))
    eight, nine = (11, 10) if isTurned else (8, 9)
    assert states(bench) == {eight: "drawn", nine: "touched"}
    assert np.array_equal(PAINTED.slices(bench.labels, "organ")[eight].pixels, pixels)
    assert not bench.session.canUndo
    bench.show(3)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 3, at=(4, 4)))
    bench.settle()
    assert states(bench) == {3: "drawn", eight: "drawn", nine: "touched"}
    bench.session.undo()
    bench.settle()
    assert states(bench) == {eight: "drawn", nine: "touched"}
    # The threshold leaves the right slices alone.
    editor = bench.threshold("organ")
    before = bench.mask("organ")
    editor.apply(0.2)
    editor.finish()
    bench.settle()
    after = bench.mask("organ")
    assert np.array_equal(after[eight], before[eight])
    assert (after[19 - eight] != before[19 - eight]).any()
    assert states(bench) == {eight: "drawn", nine: "touched"}


def test_a_class_is_renamed_with_its_corrections_and_removed_with_them(drawn):
    drawn.corrections.noteUpdated()
    drawn.session.renameClass("organ", "liver")
    assert drawn.corrections.pending == 0
    assert states(drawn, "liver") == {8: "drawn", 9: "touched"}
    draw(drawn, 8, 12)
    assert states(drawn, "liver") == {8: "drawn", 9: "touched", 12: "touched"}
    drawn.session.removeClass("liver")
    assert not drawn.labels.further
    draw(drawn, 14)
    assert not drawn.labels.further
    # A new one that gets its number and its colour is another class.
    drawn.session.addClass("spleen")
    draw(drawn, 15)
    assert not drawn.labels.further
    drawn.session.undo()
    drawn.session.undo()
    assert states(drawn, "liver") == {8: "drawn", 9: "touched", 12: "touched"}
    # Back by its former name.
    while drawn.session.undoText != "'organ' renamed to 'liver'":
        drawn.session.undo()
    drawn.session.undo()
    drawn.settle()
    draw(drawn, 8, 16)
    assert states(drawn)[16] == "touched"


def test_a_segment_may_be_renamed_copied_and_deleted(drawn, host):
    segmentation = drawn.node.GetSegmentation()
    segmentation.GetSegment(drawn.ids["organ"]).SetName("Milz")
    copy = host.slicer.vtkSegment()
    copy.DeepCopy(segmentation.GetSegment(drawn.ids["organ"]))
    segmentation.AddSegment(copy, "copy")
    drawn.settle()
    before = PAINTED.said(drawn.labels)
    # Copies teach nothing.
    drawn.editor.stroke("copy", disc(SHAPE, 8, at=(4, 4)))
    drawn.settle()
    assert PAINTED.said(drawn.labels) == before
    drawn.show(13)
    drawn.editor.stroke(drawn.ids["organ"], disc(SHAPE, 13))
    drawn.settle()
    assert states(drawn) == {8: "drawn", 9: "touched", 13: "drawn"}
    # What was said stays said without a mask.
    segmentation.RemoveSegment(drawn.ids["organ"])
    drawn.settle()
    drawn.editor.stroke("copy", disc(SHAPE, 2, at=(4, 4)))
    drawn.settle()
    assert states(drawn) == {8: "drawn", 9: "touched", 13: "drawn"}
    drawn.session.undo()
    assert states(drawn) == {8: "drawn", 9: "touched"}


def test_a_second_segmentation_teaches_nothing(drawn, make_segmentation):
    other = make_segmentation(drawn.volume, {"organ": disc(SHAPE, 3)})
    Editor(drawn.host.slicer, other, drawn.volume).stroke(
        other.GetSegmentation().GetNthSegmentID(0), disc(SHAPE, 8, at=(4, 4))
    )
    drawn.settle()
    assert states(drawn) == {8: "drawn", 9: "touched"}


def test_masks_of_a_later_run_teach_and_earlier_ones_no_longer(drawn, make_run):
    first_ids, first = dict(drawn.ids), drawn.editor
    drawn.load(make_run([drawn.volume]))
    before = PAINTED.said(drawn.labels)
    first.stroke(first_ids["organ"], disc(SHAPE, 2, at=(4, 4)))
    drawn.settle()
    assert PAINTED.said(drawn.labels) == before
    drawn.show(5)
    drawn.editor.stroke(drawn.ids["organ"], disc(SHAPE, 5, at=(4, 4)))
    drawn.settle()
    assert states(drawn) == {5: "drawn", 8: "drawn", 9: "touched"}
    # Going back to look at earlier masks says nothing new; drawing on them does.
    drawn.logic.state.reviewRunId = drawn.records[0].runId
    drawn.settle()
    assert states(drawn) == {5: "drawn", 8: "drawn", 9: "touched"}
    drawn.show(6)
    first.stroke(first_ids["organ"], disc(SHAPE, 6, at=(4, 4)))
    drawn.settle()
    assert states(drawn) == {5: "drawn", 6: "drawn", 8: "drawn", 9: "touched"}


def test_another_extent_or_grid_of_the_segment_is_no_edit(drawn, host):
    before = PAINTED.said(drawn.labels)
    segmentation = drawn.node.GetSegmentation()
    segmentation.CollapseBinaryLabelmaps(False)
    drawn.settle()
    image = drawn.node.GetBinaryLabelmapInternalRepresentation(drawn.ids["organ"])
    extent = host.slicer.vtkOrientedImageDataResample
    part = [0] * 6
    extent.CalculateEffectiveExtent(image, part)
    cut = host.slicer.vtkOrientedImageData()
    extent.CopyImage(image, cut, part)
    image.DeepCopy(cut)
    image.Modified()
    drawn.settle()
    assert PAINTED.said(drawn.labels) == before
    # A finer grid, as when the geometry of the segmentation is chosen anew.
    finer = drawn.lib.volumes.ijkToRas(drawn.volume) @ np.diag([1 / 3, 1 / 3, 1 / 3, 1])
    reference = drawn.lib.images.newImage([3 * n for n in SHAPE], (-1, -1, -1), finer, np.dtype(np.uint8))
    extent.ResampleOrientedImageToReferenceOrientedImage(image, reference, image)
    image.Modified()
    drawn.settle()
    assert PAINTED.said(drawn.labels) == before
    assert not drawn.session.redoText
    # It can be taken back all the same.
    drawn.session.undo()
    drawn.settle()
    assert not states(drawn)


def test_masks_that_became_surfaces_are_said_not_to_be_seen(drawn, host):
    segmentation = drawn.node.GetSegmentation()
    drawn.node.CreateClosedSurfaceRepresentation()
    segmentation.SetSourceRepresentationName("Closed surface")
    drawn.settle()
    drawn.corrections.watch.forget()
    drawn.corrections.watch.follow()
    drawn.settle()
    assert drawn.corrections.problem.code == "segmentation_of_surfaces"
    # What was said of them goes back all the same.
    drawn.session.undo()
    assert not states(drawn)
    drawn.session.redo()
    assert states(drawn) == {8: "drawn", 9: "touched"}
    drawn.corrections.markFine(3, True)
    assert states(drawn) == {8: "drawn", 9: "touched"}


@pytest.mark.parametrize("isBoth", [True, False])
def test_a_hardened_transform_is_no_edit(drawn, host, isBoth):
    transform = host.slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = host.slicer.util.vtkMatrixFromArray(np.array([[0, -1, 0, 9], [1, 0, 0, -4], [0, 0, 1, 2], [0, 0, 0, 1.0]]))
    transform.SetMatrixTransformToParent(matrix)
    # Of the volume alone: the masks lie elsewhere, and are still those of its slices.
    nodes = (drawn.volume, drawn.node) if isBoth else (drawn.volume,)
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
    for node in nodes:
        node.HardenTransform()
    drawn.corrections.watch.forget()
    drawn.corrections.watch.follow()
    drawn.settle()
    assert states(drawn) == {8: "drawn", 9: "touched"}


def test_a_volume_that_was_removed_takes_its_corrections_along_and_has_them_again(drawn, host, make_volume):
    array = drawn.lib.volumes.arrayOf(drawn.volume).copy()
    painted = PAINTED.said(drawn.labels)
    host.slicer.mrmlScene.RemoveNode(drawn.volume)
    host.settle(0.2)
    assert drawn.corrections.teaching is None
    assert drawn.corrections.stateOf("organ", 8) == "machine"
    again = make_volume("CT", array=array)
    drawn.logic.state.currentVolume = again
    drawn.logic.identifyNow(again)
    drawn.settle()
    assert PAINTED.said(drawn.labels) == painted


def test_a_volume_whose_voxels_change_is_another_scan_for_its_labels(drawn, host):
    array = drawn.lib.volumes.arrayOf(drawn.volume)
    array[:] = array[::-1].copy() + 7
    host.slicer.util.arrayFromVolumeModified(drawn.volume)
    drawn.editor.stroke(drawn.ids["organ"], disc(SHAPE, 3))
    drawn.corrections.settle()
    drawn.logic.identifyNow(drawn.volume)
    drawn.settle()
    assert set(states(drawn)) <= {3}


def test_label_files_hold_the_pixels_and_give_them_back(drawn, tmp_path):
    painted = PAINTED.said(drawn.labels)
    path = tmp_path / "tags.json"
    write_label_file(path, drawn.session.cohortForFile())
    assert (tmp_path / "labels" / "000.nrrd").is_file()
    drawn.session.undo()
    assert not states(drawn)
    drawn.logic.labels.takeForCurrent(read_label_file(path))
    assert PAINTED.said(drawn.labels) == painted
    drawn.session.undo()
    assert not states(drawn)


def test_a_run_is_told_of_what_was_edited_in_the_last_moment(drawn, own_places):
    from WeakMedSAMLib.contract.runs import RunSettings

    drawn.show(12)
    drawn.editor.stroke(drawn.ids["organ"], disc(SHAPE, 12))
    plan = drawn.logic.planRun([drawn.volume], RunSettings())
    folder = drawn.lib.end(plan.preparation())
    (labels,) = read_label_file(folder.tags).volumes
    assert PAINTED.said(labels) == PAINTED.said(drawn.labels)
    assert dict(drawn.corrections.states("organ")) == {8: "drawn", 9: "touched", 12: "drawn"}


def test_pending_is_what_no_masks_were_drawn_by(drawn, make_run):
    assert drawn.corrections.pending == 2
    drawn.corrections.noteUpdated()
    assert drawn.corrections.pending == 0
    drawn.session.undo()
    assert drawn.corrections.pending == 2
    drawn.session.redo()
    drawn.settle()
    draw(drawn, 8, 12)
    assert drawn.corrections.pending == 1
    # A run knows what its folder says.
    run = make_run([drawn.volume])
    write_label_file(run.folder / "tags.json", drawn.session.exportCohort([drawn.key]))
    draw(drawn, 8, 13)
    assert drawn.corrections.pending == 2
    drawn.load(run)
    drawn.host.waitUntil(lambda: drawn.corrections.pending == 1)


def test_scribbles_are_known_pixels_and_can_be_taken_away(drawn):
    shows, not_ = disc(SHAPE, 3)[3], disc(SHAPE, 3, at=(5, 5))[3]
    drawn.corrections.putScribbles("organ", {3: (shows, not_)})
    pixels = PAINTED.slices(drawn.labels, "organ")[3].pixels
    assert np.array_equal(pixels, np.where(shows, 1, np.where(not_, 0, 255)))
    assert drawn.corrections.stateOf("organ", 3) == "touched"
    # What was touched stays known where nobody scribbled.
    before = PAINTED.slices(drawn.labels, "organ")[9].pixels
    drawn.corrections.putScribbles("organ", {9: (np.zeros_like(shows), not_)})
    drawn.corrections.putScribbles("organ", {9: (np.zeros_like(shows), np.zeros_like(not_))})
    assert np.array_equal(PAINTED.slices(drawn.labels, "organ")[9].pixels, before)
    # Also after a scene was loaded, when nobody remembers what was put there.
    drawn.corrections.forget()
    drawn.corrections.watch.follow()
    drawn.settle()
    drawn.corrections.putScribbles("organ", {3: (np.zeros_like(shows), np.zeros_like(not_))})
    assert states(drawn) == {8: "drawn", 9: "touched"}
    # A drawn slice is known already.
    drawn.corrections.putScribbles("organ", {8: (shows, not_)})
    assert PAINTED.slices(drawn.labels, "organ")[8].state == "drawn"


def test_points_and_boxes_go_back_in_the_same_row(drawn):
    drawn.session.setTag(drawn.key, "organ", 2, PRESENT)
    draw(drawn, 8, 12)
    texts = []
    while drawn.session.undoText != "new class table":
        texts.append(drawn.session.undo())
    assert texts == ["correct slice 12 of 'organ'", "'organ' present on slice 2", "correct slices 8-9 of 'organ'"]
    assert not states(drawn)


def test_an_edit_is_of_the_volume_that_was_current_then(drawn, make_volume):
    other = make_volume("MR", SHAPE)
    drawn.logic.identifyNow(other)
    drawn.show(12)
    drawn.editor.stroke(drawn.ids["organ"], disc(SHAPE, 12))
    drawn.logic.state.currentVolume = other
    drawn.settle()
    assert not drawn.labels.further
    drawn.logic.state.currentVolume = drawn.volume
    drawn.settle()
    assert states(drawn) == {8: "drawn", 9: "touched", 12: "drawn"}


def test_a_scene_that_is_closed_at_once_keeps_the_last_edit_in_its_copy(drawn, own_places):
    from WeakMedSAMLib.frontend.base import folders
    from WeakMedSAMLib.frontend.labels.session_store import keptCopies

    drawn.show(12)
    drawn.editor.stroke(drawn.ids["organ"], disc(SHAPE, 12))
    drawn.host.closeScene()
    (labels,) = read_label_file(keptCopies(folders.runsFolder())[0]).volumes
    assert {at: each.state for at, each in PAINTED.slices(labels, "organ").items()} == {
        8: "drawn",
        9: "scribbled",
        12: "drawn",
    }
