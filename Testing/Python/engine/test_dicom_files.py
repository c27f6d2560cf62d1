"""A file below the folder of a series is an image, or known to be none, or an error that names it."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from dicom_inputs import SERIES, described, identified, pixels, save, series, slice_
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    RTStructureSetStorage,
)

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.volumes import open_scan, read_volume


@pytest.fixture
def folder(tmp_path):
    return series(tmp_path / "scan", pixels())


def refused(path, reader=read_volume):
    with pytest.raises(UserError) as caught:
        reader(path)
    return caught.value


def note(scan, code):
    (found,) = (note for note in scan.notes if note.code == code)
    return found


def test_an_ordinary_series_has_no_notes(folder):
    scan = read_volume(folder)
    np.testing.assert_array_equal(scan.array, pixels().astype(int) - 1024)
    assert scan.notes == ()


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize("length", [0, 131, 140, 330, -84, -1])
def test_a_file_that_is_cut_anywhere_is_named(folder, number, length):
    file = folder / f"IM{number:04d}.dcm"
    whole = file.read_bytes()
    file.write_bytes(whole[:length])
    error = refused(folder, open_scan)
    assert error.code == "dicom_damaged"
    assert file.name in error.message


def test_every_length_of_a_file_but_its_own_is_refused(folder):
    file = folder / "IM0002.dcm"
    whole = file.read_bytes()
    for length in range(0, len(whole), 3):
        file.write_bytes(whole[:length])
        assert file.name in refused(folder, open_scan).message


@pytest.mark.parametrize("content", [b"\0" * 600, b"<html>404 Not Found</html>" * 30, bytes(range(256)) * 3])
def test_a_file_that_only_calls_itself_dicom_is_named(folder, content):
    (folder / "IM0003.dcm").write_bytes(content)
    error = refused(folder)
    assert error.code == "dicom_damaged"
    assert "IM0003.dcm" in error.message


def test_a_file_of_no_known_kind_is_named(folder):
    (folder / "IM0009").write_bytes(bytes(range(256)) * 3)
    error = refused(folder)
    assert error.code == "dicom_unknown_file"
    assert "IM0009" in error.message


def test_an_empty_file_without_suffix_is_named(folder):
    (folder / "IM0009").touch()
    assert "IM0009 is damaged or not complete: it is empty" in refused(folder).message


def test_a_broken_link_is_named(folder):
    (folder / "IM0009.dcm").symlink_to(folder / "gone")
    assert "IM0009.dcm" in refused(folder).message


@pytest.mark.parametrize("rows", [5, 7, 12])
def test_pixels_of_another_length_are_refused(folder, rows):
    save(slice_(1, pixels((rows, 7)), Rows=6), folder / "IM0002.dcm")
    error = refused(folder, open_scan)
    assert error.code == "dicom_damaged"
    assert "IM0002.dcm" in error.message
    assert f"holds {rows * 14}" in error.message


def test_zeros_behind_the_pixels_are_no_pixels(tmp_path):
    stored = pixels()
    each = {n: plane.tobytes() + bytes(100) for n, plane in enumerate(stored)}
    folder = series(tmp_path / "scan", stored, lambda n: {"PixelData": each[n]})
    scan = read_volume(folder)
    np.testing.assert_array_equal(scan.array, stored.astype(int) - 1024)
    assert note(scan, "dicom_filled_pixels").values["slices"] == 4


def test_images_in_subfolders_belong_to_the_series(folder):
    (folder / "a" / "b").mkdir(parents=True)
    shutil.move(folder / "IM0002.dcm", folder / "a" / "b" / "x")
    shutil.move(folder / "IM0004.dcm", folder / "a" / "y.IMA")
    np.testing.assert_array_equal(read_volume(folder).array, pixels().astype(int) - 1024)


def test_links_to_folders_are_followed_once(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    shutil.move(folder / "IM0002.dcm", tmp_path / "elsewhere" / "x.dcm")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "loop").symlink_to(folder)
    scan = read_volume(folder)
    np.testing.assert_array_equal(scan.array, pixels().astype(int) - 1024)
    assert scan.notes == ()


def test_a_hidden_image_is_an_image(folder):
    (folder / "IM0002.dcm").rename(folder / ".IM0002.dcm")
    assert read_volume(folder).geometry.size == (7, 6, 4)
    (folder / ".IM0002.dcm").write_bytes((folder / ".IM0002.dcm").read_bytes()[:300])
    assert ".IM0002.dcm" in refused(folder).message


def test_deflated_elements_are_unpacked_within_limits(folder, monkeypatch):
    from WeakMedSAMLib.engine.data.dicom import header

    elements = slice_(1, pixels()[1], syntax=DeflatedExplicitVRLittleEndian)
    save(elements, folder / "IM0002.dcm")
    assert read_volume(folder).geometry.size == (7, 6, 4)
    monkeypatch.setattr(header, "_MAX_INFLATED", 500)
    assert "IM0002.dcm" in refused(folder).message


def test_what_is_known_to_be_no_image_is_noted(folder):
    others = {
        "Thumbs.db": b"\xd0\xcf\x11\xe0", ".DS_Store": b"\0\0\0\1Bud1", "._IM0001.dcm": b"\0\5\x16\7", "notes.txt": b"",
        "report.pdf": b"%PDF-1.4\0", ".git/index": b"\0DIRC", "sub/info.json": b"{}", "sub/table.xml": b"<a/>",
        "viewer/help.chm": b"ITSF\3\0", "viewer/sans.ttf": b"\0\1\0\0", "mask.npy": b"\x93NUMPY\0",
        "Liesmich": "für Ärzte".encode(),
    }  # fmt: skip
    (folder / "sub").mkdir()
    (folder / ".git").mkdir()
    (folder / "viewer").mkdir()
    for name, content in others.items():
        (folder / name).write_bytes(content)
    scan = read_volume(folder)
    assert scan.geometry.size == (7, 6, 4)
    assert set(note(scan, "dicom_other_files").values["files"]) == set(others)


def without_pixels(kind, **more):
    elements = identified(20, kind)
    elements.SeriesInstanceUID = SERIES + ".7"
    for keyword, value in more.items():
        setattr(elements, keyword, value)
    return elements


def test_objects_without_pixels_are_noted(folder):
    save(without_pixels(RTStructureSetStorage, StructureSetLabel="x"), folder / "RS.dcm")
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    directory.FileSetID = "DISK"
    save(directory, folder / "DICOMDIR")
    assert set(note(read_volume(folder), "dicom_without_pixels").values["files"]) == {"RS.dcm", "DICOMDIR"}


def test_a_list_of_files_that_is_cut_is_no_image_either(folder):
    (folder / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM\2\0\0\0UL\4\0\0\0")
    assert note(read_volume(folder), "dicom_without_pixels").values["files"] == ["DICOMDIR"]


def test_an_image_without_pixels_is_an_error(folder):
    save(slice_(5, pixels((6, 7)), PixelData=None), folder / "IM0006.dcm")
    error = refused(folder)
    assert error.code == "dicom_damaged"
    assert "IM0006.dcm" in error.message


def test_copies_are_read_once(folder):
    shutil.copy(folder / "IM0002.dcm", folder / "Kopie von IM0002.dcm")
    again = dcmread(folder / "IM0003.dcm")
    again.file_meta.ImplementationVersionName = "OTHER"
    save(again, folder / "again" / "IM0003.dcm")
    scan = read_volume(folder)
    np.testing.assert_array_equal(scan.array, pixels().astype(int) - 1024)
    pairs = note(scan, "dicom_copies").values["files"]
    assert sorted(map(sorted, pairs)) == [["IM0002.dcm", "Kopie von IM0002.dcm"], ["IM0003.dcm", "again/IM0003.dcm"]]


@pytest.mark.parametrize("changes", [{"PixelData": bytes(84)}, {"RescaleIntercept": 0}])
def test_other_content_under_the_same_uid_is_refused(folder, changes):
    save(slice_(1, pixels()[1], **changes), folder / "other.dcm")
    error = refused(folder)
    assert error.code == "dicom_same_uid"
    assert "IM0002.dcm" in error.message
    assert "other.dcm" in error.message


def test_gaps_in_the_numbers_are_noted(tmp_path):
    folder = series(tmp_path / "scan", pixels(), lambda n: {"InstanceNumber": [1, 2, 5, 6][n]})
    assert note(read_volume(folder), "dicom_number_gaps").values["missing"] == [3, 4]


def test_numbers_that_begin_late_are_noted(tmp_path):
    folder = series(tmp_path / "scan", pixels(), lambda n: {"InstanceNumber": n + 3})
    assert note(read_volume(folder), "dicom_number_gaps").values["first"] == 3


@pytest.mark.parametrize("keyword", ["ImagesInAcquisition", "NumberOfSlices"])
def test_a_count_that_differs_is_noted(tmp_path, keyword):
    folder = series(tmp_path / "scan", pixels(), **{keyword: 12})
    values = note(read_volume(folder), "dicom_count_differs").values
    assert values == {"file": "scan", "element": keyword, "said": "12", "found": 4}


def test_a_count_of_each_acquisition_is_no_difference(tmp_path):
    folder = series(tmp_path / "scan", pixels(), lambda n: {"AcquisitionNumber": n // 2 + 1}, ImagesInAcquisition=2)
    assert read_volume(folder).notes == ()


def test_a_folder_without_dicom(tmp_path):
    (tmp_path / "weights.pt").write_bytes(bytes(range(256)))
    assert refused(tmp_path).code == "dicom_no_images"


def test_warnings_become_notes_and_stay_off_the_terminal(tmp_path, capfd):
    folder = series(tmp_path / "scan", pixels(), SpecificCharacterSet="ISO_IR 192", PatientName="Ä")
    for file in folder.iterdir():
        assert b"ISO_IR 192" in file.read_bytes()
        file.write_bytes(file.read_bytes().replace(b"ISO_IR 192", b"ISO_IR 999"))
    scan = read_volume(folder)
    notes = [note for note in scan.notes if "ISO_IR 999" in note.message]
    assert notes
    assert all(note.code == "reader_warned" and note.values["others"] == 3 for note in notes)
    assert capfd.readouterr() == ("", "")


def test_a_value_that_is_no_number_is_named(tmp_path):
    folder = series(tmp_path / "scan", pixels())
    file = folder / "IM0002.dcm"
    assert b"-1024" in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(b"-1024", b"-10,4"))
    error = refused(folder)
    assert error.code == "dicom_damaged"
    assert "IM0002.dcm" in error.message
    assert "RescaleIntercept" in error.message


def test_a_secondary_image_of_another_series_is_another_series(folder):
    elements = identified(9)
    elements.update(described(pixels((6, 7))))
    elements.SeriesInstanceUID, elements.SeriesDescription = SERIES + ".8", "Screenshot"
    save(elements, folder / "shot.dcm")
    error = refused(folder)
    assert error.code == "dicom_several_series"
    assert "Screenshot (CT, 1 files)" in error.message
