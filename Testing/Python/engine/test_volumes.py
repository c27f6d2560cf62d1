from __future__ import annotations

import gzip
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.engine.data.volumes import (
    AXES,
    Geometry,
    from_slice_stack,
    in_plane_spacing,
    open_scan,
    open_stored,
    read_geometry,
    read_labels,
    read_stored,
    read_volume,
    slice_count,
    slice_spacing,
    slice_stack,
    volume_name,
    write_volume,
)

SHAPE = (5, 6, 7)
TURN = np.linalg.qr(np.array([[1.0, 0.2, -0.1], [0.3, 1.0, 0.25], [-0.2, 0.1, 1.0]]))[0]
SHEAR = np.array([[1.0, 0.0, 0.2], [0.0, 1.0, 0.1], [0.0, 0.0, 1.0]])
DIRECTIONS = {
    "as scanned": np.eye(3),
    "flipped": np.diag([-1.0, -1.0, 1.0]),
    "mirrored": np.diag([1.0, -1.0, 1.0]),
    "permuted": np.eye(3)[:, [2, 0, 1]],
    "oblique": TURN,
    "oblique and mirrored": TURN @ np.diag([1.0, 1.0, -1.0]),
    "sheared": SHEAR / np.linalg.norm(SHEAR, axis=0),
}


def voxels(shape=SHAPE, dtype=np.int16):
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


def geometry(direction=np.eye(3), shape=SHAPE):  # noqa: B008
    return Geometry(
        (-12.345678901234567, 1 / 3, 77.7), (0.7, 1.3, 4.1), tuple(np.ravel(direction).tolist()), shape[::-1]
    )


def positions(place):
    """Where the voxels lie in LPS mm, k x j x i x 3."""
    k, j, i = np.indices(place.shape)
    return np.array(place.origin) + np.stack([i, j, k], -1) * place.spacing @ place.axes.T


def write(path, array=None, place=None, **options):
    array = voxels() if array is None else array
    image = sitk.GetImageFromArray(array, **options)
    if place is not None:
        image = place.image(array)
    sitk.WriteImage(image, str(path))
    return path


def refused(path, reader=read_volume):
    with pytest.raises(UserError) as caught:
        reader(path)
    error = caught.value
    assert Path(path).name in error.message
    assert error.hint.endswith((".", ")"))
    return error


# ---- exact round trips


@pytest.mark.parametrize("shape", [SHAPE, (1, 6, 7), (5, 1, 7), (5, 6, 1)], ids=str)
@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_round_trip_is_exact(tmp_path, direction, shape, suffix):
    place, array = geometry(direction, shape), voxels(shape)
    path = write(tmp_path / f"a{suffix}", array, place)
    first = read_stored(path)
    write_volume(tmp_path / "b.nrrd", first.array, first.geometry)
    for volume in (first, read_stored(tmp_path / "b.nrrd")):
        np.testing.assert_array_equal(volume.array, array)
        assert volume.array.dtype == array.dtype
        assert volume.geometry.size == place.size
        np.testing.assert_allclose(volume.geometry.origin, place.origin, rtol=1e-15)
        np.testing.assert_allclose(volume.geometry.spacing, place.spacing, rtol=1e-15)
        np.testing.assert_allclose(volume.geometry.direction, place.direction, atol=1e-15)
    assert read_geometry(path) == (first.geometry.turned() if place.is_left_handed else first.geometry)


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_a_left_handed_volume_is_held_with_its_planes_reversed_at_the_same_places(tmp_path, direction):
    stored = read_stored(path := write(tmp_path / "a.nrrd", place=geometry(direction)))
    held = read_volume(path)
    assert held.is_turned == (np.linalg.det(direction) < 0)
    assert not held.geometry.is_left_handed
    step = -1 if held.is_turned else 1
    np.testing.assert_array_equal(held.array, voxels()[::step])
    np.testing.assert_allclose(positions(held.geometry), positions(stored.geometry)[::step], atol=1e-9)


