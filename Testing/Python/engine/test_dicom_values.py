"""Values of DICOM slices follow each slice's own header; tags made on what 3D Slicer shows are still recognised."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from dicom_inputs import enhanced, in_slicer, item, pixels, save, series, slice_
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
    RLELossless,
)

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.engine.data.volumes import open_scan, read_volume


def codes(scan):
    return {note.code for note in scan.notes}


def refused(path):
    with pytest.raises(UserError) as caught:
        read_volume(path)
    return caught.value


def assert_recognised(scan, folder):
    """Tags that were made in 3D Slicer on this series are known by their hash."""
    held = in_slicer(sorted(folder.iterdir())).array
    assert scan.order_of(content_hash(held)) == "same"
    return held


def test_each_slice_has_its_own_rescale(tmp_path):
    stored, slopes = pixels(), [1, 0.011, 0.5, 0.021]
    scan = read_volume(series(tmp_path / "pet", stored, lambda n: {"RescaleSlope": slopes[n], "RescaleIntercept": 0}))
    np.testing.assert_array_equal(scan.array, (stored * np.array(slopes)[:, None, None]).astype(np.float32))
    assert_recognised(scan, tmp_path / "pet")


def test_each_slice_has_its_own_bits_and_sign(tmp_path):
    unsigned, signed, bytes_ = pixels((6, 7)), pixels((6, 7), -1000, 1000, "i2"), pixels((6, 7), 0, 255, "u1")
    folder = tmp_path / "scan"
    for number, plane in enumerate([unsigned, signed, bytes_]):
        save(slice_(number, plane, RescaleIntercept=-5), folder / f"{number}.dcm")
    scan = read_volume(folder)
    np.testing.assert_array_equal(scan.array, np.array([plane.astype(int) - 5 for plane in (unsigned, signed, bytes_)]))
    assert scan.array.dtype == np.int32


@pytest.mark.parametrize(
    ("kind", "bits", "changes", "expected"),
    [
        ("u2", 12, {}, "int16"),
        ("u2", 16, {}, "int32"),
        ("u2", 12, {"RescaleIntercept": 0, "kind": MRImageStorage}, "uint16"),
        ("u2", 12, {"RescaleSlope": 2.5, "kind": MRImageStorage}, "float32"),
        ("u1", 8, {"RescaleIntercept": 0}, "uint8"),
        ("u2", 12, {"RescaleSlope": -1}, "int16"),
        ("u2", 12, {"PhotometricInterpretation": "MONOCHROME1"}, "int16"),
        ("u2", 12, {"syntax": ImplicitVRLittleEndian}, "int16"),
    ],
)
def test_ordinary_series_are_as_in_slicer(tmp_path, kind, bits, changes, expected):
    folder = series(tmp_path / "scan", pixels(high=200, kind=kind), bits=bits, **changes)
    scan = read_volume(folder)
    np.testing.assert_array_equal(scan.array, in_slicer(sorted(folder.iterdir())).array)
    assert scan.array.dtype == expected
    assert scan.sha256 == content_hash(scan.array)


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_other_uncompressed_syntaxes(tmp_path, syntax):
    stored = pixels()
    written = stored.byteswap() if syntax == ExplicitVRBigEndian else stored
    folder = tmp_path / "scan"
    for number, plane in enumerate(stored):
        elements = slice_(number, plane, PixelData=written[number].tobytes(), syntax=syntax)
        save(elements, folder / f"{number}.dcm")
    np.testing.assert_array_equal(read_volume(folder).array, stored.astype(int) - 1024)


def test_files_without_preamble_are_read(tmp_path):
    stored = pixels()
    (tmp_path / "scan").mkdir()
    for number, plane in enumerate(stored):
        elements = slice_(number, plane, syntax=ImplicitVRLittleEndian)
        del elements.file_meta
        elements.save_as(tmp_path / "scan" / f"{number}", implicit_vr=True, little_endian=True)
    np.testing.assert_array_equal(read_volume(tmp_path / "scan").array, stored.astype(int) - 1024)


def test_inverted_slices_are_inverted_each(tmp_path):
    stored = pixels()
    kinds = ["MONOCHROME2", "MONOCHROME1", "MONOCHROME2", "MONOCHROME1"]
    folder = series(tmp_path / "scan", stored, lambda n: {"PhotometricInterpretation": kinds[n]}, bits=12)
    scan = read_volume(folder)
    expected = stored.astype(int)
    expected[1::2] = 4095 - expected[1::2]
    np.testing.assert_array_equal(scan.array, expected - 1024)
    np.testing.assert_array_equal(scan.array, in_slicer(sorted(folder.iterdir())).array)
    assert "dicom_inverted" in codes(scan)


@pytest.mark.parametrize("kind", ["RGB", "PALETTE COLOR"])
def test_colour_among_grey_is_refused_by_name(tmp_path, kind):
    folder = series(tmp_path / "scan", pixels())
    stored = pixels((6, 21), 0, 255, "u1")
    colour = {"PhotometricInterpretation": kind, "Columns": 7, "SamplesPerPixel": 3} if kind == "RGB" else {}
    save(slice_(2, stored, **{"PhotometricInterpretation": kind, **colour}), folder / "IM0003.dcm")
    error = refused(folder)
    assert error.code == "volume_is_vector"
    assert "IM0003.dcm" in error.message
    assert kind in error.message


def test_a_modality_lut_is_applied(tmp_path):
    stored, table = pixels(high=100), np.random.default_rng(1).permutation(300).astype("<u2")[:80]
    lut = Dataset()
    lut.LUTDescriptor, lut.ModalityLUTType = [80, 10, 16], "US"
    lut.add_new("LUTData", "OW", table.tobytes())
    lut["LUTDescriptor"].VR = "US"
    folder = series(tmp_path / "scan", stored, ModalityLUTSequence=[lut], RescaleSlope=None, RescaleIntercept=None)
    scan = read_volume(folder)
    np.testing.assert_array_equal(scan.array, table[np.clip(stored.astype(int) - 10, 0, 79)])
    assert "dicom_modality_lut" in codes(scan)
    assert_recognised(scan, folder)


def test_a_modality_lut_that_is_cut_is_refused(tmp_path):
    lut = Dataset()
    lut.LUTDescriptor, lut.LUTData, lut.ModalityLUTType = [80, 10, 16], list(range(40)), "US"
    lut["LUTDescriptor"].VR = lut["LUTData"].VR = "US"
    error = refused(series(tmp_path / "scan", pixels(), ModalityLUTSequence=[lut]))
    assert error.code == "dicom_damaged"
    assert "40 of 80" in error.message


def test_slope_zero_is_refused(tmp_path):
    folder = series(tmp_path / "scan", pixels(), lambda n: {"RescaleSlope": 0 if n == 2 else 1})
    error = refused(folder)
    assert error.code == "dicom_bad_rescale"
    assert "IM0003.dcm" in error.message


def test_slope_zero_of_an_empty_slice_is_its_intercept(tmp_path):
    stored = pixels()
    stored[3] = 0
    folder = series(tmp_path / "scan", stored, lambda n: {"RescaleSlope": int(n < 3), "RescaleIntercept": -7})
    scan = read_volume(folder)
    np.testing.assert_array_equal(scan.array, stored.astype(int) - 7)
    assert "dicom_slope_zero" in codes(scan)


@pytest.mark.parametrize("missing", ["RescaleSlope", "RescaleIntercept"])
def test_half_a_rescale_is_not_applied_and_said(tmp_path, missing):
    stored = pixels()
    other = {"RescaleSlope": 2} if missing == "RescaleIntercept" else {}
    folder = series(tmp_path / "scan", stored, **{missing: None}, **other)
    scan = read_volume(folder)
    np.testing.assert_array_equal(scan.array, stored)
    assert "dicom_half_rescale" in codes(scan)
    assert_recognised(scan, folder)


def test_an_empty_slope_is_half_a_rescale(tmp_path):
    scan = read_volume(series(tmp_path / "scan", pixels(), RescaleSlope=""))
    np.testing.assert_array_equal(scan.array, pixels())
    assert "dicom_half_rescale" in codes(scan)


@pytest.mark.parametrize(
    ("stored_as", "padding", "limit", "padded"),
    [
        ("i2", {"PixelPaddingValue": -2000}, None, lambda a: a == -2000),
        ("i2", {"PixelPaddingValue": 63536}, None, lambda a: a == -2000),  # written as if it were unsigned
        ("u2", {"PixelPaddingValue": 3000}, 3500, lambda a: (a >= 3000) & (a <= 3500)),
        ("u2", {"PixelPaddingValue": 3500}, 3000, lambda a: (a >= 3000) & (a <= 3500)),
    ],
)
def test_padding_is_no_tissue(tmp_path, stored_as, padding, limit, padded):
    stored = pixels(low=-1000 if stored_as == "i2" else 0, kind=stored_as)
    if stored_as == "i2":
        stored[:, :2] = -2000
    vr = "US" if stored_as == "u2" or padding["PixelPaddingValue"] > 0 else "SS"
    folder = tmp_path / "scan"
    for number, plane in enumerate(stored):
        elements = slice_(number, plane)
        elements.add_new("PixelPaddingValue", vr, padding["PixelPaddingValue"])
        if limit is not None:
            elements.add_new("PixelPaddingRangeLimit", vr, limit)
        save(elements, folder / f"{number}.dcm")
    scan = read_volume(folder)
    is_padded = padded(stored)
    values = stored.astype(int) - 1024
    np.testing.assert_array_equal(scan.array, np.where(is_padded, values[~is_padded].min(), values))
    (note,) = (note for note in scan.notes if note.code == "dicom_padding")
    assert note.values["count"] == is_padded.sum()
    (filled,) = (note for note in scan.notes if note.code == "voxels_not_finite")
    assert "are padding, NaN or infinite" in filled.message
    assert_recognised(scan, folder)


def test_values_in_the_upper_bits_are_shifted_down(tmp_path):
    stored = pixels(low=-2000, high=2000, kind="i2")
    folder = series(tmp_path / "scan", stored << 4, bits=12, HighBit=15)
    scan = read_volume(folder)
    np.testing.assert_array_equal(scan.array, stored.astype(int) - 1024)
    assert "dicom_high_bit" in codes(scan)
    assert_recognised(scan, folder)


@pytest.mark.parametrize("changes", [{"HighBit": 16}, {"BitsStored": 17}, {"HighBit": 9}, {"PixelRepresentation": 3}])
def test_bits_that_cannot_be_are_refused(tmp_path, changes):
    error = refused(series(tmp_path / "scan", pixels(), bits=12, **changes))
    assert error.code == "dicom_damaged"
    assert "IM0001.dcm" in error.message


def test_an_overlay_in_unused_bits_is_left_out(tmp_path):
    stored = pixels()
    folder = series(tmp_path / "scan", stored | np.uint16(0x8000), bits=12)
    scan = read_volume(folder)
    np.testing.assert_array_equal(scan.array, stored.astype(int) - 1024)
    assert "dicom_unused_bits" in codes(scan)
    np.testing.assert_array_equal(scan.array, in_slicer(sorted(folder.iterdir())).array)


@pytest.mark.parametrize("is_extended", [True, False])
def test_the_sign_is_that_of_the_stored_bits(tmp_path, is_extended):
    stored = pixels(low=-2000, high=2000, kind="i2")
    written = stored if is_extended else (stored & 0xFFF)
    scan = read_volume(series(tmp_path / "scan", written, bits=12))
    np.testing.assert_array_equal(scan.array, stored.astype(int) - 1024)
    assert "dicom_unused_bits" not in codes(scan)


@pytest.mark.parametrize(("keyword", "kind"), [("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")])
def test_floating_point_pixels_are_read(tmp_path, keyword, kind):
    stored = np.random.default_rng(0).normal(size=(4, 6, 7)).astype(kind)
    stored[0] = -99
    folder = tmp_path / "scan"
    for number, plane in enumerate(stored):
        gone = dict.fromkeys(("PixelData", "BitsStored", "HighBit", "PixelRepresentation", "RescaleSlope"))
        elements = slice_(number, plane, RescaleIntercept=None, **gone)
        setattr(elements, keyword, plane.tobytes())
        setattr(elements, keyword.replace("Data", "PaddingValue"), -99.0)
        save(elements, folder / f"{number}.dcm")
    scan = read_volume(folder)
    expected = np.where(stored == -99, stored[1:].min(), stored)
    np.testing.assert_array_equal(scan.array, expected.astype(np.float32))
    assert "dicom_padding" in codes(scan)


@pytest.mark.parametrize("is_adjacent", [True, False])
def test_elements_that_are_there_twice_are_noted(tmp_path, is_adjacent):
    folder = series(tmp_path / "scan", pixels(), RescaleIntercept="-1024")
    file = folder / "IM0002.dcm"
    whole = file.read_bytes()
    start, stop, end = (whole.index(tag) for tag in (b"\x28\x00\x52\x10", b"\x28\x00\x53\x10", b"\xe0\x7f\x10\x00"))
    place = stop if is_adjacent else end
    file.write_bytes(whole[:place] + whole[start:stop] + whole[place:])
    assert "dicom_disordered" in codes(read_volume(folder))


def test_a_mosaic_is_refused(tmp_path):
    error = refused(series(tmp_path / "scan", pixels(), ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"]))
    assert error.code == "dicom_mosaic"
    assert "dcm2niix" in error.hint


# ---- compressed


def compressed(folder, stored, name):
    """Slices compressed by ITK's writer."""
    folder.mkdir()
    for number, plane in enumerate(stored):
        image = sitk.GetImageFromArray(plane)
        image.SetSpacing((0.5, 0.8))
        for key, value in {
            "0020|000e": "1.2.3.4", "0020|000d": "1.2.3", "0008|0018": f"1.2.3.4.{number}", "0008|0060": "CT",
            "0020|0032": f"1\\2\\{2.5 * number}", "0020|0037": "1\\0\\0\\0\\1\\0",
        }.items():  # fmt: skip
            image.SetMetaData(key, value)
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.SetUseCompression(True)
        writer.SetCompressor(name)
        writer.SetFileName(str(folder / f"{number}.dcm"))
        writer.Execute(image)
    return folder


