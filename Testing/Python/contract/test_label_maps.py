"""Masks of a result as its folder keeps them, and files that are none."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.label_maps import read_label_maps_steps
from WeakMedSAMLib.contract.nrrd import read_image, write_image

MATRIX = np.diag([2.0, 3.0, 4.0, 1.0])
LAYERS = np.zeros((2, 3, 4, 5), np.uint8)
LAYERS[0, 1:], LAYERS[1, 2] = 1, 44
FIELDS = {"Segment0_LabelValue": "1", "Segment0_Layer": "0", "Segment1_LabelValue": "44", "Segment1_Layer": "1"}


def read(path):
    steps = read_label_maps_steps(path)
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            return ended.value


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_layers_come_back_with_what_is_in_which(tmp_path, encoding):
    write_image(tmp_path / "a.nrrd", LAYERS, MATRIX, FIELDS, encoding)
    found = read(tmp_path / "a.nrrd")
    assert (found.shape, found.layer_of) == ((3, 4, 5), {1: 0, 44: 1})
    np.testing.assert_array_equal(found.ijk_to_ras, MATRIX)
    for value, layer in zip((1, 44), LAYERS, strict=True):
        np.testing.assert_array_equal(found.layer(value), layer)
    np.testing.assert_array_equal(found.turned().layer(44), LAYERS[1, ::-1])
    assert found.turned().ijk_to_ras[2].tolist() == [0, 0, -4, 8]
    # Of a value that is nowhere there is nothing in the first one either.
    assert not (found.layer(9) == 9).any()


def test_one_label_map_is_one_layer(tmp_path):
    write_image(tmp_path / "a.nrrd", LAYERS[0], MATRIX)
    np.testing.assert_array_equal(read(tmp_path / "a.nrrd").layer(44), LAYERS[0])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"Segment1_Layer:=1", b"Segment1_Layer:=2"), "2 layers"),
        ((b"directions: none (", b"directions: ("), "sizes"),
        ((b"sizes: 2 5 4 3", b"sizes: 2 2 5 4 3"), "sizes"),
        ((b"sizes: 2 5 4 3", b"sizes: 2 5 4 9"), "cut off"),
        ((b"sizes: 2 5 4 3", b"sizes: 0 5 4 3"), "sizes"),
    ],
)
def test_files_that_are_no_masks_are_refused(tmp_path, change, reason):
    path = tmp_path / "a.nrrd"
    write_image(path, LAYERS, MATRIX, FIELDS)
    data = path.read_bytes()
    assert change[0] in data
    path.write_bytes(data.replace(*change))
    with pytest.raises(UserError, match=reason) as refused:
        read(path)
    assert refused.value.code == "bad_result"
    assert "a.nrrd" in refused.value.message


def test_who_wants_one_image_gets_no_layers(tmp_path):
    write_image(tmp_path / "a.nrrd", LAYERS, MATRIX, FIELDS)
    with pytest.raises(UserError, match="sizes"):
        read_image(tmp_path / "a.nrrd")
