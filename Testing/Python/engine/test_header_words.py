"""What headers of NRRD and MetaImage leave out, contradict or say in vain, and voxels that are not as promised.

Right values are the generator's; positions are those of 3D Slicer's own storage node.
"""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import numpy as np
import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.engine.data.itk_words import listening
from WeakMedSAMLib.engine.data.volumes import open_scan, read_labels, read_volume

SHAPE = (4, 3, 2)
VOXELS = np.arange(24, dtype="<i2").reshape(SHAPE)
RAS = np.diag([-1.0, -1.0, 1.0])
NRRD = {
    "type": "short", "dimension": "3", "space": "left-posterior-superior", "sizes": "2 3 4",
    "space directions": "(2,0,0) (0,3,0) (0,0,4)", "kinds": "domain domain domain", "endian": "little",
    "encoding": "raw", "space origin": "(5,6,7)",
}  # fmt: skip
META = {
    "ObjectType": "Image", "NDims": "3", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False", "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "5 6 7",
    "AnatomicalOrientation": "RAI", "ElementSpacing": "2 3 4", "DimSize": "2 3 4", "ElementType": "MET_SHORT",
}  # fmt: skip
NO_SPACE = {"space": None, "space directions": None, "space origin": None}


def _merged(fields, changed):
    return {key: value for key, value in (fields | changed).items() if value is not None}


def nrrd(path, changed=None, data=None):
    lines = [f"{key}: {value}" for key, value in _merged(NRRD, changed or {}).items()]
    content = VOXELS.tobytes() if data is None else data
    path.write_bytes(("NRRD0005\n" + "\n".join(lines) + "\n\n").encode() + content)
    return path


def meta(path, changed=None, data=None, file="LOCAL"):
    fields = _merged(META, changed or {}) | {"ElementDataFile": file}
    content = VOXELS.tobytes() if data is None else data
    path.write_bytes("".join(f"{key} = {value}\n" for key, value in fields.items()).encode() + content)
    return path


def refused(path):
    with pytest.raises(UserError) as caught:
        read_volume(path)
    assert caught.value.hint
    assert path.name in caught.value.message
    return caught.value.code


def codes(path):
    volume = read_volume(path)
    for note in volume.notes:
        assert note.message.startswith(f"{path.name}: ")
        assert note.hint
    return {note.code for note in volume.notes}


def lies_as_in_slicer(path, slicer_nodes):
    """Voxels and index-to-RAS matrix against those of Slicer's own reader."""
    held, volume = slicer_nodes.label_volume(path), read_volume(path)
    place = volume.geometry
    np.testing.assert_allclose(RAS @ place.axes * place.spacing, np.array(held.ijk_to_ras)[:3, :3], atol=1e-9)
    np.testing.assert_allclose(RAS @ place.origin, np.array(held.ijk_to_ras)[:3, 3], atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(place.axes, axis=0), 1)
    np.testing.assert_array_equal(volume.array, held.array)
    return volume


# ---- NRRD


ODD_NRRD = {
    "spacing nan": ({**NO_SPACE, "spacings": "2 3 nan"}, {"spacing_missing", "position_missing"}),
    "spacing absent": (NO_SPACE, {"spacing_missing", "position_missing"}),
    "thicknesses only": ({**NO_SPACE, "thicknesses": "2 3 4"}, {"spacing_missing", "position_missing"}),
    "spacing negative": ({**NO_SPACE, "spacings": "2 3 -4"}, {"position_missing"}),
    "an axis without direction": ({"space directions": "(2,0,0) (0,3,0) none"}, {"spacing_missing"}),
    "no directions": ({"space directions": None}, {"spacing_missing", "position_missing"}),
    "no origin": ({"space origin": None}, {"position_missing"}),
    "cm": ({"space units": '"cm" "cm" "cm"'}, {"units_not_mm"}),
    "cm an axis": ({**NO_SPACE, "spacings": "2 3 4", "units": '"cm" "cm" "cm"'}, {"units_not_mm", "position_missing"}),
    "mm": ({"space units": '"mm" "mm" "mm"'}, set()),
    "scanner": ({"space": "scanner-xyz"}, {"space_unknown"}),
    "3D": ({"space": "3D-left-handed"}, {"space_unknown"}),
    "RAS": ({"space": "RAS"}, set()),
    "LAS": ({"space": "left-anterior-superior"}, set()),
    "cell": ({"centers": "cell cell cell"}, set()),
    "node": ({"centers": "node node node"}, set()),
    "sheared": ({"space directions": "(2,0,0) (0,3,0) (1,0,4)"}, {"volume_sheared"}),
    "quantized": ({"old min": "0", "old max": "1.5"}, {"values_rescaled"}),
    "time": ({"kinds": "domain domain time"}, {"axis_not_in_space"}),
    "plain": ({}, set()),
}


