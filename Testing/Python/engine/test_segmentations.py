"""Masks from segmentations of 3D Slicer and from label maps, placed on the grid of the scan."""

from __future__ import annotations

import gzip
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.cli.outcome import outcome
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.labels import covering, place_labels
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, parse_mask_classes
from WeakMedSAMLib.engine.data.segmentation_nrrd import segmentation_header
from WeakMedSAMLib.engine.data.segmentations import read_mask
from WeakMedSAMLib.engine.data.volumes import open_stored, read_volume, write_volume

ORDERS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))
SCANS = (".nrrd", ".mha", ".nii.gz")
SIZE = (9, 8, 7)
GRID = Geometry((10.0, -20.0, 30.0), (1.5, 2.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), SIZE)
TUMOUR = MaskClass("tumour", (1,))


def scan_voxels():
    return np.random.default_rng(0).integers(0, 1000, GRID.shape).astype(np.int16)


def lesion(shape=GRID.shape, low=(1, 2, 3), high=(3, 6, 8)):
    """A box that no flip or turn leaves as it is, k x j x i."""
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*pair) for pair in zip(low, high, strict=True))] = True
    mask[low[0], low[1], low[2]] = False
    return mask


def reordered(array, geometry, order, signs):
    """The same voxels at the same places in another order: i runs along axis `order[0]`, and so on."""
    axes, spacing = geometry.axes, np.array(geometry.spacing)
    ends = [0 if sign > 0 else geometry.size[axis] - 1 for axis, sign in zip(order, signs, strict=True)]
    first = np.zeros(3)
    first[list(order)] = ends
    origin = np.array(geometry.origin) + axes @ (first * spacing)
    flipped = array.transpose(2, 1, 0).transpose(order)[tuple(slice(None, None, sign) for sign in signs)]
    direction = (axes[:, order] * np.array(signs)).ravel().tolist()
    place = Geometry(tuple(origin.tolist()), tuple(spacing[list(order)].tolist()), tuple(direction), flipped.shape)
    return np.ascontiguousarray(flipped.transpose(2, 1, 0)), place


def write(path, array, geometry):
    sitk.WriteImage(geometry.image(array), str(path))
    return path


def segmented(path, layers, geometry=GRID, segments=(), more=None, **changed):
    """A .seg.nrrd file: layers k x j x i; segments are (name, value, layer)."""
    stacked = np.stack(layers, -1) if len(layers) > 1 else layers[0]
    rows = [tuple(row) for row in (geometry.axes * geometry.spacing).T.tolist()]
    vectors = " ".join(f"({x!r},{y!r},{z!r})" for x, y, z in rows)
    many = len(layers) > 1
    fields = {
        "type": "uchar", "dimension": str(3 + many), "space": "left-posterior-superior",
        "sizes": " ".join(map(str, (*([len(layers)] if many else []), *geometry.size))),
        "space directions": ("none " if many else "") + vectors,
        "kinds": ("list " if many else "") + "domain domain domain", "encoding": "raw",
        "space origin": str(tuple(geometry.origin)).replace(" ", ""),
    }  # fmt: skip
    pairs = {"Segmentation_MasterRepresentation": "Binary labelmap", "Segmentation_ReferenceImageExtentOffset": "0 0 0"}
    extent = " ".join(f"0 {n - 1}" for n in geometry.size)
    for n, (name, value, layer) in enumerate(segments):
        told = {"ID": f"S{n}", "Name": name, "LabelValue": value, "Layer": layer, "Extent": extent, "Color": "1 0 0"}
        pairs |= {f"Segment{n}_{key}": text for key, text in told.items() if text is not None}
    lines = [f"{key}: {text}" for key, text in (fields | changed).items()]
    lines += [f"{key}:={text}" for key, text in (pairs | (more or {})).items()]
    voxels = stacked.astype(np.uint8)
    voxels = np.moveaxis(voxels, -1, 0) if many and changed.get("kinds", "").endswith("list") else voxels
    data = gzip.compress(voxels.tobytes()) if changed.get("encoding") == "gzip" else voxels.tobytes()
    path.write_bytes(("NRRD0005\n" + "\n".join(lines) + "\n\n").encode() + data)
    return path


