"""NIfTI files: values by the standard, places as 3D Slicer has them, and a note or an error for all that is odd.

Headers are written byte by byte here; what is right is known from that, and from Slicer's own reader.
"""

from __future__ import annotations

import gzip
import itertools
import math
import struct

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.engine.data import nifti
from WeakMedSAMLib.engine.data.notes import spacing_notes
from WeakMedSAMLib.engine.data.volumes import (
    Geometry,
    open_scan,
    read_geometry,
    read_labels,
    read_stored,
    read_volume,
    write_volume,
)

CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "i8": 1024, "u8": 1280}
AWAY = (1, 0.0, 0.0, 0.0, 5.0, 6.0, 7.0)  # a qform: code, quaternion, offset


def voxels(shape=(5, 4, 3), dtype="i2"):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def matrix(diagonal=(2, 2, 3), offset=(10, 20, 30)):
    return np.hstack([np.diag(diagonal).astype(float), np.reshape(offset, (3, 1))])


def sheared(x, y=0.0):
    affine = matrix(offset=(5, 6, 7))
    affine[0, 1], affine[1, 2] = x, y
    return affine


def nifti1(array, *, pixdim=(1, 2, 2, 3), qform=AWAY, sform=None, scale=(0, 0), **other):
    """Bytes of a NIfTI-1 file; `other`: order, units, dim, offset, datatype, bitpix, intent, magic, extra, length."""
    order = other.get("order", "<")
    shape = array.shape[::-1]
    kind = array.dtype.str[1:]
    header = bytearray(348)

    def put(place, form, *values):
        struct.pack_into(order + form, header, place, *values)

    put(0, "i", other.get("length", 348))
    put(40, "8h", *other.get("dim", (len(shape), *shape, *[1] * (7 - len(shape)))))
    put(68, "h", other.get("intent", 0))
    put(70, "2h", other.get("datatype", CODES.get(kind, 0)), other.get("bitpix", array.dtype.itemsize * 8))
    put(76, "8f", *pixdim, *[1] * (8 - len(pixdim)))
    put(108, "3f", other.get("offset", 352), *scale)
    put(123, "B", other.get("units", 2))
    if qform is not None:
        put(252, "h", qform[0])
        put(256, "6f", *qform[1:])
    if sform is not None:
        put(254, "h", sform[0])
        put(280, "12f", *np.ravel(sform[1]))
    header[344:348] = other.get("magic", b"n+1\0")
    return bytes(header) + other.get("extra", bytes(4)) + array.astype(array.dtype.newbyteorder(order)).tobytes()


def nifti2(array, *, order="<", dim=None, affine=None):
    header = bytearray(540)

    def put(place, form, *values):
        struct.pack_into(order + form, header, place, *values)

    put(0, "i", 540)
    header[4:12] = b"n+2\0\r\n\x1a\n"
    put(12, "2h", CODES[array.dtype.str[1:]], array.dtype.itemsize * 8)
    put(16, "8q", *(dim or (3, *array.shape[::-1], 1, 1, 1, 1)))
    put(104, "8d", 1, 2, 2, 3, 1, 1, 1, 1)
    put(168, "q", 544)
    put(348, "i", 1)
    put(400, "12d", *np.ravel(matrix() if affine is None else affine))
    put(500, "i", 2)
    return bytes(header) + bytes(4) + array.astype(array.dtype.newbyteorder(order)).tobytes()