@pytest.mark.parametrize("name", ODD_NRRD)
def test_what_a_nrrd_header_leaves_out_is_told_and_read_as_slicer_does(tmp_path, name, slicer_nodes):
    changed, expected = ODD_NRRD[name]
    path = nrrd(tmp_path / "a.nrrd", changed)
    assert codes(path) == expected
    lies_as_in_slicer(path, slicer_nodes)


@pytest.mark.parametrize("extra", [{}, {"centers": "cell cell cell"}, {"spacings": "nan nan nan"}])
def test_ends_of_axes_without_spacing_are_refused(tmp_path, extra):
    path = nrrd(tmp_path / "a.nrrd", {**NO_SPACE, "axis mins": "0 0 0", "axis maxs": "4 9 16", **extra})
    assert refused(path) == "volume_bad_geometry"


ENCODED = {
    "ascii": ({"encoding": "ascii"}, " ".join(map(str, VOXELS.ravel())).encode()),
    "hex": ({"encoding": "hex"}, VOXELS.tobytes().hex().encode()),
    "gzip": ({"encoding": "gzip"}, gzip.compress(VOXELS.tobytes())),
    "two members": ({"encoding": "gz"}, gzip.compress(VOXELS.tobytes()[:10]) + gzip.compress(VOXELS.tobytes()[10:])),
    "big endian": ({"endian": "big"}, VOXELS.astype(">i2").tobytes()),
    "skip": ({"byte skip": "6"}, b"123456" + VOXELS.tobytes()),
    "skip from the end": ({"byte skip": "-1"}, b"123456" + VOXELS.tobytes()),
    "lines": ({"line skip": "2"}, b"a\nbc\n" + VOXELS.tobytes()),
    "int64": ({"type": "int64"}, VOXELS.astype("<i8").tobytes()),
}


@pytest.mark.parametrize("name", ENCODED)
def test_voxels_of_nrrd_in_every_encoding(tmp_path, name):
    changed, data = ENCODED[name]
    volume = read_volume(nrrd(tmp_path / "a.nrrd", changed, data))
    np.testing.assert_array_equal(volume.array, VOXELS)
    assert not volume.notes


NOT_AS_WRITTEN = [
    (nrrd, {"space origin": "(5,6,1_000)"}),
    (nrrd, {"space directions": "(2,0,0) (0,3,0) (0,0,0x4)"}),
    (nrrd, {"sizes": "2 3,5 4"}),
    (nrrd, {"dimension": "3 4"}),
    (nrrd, {**NO_SPACE, "spacings": "2 3 4,5"}),
    (meta, {"CenterOfRotation\nnone\nElementSpacing": "2 3 4", "ElementSpacing": None}),
    (meta, {"ElementSpacing": "2,5 3 4"}),
    (meta, {"Offset": "5 6"}),
    (meta, {"TransformMatrix": "1 0 0 0 1 0 1e308 0 1"}),
]


@pytest.mark.parametrize(
    ("make", "changed"), NOT_AS_WRITTEN, ids=lambda one: one.__name__ if callable(one) else str(one)
)
def test_headers_that_itk_reads_otherwise_than_they_are_written_are_refused(tmp_path, make, changed):
    """ITK takes the numbers up to the first sign that it does not know, and the rest as 1 or 0."""
    path = make(tmp_path / ("a.nrrd" if make is nrrd else "a.mha"), changed)
    assert refused(path) in ("volume_bad_header", "volume_bad_geometry", "volume_unreadable", "volume_truncated")