def cropped(mask, geometry=GRID, border=0):
    """The smallest box that holds a mask, and where it lies."""
    found = np.argwhere(mask)
    low, high = found.min(0) - border, found.max(0) + 1 + border
    origin = np.array(geometry.origin) + geometry.axes @ (low[::-1] * geometry.spacing)
    size = tuple(int(n) for n in (high - low)[::-1])
    place = Geometry(tuple(origin.tolist()), geometry.spacing, geometry.direction, size)
    return mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], place, low[::-1]


@pytest.fixture
def scan(tmp_path):
    return write(tmp_path / "scan.nrrd", scan_voxels(), GRID)


@pytest.fixture
def call(capsys):
    def run(*words):
        code = outcome(cli, list(map(str, words)))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def refused(does):
    with pytest.raises(UserError) as caught:
        does()
    assert caught.value.hint
    return caught.value


def placed(path, asked=TUMOUR, onto=GRID):
    return read_mask(path).on(onto, Path("scan.nrrd")).mask(asked)


# ---- by where they lie


@pytest.mark.parametrize("suffix", [".seg.nrrd", ".nrrd", ".nii.gz"])
def test_in_all_axis_orders_and_flips_a_mask_lies_where_it_was_drawn(tmp_path, suffix):
    """The mark is one voxel in scan and mask; each is written in an order of its own, the scan in every format."""
    marks = np.zeros(GRID.shape, np.uint8)
    marks[2, 5, 3] = 1
    for n, (order, signs) in enumerate(ORDERS):
        array, place = reordered(marks, GRID, *ORDERS[-1 - n])
        scan = write(tmp_path / f"scan{SCANS[n % 3]}", array.astype(np.int16), place)
        array, place = reordered(marks, GRID, order, signs)
        path = tmp_path / f"mask{suffix}"
        if suffix == ".seg.nrrd":
            segmented(path, [array], place, [("tumour", 1, 0)])
        else:
            write(path, array, place)
        held = read_volume(scan)
        mask = read_mask(path).on(held.geometry, scan).mask(TUMOUR)
        assert np.array_equal(mask, held.array == 1)


def test_slices_are_counted_as_in_slicer_whichever_way_the_mask_runs(tmp_path, call, slicer_nodes):
    """A left-handed scan, which Slicer turns, with a segmentation that is not turned."""
    array, place = reordered(lesion(), GRID, (0, 1, 2), (-1, 1, 1))
    scan = write(tmp_path / "scan.nii.gz", scan_voxels() * 0 + array.astype(np.int16) * 500 + 3, place)
    mask = segmented(tmp_path / "mask.seg.nrrd", [array], place, [("tumour", 1, 0)])
    words = ("--mask", mask, "--volume", scan, "--labels", "tumour=1", "--min-pixels", 1, "--out", tmp_path / "t.json")
    assert call("tags", "from-mask", *words)[0] == 0
    shown = slicer_nodes.label_volume(scan).array > 100
    state = read_label_file(tmp_path / "t.json").volumes[0].state("tumour")
    assert state.tolist() == shown.any(axis=(1, 2)).astype(int).tolist()
    assert state.tolist() != array.any(axis=(1, 2)).astype(int).tolist()


@pytest.mark.parametrize(("order", "signs"), ORDERS[::5])
def test_labels_of_a_run_folder_lie_on_its_volume_in_the_order_in_which_it_was_stored(tmp_path, order, signs):
    array, place = reordered(lesion(), GRID, order, signs)
    stored = open_stored(write(tmp_path / "000.nrrd", array.astype(np.int16) * 9, place))
    labels = read_mask(write(tmp_path / "labels.nrrd", array.astype(np.uint8), place))
    assert np.array_equal(labels.on(stored.geometry, stored.path).mask(TUMOUR), stored.array == 9)


