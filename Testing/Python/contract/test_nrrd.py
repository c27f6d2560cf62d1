"""Images in NRRD come back as they were written, and headers of segmentations name what Slicer names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.nrrd import read_fields, read_image_steps, read_matrix, write_image
from WeakMedSAMLib.contract.segmentation_header import HeaderSegment, reference_geometry, segmentation_fields

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "0.1"
MATRIX = np.array([[-0.7, 0.1, 0, 1 / 3], [0.2, -0.9, 0.1, -4], [0, 0.3, 2.5, 1e-9], [0, 0, 0, 1]])


def read(path):
    steps = read_image_steps(path)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize("dtype", ["i1", "u1", "<i2", ">i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", ">f4", "<f8"])
def test_what_is_written_is_read(tmp_path, dtype, encoding):
    array = np.arange(8 * 9 * 10).reshape(8, 9, 10).astype(dtype)[::-2, :, ::3]
    fields = {"name": "Läsion\nrechts\\links", "a": "1"}
    write_image(tmp_path / "a.nrrd", array, MATRIX, fields, encoding)
    image = read(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(image.array, array)
    assert image.array.dtype == np.dtype(dtype).newbyteorder("<")
    np.testing.assert_array_equal(image.ijk_to_ras, MATRIX)
    np.testing.assert_array_equal(read_matrix(tmp_path / "a.nrrd"), MATRIX)
    assert image.fields == read_fields(tmp_path / "a.nrrd") == fields


def test_planes_in_reversed_order_lie_where_they_lay():
    from WeakMedSAMLib.contract.nrrd import NrrdImage

    image = NrrdImage(np.arange(24).reshape(4, 3, 2), MATRIX)
    turned = image.turned()
    assert turned.array[0, 1, 1] == image.array[3, 1, 1]
    np.testing.assert_allclose(turned.ijk_to_ras @ [1, 1, 0, 1], image.ijk_to_ras @ [1, 1, 3, 1])


def test_voxels_that_nrrd_does_not_have_are_refused(tmp_path):
    with pytest.raises(TypeError, match="complex"):
        write_image(tmp_path / "a.nrrd", np.zeros((2, 2, 2), complex), MATRIX)


def test_an_error_of_the_disk_names_the_file(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs a disk that is always full")
    with pytest.raises(OSError, match="space") as caught:
        write_image(Path("/dev/full"), np.zeros((20, 200, 200)), MATRIX)
    assert caught.value.filename == "/dev/full"


@pytest.mark.parametrize("data", [b"", b"NRRD", b"NRRD0004\ntype: short\n\n", b"hello"])
def test_what_is_no_image_is_said(tmp_path, data):
    path = tmp_path / "a.nrrd"
    path.write_bytes(data)
    for reading in (read, read_matrix):
        with pytest.raises(UserError) as caught:
            reading(path)
        assert caught.value.code == "bad_result"


def test_a_segmentation_has_the_fields_that_slicer_gives_it():
    """An export of the module, whose header Slicer made."""
    known = read_fields(SAMPLES / "exports" / "left_masks.seg.nrrd")
    segments = []
    for number in range(2):
        own = {key.partition("_")[2]: value for key, value in known.items() if key.startswith(f"Segment{number}_")}
        red, green, blue = map(float, own["Color"].split())
        value, tags = int(own["LabelValue"]), own["Tags"]
        segments.append(HeaderSegment(own["ID"], own["Name"], (red, green, blue), value, tags, 0, False, False))
    parameters = known["Segmentation_ConversionParameters"]
    assert segmentation_fields(segments, (6, 40, 36), parameters) == known
    reference = parameters.partition("Reference image geometry|")[2].partition("|")[0]
    numbers = [float(number) for number in reference.split(";") if number]
    own = reference_geometry(np.reshape(numbers[:16], (4, 4)), (6, 40, 36))
    assert [float(number) for number in own.split(";") if number] == numbers
    assert own.count(";") == reference.count(";")
