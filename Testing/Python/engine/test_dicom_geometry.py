"""Every slice lies where the volume has it, and the volume where 3D Slicer has it; nothing is made up."""

from __future__ import annotations

import numpy as np
import pytest
from dicom_inputs import ijk_to_lps, in_slicer, pixels, series

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.volumes import open_scan

TURN = np.linalg.qr(np.array([[1.0, 0.2, -0.1], [0.3, 1.0, 0.25], [-0.2, 0.1, 1.0]]))[0]


def refused(path):
    with pytest.raises(UserError) as caught:
        open_scan(path)
    return caught.value


def codes(scan):
    return {note.code for note in scan.notes}


def placed(folder, position, axes=(1, 0, 0, 0, 1, 0), count=5, **changes):
    """A series whose slices lie where `position` has them by their number."""

    def each(number):
        place = [float(f"{float(x):.9g}") for x in position(number)]
        return {"ImagePositionPatient": place, "ImageOrientationPatient": [float(f"{float(x):.9g}") for x in axes]}

    return series(folder, pixels((count, 6, 7)), each, **changes)


@pytest.mark.parametrize(
    ("position", "axes"),
    [
        (lambda n: (1, 2, 2.5 * n), (1, 0, 0, 0, 1, 0)),
        (lambda n: (1, 2, -2.5 * n), (1, 0, 0, 0, 1, 0)),  # from head to foot
        (lambda n: (1, 2.5 * n, 3), (1, 0, 0, 0, 0, -1)),  # coronal
        (lambda n: (2.5 * n, 1, 3), (0, 1, 0, 0, 0, -1)),  # sagittal
        (lambda n: 2.5 * n * np.cross(TURN[:, 0], TURN[:, 1]), (*TURN[:, 0], *TURN[:, 1])),
        (lambda n: (0, 1.0 * n, 4.0 * n), (1, 0, 0, 0, 1, 0)),  # tilted gantry
        (lambda n: (0, 0, (0, 0.6, 1.3, 1.9, 2.5)[n]), (1, 0, 0, 0, 1, 0)),  # rounded to 0.1 mm
    ],
)
def test_place_is_that_in_slicer(tmp_path, position, axes):
    folder = placed(tmp_path / "scan", position, axes)
    scan, slicer = open_scan(folder), in_slicer(sorted(folder.iterdir()))
    np.testing.assert_allclose(ijk_to_lps(scan.geometry), slicer.ijk_to_lps, atol=1e-5)
    np.testing.assert_array_equal(scan.array, slicer.array)


def test_a_sheared_volume_is_said_to_be_one(tmp_path):
    scan = open_scan(placed(tmp_path / "scan", lambda n: (0, 1.0 * n, 4.0 * n)))
    (note,) = (note for note in scan.notes if note.code == "volume_sheared")
    assert note.values["degrees"] == pytest.approx(np.degrees(np.arctan(1 / 4)))


def test_rounded_positions_are_no_shear(tmp_path):
    scan = open_scan(placed(tmp_path / "scan", lambda n: (0, 0.01 * n, 1.0 * n)))
    assert scan.notes == ()


@pytest.mark.parametrize("which", range(5))
@pytest.mark.parametrize("off", [(7, 0, 0), (0, -7, 0), (0.3, 0, 0)])
def test_a_slice_beside_the_line_is_refused(tmp_path, which, off):
    def position(n):
        return np.array([1, 2, 2.5 * n]) + np.array(off) * (n == which)

    error = refused(placed(tmp_path / "scan", position))
    assert error.code == "dicom_slice_off"
    assert str(tmp_path / "scan" / "IM") in error.message


def test_a_turned_slice_is_refused(tmp_path):
    turned = [np.cos(2e-3), np.sin(2e-3), 0, -np.sin(2e-3), np.cos(2e-3), 0]
    folder = series(tmp_path / "scan", pixels(), lambda n: {"ImageOrientationPatient": turned} if n == 2 else {})
    assert refused(folder).code == "dicom_mixed_slices"


def test_a_slightly_turned_large_slice_is_refused(tmp_path):
    """By 0.05 degrees, which moves its far corner by a pixel."""
    turned = [float(f"{x:.9g}") for x in (np.cos(9e-4), np.sin(9e-4), 0, -np.sin(9e-4), np.cos(9e-4), 0)]
    stored = pixels((3, 600, 700), kind="u1", high=200)
    folder = series(tmp_path / "scan", stored, lambda n: {"ImageOrientationPatient": turned} if n == 1 else {})
    assert refused(folder).code == "dicom_slice_off"