@pytest.mark.parametrize("direction", [d for n, d in DIRECTIONS.items() if n != "sheared"])
def test_nifti_is_read_in_place(tmp_path, direction):
    place = geometry(direction)
    volume = read_stored(write(tmp_path / "a.nii.gz", voxels(), place))
    np.testing.assert_array_equal(volume.array, voxels())
    np.testing.assert_allclose(volume.geometry.axes, place.axes, atol=1e-6)
    np.testing.assert_allclose(volume.geometry.origin, place.origin, rtol=1e-6)
    np.testing.assert_allclose(volume.geometry.spacing, place.spacing, rtol=1e-6)


@pytest.mark.parametrize("axis", AXES)
def test_slices_go_back_where_they_came_from(axis):
    array = voxels()
    stack = slice_stack(array, axis)
    assert np.shares_memory(stack, array)
    np.testing.assert_array_equal(from_slice_stack(stack, axis), array)
    changed = stack.copy()
    changed[2, 1, 3] = -1
    assert np.count_nonzero(from_slice_stack(changed, axis) != array) == 1


def test_rows_and_columns_of_slices():
    array, place = voxels(), geometry()
    k, j, i = 3, 4, 5
    assert slice_stack(array, "k")[k, j, i] == array[k, j, i]
    assert slice_stack(array, "j")[j, k, i] == array[k, j, i]
    assert slice_stack(array, "i")[i, k, j] == array[k, j, i]
    assert [in_plane_spacing(place, a) for a in AXES] == [(4.1, 1.3), (4.1, 0.7), (1.3, 0.7)]
    assert [slice_spacing(place, a) for a in AXES] == [0.7, 1.3, 4.1]
    assert [slice_count(place, a) for a in AXES] == [7, 6, 5]


def test_volume_of_a_voxel():
    assert geometry(TURN).voxel_ml == pytest.approx(0.7 * 1.3 * 4.1 / 1000)


# ---- identity and names


def test_same_scan_has_one_hash_in_every_format(tmp_path):
    hashes = {
        read_volume(write(tmp_path / f"a{s}", place=geometry())).sha256 for s in (".nrrd", ".nii", ".nii.gz", ".mha")
    }
    assert hashes == {content_hash(voxels())}


def test_left_handed_volume_knows_its_hash_in_slicer(tmp_path):
    right = read_volume(write(tmp_path / "right.nrrd", place=geometry(DIRECTIONS["flipped"])))
    left = read_volume(write(tmp_path / "left.nrrd", place=geometry(DIRECTIONS["mirrored"])))
    own, reversed_ = content_hash(voxels()), content_hash(voxels()[::-1])
    assert (right.sha256, left.sha256) == (own, reversed_)
    assert [right.order_of(own), right.order_of(reversed_), right.order_of("0" * 64)] == ["same", None, None]
    assert [left.order_of(own), left.order_of(reversed_), left.order_of("0" * 64)] == ["reversed", "same", None]


@pytest.mark.parametrize("opened", [open_scan, open_stored])
def test_a_numbering_is_reversed_where_the_planes_run_the_other_way(tmp_path, opened):
    left = opened(write(tmp_path / "left.nrrd", place=geometry(DIRECTIONS["mirrored"])))
    right = opened(write(tmp_path / "right.nrrd", place=geometry()))
    assert [left.reverses("file"), left.reverses("slicer")] == [opened is open_scan, opened is open_stored]
    assert not right.reverses("file")
    assert not right.reverses("slicer")


@pytest.mark.parametrize(
    ("file", "name"),
    [("a.b.nii.gz", "a.b"), ("a.NRRD", "a"), ("größe 1.mha", "größe 1"), ("x", "x"), (".nrrd", ".nrrd")],
)
def test_names(file, name):
    assert volume_name(Path(file)) == name


def test_name_can_be_given_and_path_can_hold_any_letters(tmp_path):
    path = write(tmp_path / "Łódź größe.nrrd")
    assert read_volume(path).name == "Łódź größe"
    assert read_volume(str(path), "case 1").name == "case 1"


# ---- what else is accepted


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii.gz"])
def test_fourth_dimension_of_one_and_two_dimensions_are_volumes(tmp_path, suffix):
    four = write(tmp_path / f"four{suffix}", voxels()[None], isVector=False)
    np.testing.assert_array_equal(read_volume(four).array, voxels())
    two = write(tmp_path / f"two{suffix}", voxels((6, 7)))
    np.testing.assert_array_equal(read_volume(two).array, voxels((6, 7))[None])
    assert read_geometry(two).size == (7, 6, 1)