@pytest.mark.parametrize("border", [0, 1])
def test_a_cropped_segmentation_is_placed(tmp_path, border, slicer_nodes):
    box, place, low = cropped(lesion(), border=border)
    offset = " ".join(map(str, low))
    more = {"Segmentation_ReferenceImageExtentOffset": offset}
    path = segmented(tmp_path / "crop.seg.nrrd", [box], place, [("tumour", 1, 0)], more)
    assert np.array_equal(placed(path), lesion())
    (segment,) = slicer_nodes.segmentation(path).segments
    corner = np.array(segment.ijk_to_ras) @ [*np.argwhere(segment.mask)[0][::-1], 1]
    at = np.argwhere(placed(path))[0][::-1] * GRID.spacing + GRID.origin
    # Slicer counts voxels of a cropped segment from the corner of the scan.
    np.testing.assert_allclose(corner[:3] + np.diag([-1, -1, 1]) @ (low * GRID.spacing), at * [-1, -1, 1], atol=1e-6)


def test_a_crop_may_reach_beyond_the_scan_as_long_as_it_is_empty_there(tmp_path):
    wide = lesion(low=(0, 0, 0), high=(3, 6, 8))
    place = Geometry((8.5, -22.0, 27.0), GRID.spacing, GRID.direction, (11, 10, 9))
    path = segmented(tmp_path / "a.seg.nrrd", [np.pad(wide, 1)], place, [("tumour", 1, 0)])
    assert np.array_equal(placed(path), wide)
    beyond = np.pad(wide, 1)
    beyond[0, 4, 4] = True
    error = refused(lambda: placed(segmented(tmp_path / "b.seg.nrrd", [beyond], place, [("tumour", 1, 0)])))
    assert error.code == "grids_differ"
    assert "1 labelled voxels outside" in error.message


def test_a_smaller_label_map_is_placed_and_told(tmp_path):
    box, place, _ = cropped(lesion())
    there = read_mask(write(tmp_path / "a.nrrd", box.astype(np.uint8), place)).on(GRID, Path("scan.nrrd"))
    assert np.array_equal(there.mask(TUMOUR), lesion())
    assert [note.code for note in there.notes] == ["mask_smaller"]


@pytest.mark.parametrize("suffix", [".nrrd", ".seg.nrrd"])
@pytest.mark.parametrize("by", [0.75, 0.2])
def test_voxels_between_those_of_the_scan_are_refused(tmp_path, suffix, by):
    place = Geometry((10.0 + by, -20.0, 30.0), GRID.spacing, GRID.direction, SIZE)
    path = segmented(tmp_path / f"a{suffix}", [lesion()], place, [("tumour", 1, 0)])
    assert refused(lambda: placed(path)).code == "grids_differ"


@pytest.mark.parametrize("suffix", [".nrrd", ".seg.nrrd"])
def test_a_rounding_that_adds_up_over_the_slices_leaves_no_doubt(tmp_path, suffix):
    direction = (1.0, 0.0, 0.0025, 0.0, 1.0, 0.0, -0.0025, 0.0, 1.0)
    path = segmented(tmp_path / f"a{suffix}", [lesion()], Geometry(GRID.origin, GRID.spacing, direction, SIZE))
    assert np.array_equal(placed(path), lesion())


@pytest.mark.parametrize("suffix", [".nrrd", ".seg.nrrd"])
def test_a_mask_of_a_single_slice_may_be_of_another_thickness(tmp_path, suffix):
    """3D Slicer gives a single DICOM slice its spacing, or 1 mm, whatever its thickness."""
    place = Geometry(GRID.origin, (*GRID.spacing[:2], 1.0), GRID.direction, (*SIZE[:2], 1))
    scan = replace(place, spacing=GRID.spacing)
    mask = lesion()[2:3]
    path = segmented(tmp_path / f"a{suffix}", [mask], place, [("tumour", 1, 0)] if suffix == ".seg.nrrd" else ())
    assert np.array_equal(read_mask(path).on(scan, Path("scan")).mask(TUMOUR), mask)


def test_a_label_map_of_the_same_size_elsewhere_is_refused(tmp_path):
    """Its origin was lost, most likely: that it is a whole number of voxels away tells nothing."""
    place = Geometry((13.0, -20.0, 30.0), GRID.spacing, GRID.direction, SIZE)
    assert refused(lambda: placed(write(tmp_path / "a.nrrd", lesion().astype(np.uint8), place))).code == "grids_differ"


