"""A volume whose spacing, position or transform is put right after a run: all its masks follow alike, or it is said."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from WeakMedSAMLib.frontend.results import noted_grids, segment_moves

SHAPE = (12, 32, 40)


def respace(volume, host):
    volume.SetSpacing(2.0, 2.0, 5.0)


def reposition(volume, host):
    # By whole voxels: their old and new places cannot be told apart by the grid alone.
    volume.SetOrigin(7.0, -3.0, 4.0)


def put_under_transform(volume, host):
    transform = host.slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = np.array([[0, -1, 0, 30], [1, 0, 0, -8], [0, 0, 1, 5], [0, 0, 0, 1.0]])
    host.slicer.util.updateTransformMatrixFromArray(transform, matrix)
    volume.SetAndObserveTransformNodeID(transform.GetID())


CHANGES = [respace, reposition, put_under_transform]


@pytest.fixture
def loaded(scene, make_volume, make_run, lib):
    volume = make_volume("CT", SHAPE)
    run = make_run([volume])
    run.volume, run.volume_result = volume, run.result.volumes["000"]
    run.node = lib.end(lib.loader.volumeSteps(volume, run.volume_result, run.classes, run.record))
    run.labels = lib.end(lib.raw.readSteps(run.volume_result.labels)).array
    run.first, run.second = lib.segments.segmentIdsOf(run.node)
    run.path = run.volume_result.probabilities[1]
    return run


def place_on_volume(lib, loaded, segment_id):
    """Where a segment's voxels are for the volume as it lies now: bool, k x j x i; fails if they lie between voxels."""
    image = loaded.node.GetBinaryLabelmapInternalRepresentation(segment_id)
    matrix = np.linalg.inv(noted_grids.gridOn(loaded.volume, loaded.node)) @ lib.images.imageMatrix(image)
    np.testing.assert_allclose(matrix[:3, :3], np.eye(3), atol=1e-9)
    np.testing.assert_allclose(matrix[:3, 3], 0, atol=1e-6)
    whole = np.zeros(SHAPE, bool)
    i, j, k = image.GetExtent()[::2]
    array = lib.images.imageArray(image) == loaded.node.GetSegmentation().GetSegment(segment_id).GetLabelValue()
    whole[k : k + array.shape[0], j : j + array.shape[1], i : i + array.shape[2]] = array
    return whole


def draw(lib, node, name="mine"):
    """A box that overlaps the masks, drawn by hand."""
    node.GetSegmentation().AddEmptySegment(name, name)
    image = lib.images.newImage((5, 9, 9), (3, 4, 2), np.eye(4), np.dtype(np.uint8))
    lib.images.imageArray(image)[:] = 1
    node.GetSegmentation().GetSegment(name).AddRepresentation(lib.images.BINARY, image)
    node.GetSegmentation().GetSegment(name).SetLabelValue(1)
    return name


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("collapsed", [False, True], ids=["as loaded", "after saving"])
def test_a_threshold_takes_all_masks_along(host, loaded, lib, change, collapsed):
    mine = draw(lib, loaded.node)
    if collapsed:
        loaded.node.GetSegmentation().CollapseBinaryLabelmaps(False)
    change(loaded.volume, host)
    editor = lib.thresholds.ThresholdEditor(loaded.volume, loaded.node, loaded.first, loaded.path, lib.history)
    ml = editor.apply(0.5)
    editor.finish()
    assert editor.hasFollowed
    wanted = lib.end(lib.raw.readSteps(loaded.path)).array >= 128
    np.testing.assert_array_equal(place_on_volume(lib, loaded, loaded.first), wanted)
    np.testing.assert_array_equal(place_on_volume(lib, loaded, loaded.second), loaded.labels == 7)
    assert place_on_volume(lib, loaded, mine)[2:7, 4:13, 3:12].all()
    assert ml == pytest.approx(wanted.sum() * np.prod(loaded.volume.GetSpacing()) / 1000)
    assert segment_moves.findMovedSegments(loaded.node, loaded.volume) == []
    editor.reset()
    np.testing.assert_array_equal(place_on_volume(lib, loaded, loaded.first), loaded.labels == 1)


