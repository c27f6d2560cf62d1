"""Segments of results, thresholds, undo; and that what the user drew survives it all."""

from __future__ import annotations

import time

import numpy as np
import pytest


@pytest.fixture
def loaded(scene, make_volume, make_run, lib):
    """A volume with its masks in the scene."""
    volume = make_volume("CT", (20, 40, 50), show=True)
    run = make_run([volume])
    result = run.result.volumes["000"]
    node = lib.end(lib.loader.volumeSteps(volume, result, run.classes, run.record))
    run.volume, run.volume_result, run.node, run.shape = volume, result, node, (20, 40, 50)
    run.labels = lib.end(lib.raw.readSteps(result.labels)).array
    return run


def user_segment(lib, node, volume, name="mine"):
    """A box that overlaps every class; returns its id."""
    segmentation = node.GetSegmentation()
    segmentation.AddEmptySegment(name, name)
    image = lib.images.newImage((9, 20, 20), (10, 10, 5), lib.volumes.ijkToRas(volume), np.dtype(np.uint8))
    lib.images.imageArray(image)[:] = 1
    segmentation.GetSegment(name).AddRepresentation(lib.images.BINARY, image)
    segmentation.GetSegment(name).SetLabelValue(1)
    return name


def test_segments_have_all_that_the_class_table_says(scene, loaded, lib, voxels_of):
    node = loaded.node
    segmentation = node.GetSegmentation()
    assert node.GetName() == "CT masks"
    ids = lib.segments.segmentIdsOf(node, loaded.record.runId, "000")
    assert [segmentation.GetSegment(each).GetName() for each in ids] == ["Läsion", "organ"]
    for segment_id, entry in zip(ids, loaded.classes, strict=True):
        segment = segmentation.GetSegment(segment_id)
        np.testing.assert_allclose(segment.GetColor(), np.array(entry.color) / 255)
        assert lib.segments.labelValueOf(segment) == segment.GetLabelValue() == entry.label_value
        assert lib.segments.tagOf(segment, "Segmentation.Status") == "inprogress"
        np.testing.assert_array_equal(voxels_of(node, segment_id, loaded.shape), loaded.labels == entry.label_value)
    reference = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
    assert reference is loaded.volume
    assert '"preset": "fast"' in node.GetAttribute("WeakMedSAM.Settings")
    lib.segments.setReviewed(segment, True)
    assert lib.segments.isReviewed(segment)


def test_masks_lie_under_the_study_of_the_volume(host, scene, make_volume, make_run, lib):
    hierarchy = host.slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    volume = make_volume()
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    item = hierarchy.GetItemByDataNode(volume) or hierarchy.CreateItem(study, volume)
    hierarchy.SetItemParent(item, study)
    run = make_run([volume])
    node = lib.end(lib.loader.volumeSteps(volume, run.result.volumes["000"], run.classes, run.record))
    found = hierarchy.GetItemByDataNode(node)
    assert not found or hierarchy.GetItemParent(found) == study


def test_a_segmentation_of_the_user_only_gains(scene, loaded, lib, voxels_of):
    node, segmentation = loaded.node, loaded.node.GetSegmentation()
    user_segment(lib, node, loaded.volume)
    segmentation.CollapseBinaryLabelmaps(False)
    names = [segmentation.GetNthSegment(i).GetName() for i in range(3)]
    before = {each: voxels_of(node, each, loaded.shape) for each in lib.segments.segmentIdsOf(node)}
    loaded.record.runId = "f" * 32
    steps = lib.loader.volumeSteps(loaded.volume, loaded.volume_result, loaded.classes, loaded.record, node)
    assert lib.end(steps) is node
    assert [segmentation.GetNthSegment(i).GetName() for i in range(5)] == [*names, "Läsion (2)", "organ (2)"]
    assert len(lib.segments.segmentIdsOf(node, "f" * 32)) == 2
    for segment_id, voxels in before.items():
        np.testing.assert_array_equal(voxels_of(node, segment_id, loaded.shape), voxels)
    assert lib.history.last(node).isUntouched()
    lib.history.undo(node)
    assert lib.segments.segmentIdsOf(node) == list(before)
    lib.history.redo(node)
    assert segmentation.GetNumberOfSegments() == 5