def test_voxels_beyond_those_of_the_header_are_told(tmp_path):
    longer = VOXELS.tobytes() + b"12345678"
    beside = tmp_path / "v.raw"
    beside.write_bytes(longer)
    for path in (
        nrrd(tmp_path / "a.nrrd", {}, longer),
        nrrd(tmp_path / "b.nrrd", {"encoding": "gzip"}, gzip.compress(longer)),
        nrrd(tmp_path / "c.nhdr", {"data file": "v.raw"}, b""),
        meta(tmp_path / "d.mha", {}, longer),
        meta(tmp_path / "e.mhd", {}, b"", "v.raw"),
    ):
        assert codes(path) == {"volume_longer"}
        np.testing.assert_array_equal(read_volume(path).array, VOXELS)


def test_a_gzip_stream_without_its_end_is_refused(tmp_path):
    many = np.random.default_rng(0).integers(0, 99, (20, 30, 40)).astype("<i2")
    fields, packed = {"encoding": "gzip", "sizes": "40 30 20"}, gzip.compress(many.tobytes())
    np.testing.assert_array_equal(read_volume(nrrd(tmp_path / "whole.nrrd", fields, packed)).array, many)
    for cut in (1, 8, 9):
        assert refused(nrrd(tmp_path / "a.nrrd", fields, packed[:-cut])) == "volume_truncated"
    for place in (-6, len(packed) // 2):
        flipped = bytearray(packed)
        flipped[place] ^= 255
        assert refused(nrrd(tmp_path / "a.nrrd", fields, bytes(flipped))) == "volume_truncated"


def test_packed_voxels_called_raw_are_refused(tmp_path):
    many = np.random.default_rng(0).integers(0, 2**15, 400).astype("<i2").tobytes()
    (tmp_path / "v.raw.gz").write_bytes(gzip.compress(many))
    assert refused(nrrd(tmp_path / "a.nhdr", {"data file": "v.raw.gz"}, b"")) == "volume_unreadable"
    assert refused(meta(tmp_path / "a.mhd", {}, b"", "v.raw.gz")) == "volume_unreadable"


# ---- the file that was named


@pytest.mark.parametrize("make", [nrrd, meta])
def test_voxels_are_those_beside_the_header_and_no_others(tmp_path, make, monkeypatch):
    here, cwd = tmp_path / "here", tmp_path / "cwd"
    for folder in (here, cwd, here / "sub"):
        folder.mkdir()
    monkeypatch.chdir(cwd)
    for decoy in (cwd / "v.raw", here / "sub" / "v.raw"):
        decoy.write_bytes((VOXELS + 100).tobytes())
    (here / "v.zraw").write_bytes(zlib.compress((VOXELS + 100).tobytes()))
    (here / "v.raw.gz").write_bytes(gzip.compress((VOXELS + 100).tobytes()))

    def headed(file):
        if make is nrrd:
            return nrrd(here / "a.nhdr", {"data file": file}, b"")
        return meta(here / "a.mhd", {}, b"", file)

    assert refused(headed("v.raw")) == "volume_data_missing"
    np.testing.assert_array_equal(read_volume(headed("sub/v.raw")).array, VOXELS + 100)
    (here / "v.raw").write_bytes(VOXELS.tobytes())
    np.testing.assert_array_equal(read_volume(headed("v.raw")).array, VOXELS)
    os.replace(here / "a.nhdr" if make is nrrd else here / "a.mhd", cwd / f"a{'.nhdr' if make is nrrd else '.mhd'}")
    path = Path(f"a{'.nhdr' if make is nrrd else '.mhd'}")
    np.testing.assert_array_equal(read_volume(path).array, VOXELS + 100)


def test_twins_of_other_suffixes_are_other_files(tmp_path):
    for n, make in enumerate([nrrd, meta]):
        suffixes = (".nrrd", ".nhdr") if make is nrrd else (".mha", ".mhd")
        paths = [
            make(tmp_path / f"a{suffix}", {}, (VOXELS + 10 * n + m).tobytes()) for m, suffix in enumerate(suffixes)
        ]
        for m, path in enumerate(paths):
            np.testing.assert_array_equal(read_volume(path).array, VOXELS + 10 * n + m)


# ---- MetaImage


ODD_META = {
    "plain": ({}, set()),
    "no spacing": ({"ElementSpacing": None}, {"spacing_missing"}),
    "size only": ({"ElementSpacing": None, "ElementSize": "2 3 4"}, {"spacing_from_size"}),
    "another size": ({"ElementSize": "2 3 5"}, {"spacing_and_size_differ"}),
    "same size": ({"ElementSize": "2 3 4"}, set()),
    "no matrix": ({"TransformMatrix": None}, {"position_missing"}),
    "no offset": ({"Offset": None}, {"position_missing"}),
    "old names": (
        {"TransformMatrix": None, "Rotation": "1 0 0 0 1 0 0 0 1", "Offset": None, "Position": "5 6 7"}, set()
    ),
    "long axes": ({"TransformMatrix": "2 0 0 0 1 0 0 0 0.5"}, {"axes_not_unit"}),
    "sheared": ({"TransformMatrix": "1 0 0 0 1 0 0.3 0 0.95393920"}, {"volume_sheared"}),
    "negative spacing": ({"ElementSpacing": "2 3 -4"}, {"orientation_differs"}),
    "other letters": ({"AnatomicalOrientation": "LPS"}, {"orientation_differs"}),
    "no letters": ({"AnatomicalOrientation": "???"}, set()),
    "cm": ({"DistanceUnits": "cm"}, {"units_not_mm"}),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_META)
def test_what_a_metaimage_header_leaves_out_is_told_and_read_as_slicer_does(tmp_path, name, slicer_nodes):
    changed, expected = ODD_META[name]
    path = meta(tmp_path / "a.mha", changed)
    assert codes(path) == expected
    lies_as_in_slicer(path, slicer_nodes)


def test_intensities_are_made_of_elements_and_tags_made_in_slicer_still_match(tmp_path, slicer_nodes):
    scaled = {"ElementToIntensityFunctionSlope": "2.5", "ElementToIntensityFunctionOffset": "-10"}
    path = meta(tmp_path / "a.mha", scaled)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, (VOXELS * 2.5 - 10).astype(np.float32))
    assert codes(path) == {"slicer_shows_other_values"}
    held = slicer_nodes.label_volume(path).array
    assert volume.order_of(content_hash(held.astype(np.int16))) == "same"
    assert volume.order_of(content_hash(volume.array)) == "same"
    labels, _ = read_labels(meta(tmp_path / "b.mha", {"ElementToIntensityFunctionSlope": "2"}))
    np.testing.assert_array_equal(labels, VOXELS * 2)