def test_grids_of_other_spacing_or_angle_do_not_meet():
    turn = (0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1.0)
    for spacing, direction in [((1.5, 2.0, 6.0), GRID.direction), (GRID.spacing, turn)]:
        place = Geometry(GRID.origin, spacing, direction, SIZE)
        error = refused(lambda place=place: place_labels(lesion(), place, GRID, Path("a"), Path("b"), True))
        assert error.code == "grids_differ"
        assert covering(GRID, place) == GRID


def test_a_grid_that_covers_two():
    _, place, _ = cropped(lesion())
    assert covering(GRID, place) == GRID
    both = covering(place, GRID)
    assert both.size == SIZE
    np.testing.assert_allclose(both.origin, GRID.origin)


# ---- by segment


def layered(path, *names, values=None):
    first, second = lesion(), lesion(low=(2, 1, 2), high=(5, 5, 6))
    segments = [(name, value, n) for n, (name, value) in enumerate(zip(names, values or (1, 1), strict=True))]
    return segmented(path, [first, second], GRID, segments), first, second


def test_overlapping_segments_are_told_apart_by_name(tmp_path, slicer_nodes):
    slicerio = pytest.importorskip("slicerio")
    path, liver, tumour = layered(tmp_path / "a.seg.nrrd", "liver", "tumour")
    by_slicer = {segment.name: segment.mask for segment in slicer_nodes.segmentation(path).segments}
    by_slicerio = slicerio.read_segmentation(str(path))
    for name, mask in (("liver", liver), ("tumour", tumour)):
        for text in (name, f"{name}=1", f"thing={name}", f"{name}=S{name == 'tumour':d}"):
            (asked,) = parse_mask_classes(text)
            assert np.array_equal(placed(path, asked), mask), text
        assert np.array_equal(mask, by_slicer[name])
        assert np.array_equal(mask, slicerio.segment_mask(by_slicerio, name).transpose(2, 1, 0))
    (both,) = parse_mask_classes("all=liver+tumour")
    assert np.array_equal(placed(path, both), liver | tumour)


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize("is_last", [False, True])
def test_layers_first_or_last_packed_or_not(tmp_path, encoding, is_last, slicer_nodes):
    masks = [lesion(), lesion(low=(2, 1, 2), high=(5, 5, 6))]
    last = {
        "sizes": " ".join(map(str, (*SIZE, 2))),
        "kinds": "domain domain domain list",
        "space directions": "(1.5,0,0) (0,2,0) (0,0,3) none",
    }
    segments = [("liver", 1, 0), ("tumour", 1, 1)]
    path = segmented(tmp_path / "a.seg.nrrd", masks, GRID, segments, encoding=encoding, **(last if is_last else {}))
    for segment, mask in zip(slicer_nodes.segmentation(path).segments, masks, strict=True):
        assert np.array_equal(placed(path, MaskClass("x", (), (segment.name,))), mask)
        assert np.array_equal(segment.mask, mask)


def test_a_label_value_of_several_segments_is_ambiguous(tmp_path):
    path, *_ = layered(tmp_path / "a.seg.nrrd", "liver", "tumour")
    error = refused(lambda: placed(path, MaskClass("lesion", (1,))))
    assert error.code == "segment_ambiguous"
    assert "'tumour' (ID S1, layer 1, value 1)" in error.message
    assert error.hint.endswith('as "lesion=S1".')
    path, *_ = layered(tmp_path / "b.seg.nrrd", "cyst", "cyst")
    assert refused(lambda: placed(path, MaskClass("cyst", (), ("cyst",)))).code == "segment_ambiguous"
    assert placed(path, MaskClass("cyst", (), ("S1",))).any()


def test_an_ambiguous_label_value_names_none_but_the_segments_that_have_it(tmp_path):
    masks = [lesion(), lesion(), lesion(low=(2, 1, 2), high=(5, 5, 6))]
    path = segmented(tmp_path / "a.seg.nrrd", masks, GRID, [("bone", 2, 0), ("liver", 1, 1), ("tumour", 1, 2)])
    message = refused(lambda: placed(path, MaskClass("lesion", (1,)))).message
    assert "'bone'" not in message
    assert "'liver'" in message