@pytest.mark.parametrize(
    ("heights", "code"),
    [
        ((0, 2, 4, 8, 10), "dicom_missing_slices"),
        ((0, 2, 4, 6.5, 9), "dicom_uneven_slices"),
        ((0, 2, 4, 4, 6), "dicom_repeated_positions"),
    ],
)
def test_uneven_stacks_are_refused(tmp_path, heights, code):
    error = refused(placed(tmp_path / "scan", lambda n: (1, 2, heights[n])))
    assert error.code == code
    assert error.hint


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"PixelSpacing": None}, "no PixelSpacing"),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.3, 0.3]}, "only ImagerPixelSpacing"),
        ({"PixelSpacing": [0, 0.5]}, "PixelSpacing of 0\\0.5"),
        ({"PixelSpacing": [-1, 0.5]}, "PixelSpacing of -1\\0.5"),
    ],
)
def test_a_missing_spacing_is_not_made_up(tmp_path, changes, words):
    error = refused(series(tmp_path / "scan", pixels(), lambda n: changes if n == 2 else {}))
    assert error.code == "dicom_no_spacing"
    assert "IM0003.dcm" in error.message
    assert words in error.message


@pytest.mark.parametrize(
    ("changes", "spacing", "is_said"),
    [
        ({}, 2.5, True),
        ({"SliceThickness": None, "SpacingBetweenSlices": 4}, 4, False),
        ({"SliceThickness": 0, "SpacingBetweenSlices": 4}, 4, False),
        ({"SliceThickness": 1}, 1, False),
    ],
)
def test_a_single_slice_is_as_thick_as_it_says(tmp_path, changes, spacing, is_said):
    folder = series(tmp_path / "scan", pixels((1, 6, 7)), **changes)
    scan = open_scan(folder)
    assert scan.geometry.spacing == (0.5, 0.8, spacing)
    assert ("dicom_single_slice" in codes(scan)) == is_said
    is_other = in_slicer(folder.iterdir()).ijk_to_lps[2, 2] != pytest.approx(spacing)
    assert is_other == is_said


def test_a_single_slice_of_unknown_thickness_is_refused(tmp_path):
    error = refused(series(tmp_path / "scan", pixels((1, 6, 7)), SliceThickness=None))
    assert error.code == "dicom_no_thickness"
    assert "IM0001.dcm" in error.message


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient"])
def test_a_slice_of_unknown_place_is_refused(tmp_path, keyword):
    folder = series(tmp_path / "scan", pixels(), lambda n: {keyword: None} if n == 3 else {})
    error = refused(folder)
    assert error.code == "dicom_no_position"
    assert "IM0004.dcm" in error.message


@pytest.mark.parametrize("axes", [[1, 0, 0, 0.1, 0.995, 0], [0, 0, 0, 0, 1, 0], [1, 0, 0, 1, 0, 0]])
def test_axes_that_are_not_at_right_angles_are_refused(tmp_path, axes):
    assert refused(series(tmp_path / "scan", pixels(), ImageOrientationPatient=axes)).code == "dicom_bad_orientation"


def test_axes_of_another_length_are_directions_alone(tmp_path):
    folder = series(tmp_path / "scan", pixels(), ImageOrientationPatient=[1.01, 0, 0, 0, 0.98, 0])
    scan = open_scan(folder)
    np.testing.assert_allclose(ijk_to_lps(scan.geometry), in_slicer(sorted(folder.iterdir())).ijk_to_lps, atol=1e-9)
    assert "axes_not_unit" in codes(scan)


@pytest.mark.parametrize("said", [5.0, 1.0])
def test_a_spacing_that_disagrees_with_the_positions_is_said(tmp_path, said):
    folder = series(tmp_path / "scan", pixels(), SpacingBetweenSlices=said)
    scan = open_scan(folder)
    assert scan.geometry.spacing[2] == in_slicer(sorted(folder.iterdir())).ijk_to_lps[2, 2] == 2.5
    assert "dicom_spacing_disagrees" in codes(scan)


def test_an_unusual_spacing_is_said_once(tmp_path):
    scan = open_scan(series(tmp_path / "scan", pixels(), PixelSpacing=[0.0008, 0.0005]))
    assert [note.code for note in scan.notes] == ["spacing_unusual"]


def test_several_pixel_spacings_are_refused(tmp_path):
    folder = series(tmp_path / "scan", pixels(), lambda n: {"PixelSpacing": [0.9, 0.5]} if n == 2 else {})
    error = refused(folder)
    assert error.code == "dicom_mixed_slices"
    assert "IM0003.dcm" in error.message