def test_a_wrong_target_changes_nothing(host, scene, loaded, make_volume, lib):
    from WeakMedSAMLib.contract.errors import UserError

    other = make_volume("other", (20, 40, 51))
    count = scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    with pytest.raises(UserError, match="do not fit"):
        lib.end(lib.loader.volumeSteps(other, loaded.volume_result, loaded.classes, loaded.record))
    moved = make_volume("moved", (20, 40, 50), "lps")
    with pytest.raises(UserError, match="do not fit"):
        lib.end(lib.loader.volumeSteps(moved, loaded.volume_result, loaded.classes, loaded.record))
    steps = lib.loader.volumeSteps(loaded.volume, loaded.volume_result, loaded.classes, loaded.record)
    next(steps)
    scene.RemoveNode(loaded.volume)
    with pytest.raises(UserError, match="removed"):
        lib.end(steps)
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == count


def editor_of(lib, loaded, segment_id, value):
    path = loaded.volume_result.probabilities[value]
    return lib.thresholds.ThresholdEditor(loaded.volume, loaded.node, segment_id, path, lib.history)


@pytest.mark.parametrize("collapsed", [False, True], ids=["as loaded", "after saving"])
def test_a_threshold_changes_one_segment_alone(loaded, lib, voxels_of, collapsed):
    node = loaded.node
    first, second = lib.segments.segmentIdsOf(node)
    mine = user_segment(lib, node, loaded.volume)
    probability = lib.end(lib.raw.readSteps(loaded.volume_result.probabilities[1])).array
    editor = editor_of(lib, loaded, first, 1)
    kept = {each: voxels_of(node, each, loaded.shape) for each in (second, mine)}
    for value in (0.9, 0.2, 0.004, 0.0, 1.0):
        if collapsed:
            node.GetSegmentation().CollapseBinaryLabelmaps(False)
        ml = editor.apply(value)
        wanted = probability >= max(np.ceil(value * 255 - 1e-9), 1)
        np.testing.assert_array_equal(voxels_of(node, first, loaded.shape), wanted)
        assert ml == pytest.approx(wanted.sum() / 1000)
        for segment_id, voxels in kept.items():
            np.testing.assert_array_equal(voxels_of(node, segment_id, loaded.shape), voxels)
    editor.finish()
    editor.reset()
    np.testing.assert_array_equal(voxels_of(node, first, loaded.shape), loaded.labels == 1)
    for segment_id, voxels in kept.items():
        np.testing.assert_array_equal(voxels_of(node, segment_id, loaded.shape), voxels)


def test_a_drag_is_one_step_to_undo_and_hand_work_is_told_apart(loaded, lib, voxels_of):
    node = loaded.node
    first, _ = lib.segments.segmentIdsOf(node)
    mine = user_segment(lib, node, loaded.volume)
    editor = editor_of(lib, loaded, first, 1)
    before = voxels_of(node, first, loaded.shape)
    for value in (0.7, 0.4, 0.1):
        editor.apply(value)
    editor.finish()
    editor.finish()
    after = voxels_of(node, first, loaded.shape)
    assert lib.history.last(node).isUntouched()
    lib.images.imageArray(node.GetBinaryLabelmapInternalRepresentation(mine))[0] = 0
    lib.history.undo(node)
    np.testing.assert_array_equal(voxels_of(node, first, loaded.shape), before)
    assert voxels_of(node, mine, loaded.shape).sum() == 8 * 400
    lib.history.redo(node)
    np.testing.assert_array_equal(voxels_of(node, first, loaded.shape), after)
    image = node.GetBinaryLabelmapInternalRepresentation(first)
    # Painted over what is there already: nothing is lost by undo.
    lib.images.imageArray(image)[lib.images.imageArray(image) == 1] = 1
    image.Modified()
    assert lib.history.last(node).isUntouched()
    lib.images.imageArray(image)[0, 0, 0] ^= 1
    image.Modified()
    assert not lib.history.last(node).isUntouched()
    lib.history.undo(node)
    assert lib.history.last(node) is None
    node.GetSegmentation().RemoveSegment(first)
    from WeakMedSAMLib.contract.errors import UserError

    with pytest.raises(UserError, match="removed"):
        editor.apply(0.5)


