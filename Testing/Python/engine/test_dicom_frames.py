"""Enhanced multi-frame files follow the same rules as files of one slice each."""

from __future__ import annotations

import numpy as np
import pytest
from dicom_inputs import at, enhanced, ijk_to_lps, in_slicer, item, pixels, save
from pydicom import dcmread

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.engine.data.volumes import open_scan, read_volume

HEIGHTS = [-10, -7.5, -5, -2.5]


def refused(path):
    with pytest.raises(UserError) as caught:
        read_volume(path)
    return caught.value


def codes(scan):
    return {note.code for note in scan.notes}


@pytest.mark.parametrize("heights", [HEIGHTS, HEIGHTS[::-1]])
def test_frames_are_slices_as_in_slicer(tmp_path, heights):
    stored = pixels()
    path = enhanced(tmp_path / "scan" / "a.dcm", stored, [at(z) for z in heights])
    scan, slicer = read_volume(tmp_path / "scan"), in_slicer([path])
    np.testing.assert_array_equal(scan.array, stored[np.argsort(heights)].astype(int) - 1024)
    np.testing.assert_array_equal(scan.array, slicer.array)
    np.testing.assert_allclose(ijk_to_lps(scan.geometry), slicer.ijk_to_lps, atol=1e-9)
    assert scan.array.dtype == np.int16
    assert scan.notes == ()


def test_frames_in_disorder_are_sorted(tmp_path):
    stored, heights = pixels(), [-5, -10, -2.5, -7.5]
    enhanced(tmp_path / "scan" / "a.dcm", stored, [at(z) for z in heights])
    scan = read_volume(tmp_path / "scan")
    np.testing.assert_array_equal(scan.array, stored[np.argsort(heights)].astype(int) - 1024)
    assert scan.geometry.spacing == (0.5, 0.8, 2.5)
    assert "dicom_frame_order" in codes(scan)


def test_each_frame_has_its_own_rescale(tmp_path):
    stored, slopes = pixels(), [1, 0.5, 3, 0.021]
    rescale = [{"PixelValueTransformationSequence": item(RescaleSlope=s, RescaleIntercept=-7)} for s in slopes]
    frames = [at(z, **one) for z, one in zip(HEIGHTS, rescale, strict=True)]
    shared = {"PixelValueTransformationSequence": []}
    path = enhanced(tmp_path / "scan" / "a.dcm", stored, frames, shared)
    scan = read_volume(tmp_path / "scan")
    np.testing.assert_array_equal(scan.array, (stored * np.array(slopes)[:, None, None] - 7).astype(np.float32))
    assert "dicom_frame_rescale" in codes(scan)
    assert scan.order_of(content_hash(in_slicer([path]).array)) == "same"


def test_one_file_for_each_slice(tmp_path):
    stored = pixels()
    for number, plane in enumerate(stored):
        own = {"SOPInstanceUID": f"1.2.3.{number}", "InstanceNumber": number + 1}
        enhanced(tmp_path / "scan" / f"{number}.dcm", plane[None], [at(HEIGHTS[number])], **own)
    scan = read_volume(tmp_path / "scan")
    np.testing.assert_array_equal(scan.array, stored.astype(int) - 1024)
    assert scan.notes == ()


