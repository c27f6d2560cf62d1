from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.nrrd import read_fields
from WeakMedSAMLib.contract.quality import CHECK_SLICES, Advice, ClassQuality, Quality, read_quality
from WeakMedSAMLib.engine.data.volumes import Geometry, read_labels, read_stored
from WeakMedSAMLib.engine.parts.assembly import VolumeResult
from WeakMedSAMLib.engine.runs.results import probability_name, write_result

LUNG = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^123037004^Anatomical Structure~SCT^39607008^Lung~SCT^24028007^Right~Anatomic codes - DICOM master list~^^~^^"
)
ADVICE = Advice(CHECK_SLICES, "Check the slices.", {"count": 3})
CLASSES = ClassTable(
    [
        SegmentClass("Lunge rechts (größer)", (230, 159, 0), 5, terminology=LUNG),
        SegmentClass("肝臓 | liver: $x^2$", (1, 128, 254), 2),
        SegmentClass("never found", (0, 158, 115), 200),
    ]
)
TURN = np.linalg.qr(np.array([[1.0, 0.2, -0.1], [0.3, 1.0, 0.25], [-0.2, 0.1, 1.0]]))[0]
SHEAR = np.array([[1.0, 0.0, 0.2], [0.0, 1.0, 0.0], [0.0, 0.0, 0.98]])
DIRECTIONS = {
    "as scanned": np.eye(3),
    "flipped": np.diag([-1.0, -1.0, 1.0]),
    "mirrored": np.diag([1.0, -1.0, 1.0]),
    "permuted": np.eye(3)[:, [2, 0, 1]],
    "oblique": TURN,
    "sheared": SHEAR / np.linalg.norm(SHEAR, axis=0),
}
SIZES = [(7, 6, 5), (6, 5, 1)]


def geometry(direction, size=(7, 6, 5)):
    matrix = np.asarray(direction)
    return Geometry((-12.345678901234567, 1 / 3, 77.7), (0.7, 1.3, 4.1), tuple(matrix.ravel().tolist()), size)


def result(geometry, dtype=np.uint8):
    rng = np.random.default_rng(1)
    labels = rng.choice([0, 2, 5], size=geometry.shape).astype(dtype)
    probabilities = {v: rng.integers(0, 256, geometry.shape, dtype=np.uint8) for v in (2, 5)}
    return VolumeResult(labels[None], probabilities, Quality(confidence=0.5, advice=ADVICE))


def ijk_to_ras(geometry):
    matrix = np.eye(4)
    matrix[:3, :3] = geometry.axes * geometry.spacing
    matrix[:3, 3] = geometry.origin
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix


def assert_same_place(found, wanted):
    assert found.size == wanted.size
    assert found.origin == wanted.origin
    np.testing.assert_allclose(found.spacing, wanted.spacing, rtol=1e-15)
    np.testing.assert_allclose(found.direction, wanted.direction, atol=1e-15)


@pytest.mark.parametrize("size", SIZES, ids=["volume", "single slice"])
@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_files_lie_exactly_where_the_volume_lies(tmp_path, direction, size):
    place = geometry(direction, size)
    wanted = result(place)
    paths = write_result(tmp_path, wanted, place, CLASSES, "k", {"Run": "r1"})
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in paths}
    for name in ("labels.nrrd", "segmentation.seg.nrrd"):
        labels, found = read_labels(tmp_path / name)
        # As Slicer, which turns left-handed label maps, but no segmentations.
        is_turned = place.is_left_handed and name == "labels.nrrd"
        assert_same_place(found, place.turned() if is_turned else place)
        np.testing.assert_array_equal(labels, wanted.layers[0][::-1] if is_turned else wanted.layers[0])
        assert labels.dtype == np.uint8
    for label_value, wanted_map in wanted.probabilities.items():
        written = read_stored(tmp_path / probability_name(label_value))
        np.testing.assert_array_equal(written.array, wanted_map)
        assert_same_place(written.geometry, place)


@pytest.mark.parametrize("size", SIZES, ids=["volume", "single slice"])
@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_slicer_opens_the_segmentation_in_place(tmp_path, slicer_nodes, direction, size):
    place = geometry(direction, size)
    wanted = result(place)
    write_result(tmp_path, wanted, place, CLASSES, "k")
    opened = slicer_nodes.segmentation(tmp_path / "segmentation.seg.nrrd")
    for segment, entry in zip(opened.segments, CLASSES, strict=True):
        np.testing.assert_allclose(segment.ijk_to_ras, ijk_to_ras(place), atol=1e-9)
        np.testing.assert_array_equal(segment.mask, wanted.layers[0] == entry.label_value)


@pytest.mark.parametrize("size", SIZES, ids=["volume", "single slice"])
@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_slicer_opens_the_label_map_in_place(tmp_path, slicer_nodes, direction, size):
    place = geometry(direction, size)
    wanted = result(place)
    write_result(tmp_path, wanted, place, CLASSES, "k")
    volume = slicer_nodes.label_volume(tmp_path / "labels.nrrd")
    # Slicer turns a left-handed volume round on loading: k planes in reverse, the matrix with them.
    step = -1 if place.is_left_handed else 1
    reverse = np.eye(4)
    if place.is_left_handed:
        reverse[2, 2:] = -1, place.size[2] - 1
    np.testing.assert_array_equal(volume.array, wanted.layers[0][::step])
    np.testing.assert_allclose(volume.ijk_to_ras, ijk_to_ras(place) @ reverse, atol=1e-9)