def test_undo_after_undo_tells_no_hand_work_from_its_own(loaded, lib, voxels_of):
    node = loaded.node
    first, second = lib.segments.segmentIdsOf(node)
    editor = editor_of(lib, loaded, first, 1)
    before = voxels_of(node, first, loaded.shape)
    for value in (0.7, 0.3):
        editor.apply(value)
        editor.finish()
    for _step in range(2):
        assert lib.history.last(node).isUntouched()
        lib.history.undo(node)
    np.testing.assert_array_equal(voxels_of(node, first, loaded.shape), before)
    for _step in range(2):
        lib.history.redo(node)
        assert lib.history.last(node).isUntouched()
    # Slicer joins images when it saves, and cuts them to size after an edit elsewhere: no hand work either.
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    assert lib.history.last(node).isUntouched()
    image = node.GetBinaryLabelmapInternalRepresentation(second)
    lib.images.imageArray(image)[lib.images.imageArray(image) == 7] = 0
    image.Modified()
    assert lib.history.last(node).isUntouched()
    image = node.GetBinaryLabelmapInternalRepresentation(first)
    value = node.GetSegmentation().GetSegment(first).GetLabelValue()
    lib.images.imageArray(image)[lib.images.imageArray(image) == value] = 0
    image.Modified()
    assert not lib.history.last(node).isUntouched()


def test_added_segments_are_untouched_after_a_threshold_was_undone(scene, loaded, make_segmentation, lib):
    node = make_segmentation(loaded.volume, {"mine": np.ones(loaded.shape, bool)})
    steps = lib.loader.volumeSteps(loaded.volume, loaded.volume_result, loaded.classes, loaded.record, node)
    lib.end(steps)
    first = lib.segments.segmentIdsOf(node, loaded.record.runId)[0]
    editor = lib.thresholds.ThresholdEditor(
        loaded.volume, node, first, loaded.volume_result.probabilities[1], lib.history
    )
    editor.apply(0.4)
    editor.finish()
    lib.history.undo(node)
    added = lib.history.last(node)
    assert added.text == "add generated segments"
    assert added.isUntouched()
    node.GetSegmentation().GetSegment(first).RemoveRepresentation(lib.images.BINARY)
    assert not added.isUntouched()


def painted_segment(lib, node, label_of="new"):
    """Add a segment as the Segment Editor does, and paint a box on the image that Slicer gives to it."""
    segmentation = node.GetSegmentation()
    segmentation.AddEmptySegment(label_of, label_of)
    segment = segmentation.GetSegment(label_of)
    image = segment.GetRepresentation(lib.images.BINARY)
    lib.images.imageArray(image)[:2, :3, :4] = segment.GetLabelValue()
    image.Modified()
    return label_of


def test_whether_segments_share_an_image_is_known(loaded, lib):
    node = loaded.node
    first, second = lib.segments.segmentIdsOf(node)
    mine = user_segment(lib, node, loaded.volume)
    assert [lib.images.isShared(node, each) for each in (first, second, mine)] == [True, True, False]
    editor_of(lib, loaded, first, 1).apply(0.5)
    assert [lib.images.isShared(node, each) for each in (first, second, mine)] == [False, False, False]


def test_a_segment_that_the_user_adds_in_a_drag_is_not_wiped(loaded, lib, voxels_of):
    node = loaded.node
    first, second = lib.segments.segmentIdsOf(node)
    editor = editor_of(lib, loaded, first, 1)
    editor.apply(0.5)
    # Slicer puts a new segment onto the image of the first one.
    mine = painted_segment(lib, node)
    assert lib.images.isShared(node, first)
    kept = {each: voxels_of(node, each, loaded.shape) for each in (second, mine)}
    assert kept[mine].any()
    probability = lib.end(lib.raw.readSteps(loaded.volume_result.probabilities[1])).array
    editor.apply(0.3)
    np.testing.assert_array_equal(voxels_of(node, first, loaded.shape), probability >= 77)
    for segment_id, voxels in kept.items():
        np.testing.assert_array_equal(voxels_of(node, segment_id, loaded.shape), voxels)
    # And an image of our own is kept for the whole drag.
    image = node.GetSegmentation().GetSegment(first).GetRepresentation(lib.images.BINARY)
    editor.apply(0.4)
    assert node.GetSegmentation().GetSegment(first).GetRepresentation(lib.images.BINARY) is image