@pytest.mark.parametrize("name", ["JPEG", "JPEG2000"])
@pytest.mark.parametrize("kind", ["u2", "i2"])
def test_compressed_series(tmp_path, name, kind):
    stored = pixels((3, 32, 28), low=-1000 if kind == "i2" else 0, kind=kind)
    scan = read_volume(compressed(tmp_path / "scan", stored, name))
    np.testing.assert_array_equal(scan.array, stored)


def test_jpeg_ls(tmp_path):
    """By a file that pydicom brings, beside the same image uncompressed."""
    for name in ("MR_small", "MR_small_jpeg_ls_lossless"):
        (tmp_path / name).mkdir()
        shutil.copy(get_testdata_file(f"{name}.dcm", download=False), tmp_path / name)
    compressed_, plain = (read_volume(tmp_path / name) for name in ("MR_small_jpeg_ls_lossless", "MR_small"))
    np.testing.assert_array_equal(compressed_.array, plain.array)
    np.testing.assert_array_equal(plain.array[0], dcmread(tmp_path / "MR_small" / "MR_small.dcm").pixel_array)


def test_rle_series(tmp_path):
    stored, folder = pixels(), tmp_path / "scan"
    for number, plane in enumerate(stored):
        elements = slice_(number, plane)
        elements.compress(RLELossless)
        save(elements, folder / f"{number}.dcm")
    np.testing.assert_array_equal(read_volume(folder).array, stored.astype(int) - 1024)