@pytest.mark.parametrize("slope", ["0", "nan", "inf"])
def test_a_scale_that_makes_no_intensities_is_refused(tmp_path, slope):
    assert refused(meta(tmp_path / "a.mha", {"ElementToIntensityFunctionSlope": slope})) == "volume_bad_scale"


def test_a_header_that_would_be_read_as_voxels_is_refused(tmp_path):
    assert refused(meta(tmp_path / "a.mha", {"HeaderSize": "6"}, b"123456" + VOXELS.tobytes())) == "volume_unreadable"
    path = meta(tmp_path / "b.mha", {"HeaderSize": "-1"}, b"123456" + VOXELS.tobytes())
    np.testing.assert_array_equal(read_volume(path).array, VOXELS)


@pytest.mark.parametrize("msb", ["BinaryDataByteOrderMSB", "ElementByteOrderMSB"])
@pytest.mark.parametrize("packed", [False, True])
def test_big_endian_metaimage(tmp_path, msb, packed):
    data = VOXELS.astype(">i2").tobytes()
    data = zlib.compress(data) if packed else data
    fields = {"BinaryDataByteOrderMSB": None, msb: "True", "CompressedData": packed, "CompressedDataSize": len(data)}
    volume = read_volume(meta(tmp_path / "a.mha", fields, data))
    np.testing.assert_array_equal(volume.array, VOXELS)
    assert volume.array.dtype == np.int16