def test_old_voxels_leave_the_common_image(loaded, lib):
    first, second = lib.segments.segmentIdsOf(loaded.node)
    editor_of(lib, loaded, first, 1).apply(0.5)
    common = loaded.node.GetSegmentation().GetSegment(second).GetRepresentation(lib.images.BINARY)
    assert set(np.unique(lib.images.imageArray(common))) == {0, 7}


def test_masks_lie_on_their_volume_under_another_transform(host, scene, loaded, make_segmentation, lib):
    from WeakMedSAMLib.contract.errors import UserError
    from WeakMedSAMLib.frontend.results.segment_layers import layerSteps

    shape = loaded.shape
    node = make_segmentation(loaded.volume, {"mine": np.ones(shape, bool)})
    for moved, shift in ((loaded.volume, 13), (node, -4)):
        transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        matrix = np.eye(4)
        matrix[0, 3] = shift
        host.slicer.util.updateTransformMatrixFromArray(transform, matrix)
        moved.SetAndObserveTransformNodeID(transform.GetID())
    steps = lib.loader.volumeSteps(loaded.volume, loaded.volume_result, loaded.classes, loaded.record, node)
    lib.end(steps)
    first, second = lib.segments.segmentIdsOf(node, loaded.record.runId)
    image = node.GetBinaryLabelmapInternalRepresentation(first)
    np.testing.assert_allclose(lib.images.imageMatrix(image)[:3, 3], [17, 0, 0], atol=1e-9)
    editor = lib.thresholds.ThresholdEditor(
        loaded.volume, node, first, loaded.volume_result.probabilities[1], lib.history
    )
    editor.apply(0.5)
    layers = lib.end(layerSteps(node, loaded.volume, {first: 1, second: 7}))
    probability = lib.end(lib.raw.readSteps(loaded.volume_result.probabilities[1])).array
    np.testing.assert_array_equal(layers.arrays[layers.layerOf[first]] == 1, probability >= 128)
    np.testing.assert_array_equal(layers.arrays[layers.layerOf[second]] == 7, loaded.labels == 7)
    assert not layers.resampled
    # Moved in the middle of a drag, it follows.
    loaded.volume.SetAndObserveTransformNodeID(None)
    editor.apply(0.5)
    image = node.GetBinaryLabelmapInternalRepresentation(first)
    np.testing.assert_allclose(lib.images.imageMatrix(image)[0, 3], 4, atol=1e-9)
    bent = scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    node.SetAndObserveTransformNodeID(bent.GetID())
    with pytest.raises(UserError, match="bend"):
        editor.apply(0.6)


def test_the_target_is_for_the_volume_that_it_belongs_to(scene, loaded, make_volume, make_segmentation, lib):
    from WeakMedSAMLib.contract.errors import UserError

    other = make_volume("MR", loaded.shape)
    node = make_segmentation(other, {"mine": np.ones(loaded.shape, bool)})
    find = lambda *arguments: lib.loader.findTarget(*arguments).volumeId  # noqa: E731
    assert find(node, {"000": loaded.volume, "001": other}) == "001"
    with pytest.raises(UserError, match="MR, which is not in this run"):
        find(node, {"000": loaded.volume})
    node.SetNodeReferenceID(node.GetReferenceImageGeometryReferenceRole(), None)
    assert find(node, {"000": other}) == "000"
    with pytest.raises(UserError, match="belongs to no volume"):
        find(node, {"000": loaded.volume, "001": other})