@pytest.fixture
def write(tmp_path):
    def write_bytes(data, name="scan.nii"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write_bytes


def refused(path, reader=read_volume):
    with pytest.raises(UserError) as caught:
        reader(path)
    assert caught.value.hint
    assert path.name in caught.value.message
    return caught.value


def codes(volume):
    return [note.code for note in volume.notes]


def note_of(volume, code):
    (note,) = [note for note in volume.notes if note.code == code]
    assert note.hint
    assert note.values["file"] == volume.path.name
    assert volume.path.name in note.message
    return note


def to_ras(geometry):
    """3 x 4 matrix from i, j, k to RAS mm."""
    axes = geometry.axes * np.array(geometry.spacing)
    return np.diag([-1, -1, 1]) @ np.hstack([axes, np.reshape(geometry.origin, (3, 1))])


def assert_as_in_slicer(slicer_nodes, path, volume, same_values=True):
    """Voxels and places are those of the node that Slicer makes of the file."""
    node = slicer_nodes.label_volume(path)
    np.testing.assert_allclose(to_ras(volume.geometry), np.array(node.ijk_to_ras)[:3], rtol=1e-6, atol=1e-5)
    assert volume.array.shape == node.array.shape
    if same_values:
        np.testing.assert_array_equal(volume.array, node.array.astype(volume.array.dtype))
    held = node.array if node.array.dtype.itemsize <= 4 else node.array.astype(np.float32)
    assert volume.sha256 == content_hash(held)
    return held


# ---- ordinary files


def directions():
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            yield np.eye(3)[:, order] * signs


def as_qform(direction, spacing):
    """Quaternion, and the sign that pixdim[0] has for it, by SciPy."""
    factor = 1.0 if np.linalg.det(direction) > 0 else -1.0
    b, c, d, a = Rotation.from_matrix(direction * (1, 1, factor)).as_quat()
    b, c, d = (n if a >= 0 else -n for n in (b, c, d))
    return (1, b, c, d, 5, 6, 7), (factor, *spacing)


@pytest.mark.parametrize("forms", ["qform", "sform", "both"])
def test_every_order_and_flip_of_the_axes_lies_where_slicer_has_it(write, slicer_nodes, forms):
    spacing = (0.7, 1.3, 4.1)
    for direction in directions():
        qform, pixdim = as_qform(direction, spacing)
        sform = (1, np.hstack([direction * spacing, [[5], [6], [7]]]))
        given = {"qform": None if forms == "sform" else qform, "sform": None if forms == "qform" else sform}
        path = write(nifti1(voxels(), pixdim=pixdim, **given))
        volume = read_volume(path)
        assert_as_in_slicer(slicer_nodes, path, volume)
        assert volume.notes == ()
        stored = read_stored(path)
        np.testing.assert_array_equal(stored.array, voxels())
        np.testing.assert_allclose(to_ras(stored.geometry), sform[1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", CODES)
def test_numbers_of_every_type_are_those_of_the_file(write, slicer_nodes, kind, order):
    array = voxels(dtype=kind) + (1 << 14 if kind[1] in "248" else 0)
    path = write(nifti1(array, order=order))
    volume = read_volume(path)
    assert volume.array.dtype == (np.float32 if kind[1] == "8" else array.dtype)
    assert volume.array.dtype.isnative
    np.testing.assert_array_equal(volume.array, array)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert volume.notes == ()


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_an_ordinary_file_is_read_once_and_its_header_alone_before(write, monkeypatch, suffix):
    reads = []
    whole = nifti.NiftiFile._stored
    monkeypatch.setattr(nifti.NiftiFile, "_stored", lambda source: reads.append(1) or whole(source))
    data = nifti1(voxels(dtype="f4"))
    volume = open_scan(write(data if suffix == ".nii" else gzip.compress(data), f"a{suffix}"))
    assert volume.geometry.size == (3, 4, 5)
    assert reads == []
    assert volume.order_of(volume.sha256) == "same"
    assert volume.array.any()
    assert reads == [1]


def test_extensions_and_gaps_before_the_voxels_are_passed_over(write):
    extension = b"\1\0\0\0" + struct.pack("<2i", 32, 6) + b"a comment".ljust(24, b"\0")
    for extra, offset in ((extension, 384), (bytes(4 + 100), 452), (bytes(4 + 8), 360.5)):
        volume = read_volume(write(nifti1(voxels(), extra=extra, offset=offset)))
        np.testing.assert_array_equal(volume.array, voxels())
        assert volume.notes == ()


# ---- which file, and which of them Slicer can open


def test_the_named_file_is_read_and_not_its_neighbour(write):
    packed = write(gzip.compress(nifti1(voxels((12, 4, 3)))), "scan.nii.gz")
    plain = write(nifti1(voxels((8, 4, 3)) + 1000), "scan.nii")
    volume = read_volume(packed)
    np.testing.assert_array_equal(volume.array, voxels((12, 4, 3)))
    np.testing.assert_array_equal(read_labels(packed)[0], voxels((12, 4, 3)))
    assert note_of(volume, "slicer_opens_other_file").values["other"] == "scan.nii"
    assert read_volume(plain).notes == ()
    np.testing.assert_array_equal(read_volume(plain).array, voxels((8, 4, 3)) + 1000)


def test_slicer_opens_the_neighbour_indeed(write, slicer_nodes):
    packed = write(gzip.compress(nifti1(voxels())), "scan.nii.gz")
    write(nifti1(voxels() + 1000), "scan.nii")
    assert slicer_nodes.label_volume(packed).array.min() == 1000


def test_nothing_is_said_of_a_neighbour_with_the_same_content(write):
    data = nifti1(voxels())
    packed = write(gzip.compress(data), "scan.nii.gz")
    write(data, "scan.nii")
    assert read_volume(packed).notes == ()
    write(data[:-1] + b"\7", "scan.nii")
    assert codes(open_scan(packed)) == ["slicer_opens_other_file"]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["i2", "f4", "f8"])
def test_nifti_2_is_read_though_slicer_cannot(write, slicer_nodes, order, kind):
    path = write(gzip.compress(nifti2(voxels(dtype=kind), order=order)), "scan.nii.gz")
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, voxels())
    np.testing.assert_allclose(to_ras(volume.geometry), matrix())
    assert note_of(volume, "slicer_cannot_load").values["reason"] == "nifti2"
    with pytest.raises(AssertionError):
        slicer_nodes.label_volume(path)


def test_a_left_handed_nifti_2_is_turned_as_its_likes(write):
    volume = read_volume(write(nifti2(voxels(), affine=matrix((-2, 2, 3)))))
    np.testing.assert_array_equal(volume.array, voxels()[::-1])
    np.testing.assert_allclose(to_ras(volume.geometry), matrix((-2, 2, -3), (10, 20, 42)))


def test_nifti_2_that_claims_everything_is_refused(write):
    big = 2**62
    assert refused(write(nifti2(voxels(), dim=(3, big, big, big, 1, 1, 1, 1)))).code == "volume_too_large"
    assert refused(write(nifti2(voxels(), dim=(3, -big, -big, 4, 1, 1, 1, 1)))).code == "volume_is_empty"


def test_sheared_axes_are_read_exactly_and_slicer_takes_them_from_nrrd(write, tmp_path, slicer_nodes):
    affine = sheared(0.3, 0.4)
    path = write(nifti1(voxels(), qform=None, sform=(1, affine)))
    volume = read_volume(path)
    np.testing.assert_allclose(to_ras(volume.geometry), affine, atol=1e-6)
    assert note_of(volume, "slicer_cannot_load").values["reason"] == "sheared"
    with pytest.raises(AssertionError):
        slicer_nodes.label_volume(path)
    write_volume(tmp_path / "scan.nrrd", volume.array, volume.geometry)
    held = slicer_nodes.label_volume(tmp_path / "scan.nrrd")
    np.testing.assert_allclose(np.array(held.ijk_to_ras)[:3], affine, atol=1e-6)


def test_axes_at_right_angles_but_for_a_rounding_are_nothing_to_tell(write, slicer_nodes):
    path = write(nifti1(voxels(), qform=None, sform=(1, sheared(1e-4))))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert volume.notes == ()


# ---- values


@pytest.mark.parametrize("kind", ["i2", "u1", "f4", "f8"])
@pytest.mark.parametrize(
    ("scale", "factor", "added", "agrees"),
    [
        ((0.5, 3), 0.5, 3, True),
        ((1, -1024), 1, -1024, True),
        ((-1, 0), -1, 0, True),
        ((1e-9, 0), np.float32(1e-9), 0, True),
        ((1, 0), 1, 0, True),
        ((0, 0), 1, 0, True),
        ((math.nan, 0), 1, 0, True),
        ((math.nan, math.nan), 1, 0, True),
        ((0, -1024), 1, 0, False),
        ((math.nan, 5), 1, 0, False),
        ((math.inf, 5), 1, 0, False),
        ((1e-30, 0), np.float32(1e-30), 0, False),
    ],
)
def test_values_are_scaled_by_the_standard_and_tags_of_slicer_match(
    write, slicer_nodes, kind, scale, factor, added, agrees
):
    path = write(nifti1(voxels(dtype=kind), scale=scale))
    volume = read_volume(path)
    expected = (voxels().astype(np.float64) * float(factor) + added).astype(np.float32)
    np.testing.assert_array_equal(volume.array, expected)
    is_plain = (factor, added) == (1, 0)
    assert volume.array.dtype == (np.dtype(kind) if is_plain and kind != "f8" else np.float32)
    held = assert_as_in_slicer(slicer_nodes, path, volume, same_values=agrees)
    assert volume.order_of(content_hash(held)) == volume.order_of(content_hash(volume.array)) == "same"
    if agrees:
        assert volume.notes == ()
    else:
        assert note_of(volume, "slicer_shows_other_values").values["reason"] == "scale"


@pytest.mark.parametrize("scale", [(1, math.nan), (2, math.inf)])
def test_a_scale_that_cannot_be_known_is_refused(write, scale):
    error = refused(write(nifti1(voxels(), scale=scale)), read_geometry)
    assert error.code == "volume_bad_scale"
    assert "scl_inter" in error.message


@pytest.mark.parametrize("factor", [1, -1], ids=["right", "left"])
@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("scale", [(0, 0), (2, 1)], ids=["plain", "scaled"])
def test_not_a_number_is_the_lowest_value_though_slicer_shows_zero(write, slicer_nodes, factor, kind, scale):
    array = voxels(dtype=kind) + 50
    array[4, 0, :2] = math.nan, math.inf
    path = write(nifti1(array, pixdim=(factor, 2, 2, 3), scale=scale))
    volume = read_volume(path)
    lowest = 50 * max(scale[0], 1) + scale[1]
    plane = volume.array[4 if factor == 1 else 0]
    assert plane[0, 0] == plane[0, 1] == volume.array.min() == lowest
    assert {"voxels_not_finite", "slicer_shows_other_values"} == set(codes(volume))
    held = assert_as_in_slicer(slicer_nodes, path, volume, same_values=False)
    assert held.min() == scale[1] < lowest
    assert open_scan(path).sha256 == content_hash(held)
    reversed_ = content_hash(held[::-1])
    assert volume.order_of(reversed_) == ("reversed" if factor == -1 else None)


def test_whole_numbers_that_are_rounded_are_told(write):
    array = voxels(dtype="i8") * 2**30 + 1
    volume = read_volume(write(nifti1(array)))
    np.testing.assert_array_equal(volume.array, array.astype(np.float32))
    assert note_of(volume, "voxels_rounded").values["largest"] == array.max()
    labels, _ = read_labels(write(nifti1(voxels(dtype="i8") * 1000)))
    np.testing.assert_array_equal(labels, voxels(dtype="i4") * 1000)


# ---- places


@pytest.mark.parametrize("distance", [0, -3, math.nan, math.inf])
@pytest.mark.parametrize("with_sform", [False, True])
@pytest.mark.parametrize("axis", "ijk")
def test_a_distance_that_is_none_is_refused(write, distance, with_sform, axis):
    pixdim = [1, 2, 2, 3]
    pixdim["ijk".index(axis) + 1] = distance
    error = refused(write(nifti1(voxels(), pixdim=pixdim, sform=(1, matrix()) if with_sform else None)), read_geometry)
    assert error.code == "volume_bad_geometry"
    assert f"along {axis}" in error.message
    assert (f"its sform says {3 if axis == 'k' else 2}" in error.hint) == with_sform


def test_a_single_slice_needs_its_thickness_too(write):
    assert refused(write(nifti1(voxels((1, 4, 3)), pixdim=(1, 2, 2, 0)))).code == "volume_bad_geometry"
    assert read_volume(write(nifti1(voxels((1, 4, 3))))).notes == ()


@pytest.mark.parametrize(
    ("q_code", "s_code", "taken"), [(1, 1, "sform"), (2, 1, "sform"), (1, 2, "qform"), (2, 2, "qform"), (1, 4, "qform")]
)
def test_of_two_orientations_the_one_counts_that_slicer_takes(write, slicer_nodes, q_code, s_code, taken):
    path = write(nifti1(voxels(), qform=(q_code, *AWAY[1:]), sform=(s_code, matrix(offset=(15, 6, 7)))))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    note = note_of(volume, "forms_disagree")
    assert note.values["taken"] == taken
    assert note.values["mm"] == pytest.approx(10)
    assert "10 mm" in note.message
    assert volume.geometry.origin[0] == (-15 if taken == "sform" else -5)


@pytest.mark.parametrize("s_code", [1, 2])
@pytest.mark.parametrize("by", [1e-5, 1e-3, 0.01])
def test_nothing_is_said_where_two_orientations_agree(write, slicer_nodes, s_code, by):
    path = write(nifti1(voxels(), sform=(s_code, matrix(offset=(5 + by, 6, 7)))))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert volume.notes == ()


@pytest.mark.parametrize("diagonal", [(-2, 2, 3), (2, -2, 3), (2, 2, -3), (-2, 2, -3), (-2, -2, -3)])
@pytest.mark.parametrize(("offset", "taken"), [((5, 6, 7), "sform"), ((25, 6, 7), "qform")])
def test_a_mirrored_sform_counts_where_slicer_thinks_it_alike(write, slicer_nodes, diagonal, offset, taken):
    path = write(nifti1(voxels(), sform=(2, matrix(diagonal, offset))))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert note_of(volume, "forms_disagree").values["taken"] == taken


def test_two_orientations_that_turn_the_scan_otherwise_are_told_for_its_far_corner(write, slicer_nodes):
    turned = Rotation.from_euler("z", 2, degrees=True).as_matrix() * (2, 2, 3)
    path = write(nifti1(voxels((5, 60, 60)), sform=(1, np.hstack([turned, [[5], [6], [7]]]))))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    far = np.hypot(118, 118) * 2 * math.sin(math.radians(1))
    assert note_of(volume, "forms_disagree").values["mm"] == pytest.approx(far, rel=1e-4)


def test_of_a_sheared_sform_and_a_qform_the_qform_counts(write, slicer_nodes):
    path = write(nifti1(voxels(), sform=(1, sheared(0.5))))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert note_of(volume, "forms_disagree").values["taken"] == "qform"


@pytest.mark.parametrize("sform", [(1, np.zeros((3, 4))), (4, np.zeros((3, 4)))])
def test_an_empty_sform_beside_a_qform_is_told(write, slicer_nodes, sform):
    path = write(nifti1(voxels(), sform=sform))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert note_of(volume, "forms_disagree").values["taken"] == "qform"


def test_a_useless_qform_beside_the_scanners_sform_is_told(write, slicer_nodes):
    path = write(nifti1(voxels(), qform=(1, 1, 1, 1, 0, 0, 0), sform=(1, matrix())))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert note_of(volume, "forms_disagree").values["taken"] == "sform"


@pytest.mark.parametrize(
    "forms",
    [
        {"qform": (1, 1, 1, 1, 0, 0, 0)},
        {"qform": (1, math.nan, 0, 0, 0, 0, 0)},
        {"qform": (1, 0, 0, 0, math.inf, 0, 0)},
        {"qform": (1, 1, 1, 1, 0, 0, 0), "sform": (2, matrix())},
        {"qform": None, "sform": (1, np.zeros((3, 4)))},
        {"qform": None, "sform": (1, matrix(offset=(math.nan, 0, 0)))},
        {"qform": None, "sform": (1, matrix((2, 2, 0)))},
        {"sform": (1, matrix(offset=(math.nan, 0, 0)))},
    ],
)
def test_an_orientation_that_is_none_is_refused(write, forms):
    assert refused(write(nifti1(voxels(), **forms)), read_geometry).code == "volume_bad_geometry"


@pytest.mark.parametrize("b", [1.0000002, 1.00004])
def test_a_quaternion_that_is_rounded_up_is_taken_as_slicer_does(write, slicer_nodes, b):
    path = write(nifti1(voxels(), qform=(1, b, 0, 0, 5, 6, 7)))
    assert_as_in_slicer(slicer_nodes, path, read_volume(path))


@pytest.mark.parametrize("q_code", [0, -1])
def test_a_header_without_orientation_is_placed_as_slicer_does_and_told(write, slicer_nodes, q_code):
    path = write(nifti1(voxels(), qform=(q_code, *AWAY[1:]), sform=(0, matrix())))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert codes(volume) == ["position_missing"]


@pytest.mark.parametrize(
    ("factor", "is_told"), [(1, False), (-1, False), (0, False), (5, True), (-0.5, True), (math.nan, True)]
)
def test_the_sign_of_k_is_read_as_in_slicer(write, slicer_nodes, factor, is_told):
    path = write(nifti1(voxels(), pixdim=(factor, 2, 2, 3)))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert codes(volume) == ["header_disagrees"] * is_told
    assert read_volume(write(nifti1(voxels(), pixdim=(factor, 2, 2, 3), qform=None, sform=(1, matrix())))).notes == ()


@pytest.mark.parametrize(("z", "is_told"), [(4.0, True), (3.1, True), (3.0001, False)])
@pytest.mark.parametrize("qform", [None, AWAY])
def test_pixdim_counts_before_the_sforms_scale(write, slicer_nodes, z, is_told, qform):
    path = write(nifti1(voxels(), qform=qform, sform=(1, matrix((2, 2, z), (5, 6, 7)))))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert volume.geometry.spacing == (2, 2, 3)
    assert ("distances_disagree" in codes(volume)) == is_told


@pytest.mark.parametrize(
    ("units", "to_mm", "told"),
    [
        (0, 1, []),
        (2 + 8, 1, []),
        (1, 1000, ["unit_converted", "spacing_unusual"]),
        (3, 0.001, ["unit_converted", "spacing_unusual"]),
        (3 + 16, 0.001, ["unit_converted", "spacing_unusual"]),
        (5, 1, ["units_not_mm"]),
    ],
)
@pytest.mark.parametrize("forms", [{}, {"qform": None, "sform": (1, matrix())}, {"qform": None}])
def test_lengths_are_in_the_unit_of_the_header_as_in_slicer(write, slicer_nodes, units, to_mm, told, forms):
    path = write(nifti1(voxels(), units=units, **forms))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    np.testing.assert_allclose(volume.geometry.spacing, np.array([2, 2, 3]) * to_mm)
    assert [code for code in codes(volume) if code != "position_missing"] == told


def test_micrometres_of_a_microscope_are_usual(write):
    volume = read_volume(write(nifti1(voxels(), units=3, pixdim=(1, 500, 500, 2000), qform=(1, 0, 0, 0, 0, 0, 0))))
    np.testing.assert_allclose(volume.geometry.spacing, (0.5, 0.5, 2))
    assert codes(volume) == ["unit_converted"]


@pytest.mark.parametrize(
    ("spacing", "is_told"), [((0.01, 1, 50), False), ((0.009, 1, 1), True), ((1, 1, 51), True), ((1, 200, 1), True)]
)
@pytest.mark.parametrize("suffix", [".nrrd"])
def test_unusual_spacing_is_a_note_for_every_format(tmp_path, spacing, is_told, suffix):
    place = Geometry((0, 0, 0), spacing, (1, 0, 0, 0, 1, 0, 0, 0, 1), (3, 4, 5))
    write_volume(tmp_path / f"a{suffix}", voxels(), place)
    volume = open_scan(tmp_path / f"a{suffix}")
    assert codes(volume) == ["spacing_unusual"] * is_told
    assert volume.notes == spacing_notes(volume.path, volume.geometry)


# ---- dimensions


@pytest.mark.parametrize("qform", [AWAY, (1, 0, 0, math.sqrt(0.5), 5, 6, 7), (1, 0, 1, 0, 5, 6, 7), None])
def test_an_image_of_two_dimensions_is_laid_down_as_in_slicer_and_told(write, slicer_nodes, qform):
    path = write(nifti1(voxels((4, 3)), qform=qform))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert "slice_without_thickness" in codes(volume)


@pytest.mark.parametrize("qform", [(1, 0.5, 0.5, 0.5, 5, 6, 7), (1, 0.2, 0, 0, 5, 6, 7)])
def test_an_image_of_two_dimensions_that_slicer_lays_down_wrongly_is_refused(write, qform):
    assert refused(write(nifti1(voxels((4, 3)), qform=qform)), read_geometry).code == "volume_bad_geometry"


@pytest.mark.parametrize("more", [1, 2, 4])
def test_further_axes_of_one_element_are_none(write, slicer_nodes, more):
    path = write(nifti1(voxels()[(None,) * more]))
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, voxels())
    assert volume.notes == ()