def test_following_is_undone_and_done_again(host, loaded, lib):
    def origin():
        image = loaded.node.GetBinaryLabelmapInternalRepresentation(loaded.first)
        return lib.images.imageMatrix(image)[0, 3]

    reposition(loaded.volume, host)
    assert origin() == 0
    assert segment_moves.followVolume(loaded.node, loaded.volume, lib.history)
    assert not segment_moves.followVolume(loaded.node, loaded.volume, lib.history)
    assert origin() == 7
    change = lib.history.last(loaded.node)
    assert change.text == "move the masks along with their volume"
    assert change.isUntouched()
    lib.history.undo(loaded.node)
    assert origin() == 0
    assert segment_moves.findMovedSegments(loaded.node, loaded.volume) == [loaded.first, loaded.second]
    lib.history.redo(loaded.node)
    assert origin() == 7
    assert segment_moves.findMovedSegments(loaded.node, loaded.volume) == []


@pytest.mark.parametrize("change", CHANGES)
def test_exported_masks_are_on_the_voxels_and_that_is_said(host, loaded, lib, tmp_path, change):
    change(loaded.volume, host)
    path = tmp_path / "labels.nrrd"
    exported = lib.exports.exportLabelmap(loaded.node, loaded.volume, path, loaded.classes)
    assert any("moved or given another spacing" in note for note in exported.notes)
    image = SimpleITK.ReadImage(str(path))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), loaded.labels)
    np.testing.assert_allclose(image.GetSpacing(), loaded.volume.GetSpacing())
    path = tmp_path / "masks.seg.nrrd"
    exported = lib.exports.exportSegmentation(loaded.node, path)
    assert any("Läsion, organ" in note for note in exported.notes)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))), loaded.labels)


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "of an earlier version"])
def test_millilitres_are_those_of_the_spacing_now(host, loaded, lib, noted):
    if not noted:
        loaded.node.SetAttribute("WeakMedSAM.Places", None)
    image = loaded.node.GetBinaryLabelmapInternalRepresentation(loaded.first)
    ml = lambda: noted_grids.mlPerVoxel(  # noqa: E731
        loaded.node, loaded.volume, loaded.first, lib.images.imageMatrix(image)
    )
    assert ml() == pytest.approx(0.001)
    respace(loaded.volume, host)
    assert ml() == pytest.approx(0.02)
    assert segment_moves.followVolume(loaded.node, loaded.volume, lib.history)
    assert ml() == pytest.approx(0.02)


def test_masks_that_were_moved_by_hand_stay_together(host, loaded, lib, tmp_path):
    """Who moves the segmentation itself wants it there: nothing follows, and a threshold stays with the others."""
    put_under_transform(loaded.node, host)
    assert segment_moves.findMovedSegments(loaded.node, loaded.volume) == []
    editor = lib.thresholds.ThresholdEditor(loaded.volume, loaded.node, loaded.first, loaded.path, lib.history)
    editor.apply(0.5)
    assert not editor.hasFollowed
    matrices = [
        lib.images.imageMatrix(loaded.node.GetBinaryLabelmapInternalRepresentation(each))
        for each in (loaded.first, loaded.second)
    ]
    np.testing.assert_allclose(*matrices)
    # Both under one transform: nothing moved against each other.
    put_under_transform(loaded.volume, host)
    loaded.volume.SetAndObserveTransformNodeID(loaded.node.GetTransformNodeID())
    assert segment_moves.findMovedSegments(loaded.node, loaded.volume) == []


def test_segments_of_the_user_stay_where_the_user_put_them(host, scene, loaded, make_segmentation, lib):
    node = make_segmentation(loaded.volume, {"mine": np.ones(SHAPE, bool)})
    put_under_transform(node, host)
    loaded.node = lib.end(
        lib.loader.volumeSteps(loaded.volume, loaded.volume_result, loaded.classes, loaded.record, node)
    )
    ours = lib.segments.segmentIdsOf(node, loaded.record.runId)
    loaded.volume.SetOrigin(0, 0, 25)
    assert segment_moves.findMovedSegments(node, loaded.volume) == ours
    segment_moves.followVolume(node, loaded.volume, lib.history)
    np.testing.assert_array_equal(place_on_volume(lib, loaded, ours[0]), loaded.labels == 1)
    image = node.GetBinaryLabelmapInternalRepresentation(lib.segments.segmentIdsOf(node)[0])
    np.testing.assert_allclose(lib.images.imageMatrix(image), np.eye(4))