def test_packed_nifti_without_packing_is_read(tmp_path):
    plain = write(tmp_path / "a.nii")
    wrong = tmp_path / "b.nii.gz"
    wrong.write_bytes(plain.read_bytes())
    np.testing.assert_array_equal(read_volume(wrong).array, voxels())


@pytest.mark.parametrize("packed", [False, True])
def test_sheared_nifti_is_read_as_it_is(tmp_path, packed):
    path = write(tmp_path / "a.nii")
    raw = bytearray(path.read_bytes())
    affine = np.array([[2, 0.3, 0, 5], [0, 2, 0.4, 6], [0, 0, 3, 7]], "<f4")
    raw[280:328] = affine.tobytes()
    struct.pack_into("<hh", raw, 252, 0, 1)
    path = tmp_path / ("b.nii.gz" if packed else "b.nii")
    path.write_bytes(gzip.compress(raw) if packed else raw)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, voxels())
    found = volume.geometry.axes * volume.geometry.spacing
    np.testing.assert_allclose(found, np.diag([-1, -1, 1]) @ affine[:, :3], atol=1e-6)
    np.testing.assert_allclose(volume.geometry.origin, [-5, -6, 7])
    assert read_geometry(path) == volume.geometry
    write_volume(tmp_path / "c.nrrd", volume.array, volume.geometry)
    np.testing.assert_allclose(read_geometry(tmp_path / "c.nrrd").direction, volume.geometry.direction, atol=1e-15)


def test_sheared_nifti_that_is_4d_or_flat_is_refused(tmp_path):
    path = write(tmp_path / "a.nii", voxels((2, *SHAPE)), isVector=False)
    raw = bytearray(path.read_bytes())
    struct.pack_into("<hh", raw, 252, 0, 1)
    raw[280:328] = np.array([[2, 0.3, 0, 5], [0, 2, 0.4, 6], [0, 0, 3, 7]], "<f4").tobytes()
    path.write_bytes(raw)
    assert refused(path).code == "volume_is_4d"
    raw = bytearray(write(tmp_path / "b.nii").read_bytes())
    struct.pack_into("<hh", raw, 252, 0, 1)
    raw[280:328] = np.array([[2, 2, 0, 5], [0, 0, 0.4, 6], [0, 0, 3, 7]], "<f4").tobytes()
    path.write_bytes(raw)
    assert refused(path).code == "volume_bad_geometry"