@pytest.mark.parametrize(
    ("dim", "code"),
    [
        ((4, 3, 4, 5, 2, 1, 1, 1), "volume_is_4d"),
        ((5, 3, 4, 5, 1, 2, 1, 1), "volume_is_4d"),
        ((7, 3, 4, 5, 1, 1, 1, 2), "volume_is_4d"),
        ((3, 3, 4, 0, 1, 1, 1, 1), "volume_is_empty"),
        ((3, 3, -4, -5, 1, 1, 1, 1), "volume_is_empty"),
        ((4, 3, 4, 5, 0, 0, 0, 0), "volume_is_empty"),
        ((1, 3, 4, 5, 1, 1, 1, 1), "volume_is_line"),
        ((0, 3, 4, 5, 1, 1, 1, 1), "volume_unreadable"),
        ((8, 3, 4, 5, 1, 1, 1, 1), "volume_unreadable"),
    ],
)
def test_what_is_no_volume_of_three_dimensions_is_refused(write, dim, code):
    assert refused(write(nifti1(voxels((10, 4, 3)), dim=dim)), read_geometry).code == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"datatype": 128, "bitpix": 24}, "volume_is_vector"),
        ({"datatype": 2304, "bitpix": 32}, "volume_is_vector"),
        ({"dim": (5, 3, 4, 5, 1, 3, 1, 1), "intent": 1007}, "volume_is_vector"),
        ({"dim": (5, 3, 4, 5, 1, 6, 1, 1), "intent": 1005}, "volume_is_vector"),
        ({"datatype": 32, "bitpix": 64}, "volume_is_complex"),
        ({"datatype": 1792, "bitpix": 128}, "volume_is_complex"),
        ({"datatype": 1, "bitpix": 1}, "volume_unreadable"),
        ({"datatype": 0, "bitpix": 0}, "volume_unreadable"),
        ({"datatype": 999, "bitpix": 16}, "volume_unreadable"),
    ],
)
def test_voxels_that_are_no_single_real_number_are_refused(write, fields, code):
    assert refused(write(nifti1(voxels((60, 4, 3)), **{"dim": (3, 3, 4, 5, 1, 1, 1, 1), **fields}))).code == code


