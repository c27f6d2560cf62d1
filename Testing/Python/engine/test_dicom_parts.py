"""One volume has one patient, study, place, echo time, image type, b-value and time point; others are parts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from dicom_inputs import PLACE, pixels, save, series, slice_

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.data.volumes import open_scan, read_volume

HALVES = pixels((6, 6, 7))


def refused(path):
    with pytest.raises(UserError) as caught:
        open_scan(path)
    return caught.value


def at(height):
    return {"ImagePositionPatient": [1, 2, height]}


def beside(**values):
    """Two images at each place, that differ in some elements."""
    return lambda n: {**at(2.5 * (n // 2)), **{keyword: pair[n % 2] for keyword, pair in values.items()}}


def one_after_the_other(**values):
    """Two volumes end to end, which together look like one."""
    return lambda n: {**at(2.5 * n), **{keyword: pair[n // 3] for keyword, pair in values.items()}}


@pytest.mark.parametrize(
    ("keyword", "pair"),
    [
        ("PatientID", ("1", "2")),
        ("PatientName", ("Muster^A", "Muster^B")),
        ("PatientBirthDate", ("19500101", "19600101")),
        ("StudyInstanceUID", ("1.2.3.4.5.1", "1.2.3.4.5.2")),
        ("FrameOfReferenceUID", (PLACE, PLACE + ".1")),
    ],
)
@pytest.mark.parametrize("arranged", [beside, one_after_the_other])
def test_two_owners_are_refused(tmp_path, keyword, pair, arranged):
    error = refused(series(tmp_path / "scan", HALVES, arranged(**{keyword: pair})))
    assert error.code == "dicom_several_owners"
    assert keyword in error.message
    assert "IM0001.dcm" in error.message
    assert not any(word in error.message for word in pair if keyword.startswith("Patient") and len(word) > 2)


def test_a_name_that_is_only_written_differently_is_one_patient(tmp_path):
    names = ("Muster^A", "MUSTER^A^^ ", "", "Muster^A^")
    folder = series(tmp_path / "scan", pixels(), lambda n: {"PatientName": names[n]})
    assert open_scan(folder).geometry.size == (7, 6, 4)


DIFFERENT = [
    ("EchoTime", (4.6, 9.2), ("echo_time=4.6", "echo_time=9.2")),
    ("EchoNumbers", (1, 2), ("echo_number=1", "echo_number=2")),
    ("ImageType", (["ORIGINAL", "PRIMARY", "M", "ND"], ["ORIGINAL", "PRIMARY", "P", "ND"]),
     ("image_type=M", "image_type=P")),
    ("ComplexImageComponent", ("MAGNITUDE", "PHASE"), ("component=MAGNITUDE", "component=PHASE")),
    ("Modality", ("CT", "PT"), ("modality=CT", "modality=PT")),
    ("SeriesNumber", (3, 4), ("series_number=3", "series_number=4")),
    ("DiffusionGradientOrientation", ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]), ("gradient=1_0_0", "gradient=0_1_0")),
    ("ConvolutionKernel", ("B/1", "B:1"), ("kernel=B_1~1", "kernel=B_1~2")),
    ("DiffusionBValue", (0.0, 800.0), ("b_value=0", "b_value=800")),
    ("SequenceName", ("*ep_b0", "*ep_b1000#2"), ("b_value=0", "b_value=1000")),
    ("TemporalPositionIdentifier", (1, 2), ("time_point=1", "time_point=2")),
    ("InversionTime", (300, 900), ("inversion_time=300", "inversion_time=900")),
    ("FlipAngle", (5, 15), ("flip_angle=5", "flip_angle=15")),
    ("ConvolutionKernel", ("B30f", "B70f"), ("kernel=B30f", "kernel=B70f")),
    ("KVP", (80, 140), ("kvp=80", "kvp=140")),
    ("NominalPercentageOfCardiacPhase", (30, 70), ("cardiac_phase=30", "cardiac_phase=70")),
]  # fmt: skip


@pytest.mark.parametrize(("keyword", "pair", "names"), DIFFERENT)
def test_two_acquisitions_at_the_same_places_are_parts(tmp_path, keyword, pair, names):
    folder = series(tmp_path / "scan", HALVES, beside(**{keyword: pair}))
    error = refused(folder)
    assert error.code == "dicom_several_parts"
    assert set(error.values["parts"]) == set(names)
    assert all(name in error.message for name in names)
    assert f"#{names[0]}" in error.hint
    for which, name in enumerate(names):
        part = read_volume(f"{folder}#{name}")
        np.testing.assert_array_equal(part.array, HALVES[which::2].astype(int) - 1024)
        assert part.name == f"scan#{name}"


@pytest.mark.parametrize(("keyword", "pair", "names"), DIFFERENT)
def test_two_acquisitions_that_look_like_one_volume_are_parts(tmp_path, keyword, pair, names):
    folder = series(tmp_path / "scan", HALVES, one_after_the_other(**{keyword: pair}))
    assert set(refused(folder).values["parts"]) == set(names)
    np.testing.assert_array_equal(read_volume(f"{folder}#{names[1]}").array, HALVES[3:].astype(int) - 1024)


@pytest.mark.parametrize(
    ("keyword", "pair", "names"),
    [
        ("AcquisitionNumber", (1, 2), ("acquisition=1", "acquisition=2")),
        ("TriggerTime", (0.0, 40.5), ("trigger_time=0", "trigger_time=40.5")),
        ("AcquisitionTime", ("101500", "101530.5"), ("acquisition_time=101500", "acquisition_time=101530.5")),
        ("ContentTime", ("101500", "101530"), ("content_time=101500", "content_time=101530")),
    ],
)
def test_moments_tell_images_at_the_same_places_apart(tmp_path, keyword, pair, names):
    folder = series(tmp_path / "scan", HALVES, beside(**{keyword: pair}))
    assert set(refused(folder).values["parts"]) == set(names)
    np.testing.assert_array_equal(read_volume(f"{folder}#{names[1]}").array, HALVES[1::2].astype(int) - 1024)


def test_moments_alone_are_no_reason_to_take_a_volume_apart(tmp_path):
    each = one_after_the_other(AcquisitionNumber=(1, 2), AcquisitionTime=("1015", "1016"), ContentTime=("1015", "1016"))
    folder = series(tmp_path / "scan", HALVES, each)
    np.testing.assert_array_equal(read_volume(folder).array, HALVES.astype(int) - 1024)
    assert read_volume(folder).notes == ()


@pytest.mark.parametrize("keyword", ["InversionTime", "TemporalPositionIdentifier", "KVP"])
def test_what_each_slice_has_of_its_own_does_not_take_a_volume_apart(tmp_path, keyword):
    folder = series(tmp_path / "scan", HALVES, lambda n: {**at(2.5 * n), keyword: 100 + n})
    scan = read_volume(folder)
    np.testing.assert_array_equal(scan.array, HALVES.astype(int) - 1024)
    assert [note.code for note in scan.notes] == ["dicom_marks_by_slice"]


@pytest.mark.parametrize(
    ("keyword", "place"),
    [
        ("InversionTime", lambda n: at(2.5 * (n // 2))),  # at the same places
        ("ComplexImageComponent", lambda n: at(2.5 * n)),  # not what differs from slice to slice
    ],
)
def test_images_that_are_no_slices_of_one_volume_are_parts(tmp_path, keyword, place):
    folder = series(tmp_path / "scan", HALVES, lambda n: {**place(n), keyword: f"{n + 1}"})
    assert refused(folder).code == "dicom_several_parts"


def test_moments_of_single_images_are_no_volumes(tmp_path):
    folder = series(tmp_path / "scan", HALVES, lambda n: {**at(2.5 * (n // 2)), "AcquisitionTime": f"1015{n:02d}"})
    assert refused(folder).code == "dicom_repeated_positions"


def test_private_b_values_are_parts(tmp_path):
    for maker, tags, values in (
        ("SIEMENS MR HEADER", (0x0019, 0x10, 0x0C), ("0", "1000")),
        ("GEMS_PARM_01", (0x0043, 0x10, 0x39), ("1000000000", "1000001000")),
        ("Philips Imaging DD 001", (0x2001, 0x10, 0x03), (0.0, 1000.0)),
    ):
        folder = tmp_path / maker
        group, block, element = tags
        for number, plane in enumerate(HALVES):
            elements = slice_(number, plane, **at(2.5 * (number // 2)))
            elements.add_new((group, block), "LO", maker)
            vr = "FL" if group == 0x2001 else "IS"
            elements.add_new((group, block << 8 | element), vr, values[number % 2])
            save(elements, folder / f"{number}.dcm")
        assert set(refused(folder).values["parts"]) == {"b_value=0", "b_value=1000"}


def test_a_part_is_a_volume_for_the_command_line(tmp_path):
    folder = series(tmp_path / "scan", HALVES, beside(EchoTime=(4.6, 9.2)))
    tagged = {"liver": {"present": [[1, 1]], "absent": [[0, 0]]}}
    volume = {"name": "scan#echo_time=9.2", "axis": "k", "slices": 3, "tags": tagged}
    tags = {"schema": "weakmedsam-tags", "version": 1, "classes": [{"name": "liver"}], "volumes": [volume]}
    (tmp_path / "tags.json").write_text(json.dumps(tags))
    done = CliRunner().invoke(
        cli, ["tags", "check", str(tmp_path / "tags.json"), "--volume", f"{folder}#echo_time=9.2"]
    )
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(cli, ["tags", "check", str(tmp_path / "tags.json"), "--volume", str(folder)])
    assert isinstance(done.exception, UserError)
    assert "echo_time=9.2" in done.exception.message


def test_parts_that_are_not_whole_are_not_offered(tmp_path):
    echoes = [1, 2, 1, 2, 2, 1]
    error = refused(series(tmp_path / "scan", HALVES, lambda n: {"EchoTime": echoes[n]}))
    assert error.code == "dicom_mixed_slices"
    assert "echo_time=1 (3 slices" in error.message
    assert "echo_time=2 (3 slices" in error.message


def test_a_part_that_is_not_there_is_answered_with_those_that_are(tmp_path):
    folder = series(tmp_path / "scan", HALVES, beside(EchoTime=(1, 2)))
    error = refused(f"{folder}#echo_time=3")
    assert error.code == "dicom_several_parts"
    assert "echo_time=1" in error.message


def test_a_part_of_a_single_acquisition_is_refused(tmp_path):
    folder = series(tmp_path / "scan", pixels())
    assert "one acquisition" in refused(f"{folder}#echo_time=3").message


def test_a_folder_whose_name_has_the_mark_is_a_folder(tmp_path):
    assert open_scan(series(tmp_path / "scan#2", pixels())).name == "scan#2"


def test_images_that_nothing_tells_apart_are_refused(tmp_path):
    error = refused(series(tmp_path / "scan", HALVES, beside()))
    assert error.code == "dicom_repeated_positions"
    assert "IM0001.dcm" in error.message
    assert "IM0002.dcm" in error.message