def test_wide_numbers_are_narrowed(tmp_path):
    volume = read_volume(write(tmp_path / "a.nrrd", voxels(dtype=np.float64) / 3))
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(volume.array, (voxels() / 3).astype(np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_some_voxels_not_finite_are_replaced_and_told(tmp_path, bad):
    array = voxels(dtype=np.float32)
    array[0, :2, 0] = bad
    volume = read_volume(write(tmp_path / "a.nrrd", array))
    assert np.isfinite(volume.array).all()
    assert (volume.array[0, :2, 0] == array[np.isfinite(array)].min()).all()
    np.testing.assert_array_equal(volume.array[1:], array[1:])
    (note,) = volume.notes
    assert note.code == "voxels_not_finite"
    assert "2 voxels" in note.message
    assert "a.nrrd" in note.message
    assert volume.sha256 == content_hash(array)


def test_label_maps(tmp_path):
    empty, place = read_labels(write(tmp_path / "empty.nrrd", np.zeros(SHAPE, np.int32)))
    assert (empty.dtype, empty.any(), place.size) == (np.uint8, False, (7, 6, 5))
    many = np.arange(210, dtype=np.float32).reshape(SHAPE) * 300
    labels, _ = read_labels(write(tmp_path / "many.nii.gz", many))
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(labels, many)
    assert refused(write(tmp_path / "half.nrrd", many / 7), read_labels).code == "labels_not_whole"
    assert refused(write(tmp_path / "below.nrrd", voxels() - 9), read_labels).code == "labels_not_whole"


def test_noise_that_scaling_leaves_on_labels_is_taken_off(tmp_path):
    labels = np.arange(210).reshape(SHAPE) % 4
    noisy = (labels * 0.1).astype(np.float32) * np.float32(10.00001)
    assert not np.array_equal(noisy, labels)
    np.testing.assert_array_equal(read_labels(write(tmp_path / "noisy.nrrd", noisy))[0], labels)


def test_labels_that_are_no_numbers_are_told(tmp_path, recwarn):
    labels = (np.arange(210).reshape(SHAPE) % 4).astype(np.float32)
    labels[0, 0, :2] = np.nan, np.inf
    error = refused(write(tmp_path / "holes.nrrd", labels), read_labels)
    assert error.code == "labels_not_whole"
    assert "values from 0.0 to 3.0 and some that are no numbers" in error.message
    assert not recwarn.list


# ---- what is refused


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii.gz"])
def test_four_dimensions_and_vectors_are_refused(tmp_path, suffix):
    error = refused(write(tmp_path / f"four{suffix}", voxels((2, *SHAPE)), isVector=False))
    assert error.code == "volume_is_4d"
    assert "7 x 6 x 5 x 2" in error.message
    error = refused(write(tmp_path / f"rgb{suffix}", voxels((*SHAPE, 3), np.uint8), isVector=True))
    assert error.code == "volume_is_vector"
    assert "3 numbers a voxel" in error.message


@pytest.mark.parametrize("reader", [read_volume, read_geometry])
def test_a_file_of_one_dimension_is_refused(tmp_path, reader):
    path = write(tmp_path / "scan.nii", voxels())
    header = bytearray(path.read_bytes())
    struct.pack_into("<h", header, 40, 1)  # how many dimensions there are
    path.write_bytes(header)
    assert refused(path, reader).code == "volume_is_line"


def test_complex_numbers_are_refused(tmp_path):
    assert refused(write(tmp_path / "a.nrrd", voxels().astype(np.complex64))).code in (
        "volume_is_complex",
        "volume_is_vector",
    )


def test_segmentation_is_no_scan(tmp_path):
    image = sitk.GetImageFromArray(voxels())
    image.SetMetaData("Segment0_ID", "Segment_1")
    sitk.WriteImage(image, str(tmp_path / "a.seg.nrrd"))
    assert refused(tmp_path / "a.seg.nrrd").code == "volume_is_segmentation"
    assert read_labels(tmp_path / "a.seg.nrrd")[0].any()


@pytest.mark.parametrize(
    ("array", "code"),
    [
        (np.full(SHAPE, np.nan, np.float32), "volume_not_finite"),
        (np.full(SHAPE, np.inf, np.float32), "volume_not_finite"),
        (np.zeros(SHAPE, np.int16), "volume_is_constant"),
        (np.full(SHAPE, -1024, np.int16), "volume_is_constant"),
        (np.where(np.arange(210).reshape(SHAPE) > 9, np.nan, 5).astype(np.float32), "volume_is_constant"),
    ],
)
def test_volumes_that_show_nothing_are_refused(tmp_path, array, code):
    assert refused(write(tmp_path / "a.nrrd", array)).code == code


@pytest.mark.parametrize("packed", [False, True], ids=["raw", "packed"])
@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii", ".nii.gz"])
@pytest.mark.parametrize("share", [0.5, 0.99])
def test_files_that_are_cut_off_are_refused(tmp_path, suffix, packed, share):
    whole = tmp_path / f"whole{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(voxels((20, 30, 40))), str(whole), packed)
    assert read_volume(whole).array.shape == (20, 30, 40)
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
    assert refused(cut).code == "volume_truncated"


def test_flipped_byte_in_packed_nifti_is_found(tmp_path):
    path = write(tmp_path / "a.nii.gz", voxels((20, 30, 40)))
    raw = bytearray(path.read_bytes())
    raw[-100] ^= 0xFF
    path.write_bytes(raw)
    assert refused(path).code == "volume_truncated"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.txt", b"hello", "volume_unknown_format"),
        ("a.png", b"\x89PNG", "volume_unknown_format"),
        ("a", b"hello", "volume_unknown_format"),
        ("a.nrrd", b"", "volume_unreadable"),
        ("a.nrrd", b"\x89PNG junk", "volume_unreadable"),
        ("a.nii", b"junk", "volume_unreadable"),
        ("a.nii.gz", b"junk", "volume_unreadable"),
        ("a.mha", b"junk", "volume_unreadable"),
    ],
)
def test_other_files_are_refused(tmp_path, name, content, code):
    (tmp_path / name).write_bytes(content)
    assert refused(tmp_path / name).code == code