@pytest.mark.parametrize(
    "fields", [{"intent": 1002}, {"length": 0}, {"length": 340, "order": ">"}, {"magic": b"ni1\0"}]
)
def test_fields_that_change_nothing_are_nothing_to_tell(write, slicer_nodes, fields):
    path = write(nifti1(voxels(), **fields))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert volume.notes == ()


def test_bits_that_do_not_fit_the_type_are_told(write, slicer_nodes):
    path = write(nifti1(voxels(), bitpix=8))
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert note_of(volume, "header_disagrees").values["field"] == "bitpix"


# ---- files that lie about themselves, or are damaged


@pytest.mark.parametrize("offset", [0, 100, 348, -1, math.nan, math.inf])
def test_voxels_that_begin_within_the_header_are_refused(write, offset):
    error = refused(write(nifti1(voxels(), offset=offset)), read_geometry)
    assert error.code == "volume_unreadable"
    assert "vox_offset" in error.message


@pytest.mark.parametrize("magic", [b"\0\0\0\0", b"abc\0", b"n+3\0", b"n+1 "])
def test_what_is_no_nifti_is_refused_though_slicer_shows_it_without_orientation(write, magic):
    assert refused(write(nifti1(voxels(), magic=magic))).code == "volume_unreadable"


@pytest.mark.parametrize("name", ["scan.hdr", "scan.img"])
def test_pairs_are_refused_with_the_way_out(write, name):
    assert "NRRD" in refused(write(nifti1(voxels()), name)).hint