def test_stacks_are_parts(tmp_path):
    stored = pixels((6, 6, 7))
    frames = [at(2 * (n % 3), FrameContentSequence=item(StackID=str(n // 3 + 1))) for n in range(6)]
    enhanced(tmp_path / "scan" / "a.dcm", stored, frames)
    error = refused(tmp_path / "scan")
    assert error.code == "dicom_several_parts"
    assert set(error.values["parts"]) == {"stack=1", "stack=2"}
    second = read_volume(tmp_path / "scan#stack=2")
    np.testing.assert_array_equal(second.array, stored[3:].astype(int) - 1024)


def test_time_points_are_parts(tmp_path):
    stored = pixels((6, 6, 7))
    frames = [at(2 * (n // 2), FrameContentSequence=item(TemporalPositionIndex=n % 2 + 1)) for n in range(6)]
    enhanced(tmp_path / "scan" / "a.dcm", stored, frames)
    assert set(refused(tmp_path / "scan").values["parts"]) == {"time_point=1", "time_point=2"}
    np.testing.assert_array_equal(read_volume(tmp_path / "scan#time_point=1").array, stored[::2].astype(int) - 1024)


def test_echoes_and_b_values_are_parts(tmp_path):
    frames = [
        at(2 * (n // 4), MREchoSequence=item(EffectiveEchoTime=(5, 10)[n % 2]),
           MRDiffusionSequence=item(DiffusionBValue=(0, 800)[n // 2 % 2]))
        for n in range(12)
    ]  # fmt: skip
    enhanced(tmp_path / "scan" / "a.dcm", pixels((12, 6, 7)), frames)
    parts = refused(tmp_path / "scan").values["parts"]
    assert set(parts) == {f"echo_time={echo},b_value={b}" for echo in (5, 10) for b in (0, 800)}


def test_a_frame_beside_the_line_is_refused_by_its_number(tmp_path):
    frames = [at(z) for z in HEIGHTS]
    frames[2] = {"PlanePositionSequence": item(ImagePositionPatient=[8, 2, -5])}
    enhanced(tmp_path / "scan" / "a.dcm", pixels(), frames)
    error = refused(tmp_path / "scan")
    assert error.code == "dicom_slice_off"
    assert "frame 3 of" in error.message


def test_a_frame_without_its_place_is_refused(tmp_path):
    enhanced(tmp_path / "scan" / "a.dcm", pixels(), [at(-10), at(-7.5), {}, at(-2.5)])
    assert refused(tmp_path / "scan").code == "dicom_no_position"


def test_a_spacing_is_not_made_up(tmp_path):
    shared = {"PixelMeasuresSequence": item(SliceThickness=2)}
    enhanced(tmp_path / "scan" / "a.dcm", pixels(), [at(z) for z in HEIGHTS], shared)
    assert refused(tmp_path / "scan").code == "dicom_no_spacing"


def test_more_frames_than_are_described_are_refused(tmp_path):
    path = enhanced(tmp_path / "scan" / "a.dcm", pixels(), [at(z) for z in HEIGHTS[:3]])
    error = refused(tmp_path / "scan")
    assert error.code == "dicom_damaged"
    assert path.name in error.message


def test_a_cut_file_is_refused(tmp_path):
    path = enhanced(tmp_path / "scan" / "a.dcm", pixels(), [at(z) for z in HEIGHTS])
    path.write_bytes(path.read_bytes()[:-100])
    assert refused(tmp_path / "scan").code == "dicom_damaged"


def test_frames_without_places_are_refused(tmp_path):
    path = enhanced(tmp_path / "scan" / "a.dcm", pixels(), [at(z) for z in HEIGHTS])
    from pydicom import dcmread

    elements = dcmread(path)
    del elements.PerFrameFunctionalGroupsSequence
    save(elements, path)
    assert refused(tmp_path / "scan").code == "dicom_multi_frame"


def test_a_segmentation_object_is_no_scan(tmp_path):
    kind = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"}
    enhanced(tmp_path / "scan" / "a.dcm", pixels(), [at(z) for z in HEIGHTS], **kind)
    error = refused(tmp_path / "scan")
    assert error.code == "volume_is_segmentation"
    assert ".seg.nrrd" in error.hint


def test_two_stacks_of_one_file_are_opened_without_pixels(tmp_path):
    frames = [at(2 * n, FrameContentSequence=item(StackID="1")) for n in range(4)]
    enhanced(tmp_path / "scan" / "a.dcm", pixels(), frames)
    assert open_scan(tmp_path / "scan").geometry.size == (7, 6, 4)


def test_private_groups_say_nothing_of_a_frame(tmp_path):
    stored = pixels()
    path = enhanced(tmp_path / "scan" / "a.dcm", stored, [at(2.5 * number) for number in range(4)])
    written = dcmread(path)
    for number, group in enumerate(written.PerFrameFunctionalGroupsSequence):
        group.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(
            0x0F, "SQ", item(EchoTime=5 + number, ImageType=["OTHER", str(number)], RescaleSlope=7, RescaleIntercept=1)
        )
    written.save_as(path)
    scan = read_volume(tmp_path / "scan")
    np.testing.assert_array_equal(scan.array, stored.astype(int) - 1024)