def test_a_class_with_the_name_of_another_segment_is_refused(tmp_path):
    segments = [("liver", 1, 0), ("Tumour", 2, 0)]
    path = segmented(
        tmp_path / "a.seg.nrrd", [lesion() * 1 + lesion(low=(5, 1, 1), high=(6, 4, 4)) * 2], GRID, segments
    )
    error = refused(lambda: placed(path, TUMOUR))
    assert error.code == "segment_contradicts"
    assert "'Tumour' has the label value 2" in error.message
    assert np.array_equal(placed(path, MaskClass("tumour", (), ("tumour",))), lesion(low=(5, 1, 1), high=(6, 4, 4)))
    assert np.array_equal(placed(path, MaskClass("lesion", (1,))), lesion())
    assert placed(path, MaskClass("tumour", (1, 2))).sum() == placed(path, MaskClass("x", (1, 2))).sum()


def test_a_segment_that_is_not_there_is_named_with_those_that_are(tmp_path):
    path, *_ = layered(tmp_path / "a.seg.nrrd", "liver", "tumour")
    error = refused(lambda: placed(path, MaskClass("x", (), ("spleen",))))
    assert (error.code, "'liver', 'tumour'" in error.hint) == ("segment_missing", True)
    plain = write(tmp_path / "b.nrrd", lesion().astype(np.uint8) * 7, GRID)
    error = refused(lambda: placed(plain, MaskClass("x", (), ("spleen",))))
    assert (error.code, "there are: 7" in error.hint) == ("segment_missing", True)


@pytest.mark.parametrize("layers", [1, 2])
def test_files_of_old_versions_have_a_layer_a_segment(tmp_path, layers, slicer_nodes):
    masks = [lesion(), lesion(low=(2, 1, 2), high=(5, 5, 6))][:layers]
    segments = [("liver", None, None), ("tumour", None, None)][:layers]
    path = segmented(tmp_path / "a.seg.nrrd", masks, GRID, segments)
    for segment, mask in zip(slicer_nodes.segmentation(path).segments, masks, strict=True):
        assert np.array_equal(placed(path, MaskClass("x", (), (segment.name,))), mask)
        assert np.array_equal(segment.mask, mask)


def test_a_segment_without_its_layer_is_refused(tmp_path):
    path = segmented(tmp_path / "a.seg.nrrd", [lesion()], GRID, [("liver", 1, 0), ("tumour", 1, 3)])
    error = refused(lambda: placed(path, MaskClass("x", (), ("tumour",))))
    assert (error.code, "layer 3 of 1" in error.message) == ("segment_missing", True)


@pytest.mark.parametrize(("value", "layer"), [(1, 0), (2, " "), ("x", 0), (0, 0)])
def test_a_segment_that_does_not_say_which_voxels_are_its_own_is_refused(tmp_path, value, layer):
    path = segmented(tmp_path / "a.seg.nrrd", [lesion()], GRID, [("liver", 1, 0), ("tumour", value, layer)])
    error = refused(lambda: placed(path, MaskClass("x", (), ("tumour",))))
    assert error.code in ("segment_ambiguous", "segment_missing")


def test_a_layer_that_is_not_said_is_not_guessed_where_there_are_several(tmp_path):
    masks = [lesion(), lesion(low=(2, 1, 2), high=(5, 5, 6))]
    path = segmented(tmp_path / "a.seg.nrrd", masks, GRID, [("liver", 1, 0), ("tumour", 1, None)])
    assert refused(lambda: placed(path, MaskClass("x", (), ("tumour",)))).code == "segment_missing"
    path = segmented(tmp_path / "b.seg.nrrd", masks[:1], GRID, [("liver", 1, None)])
    assert np.array_equal(placed(path, MaskClass("x", (), ("liver",))), lesion())