@pytest.fixture
def turned(host, scene, make_volume, make_run, lib, tmp_path):
    """turned(noted): masks of a left-handed volume, both saved and loaded again, by which Slicer turns the volume."""

    def make(noted=True):
        volume = make_volume("MR", SHAPE, np.diag([1.0, 1, -2, 1]))
        lib.end(lib.volumes.identitySteps(volume))
        run = make_run([volume])
        run.volume_result = run.result.volumes["000"]
        node = lib.end(lib.loader.volumeSteps(volume, run.volume_result, run.classes, run.record))
        if not noted:
            node.SetAttribute("WeakMedSAM.Places", None)
        path = str(tmp_path / "x.mrb")
        host.slicer.util.saveScene(path)
        host.closeScene()
        host.slicer.util.loadScene(path)
        (run.volume,) = host.slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        (run.node,) = host.slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
        lib.end(lib.volumes.identitySteps(run.volume))
        assert np.linalg.det(lib.volumes.ijkToRas(run.volume)[:3, :3]) > 0
        run.labels = lib.end(lib.raw.readSteps(run.volume_result.labels)).array
        run.first, run.second = lib.segments.segmentIdsOf(run.node)
        return run

    return make


def require_turned_threshold(host, run, lib):
    """A threshold, and the mask beside it, lie on the slices that they belong to."""
    result, volume = run.volume_result, run.volume
    editor = lib.thresholds.ThresholdEditor(volume, run.node, run.first, result.probabilities[1], lib.history)
    editor.apply(0.5)
    probability = lib.end(lib.raw.readSteps(result.probabilities[1])).array
    masks = [
        host.slicer.util.arrayFromSegmentBinaryLabelmap(run.node, each, volume) > 0 for each in (run.first, run.second)
    ]
    np.testing.assert_array_equal(masks[0], (probability >= 128)[::-1])
    np.testing.assert_array_equal(masks[1], (run.labels == 7)[::-1])
    return editor


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "of an earlier version"])
def test_a_left_handed_volume_that_is_loaded_again_did_not_move(host, turned, lib, noted):
    """Slicer turns it then: its voxels lie where they did, counted from the other end."""
    run = turned(noted)
    assert segment_moves.findMovedSegments(run.node, run.volume) == []
    assert not require_turned_threshold(host, run, lib).hasFollowed


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "of an earlier version"])
def test_a_volume_that_was_turned_and_put_right_takes_its_masks_along(host, turned, lib, tmp_path, noted):
    run = turned(noted)
    run.volume.SetSpacing(1, 1, 5)
    assert segment_moves.findMovedSegments(run.node, run.volume) == [run.first, run.second]
    path = tmp_path / "labels.nrrd"
    lib.exports.exportLabelmap(run.node, run.volume, path, run.classes)
    written = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    np.testing.assert_array_equal(written, run.labels[::-1])
    assert require_turned_threshold(host, run, lib).hasFollowed
    # And once more, on masks that were moved already.
    run.volume.SetOrigin(3, 4, 5)
    assert require_turned_threshold(host, run, lib).hasFollowed


def test_masks_follow_directions_that_were_put_right(host, loaded, lib, scene, make_volume, make_run):
    """The same voxels in the same order, from the left now: no file was loaded again."""
    lib.end(lib.volumes.identitySteps(loaded.volume))
    scene.RemoveNode(loaded.node)
    loaded.node = lib.end(lib.loader.volumeSteps(loaded.volume, loaded.volume_result, loaded.classes, loaded.record))
    loaded.first, loaded.second = lib.segments.segmentIdsOf(loaded.node)
    loaded.volume.SetIJKToRASDirections(1, 0, 0, 0, 1, 0, 0, 0, -1)
    loaded.volume.SetOrigin(0, 0, SHAPE[0] - 1)
    assert segment_moves.followVolume(loaded.node, loaded.volume, lib.history)
    np.testing.assert_array_equal(place_on_volume(lib, loaded, loaded.first), loaded.labels == 1)
    # A slider that comes later reads the same files again, whose directions are those of the run.
    editor = lib.thresholds.ThresholdEditor(loaded.volume, loaded.node, loaded.first, loaded.path, lib.history)
    editor.apply(0.5)
    wanted = lib.end(lib.raw.readSteps(loaded.path)).array >= 128
    np.testing.assert_array_equal(place_on_volume(lib, loaded, loaded.first), wanted)