MANY = np.random.default_rng(0).integers(0, 100, (20, 30, 40)).astype("<i2")
PACKED = zlib.compress(MANY.tobytes())
FLIPPED = bytearray(PACKED)
FLIPPED[len(PACKED) // 2] ^= 255


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize(
    ("data", "said", "expected"),
    [
        (PACKED, len(PACKED), set()),
        (PACKED, 100, {"slicer_shows_other_values"}),
        (gzip.compress(MANY.tobytes()), None, set()),
        (zlib.compress(MANY.tobytes() + b"1234"), None, {"volume_longer"}),
        (PACKED[: len(PACKED) // 2], None, "volume_truncated"),
        (PACKED[:-2], None, "volume_truncated"),
        (bytes(FLIPPED), len(PACKED), "volume_truncated"),
        (MANY.tobytes(), None, "volume_truncated"),
        (zlib.compress(MANY.tobytes()[:-2]), None, "volume_truncated"),
    ],
)
def test_packed_metaimage_is_read_whole_or_refused(tmp_path, data, said, expected, beside):
    """ITK says "Uncompress failed" on stderr, and gives what was in memory before."""
    fields = {"CompressedData": "True", "DimSize": "40 30 20", "CompressedDataSize": said}
    (tmp_path / "v.zraw").write_bytes(data)
    path = tmp_path / ("a.mhd" if beside else "a.mha")
    meta(path, fields, b"" if beside else data, "v.zraw" if beside else "LOCAL")
    if isinstance(expected, str):
        assert refused(path) == expected
        return
    if said is None and not beside:
        expected = expected | {"slicer_shows_other_values"}
    assert codes(path) == expected
    np.testing.assert_array_equal(read_volume(path).array, MANY)


# ---- what the library says


def test_nothing_is_said_on_stderr(tmp_path, capfd):
    assert refused(meta(tmp_path / "a.mha", {"ElementType": None})) == "volume_unreadable"
    assert refused(meta(tmp_path / "b.mha", {}, b"12")) == "volume_truncated"
    assert capfd.readouterr().err == ""


def test_what_a_library_says_is_told_once_and_without_its_sender(tmp_path, capfd):
    with listening() as heard:
        os.write(2, b"[nrrd] Another.\n")
        for _ in range(2):
            os.write(2, b"WARNING: In /a/b.cxx, line 12\nNrrdImageIO (0x55f61c92d9b0): It is odd.\n\n")
    os.write(2, b"after")
    assert heard.sentences == ["Another.", "It is odd."]
    assert capfd.readouterr().err == "after"
    notes = heard.notes(Path("a.nrrd"))
    assert [note.code for note in notes] == ["reader_warned"] * 2
    assert "a.nrrd" in notes[1].message
    assert "It is odd." in notes[1].message


def test_stderr_is_itself_again_after_an_error(capfd):
    with pytest.raises(ValueError, match="x"), listening():
        raise ValueError("x")
    os.write(2, b"here")
    assert capfd.readouterr().err == "here"


def test_headers_alone_tell_without_voxels(tmp_path):
    assert {note.code for note in open_scan(nrrd(tmp_path / "a.nrrd", {"space": "scanner-xyz"})).notes} == {
        "space_unknown"
    }


@pytest.mark.parametrize("name", ["ElementByteOrderMSB", "ElementType", "ElementToIntensityFunctionSlope"])
def test_a_metaimage_field_without_a_value_on_its_line_is_refused(tmp_path, name):
    assert refused(meta(tmp_path / "empty.mha", {name: ""})) == "volume_bad_header"


@pytest.mark.parametrize("changed", [{"ElementByteOrderMSB": "\r=1"}, {"ElementType\0": "MET_SHORT"}])
def test_control_characters_in_a_metaimage_header_are_refused(tmp_path, changed):
    assert refused(meta(tmp_path / "control.mha", changed)) == "volume_bad_header"
