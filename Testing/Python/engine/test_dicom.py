from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.volumes import read_geometry, read_volume

TURN = np.linalg.qr(np.array([[1.0, 0.2, -0.1], [0.3, 1.0, 0.25], [-0.2, 0.1, 1.0]]))[0]


def voxels(shape, dtype=np.int16):
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


def refused(path, reader=read_volume):
    with pytest.raises(UserError) as caught:
        reader(path)
    error = caught.value
    assert Path(path).name in error.message
    assert error.hint.endswith((".", ")"))
    return error


def write_series(folder, positions, array=None, axes=(1, 0, 0, 0, 1, 0), uid="1.2.826.0.1.3680043.2.1125.1", **tags):
    folder.mkdir(exist_ok=True)
    array = voxels((len(positions), 6, 7)) if array is None else array
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for n, position in enumerate(positions):
        image = sitk.GetImageFromArray(array[n])
        image.SetSpacing((0.5, 0.8))
        values = {
            "0008|0060": "CT",
            "0020|000e": uid,
            "0020|000d": "1.2.826.0.1.3680043.2.1125.9",
            "0008|0018": f"{uid}.{n + 1}",
            "0020|0013": str(n + 1),
            "0020|0032": "\\".join(str(p) for p in position),
            "0020|0037": "\\".join(str(a) for a in axes),
            "0028|1052": "-1024",
            "0028|1053": "1",
            **{key.replace("_", "|")[1:]: value for key, value in tags.items()},
        }
        for key, value in values.items():
            image.SetMetaData(key, value)
        # File names in another order than positions, as scanners number them.
        writer.SetFileName(str(folder / f"{uid[-1]}_{(n * 7) % 11:02d}_{n}.dcm"))
        writer.Execute(image)
    return folder


def along_z(count, step=2.5, start=-10.0):
    return [(1.0, 2.0, start + step * n) for n in range(count)]


def test_dicom_series_is_a_volume(tmp_path):
    array = voxels((5, 6, 7)) - 1000
    folder = write_series(tmp_path / "scan", along_z(5), array)
    volume = read_volume(folder)
    np.testing.assert_array_equal(volume.array, array)
    assert volume.geometry.size == (7, 6, 5)
    np.testing.assert_allclose(volume.geometry.origin, (1, 2, -10))
    np.testing.assert_allclose(volume.geometry.spacing, (0.5, 0.8, 2.5))
    np.testing.assert_allclose(volume.geometry.axes, np.eye(3))
    assert volume.name == "scan"
    assert read_geometry(folder) == volume.geometry


def test_dicom_series_equals_itk_on_oblique_slices(tmp_path):
    axes = np.round(np.concatenate([TURN[:, 0], TURN[:, 1]]), 9)
    normal = np.cross(axes[:3], axes[3:])
    folder = write_series(tmp_path / "scan", [np.round(3 * n * normal, 6) for n in range(4)], axes=axes)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    itk = reader.Execute()
    volume = read_volume(folder)
    np.testing.assert_array_equal(volume.array, sitk.GetArrayFromImage(itk))
    np.testing.assert_allclose(volume.geometry.direction, itk.GetDirection(), atol=1e-5)
    np.testing.assert_allclose(volume.geometry.spacing, itk.GetSpacing(), rtol=1e-5)


def test_tilted_gantry_is_a_sheared_volume(tmp_path):
    folder = write_series(tmp_path / "scan", [(0, 1.0 * n, 4.0 * n) for n in range(4)])
    place = read_volume(folder).geometry
    np.testing.assert_allclose(place.axes[:, 2] * place.spacing[2], (0, 1, 4), atol=1e-9)


def test_single_dicom_slice(tmp_path):
    folder = write_series(tmp_path / "scan", along_z(1), _0018_0050="3.5")
    assert read_volume(folder).geometry.spacing == pytest.approx((0.5, 0.8, 3.5))


def test_several_series_are_listed(tmp_path):
    folder = write_series(tmp_path / "scan", along_z(3), _0008_103e="Thorax")
    write_series(folder, along_z(4), uid="1.2.826.0.1.3680043.2.1125.2", _0008_103e="Abdomen")
    error = refused(folder)
    assert error.code == "dicom_several_series"
    assert "2 series" in error.message
    assert "Thorax (CT, 3 files)" in error.message
    assert "Abdomen (CT, 4 files)" in error.message


def test_missing_slices_are_named(tmp_path):
    positions = along_z(8)
    del positions[3:5]
    error = refused(write_series(tmp_path / "scan", positions))
    assert error.code == "dicom_missing_slices"
    assert "about 2 slices, between -5.00 and 2.50 mm" in error.message


@pytest.mark.parametrize(
    ("positions", "code"),
    [
        ([*along_z(4), *along_z(2)], "dicom_repeated_positions"),
        ([(0, 0, z) for z in (0, 2, 4, 6.5, 9)], "dicom_uneven_slices"),
    ],
)
def test_uneven_series_are_refused(tmp_path, positions, code):
    assert refused(write_series(tmp_path / "scan", positions)).code == code


def test_mixed_slices_are_refused(tmp_path):
    folder = write_series(tmp_path / "scan", along_z(3))
    image = sitk.GetImageFromArray(voxels((9, 9)))
    for key, value in {
        "0020|000e": "1.2.826.0.1.3680043.2.1125.1",
        "0020|000d": "1.2.826.0.1.3680043.2.1125.9",
        "0008|0018": "1.2.826.0.1.3680043.2.1125.1.77",
        "0020|0032": "1\\2\\-2.5",
        "0020|0037": "1\\0\\0\\0\\1\\0",
        "0008|0060": "CT",
    }.items():
        image.SetMetaData(key, value)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    writer.SetFileName(str(folder / "z.dcm"))
    writer.Execute(image)
    error = refused(folder)
    assert error.code == "dicom_mixed_slices"
    assert "9 x 9" in error.message


def test_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    assert refused(tmp_path).code == "dicom_no_images"


def test_rgb_series_is_refused(tmp_path):
    folder = tmp_path / "scan"
    folder.mkdir()
    image = sitk.GetImageFromArray(voxels((6, 7, 3), np.uint8), isVector=True)
    image.SetMetaData("0020|0032", "0\\0\\0")
    image.SetMetaData("0020|0037", "1\\0\\0\\0\\1\\0")
    sitk.WriteImage(image, str(folder / "a.dcm"))
    assert refused(folder).code == "volume_is_vector"
