"""Masks of classes that share voxels: whole in the scene, through thresholds, corrections, updates, files and .mrb."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK
from flows.strokes import disc

from WeakMedSAMLib.contract.classes import ClassTable

SHAPE = (20, 40, 50)
# A cyst is inside of the organ, which comes later in the table; the lesion excludes both.
TABLE = ClassTable.from_json(
    [
        {"name": "cyst", "label_value": 4, "known": {"inside_of": "organ"}},
        {"name": "Läsion", "label_value": 1},
        {"name": "organ", "label_value": 7},
        {"name": "net", "label_value": 9, "known": {"sharing": "free"}},
    ]
)
VALUES = dict(zip(TABLE.names, TABLE.label_values, strict=True))


def boxes(shape=SHAPE):
    """Class -> mask: the cyst lies wholly in the organ, the net over all of them."""
    masks = {name: np.zeros(shape, bool) for name in TABLE.names}
    masks["organ"][4:16, 10:30, 5:25] = True
    masks["cyst"][6:10, 12:20, 8:16] = True
    masks["Läsion"][4:16, 10:30, 25:40] = True
    masks["net"][8:12, 5:35, 10:35] = True
    return masks


def layered(masks):
    layers = np.zeros((1 + max(TABLE.layers), *next(iter(masks.values())).shape), np.uint8)
    for layer, (name, mask) in zip(TABLE.layers, masks.items(), strict=True):
        assert not layers[layer][mask].any(), name
        layers[layer][mask] = VALUES[name]
    return layers


def likely(masks):
    """Label value -> probabilities, above one half in the mask, a little around it."""
    return {VALUES[name]: np.where(mask, 220, 60).astype(np.uint8) for name, mask in masks.items()}


@pytest.fixture
def loaded(scene, make_volume, make_run, lib, voxels_of):
    volume = make_volume("CT", SHAPE, show=True)
    run = make_run([volume], layered(boxes()), likely(boxes()), classes=TABLE)
    run.volume, run.stored = volume, run.result.volumes["000"]
    run.node = lib.end(lib.loader.volumeSteps(volume, run.stored, TABLE, run.record))

    def masks(node=None):
        node = node or run.node
        segmentation = node.GetSegmentation()
        ids = [segmentation.GetNthSegmentID(number) for number in range(segmentation.GetNumberOfSegments())]
        return {segmentation.GetSegment(each).GetName(): voxels_of(node, each, SHAPE) for each in ids}

    run.masks = masks
    run.ids = dict(zip(TABLE.names, lib.segments.segmentIdsOf(run.node), strict=True))
    return run


def assert_same(found, wanted):
    assert list(found) == list(wanted)
    for name, mask in wanted.items():
        np.testing.assert_array_equal(found[name], mask, err_msg=name)


def test_every_mask_is_whole_in_the_scene_and_after_slicer_joined_label_maps(loaded):
    assert_same(loaded.masks(), boxes())
    segmentation = loaded.node.GetSegmentation()
    # Those that exclude each other have one image in common.
    images = {
        name: segmentation.GetSegment(each).GetRepresentation("Binary labelmap") for name, each in loaded.ids.items()
    }
    assert images["organ"] is not images["cyst"]
    assert images["Läsion"] is images["cyst"]
    assert segmentation.GetNumberOfLayers() == 1 + max(TABLE.layers)
    segmentation.CollapseBinaryLabelmaps(False)
    assert_same(loaded.masks(), boxes())


def test_they_survive_mrb(host, scene, loaded, lib, tmp_path):
    assert host.slicer.util.saveScene(str(tmp_path / "s.mrb"))
    scene.Clear(0)
    host.slicer.util.loadScene(str(tmp_path / "s.mrb"))
    (node,) = host.slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    assert_same(loaded.masks(node), boxes())


def test_masks_join_a_segmentation_of_the_user_whole(loaded, make_segmentation, lib):
    mine = make_segmentation(loaded.volume, {"mine": np.ones(SHAPE, bool)})
    before = mine.GetSegmentation().GetNumberOfSegments()
    lib.end(lib.loader.volumeSteps(loaded.volume, loaded.stored, TABLE, loaded.record, mine))
    assert_same(dict(list(loaded.masks(mine).items())[before:]), boxes())


def test_a_result_of_before_is_loaded_as_it_is(scene, make_volume, make_run, lib, voxels_of):
    """One label map, whatever was said of its classes."""
    volume = make_volume("old", SHAPE)
    flat = layered(boxes())
    flat = np.where(flat[1] > 0, flat[1], flat[0])
    run = make_run([volume], flat, likely(boxes()), classes=TABLE)
    node = lib.end(lib.loader.volumeSteps(volume, run.result.volumes["000"], TABLE, run.record))
    for name, each in zip(TABLE.names, lib.segments.segmentIdsOf(node), strict=True):
        np.testing.assert_array_equal(voxels_of(node, each, SHAPE), flat == VALUES[name], err_msg=name)


def test_a_threshold_and_its_reset_change_one_of_them_alone(loaded, lib):
    path = loaded.stored.probabilities[VALUES["cyst"]]
    editor = lib.thresholds.ThresholdEditor(loaded.volume, loaded.node, loaded.ids["cyst"], path, lib.history)
    lib.end(editor.loadSteps())
    editor.apply(0.1)
    editor.finish()
    assert_same(loaded.masks(), boxes() | {"cyst": np.ones(SHAPE, bool)})
    ml = editor.reset()
    assert_same(loaded.masks(), boxes())
    assert ml == pytest.approx(boxes()["cyst"].sum() * lib.volumes.voxelMl(loaded.volume))
    # The outer one as generated holds what the inner one has, too.
    path = loaded.stored.probabilities[VALUES["organ"]]
    editor = lib.thresholds.ThresholdEditor(loaded.volume, loaded.node, loaded.ids["organ"], path, lib.history)
    editor.apply(0.95)
    assert not loaded.masks()["organ"].any()
    editor.reset()
    assert_same(loaded.masks(), boxes())


def test_the_segmentation_is_exported_whole_and_read_by_slicer(host, loaded, lib, tmp_path):
    path = tmp_path / "o.seg.nrrd"
    assert lib.exports.exportSegmentation(loaded.node, path).notes == []
    assert_same(loaded.masks(host.slicer.util.loadSegmentation(str(path))), boxes())
    from WeakMedSAMLib.contract.segmentation_header import layers_by_value

    assert set(layers_by_value(lib.raw.readFields(path))) == set(TABLE.label_values)


def test_an_exported_label_map_has_the_inner_class_and_says_what_it_lacks(loaded, lib, tmp_path):
    exported = lib.exports.exportLabelmap(loaded.node, loaded.volume, tmp_path / "l.nrrd", TABLE)
    masks, wanted = boxes(), np.zeros(SHAPE, np.uint8)
    for name in ("Läsion", "organ", "net", "cyst"):
        wanted[masks[name]] = VALUES[name]
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(exported.path))), wanted)
    several = np.count_nonzero(np.sum(list(masks.values()), axis=0) > 1)
    (note,) = exported.notes
    assert note.endswith(f": {several}.")
    assert "inner" in note
    assert ".seg.nrrd" in note


def test_the_report_says_the_size_of_each(loaded, lib, tmp_path):
    volume = lib.report.ReportVolume(loaded.volume, loaded.node, loaded.stored)
    text = lib.report.writeReport(tmp_path / "r.html", loaded.result, [volume]).read_text("utf-8")
    for name, mask in boxes().items():
        ml = mask.sum() * lib.volumes.voxelMl(loaded.volume)
        assert f"<td>{name}</td><td>{lib.results.volumeInWords(ml)}</td>" in text


# Corrections and updates


@pytest.fixture
def correcting(scene, logic, host, make_volume, make_run, lib, voxels_of):
    from flows.correcting import CorrectingBench

    volume = make_volume("CT", SHAPE, show=True)
    run = make_run([volume], layered(boxes()), likely(boxes()), classes=TABLE)
    return CorrectingBench(host, logic, run, volume, lib, voxels_of)


def test_a_correction_of_one_is_learned_and_leaves_the_other(correcting):
    correcting.show(8)
    # Over the organ and its cyst.
    correcting.editor.stroke(correcting.ids["cyst"], disc(SHAPE, 8))
    correcting.settle()
    said = correcting.corrections.paintedOf(correcting.ids["cyst"])[1]
    assert sorted(said) == [8]
    np.testing.assert_array_equal(said[8].pixels == 1, correcting.voxels("cyst")[8])
    np.testing.assert_array_equal(correcting.voxels("organ"), boxes()["organ"])
    assert correcting.corrections.paintedOf(correcting.ids["organ"])[1] == {}


def test_an_update_writes_masks_that_share_voxels_whole(correcting, make_run):
    moved = {name: np.roll(mask, 2, axis=1) for name, mask in boxes().items()}
    another = make_run([correcting.volume], layered(moved), likely(moved), classes=TABLE)
    correcting.end_update(another)
    correcting.host.waitUntil(lambda: not correcting.logic.updates.isUnderWay)
    correcting.settle()
    for name, mask in moved.items():
        np.testing.assert_array_equal(correcting.voxels(name), mask, err_msg=name)
    correcting.logic.updates.undo()
    correcting.settle()
    for name, mask in boxes().items():
        np.testing.assert_array_equal(correcting.voxels(name), mask, err_msg=name)
