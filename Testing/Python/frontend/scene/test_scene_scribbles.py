"""Scribbles: strokes on segments of their own, handed on by slice; the editor is afterwards as it was before."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from flows.kept_corrections import KeptCorrections
from vtk.util.numpy_support import vtk_to_numpy

SHAPE = (20, 40, 50)


@pytest.fixture
def hints(host):
    from WeakMedSAMLib.frontend.results.correcting import hints

    return hints


@pytest.fixture
def correcting(reviewed, host, logic, click):
    logic.setClasses(["Läsion", "organ"])
    reviewed.kept = KeptCorrections()
    reviewed.panel.correct.useCorrections(reviewed.kept, reviewed.kept.teaches)
    click(reviewed.panel.ui.correctButton)
    host.settle(0.1)
    reviewed.editor = reviewed.panel.correct.editor.widget
    reviewed.name = reviewed.panel._subject.className(reviewed.panel.masks.segmentId)
    return reviewed


def stroke(editor, place):
    """Paint on the slices, rows and columns of a place, with whatever the editor draws on."""
    effect = editor.activeEffect()
    labelmap = effect.defaultModifierLabelmap()
    array = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(SHAPE)
    array[place] = 1
    labelmap.Modified()
    effect.modifySelectedSegmentByLabelmap(labelmap, effect.ModificationModeAdd)


def scribbled(run, host):
    host.settle(0.3)
    said, run.kept.said = run.kept.said, []
    return [one for one in said if one[0] == "scribbles"]


def test_a_scribble_goes_to_a_segment_of_its_own_with_a_small_brush_and_no_masking(correcting, hints, click):
    node, editor = correcting.editor.mrmlSegmentEditorNode(), correcting.editor
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedInsideAllSegments)
    click(correcting.panel.ui.scribbleButton)
    found = hints.hintsOf(correcting.volumes[0])
    assert editor.segmentationNode() is found.segmentationNode
    assert editor.segmentationNode() is not correcting.node
    assert editor.currentSegmentID() == found.segmentIdOf(correcting.name, True)
    assert editor.activeEffect().name == "Paint"
    assert node.GetOverwriteMode() == node.OverwriteNone
    assert node.GetMaskMode() == slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere
    assert editor.sourceVolumeNode() is correcting.volumes[0]
    assert 0 < editor.activeEffect().doubleParameter("BrushAbsoluteDiameter") < 20
    assert editor.activeEffect().integerParameter("BrushDiameterIsRelative") == 0


def test_leaving_restores_segment_effect_brush_and_masking(correcting, click, host):
    editor, node = correcting.editor, correcting.editor.mrmlSegmentEditorNode()
    editor.setActiveEffectByName("Erase")
    paint = editor.effectByName("Paint")
    paint.setCommonParameter("BrushSphere", 1)
    paint.setCommonParameter("BrushAbsoluteDiameter", 31.0)
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedInsideAllSegments)
    node.SetSourceVolumeIntensityMask(True)
    ui = correcting.panel.ui
    click(ui.scribbleButton)
    click(ui.notScribbleButton)
    assert (ui.scribbleButton.checked, ui.notScribbleButton.checked) == (False, True)
    assert not node.GetSourceVolumeIntensityMask()
    click(ui.notScribbleButton)
    assert not ui.notScribbleButton.checked
    assert editor.segmentationNode() is correcting.node
    assert editor.currentSegmentID() == correcting.panel.masks.segmentId
    assert editor.activeEffect().name == "Erase"
    assert paint.integerParameter("BrushSphere") == 1
    assert paint.doubleParameter("BrushAbsoluteDiameter") == 31.0
    assert paint.integerParameter("BrushDiameterIsRelative") == 1
    assert node.GetMaskMode() == slicer.vtkMRMLSegmentationNode.EditAllowedInsideAllSegments
    assert node.GetSourceVolumeIntensityMask()
    assert node.GetOverwriteMode() == node.OverwriteAllSegments


def test_strokes_are_handed_on_slice_by_slice(correcting, click, host, voxels_of):
    ui, editor, name = correcting.panel.ui, correcting.editor, correcting.name
    mask = voxels_of(correcting.node, correcting.panel.masks.segmentId, SHAPE)
    click(ui.scribbleButton)
    stroke(editor, np.s_[4, 10:12, 5:9])
    assert scribbled(correcting, host) == [("scribbles", name, 4, 8, 0)]
    click(ui.notScribbleButton)
    stroke(editor, np.s_[4:6, 20:21, 5:9])
    assert scribbled(correcting, host) == [("scribbles", name, 4, 8, 4), ("scribbles", name, 5, 0, 4)]
    # The mask is not touched by it.
    np.testing.assert_array_equal(voxels_of(correcting.node, correcting.panel.masks.segmentId, SHAPE), mask)


def test_where_both_are_painted_the_newest_counts(correcting, click, host):
    ui, editor, name = correcting.panel.ui, correcting.editor, correcting.name
    click(ui.scribbleButton)
    stroke(editor, np.s_[4, 10, 0:10])
    scribbled(correcting, host)
    click(ui.notScribbleButton)
    stroke(editor, np.s_[4, 10, 6:14])
    assert scribbled(correcting, host) == [("scribbles", name, 4, 6, 8)]
    click(ui.scribbleButton)
    stroke(editor, np.s_[4, 30, 0:2])
    assert scribbled(correcting, host) == [("scribbles", name, 4, 8, 8)]


def test_a_stroke_that_was_undone_is_handed_on_as_nothing(correcting, click, host):
    click(correcting.panel.ui.scribbleButton)
    correcting.editor.saveStateForUndo()
    stroke(correcting.editor, np.s_[4, 10, 0:10])
    assert scribbled(correcting, host)[0][3] == 10
    correcting.editor.undo()
    assert scribbled(correcting, host) == [("scribbles", correcting.name, 4, 0, 0)]


def test_what_is_painted_just_before_leaving_is_not_lost(correcting, click):
    click(correcting.panel.ui.scribbleButton)
    stroke(correcting.editor, np.s_[4, 10, 0:10])
    correcting.panel.ui.correctButton.checked = False
    assert [one for one in correcting.kept.said if one[0] == "scribbles"] == [("scribbles", correcting.name, 4, 10, 0)]


def test_another_class_gets_segments_of_its_own(correcting, click, host, logic, hints):
    click(correcting.panel.ui.scribbleButton)
    logic.state.currentClass = "organ"
    host.settle(0.1)
    stroke(correcting.editor, np.s_[4, 10, 0:10])
    assert scribbled(correcting, host) == [("scribbles", "organ", 4, 10, 0)]
    assert hints.hintsOf(correcting.volumes[0]).classNames() == ["Läsion", "organ"]
    click(correcting.panel.ui.scribbleButton)
    assert correcting.editor.currentSegmentID() == correcting.panel.masks.segmentId == "Segment_7"


def test_scribbles_are_seen_while_masks_are_corrected_alone(correcting, click, host, hints):
    click(correcting.panel.ui.scribbleButton)
    node = hints.hintsOf(correcting.volumes[0]).segmentationNode
    assert node.GetDisplayNode().GetVisibility()
    click(correcting.panel.ui.scribbleButton)
    assert node.GetDisplayNode().GetVisibility()
    click(correcting.panel.ui.correctButton)
    assert not node.GetDisplayNode().GetVisibility()
    click(correcting.panel.ui.correctButton)
    assert node.GetDisplayNode().GetVisibility()
    correcting.panel.exit()
    assert not node.GetDisplayNode().GetVisibility()


def test_scribbles_are_nobodys_masks(correcting, click, host, logic, hints, lib):
    from WeakMedSAMLib.frontend.results.segment_views import _ownSegmentations
    from WeakMedSAMLib.frontend.results.under_review import UnderReview

    click(correcting.panel.ui.scribbleButton)
    stroke(correcting.editor, np.s_[4, 10, 0:10])
    host.settle(0.3)
    node = hints.hintsOf(correcting.volumes[0]).segmentationNode
    assert node.GetHideFromEditors()
    assert node not in _ownSegmentations(slicer.mrmlScene)
    assert UnderReview(logic.state).masks(correcting.volumes[0]).segmentationNode is correcting.node
    assert lib.segments.segmentIdsOf(node, correcting.record.runId) == []
    assert node not in logic.segmentationsOf(correcting.record.runId)
    assert correcting.panel.ui.classTable.rowCount == 2
    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLSegmentationNode"]
    box.setMRMLScene(slicer.mrmlScene)
    assert node not in [box.nodeFromIndex(index) for index in range(box.nodeCount())]


def test_what_an_undo_takes_from_the_labels_is_seen_no_longer_and_comes_back(correcting, host, click, hints):
    from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED

    kept, name = correcting.kept, correcting.name
    click(correcting.panel.ui.scribbleButton)
    stroke(correcting.editor, np.s_[6, 3, 4:9])
    stroke(correcting.editor, np.s_[9, 3, 4:9])
    scribbled(correcting, host)
    painted = PAINTED.take(kept.labels(), name, 6)
    kept.changed()
    found = hints.hintsOf(correcting.volumes[0])
    assert list(found.scribbles(name, "k")) == [9]
    # Pixels that an edit of another slice made known are no scribbles.
    pixels = painted.pixels.copy()
    pixels[20:30] = 1
    PAINTED.put(kept.labels(), name, 6, "scribbled", pixels)
    kept.changed()
    assert {index: one.shows.sum() for index, one in found.scribbles(name, "k").items()} == {6: 5, 9: 5}
    assert scribbled(correcting, host) == []


def test_a_click_looks_but_at_the_scribbles_that_changed(correcting, host, click, hints, monkeypatch):
    from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
    from WeakMedSAMLib.frontend.results.correcting import scribbling

    kept, name = correcting.kept, correcting.name
    click(correcting.panel.ui.scribbleButton)
    stroke(correcting.editor, np.s_[4:12, 3, 4:9])
    scribbled(correcting, host)
    kept.changed()
    looked, read = [], []
    heldOf, scribbles = scribbling._heldOf, hints.Hints.scribbles
    monkeypatch.setattr(scribbling, "_heldOf", lambda *given: looked.append(given) or heldOf(*given))
    monkeypatch.setattr(hints.Hints, "scribbles", lambda *given: read.append(given) or scribbles(*given))
    kept.changed()
    correcting.panel.correct.scribbling.read()
    assert (looked, read) == ([], [])
    PAINTED.take(kept.labels(), name, 6)
    kept.changed()
    assert len(looked) == 1
    assert 6 not in scribbles(hints.hintsOf(correcting.volumes[0]), name, "k")


@pytest.mark.parametrize("axis", ["i", "j", "k"])
@pytest.mark.parametrize("geometry", ["plain", "oblique", "lps"])
def test_slices_along_every_axis_have_their_rows_and_columns(make_volume, hints, axis, geometry):
    volume = make_volume(shape=(6, 7, 8), geometry=geometry)
    made = hints.makeHints(volume)
    assert hints.makeHints(volume).segmentationNode is made.segmentationNode
    whole = np.random.default_rng(3).random((6, 7, 8)) > 0.7
    number = 2 - "ijk".index(axis)
    planes = {index: hints.Scribbles(whole.take(index, number), whole.take(index + 1, number)) for index in (1, 4)}
    made.put("liver", axis, planes)
    voxels = slicer.util.arrayFromSegmentBinaryLabelmap(made.segmentationNode, made.segmentIdOf("liver", True), volume)
    np.testing.assert_array_equal(voxels.take(4, number) > 0, whole.take(4, number))
    found = made.scribbles("liver", axis)
    assert list(found) == [1, 4]
    for index, one in planes.items():
        np.testing.assert_array_equal(found[index].shows, one.shows)
        np.testing.assert_array_equal(found[index].not_, one.not_ & ~one.shows)
    made.put(
        "liver", axis, {index: hints.Scribbles(one.shows & False, one.not_ & False) for index, one in planes.items()}
    )
    assert made.scribbles("liver", axis) == {}


def test_a_stroke_that_reaches_out_of_the_volume_is_cut(make_volume, hints):
    from WeakMedSAMLib.frontend.results.segment_images import PackedMask, setMask

    volume = make_volume(shape=(6, 7, 8))
    made = hints.makeHints(volume)
    segment_id = made.segmentIdOf("liver", True)
    mask = PackedMask(np.packbits(np.ones((1, 4, 4), bool)), (1, 4, 4), (-2, 5, 3), np.eye(4))
    setMask(made.segmentationNode, segment_id, mask)
    found = made.scribbles("liver", "k")
    assert list(found) == [3]
    assert np.argwhere(found[3].shows).tolist() == [[5, 0], [5, 1], [6, 0], [6, 1]]


def test_scribbles_come_back_with_the_scene(correcting, click, host, hints, tmp_path):
    click(correcting.panel.ui.scribbleButton)
    stroke(correcting.editor, np.s_[4, 10, 0:10])
    host.settle(0.3)
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))
    host.closeScene()
    slicer.util.loadScene(str(path))
    host.settle(0.2)
    volume = slicer.util.getNode("CT")
    found = hints.hintsOf(volume)
    assert found.scribbles(correcting.name, "k")[4].shows.sum() == 10


def test_a_volume_that_is_moved_leaves_its_scribbles_in_the_labels_alone(correcting, click, host, scene, hints):
    volume, name = correcting.volumes[0], correcting.name
    click(correcting.panel.ui.scribbleButton)
    stroke(correcting.editor, np.s_[4, 10, 0:10])
    scribbled(correcting, host)
    volume.SetOrigin(11, 7, 3)  # as after its transform was hardened
    stroke(correcting.editor, np.s_[4, 10, 0:10])
    assert scribbled(correcting, host) == []
    stroke(correcting.editor, np.s_[5, 10, 0:3])
    assert scribbled(correcting, host) == [("scribbles", name, 5, 3, 0)]


def test_scribbles_are_seen_in_the_views_of_the_masks(correcting, click, hints):
    correcting.node.GetDisplayNode().SetViewNodeIDs(("vtkMRMLSliceNodeRed",))
    click(correcting.panel.ui.scribbleButton)
    display = hints.hintsOf(correcting.volumes[0]).segmentationNode.GetDisplayNode()
    assert display.GetViewNodeIDs() == ("vtkMRMLSliceNodeRed",)


@pytest.mark.parametrize("how", ["closed", "cleaned up"])
def test_a_scene_or_panel_that_ends_in_the_middle_of_it_leaves_no_error(correcting, click, host, how):
    click(correcting.panel.ui.scribbleButton)
    stroke(correcting.editor, np.s_[4, 10, 0:10])
    if how == "closed":
        host.closeScene()
        correcting.panel.setScene(slicer.mrmlScene)
    else:
        correcting.panel.cleanup()
    host.settle(0.3)
    correcting.kept.changed()
    assert correcting.panel.correct.scribbling.shows is None
    assert not correcting.panel.correct.editor.isOn


def test_removed_scribbles_harm_nothing(correcting, click, host, scene, hints):
    click(correcting.panel.ui.scribbleButton)
    stroke(correcting.editor, np.s_[4, 10, 0:10])
    scene.RemoveNode(hints.hintsOf(correcting.volumes[0]).segmentationNode)
    host.settle(0.3)
    editor = correcting.panel.correct.editor
    assert editor.segmentationNode is correcting.node
    assert not correcting.panel.ui.scribbleButton.checked