def test_empty_segments_and_segmentations(tmp_path):
    nothing, somewhere = np.zeros((1, 1, 1)), Geometry((0.3, 0, 0), (1, 1, 1), GRID.direction, (1, 1, 1))
    path = segmented(tmp_path / "a.seg.nrrd", [nothing], somewhere, [("tumour", 1, 0)])
    assert placed(path).shape == GRID.shape
    assert not placed(path).any()
    path = segmented(tmp_path / "b.seg.nrrd", [nothing], somewhere)
    assert refused(lambda: placed(path)).code == "segmentation_empty"


def test_fractions_are_no_masks(tmp_path):
    more = {"Segmentation_MasterRepresentation": "Fractional labelmap"}
    path = segmented(tmp_path / "a.seg.nrrd", [lesion()], GRID, [("tumour", 1, 0)], more)
    assert refused(lambda: read_mask(path)).code == "segmentation_is_fractional"


def test_layers_are_no_scan_and_no_label_map(tmp_path):
    path, *_ = layered(tmp_path / "a.seg.nrrd", "liver", "tumour")
    assert refused(lambda: read_volume(path)).code == "volume_is_segmentation"


# ---- without a scan


def reference(geometry):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = geometry.axes * geometry.spacing, geometry.origin
    numbers = [*(np.diag([-1, -1, 1, 1]) @ matrix).ravel(), *(n for size in geometry.size for n in (0, size - 1))]
    text = ";".join(f"{number:.17g}" for number in numbers)
    return f"Crop|0|Words.&Reference image geometry|{text};|Words of it.&"


def test_a_cropped_segmentation_that_knows_its_scan_counts_the_slices_of_the_scan(tmp_path, call):
    box, place, low = cropped(lesion())
    more = {
        "Segmentation_ReferenceImageExtentOffset": " ".join(map(str, low)),
        "Segmentation_ConversionParameters": reference(GRID),
    }
    path = segmented(tmp_path / "crop.seg.nrrd", [box], place, [("tumour", 1, 0)], more)
    words = ("--mask", path, "--labels", "tumour=1", "--min-pixels", 1, "--out", tmp_path / "t.json")
    assert call("tags", "from-mask", *words)[0] == 0
    (entry,) = read_label_file(tmp_path / "t.json").volumes
    assert entry.state("tumour").tolist() == lesion().any(axis=(1, 2)).astype(int).tolist()
    more.pop("Segmentation_ConversionParameters")
    segmented(path, [box], place, [("tumour", 1, 0)], more)
    code, _, err = call("tags", "from-mask", *words)
    assert code == 2
    assert "does not say which slices of its scan" in err


# ---- commands


def test_commands_take_cropped_and_layered_segmentations(tmp_path, call, scan):
    box, place, low = cropped(lesion())
    more = {"Segmentation_ReferenceImageExtentOffset": " ".join(map(str, low))}
    crop = segmented(tmp_path / "crop.seg.nrrd", [box], place, [("tumour", 1, 0)], more)
    full = segmented(tmp_path / "full.seg.nrrd", [lesion()], GRID, [("tumour", 1, 0)])
    for one, other in ((full, crop), (crop, full), (crop, crop)):
        code, out, err = call("evaluate", "--prediction", one, "--reference", other, "--labels", "tumour=1")
        assert (code, json.loads(out)["tumour"]["patient_dice"]) == (0, 1.0), err
    plain = write(tmp_path / "crop.nrrd", box.astype(np.uint8), place)
    _, _, err = call("evaluate", "--prediction", plain, "--reference", full, "--labels", "tumour=1")
    assert "crop.nrrd: it is smaller than" in err
    layers, _, tumour = layered(tmp_path / "layers.seg.nrrd", "liver", "tumour")
    for labels in ("tumour=1", "tumour"):
        words = ("--labels", labels, "--min-pixels", 1, "--out", tmp_path / "t.json")
        assert call("tags", "from-mask", "--mask", layers, "--volume", scan, *words)[0] == 0
        tags = read_label_file(tmp_path / "t.json")
        assert tags.volumes[0].state("tumour").tolist() == tumour.any(axis=(1, 2)).astype(int).tolist()
        assert tags.classes[0].label_value == 1