def test_slicer_shows_names_colours_and_that_nobody_reviewed_it(tmp_path, slicer_nodes):
    place = geometry(TURN)
    write_result(tmp_path, result(place), place, CLASSES, "j", {"Run": "run|7:x\ny"})
    opened = slicer_nodes.segmentation(tmp_path / "segmentation.seg.nrrd")
    assert [s.name for s in opened.segments] == CLASSES.names
    assert [s.label_value for s in opened.segments] == [5, 2, 200]
    for segment, entry in zip(opened.segments, CLASSES, strict=True):
        np.testing.assert_allclose(np.multiply(segment.color, 255), entry.color, atol=0.01)
        assert segment.status == "inprogress"
        assert segment.tag("WeakMedSAM.SliceAxis") == "j"
        assert segment.tag("WeakMedSAM.Run") == "run 7:x y"
    assert opened.segments[0].tag("TerminologyEntry") == LUNG
    assert "Tissue" in opened.segments[1].tag("TerminologyEntry")
    assert not opened.segments[2].mask.any()
    reference = np.array([float(n) for n in opened.reference.split(";") if n])
    np.testing.assert_allclose(reference[:16].reshape(4, 4), ijk_to_ras(place), atol=1e-9)
    assert reference[16:].tolist() == [0, 6, 0, 5, 0, 4]


def test_large_label_values_keep_their_value(tmp_path, slicer_nodes):
    classes = ClassTable([SegmentClass("a", (9, 9, 9), 1), SegmentClass("b", (8, 8, 8), 65535)])
    place = geometry(np.eye(3))
    labels = np.zeros(place.shape, np.uint16)
    labels[1], labels[2] = 1, 65535
    write_result(tmp_path, VolumeResult(labels[None]), place, classes, "k")
    read, _ = read_labels(tmp_path / "labels.nrrd")
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, labels)
    opened = slicer_nodes.segmentation(tmp_path / "segmentation.seg.nrrd")
    assert [s.label_value for s in opened.segments] == [1, 65535]
    assert opened.segments[1].mask[2].all()


def test_quality_is_json_with_the_slice_axis(tmp_path):
    place = geometry(np.eye(3))
    write_result(tmp_path, result(place), place, CLASSES, "i", numbering="slicer")
    quality = json.loads((tmp_path / "quality.json").read_text())
    assert (quality["confidence"], quality["axis"], quality["numbering"]) == (0.5, "i", "slicer")
    assert read_quality(tmp_path / "quality.json") == Quality(0.5, advice=ADVICE, axis="i", numbering="slicer")


def test_writing_again_replaces_and_leaves_nothing_else(tmp_path):
    place = geometry(np.eye(3))
    write_result(tmp_path, result(place), place, CLASSES, "k")
    empty = VolumeResult(np.zeros((1, *place.shape), np.uint8))
    write_result(tmp_path, empty, place, CLASSES, "k")
    assert not read_labels(tmp_path / "labels.nrrd")[0].any()
    assert not [p for p in tmp_path.iterdir() if "tmp" in p.name]


def test_unwritable_folder_is_named(tmp_path):
    place = geometry(np.eye(3))
    (tmp_path / "labels.nrrd").mkdir()
    with pytest.raises(UserError, match=r"labels\.nrrd") as refused:
        write_result(tmp_path, result(place), place, CLASSES, "k")
    assert refused.value.code == "cannot_write"
    assert not (tmp_path / "segmentation.seg.nrrd").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layers": np.full((1, 5, 6, 7), 9, np.uint8)}, r"labels \[9\] are not in the class table"),
        ({"layers": np.zeros((1, 5, 6, 7), np.int16)}, "int16"),
        ({"layers": np.zeros((1, 7, 6, 5), np.uint8)}, r"\(1, 7, 6, 5\)"),
        ({"probabilities": {9: np.zeros((5, 6, 7), np.uint8)}}, "label 9"),
        ({"probabilities": {5: np.zeros((5, 6, 7), np.float32)}}, "float32"),
    ],
)
def test_results_that_do_not_fit_are_refused(tmp_path, change, words):
    place = geometry(np.eye(3))
    wrong = VolumeResult(**{"layers": np.zeros((1, 5, 6, 7), np.uint8), **change})
    with pytest.raises(ValueError, match=words):
        write_result(tmp_path, wrong, place, CLASSES, "k")
    assert not list(tmp_path.iterdir())


def test_files_name_the_classes_without_a_mask_and_why(tmp_path):
    sure = [1.0] * 5
    known = {
        "not here": ClassQuality(tagged=[*range(5)], slice_confidence=sure),
        "nowhere found": ClassQuality(tagged=[0, 1], slice_confidence=sure),
        "not drawn": ClassQuality(tagged=[*range(5)], present_without_mask=[3], slice_confidence=sure),
        "drawn": ClassQuality(slices=2, tagged=[*range(5)], slice_confidence=sure),
    }
    place = geometry(np.eye(3))
    found = result(place)
    write_result(tmp_path, replace(found, quality=replace(found.quality, classes=known)), place, CLASSES, "k")
    fields = read_fields(tmp_path / "labels.nrrd")
    assert fields["WeakMedSAM_NotInVolume"] == "not here"
    assert fields["WeakMedSAM_NothingFound"] == "nowhere found, not drawn"
    assert "WeakMedSAM.NotInVolume:not here|" in read_fields(tmp_path / "segmentation.seg.nrrd")["Segment0_Tags"]
    write_result(tmp_path, found, place, CLASSES, "k")
    assert not {"WeakMedSAM_NotInVolume", "WeakMedSAM_NothingFound"} & {*read_fields(tmp_path / "labels.nrrd")}