MIRROR, TURN = np.diag([-1.0, 1, 1, 1]), np.array([[0, -1, 0, 30], [1, 0, 0, -8], [0, 0, 1, 5], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("matrix", [MIRROR, TURN])
@pytest.mark.parametrize("noted", [True, False], ids=["noted", "of an earlier version"])
def test_masks_hardened_with_their_volume_are_on_it(host, loaded, lib, tmp_path, matrix, noted):
    """Slicer moves both then, as with all that lies under a transform: moved once more, masks lie beside it."""
    lib.end(lib.volumes.identitySteps(loaded.volume))
    steps = lib.loader.volumeSteps(loaded.volume, loaded.volume_result, loaded.classes, loaded.record)
    loaded.node = lib.end(steps)
    if not noted:
        loaded.node.SetAttribute("WeakMedSAM.Places", None)
    transform = host.slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    host.slicer.util.updateTransformMatrixFromArray(transform, matrix)
    for node in (loaded.volume, loaded.node):
        node.SetAndObserveTransformNodeID(transform.GetID())
    for node in (loaded.volume, loaded.node):
        node.HardenTransform()
    assert segment_moves.findMovedSegments(loaded.node, loaded.volume) == []
    path = tmp_path / "labels.nrrd"
    assert lib.exports.exportLabelmap(loaded.node, loaded.volume, path, loaded.classes).notes == []
    written = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    np.testing.assert_array_equal(written, loaded.labels)
    editor = lib.thresholds.ThresholdEditor(loaded.volume, loaded.node, loaded.first, loaded.path, lib.history)
    editor.apply(0.5)
    assert not editor.hasFollowed
    wanted = lib.end(lib.raw.readSteps(loaded.path)).array >= 128
    np.testing.assert_array_equal(place_on_volume(lib, loaded, loaded.first), wanted)
    np.testing.assert_array_equal(place_on_volume(lib, loaded, loaded.second), loaded.labels == 7)


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "of an earlier version"])
def test_a_volume_that_was_cropped_did_not_move(host, loaded, lib, tmp_path, noted):
    if not noted:
        loaded.node.SetAttribute("WeakMedSAM.Places", None)
    array = lib.volumes.arrayOf(loaded.volume)[2:, 3:, :].copy()
    host.slicer.util.updateVolumeFromArray(loaded.volume, array)
    loaded.volume.SetOrigin(0, 3, 2)
    assert segment_moves.findMovedSegments(loaded.node, loaded.volume) == []
    path = tmp_path / "labels.nrrd"
    lib.exports.exportLabelmap(loaded.node, loaded.volume, path, loaded.classes)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))), loaded.labels[2:, 3:])
    # Without any voxels there is nothing to be beside of.
    loaded.volume.SetAndObserveImageData(None)
    assert segment_moves.findMovedSegments(loaded.node, loaded.volume) == []


def test_a_script_that_exports_finds_it_in_the_log(host, loaded, tmp_path, caplog):
    from WeakMedSAMLib.frontend.results.export_work import exportRun

    loaded.record.segmentations = {"000": loaded.node.GetID()}
    respace(loaded.volume, host)
    paths = exportRun(loaded.record, tmp_path / "out")
    assert len(paths) == 3
    for path in paths[:2]:
        assert any(path.name in text and "another spacing" in text for text in caplog.messages)


def test_probabilities_are_turned_for_masks_that_came_after_the_volume_was(host, turned, lib):
    run = turned()
    noted_grids.noteGrid(run.node, run.volume, run.record.runId, "000")
    require_turned_threshold(host, run, lib)