def test_own_exports_are_read_again(tmp_path, call, scan):
    """What a run and the panel's export write: a label map and a segmentation, of a volume in any order."""
    classes = ClassTable.from_names(["liver", "tumour"])
    labels, place = reordered(lesion() * 2 + lesion(low=(5, 1, 1), high=(6, 4, 4)), GRID, (1, 2, 0), (1, -1, -1))
    labels = labels.astype(np.uint8)
    write_volume(tmp_path / "labels.nrrd", labels, place)
    write_volume(tmp_path / "a.seg.nrrd", labels, place, segmentation_header(classes, place, {"run": "x"}))
    for name in ("labels.nrrd", "a.seg.nrrd"):
        words = ("--labels", "tumour=2,liver=1", "--min-pixels", 1, "--out", tmp_path / "t.json")
        assert call("tags", "from-mask", "--mask", tmp_path / name, "--volume", scan, *words)[0] == 0
        state = read_label_file(tmp_path / "t.json").volumes[0].state("tumour")
        assert state.tolist() == lesion().any(axis=(1, 2)).astype(int).tolist()
        for other in ("labels.nrrd", "a.seg.nrrd"):
            words = ("--prediction", tmp_path / name, "--reference", tmp_path / other, "--images", scan)
            code, out, _ = call("evaluate", *words, "--labels", "tumour=2,liver=1")
            assert code == 0
            assert {each["patient_dice"] for each in json.loads(out).values() if "patient_dice" in each} == {1.0}


@pytest.mark.parametrize(
    ("text", "values", "segments"),
    [("liver=1", (1,), ()), ("kidney=2+3", (2, 3), ()), ("cyst=Cyst 2", (), ("Cyst 2",)), ("a=1+b c", (1,), ("b c",))],
)
def test_classes_by_value_and_by_name(text, values, segments):
    (entry,) = parse_mask_classes(text)
    assert (entry.values, entry.segments) == (values, segments)
    assert parse_mask_classes("tumour") == [MaskClass("tumour", (), ("tumour",))]
    assert parse_mask_classes("1") == [MaskClass("label 1", (1,))]


@pytest.mark.parametrize("text", ["", "liver=", "=1", "liver=0", "liver=-1", "liver=1.5", "liver=1+"])
def test_what_is_neither_value_nor_name_is_refused(text):
    assert refused(lambda: parse_mask_classes(text)).code == "bad_labels"


def test_a_segment_that_has_lost_its_label_value_is_refused(tmp_path):
    masks = [scan_voxels() > 0, scan_voxels() > 1]
    path = segmented(tmp_path / "lost.seg.nrrd", masks, segments=[("cyst", "1", "0"), ("tumour", None, "1")])
    assert refused(lambda: read_mask(path).mask(MaskClass("tumour", (), ("tumour",)))).code == "segment_missing"


def test_segments_are_painted_slices_by_name(tmp_path, call, scan):
    """Two layers that overlap, cropped, in the order of another program; a label value of 255 is a segment as any."""
    first, second = lesion(), lesion(low=(2, 3, 4), high=(5, 7, 8))
    _, place, _ = cropped(first | second)
    layers = [first[1:5, 2:7, 3:8], second[1:5, 2:7, 3:8] * 255]
    turned = [reordered(layer.astype(np.uint8), place, (1, 0, 2), (1, -1, -1)) for layer in layers]
    segments = [("Cyst", 1, 0), ("Rest 2", 255, 1)]
    mask = segmented(tmp_path / "m.seg.nrrd", [voxels for voxels, _ in turned], turned[0][1], segments)
    words = ("--volume", scan, "--labels", "cyst=cyst,rest=Rest 2", "--kinds", "painted", "--slices", "1-4")
    code, _, err = call("tags", "from-mask", "--mask", mask, *words, "--out", tmp_path / "t.json")
    assert code == 0, err
    (made,) = read_label_file(tmp_path / "t.json").volumes
    for name, voxels in (("cyst", first), ("rest", second)):
        assert PAINTED.in_words(made, name) == "drawn 1-4"
        assert all(np.array_equal(one.pixels, voxels[at]) for at, one in PAINTED.slices(made, name).items())