@pytest.mark.parametrize("at", [100, 300, 352, 400])
def test_a_gzip_file_of_several_members_is_read_whole(write, slicer_nodes, at):
    data = nifti1(voxels())
    path = write(gzip.compress(data[:at]) + gzip.compress(data[at:]), "scan.nii.gz")
    volume = read_volume(path)
    assert_as_in_slicer(slicer_nodes, path, volume)
    assert volume.notes == ()


def test_packed_by_content_whatever_the_name_says(write, slicer_nodes):
    packed = write(gzip.compress(nifti1(voxels())), "packed.nii")
    volume = read_volume(packed)
    np.testing.assert_array_equal(volume.array, voxels())
    assert note_of(volume, "slicer_cannot_load").values["reason"] == "packed"
    with pytest.raises(AssertionError):
        slicer_nodes.label_volume(packed)
    plain = write(nifti1(voxels()), "plain.nii.gz")
    assert_as_in_slicer(slicer_nodes, plain, read_volume(plain))
    assert read_volume(plain).notes == ()


@pytest.mark.parametrize(
    ("name", "data", "is_told"),
    [
        ("a.nii", nifti1(voxels()) + b"x" * 90, True),
        ("a.nii.gz", gzip.compress(nifti1(voxels()) + b"x" * 90), True),
        ("a.nii.gz", gzip.compress(nifti1(voxels()) + bytes(3 << 20)), True),
        ("a.nii.gz", gzip.compress(nifti1(voxels())) + b"junk", True),
        ("a.nii.gz", gzip.compress(nifti1(voxels())) + bytes(90), False),
    ],
)
def test_what_follows_the_voxels_is_left_out_and_told(write, name, data, is_told):
    volume = read_volume(write(data, name))
    np.testing.assert_array_equal(volume.array, voxels())
    assert codes(volume) == ["volume_longer"] * is_told