def test_missing_file_is_named(tmp_path):
    assert refused(tmp_path / "nowhere.nrrd").code == "volume_not_found"


def test_one_dicom_file_points_to_its_folder(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"x")
    assert "folder" in refused(tmp_path / "a.dcm").hint


@pytest.mark.parametrize(
    ("sizes", "code"),
    [("100000 100000 100000", "volume_too_large"), ("2000 1000 1000", "volume_truncated"), ("1 0 4", None)],
)
def test_absurd_headers_are_refused_before_memory_is_taken(tmp_path, sizes, code):
    path = tmp_path / "a.nrrd"
    header = f"NRRD0004\ntype: short\ndimension: 3\nsizes: {sizes}\nencoding: raw\nendian: little\n\n"
    path.write_bytes(header.encode() + b"0" * 100)
    found = refused(path, read_geometry).code
    assert found == code or (code is None and found in ("volume_is_empty", "volume_unreadable"))


def test_unusable_geometry_is_refused(tmp_path):
    path = tmp_path / "a.nrrd"
    header = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 2 2\n"
        "space directions: (1,0,0) (1,0,0) (0,0,1)\nencoding: raw\nendian: little\nspace origin: (0,0,0)\n\n"
    )
    path.write_bytes(header.encode() + bytes(range(16)))
    assert refused(path).code in ("volume_bad_geometry", "volume_unreadable")


# ---- real scans


def test_packaged_chest_ct_and_its_segmentation():
    slicerio = pytest.importorskip("slicerio")
    folder = Path(slicerio.__file__).parent / "data"
    volume = read_volume(folder / "CTChest4.nrrd")
    labels, place = read_labels(folder / "Segmentation.seg.nrrd")
    assert volume.array.shape == labels.shape == (34, 128, 128)
    assert place.direction == volume.geometry.direction
    assert set(np.unique(labels)) == set(range(8))
    inside = volume.array[np.isin(labels, (5, 6))]
    assert -950 < np.median(inside) < -700


@pytest.mark.parametrize("case", ["chaos_t2spir/chaos_03", "lgg_flair/TCGA_CS_6665_20010817"])
def test_real_scans_survive_rewriting(tmp_path, case):
    data = Path(__file__).parents[4] / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the shared data are not there")
    volume = read_volume(data / f"{case}_image.nii.gz")
    write_volume(tmp_path / "a.nrrd", volume.array, volume.geometry)
    again = read_volume(tmp_path / "a.nrrd")
    assert again.sha256 == volume.sha256
    np.testing.assert_allclose(again.geometry.direction, volume.geometry.direction, atol=1e-15)
    labels, place = read_labels(data / f"{case}_mask.nii.gz")
    assert place == volume.geometry
    assert labels.any()


def test_libraries_of_other_formats_are_not_imported(tmp_path):
    """They take longer to import than a NRRD file to read."""
    path = write(tmp_path / "a.nrrd", voxels())
    code = "import sys; from WeakMedSAMLib.engine.data.volumes import read_volume; read_volume(sys.argv[1]); "
    code += "print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert not {"torch", "nibabel", "pydicom"} & set(done.stdout.split())


def test_the_hash_of_the_other_order_is_made_without_reading_again(tmp_path, monkeypatch):
    mirrored = Geometry((0, 0, 0), (1, 1, 1), (1, 0, 0, 0, 1, 0, 0, 0, -1), SHAPE[::-1])
    write_volume(tmp_path / "a.nrrd", voxels(), mirrored)
    volume = read_volume(tmp_path / "a.nrrd")
    monkeypatch.setattr("WeakMedSAMLib.engine.data.itk_files.VolumeFile.voxels", None)
    assert volume.is_turned
    assert volume.order_of(content_hash(voxels())) == "reversed"
    assert volume.order_of(content_hash(voxels()[::-1])) == "same"