def test_a_compressed_enhanced_file(tmp_path):
    stored = pixels((3, 6, 7))
    frames = [{"PlanePositionSequence": item(ImagePositionPatient=[0, 0, 2 * n])} for n in range(3)]
    path = enhanced(tmp_path / "scan" / "a.dcm", stored, frames)
    elements = dcmread(path)
    elements.compress(RLELossless)
    save(elements, path)
    np.testing.assert_array_equal(read_volume(tmp_path / "scan").array, stored.astype(int) - 1024)


def test_what_cannot_be_decoded_is_named_with_its_syntax(tmp_path):
    folder = tmp_path / "scan"
    for number, plane in enumerate(pixels()):
        elements = slice_(number, plane, syntax=JPEG2000Lossless)
        elements.PixelData = encapsulate([b"no JPEG stream at all, but with the end mark of one\xff\xd9"])
        elements["PixelData"].is_undefined_length = True
        save(elements, folder / f"IM{number}.dcm")
    error = refused(folder)
    assert error.code == "dicom_cannot_decode"
    assert "IM0.dcm" in error.message
    assert "JPEG 2000" in error.message


def test_a_compressed_stream_without_its_end_is_refused(tmp_path):
    folder = compressed(tmp_path / "scan", pixels((3, 32, 28)), "JPEG2000")
    elements = dcmread(folder / "1.dcm")
    stream = get_frame(elements.PixelData, 0, number_of_frames=1)
    elements.PixelData = encapsulate([stream[: len(stream) // 2]])
    elements["PixelData"].is_undefined_length = True
    save(elements, folder / "1.dcm")
    error = refused(folder)
    assert error.code == "dicom_damaged"
    assert "1.dcm" in error.message


def test_a_decoder_that_finds_a_stream_corrupt_is_believed(tmp_path, capfd):
    folder = compressed(tmp_path / "scan", pixels((3, 32, 28)), "JPEG")
    raw = (folder / "1.dcm").read_bytes()
    start = raw.index(b"\xff\xda") + 40
    (folder / "1.dcm").write_bytes(raw[:start] + bytes(len(raw) - start - 12) + raw[-12:])
    capfd.readouterr()
    error = refused(folder)
    assert error.code == "dicom_damaged"
    assert "1.dcm" in error.message
    assert capfd.readouterr() == ("", "")


def test_warnings_stay_off_the_terminal_while_a_hash_is_made(tmp_path, recwarn):
    folder = tmp_path / "scan"
    for number, plane in enumerate(pixels((3, 5, 7), kind="u1", high=255)):
        elements = slice_(number, plane, PixelPaddingValue=3)
        elements.compress(RLELossless)
        elements.PixelData = encapsulate([get_frame(elements.PixelData, 0, number_of_frames=1) + bytes(6)])
        elements["PixelData"].is_undefined_length = True
        save(elements, folder / f"{number}.dcm")
    scan = read_volume(folder)
    assert scan.sha256
    assert "reader_warned" in codes(scan)
    assert not recwarn.list


def test_headers_alone_are_read_to_open(tmp_path, monkeypatch):
    from WeakMedSAMLib.engine.data.dicom import reading

    monkeypatch.setattr(reading, "stored_pixels", None)
    assert open_scan(series(tmp_path / "scan", pixels())).geometry.size == (7, 6, 4)