@pytest.mark.parametrize("cut", [lambda data: data[:-1], lambda data: data[:360], lambda data: data[:352]])
@pytest.mark.parametrize("make", [nifti1, nifti2])
def test_a_file_that_ends_early_is_refused(write, cut, make):
    short = cut(make(voxels()))
    for path in (write(short), write(gzip.compress(short), "a.nii.gz")):
        assert refused(path).code in ("volume_truncated", "volume_unreadable")


@pytest.mark.parametrize("spoil", [lambda g: g[:-9], lambda g: g[:-8] + b"12345678", lambda g: g[:5]])
def test_a_gzip_stream_that_is_broken_is_refused(write, spoil):
    data = gzip.compress(nifti1(np.random.default_rng(0).integers(0, 999, (9, 9, 9)).astype("i2")))
    assert refused(write(spoil(data), "a.nii.gz")).code == "volume_truncated"


def test_an_empty_file_is_said_to_be_so(write):
    assert "0 bytes" in refused(write(b""), read_geometry).message


def test_nothing_is_written_past_the_notes(write, capfd):
    odd = {"scale": (0, 5), "sform": (1, matrix((2, 2, 4))), "bitpix": 3, "units": 1}
    volume = read_volume(write(nifti1(voxels(), pixdim=(5, 2, 2, 3), **odd)))
    refused(write(nifti1(voxels(), pixdim=(1, 2, 2, 0)), "b.nii"))
    assert len(volume.notes) >= 5
    assert capfd.readouterr() == ("", "")