def test_a_hidden_segmentation_of_the_user_stays_hidden(scene, loaded, make_segmentation, lib):
    node = make_segmentation(loaded.volume, {"mine": np.ones(loaded.shape, bool)})
    node.GetDisplayNode().SetVisibility(False)
    steps = lib.loader.volumeSteps(loaded.volume, loaded.volume_result, loaded.classes, loaded.record, node)
    lib.end(steps)
    assert not node.GetDisplayNode().GetVisibility()
    assert loaded.node.GetDisplayNode().GetVisibility()


def test_the_editor_and_slices_show_a_threshold_at_once(host, loaded, lib):
    first, _ = lib.segments.segmentIdsOf(loaded.node)
    node = lib.views.sliceNodeOf("Red")
    lib.views.jumpToSlice(loaded.volume, node, "k", 10)
    host.settle(0.05)
    before = host.sliceImage("Red").astype(int)
    editor_of(lib, loaded, first, 1).apply(0.01)
    host.settle(0.05)
    assert np.abs(host.sliceImage("Red").astype(int) - before).max() > 30


def test_the_slider_answers_within_100_ms(allowance, host, scene, make_volume, make_run, lib, capsys):
    """256 x 256 x 155, the view drawn each time as in use."""
    shape = (155, 256, 256)
    volume = make_volume("MR", shape, show=True)
    labels = np.zeros(shape, np.uint8)
    labels[40:90, 60:160, 60:200] = 1
    probability = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    run = make_run([volume], labels, {1: probability})
    result = run.result.volumes["000"]
    node = lib.end(lib.loader.volumeSteps(volume, result, run.classes, run.record))
    first = lib.segments.segmentIdsOf(node)[0]
    editor = lib.end(
        lib.thresholds.ThresholdEditor(volume, node, first, result.probabilities[1], lib.history).loadSteps()
    )
    times, drawn = [], []
    for value in np.linspace(0.9, 0.1, 9):
        begun = time.perf_counter()
        editor.apply(float(value))
        times.append((time.perf_counter() - begun) * 1000)
        host.sliceImage("Red")
        drawn.append((time.perf_counter() - begun) * 1000)
    with capsys.disabled():
        print(
            f"\nthreshold: first {times[0]:.1f} ms, then {np.median(times[1:]):.1f}; with drawing {max(drawn):.1f} ms"
        )
    assert max(times) < 100 * allowance


def test_masks_survive_mrb_and_go_on(host, scene, loaded, lib, voxels_of, tmp_path):
    node = loaded.node
    first, second = lib.segments.segmentIdsOf(node)
    mine = user_segment(lib, node, loaded.volume)
    editor = editor_of(lib, loaded, first, 1)
    editor.apply(0.3)
    editor.finish()
    state = lib.ModuleState(scene)
    loaded.record.segmentations = {"000": node.GetID()}
    state.saveRun(loaded.record)
    state.cleanup()
    before = {each: voxels_of(node, each, loaded.shape) for each in (first, second, mine)}
    path = tmp_path / "x.mrb"
    host.slicer.util.saveScene(str(path))
    for segment_id, voxels in before.items():
        np.testing.assert_array_equal(voxels_of(node, segment_id, loaded.shape), voxels)
    host.closeScene()
    host.slicer.util.loadScene(str(path))
    state = lib.ModuleState(scene)
    record = state.run(loaded.record.runId)
    state.cleanup()
    node = scene.GetNodeByID(record.segmentations["000"])
    for segment_id, voxels in before.items():
        np.testing.assert_array_equal(voxels_of(node, segment_id, loaded.shape), voxels)
    assert lib.segments.segmentIdsOf(node, record.runId, "000") == [first, second]
    loaded.node, loaded.volume = node, scene.GetNodeByID(record.volumes["000"])
    editor_of(lib, loaded, first, 1).reset()
    np.testing.assert_array_equal(voxels_of(node, first, loaded.shape), loaded.labels == 1)
    np.testing.assert_array_equal(voxels_of(node, mine, loaded.shape), before[mine])
    assert [lib.segments.labelValueOf(node.GetSegmentation().GetSegment(each)) for each in (first, second)] == [1, 7]
