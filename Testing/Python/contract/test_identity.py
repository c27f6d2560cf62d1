"""The content hash: same scan, same hash; other scan, other hash."""

from __future__ import annotations

import hashlib
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from WeakMedSAMLib.contract.identity import content_hash

volumes = hnp.arrays(
    st.sampled_from([np.int16, np.uint8, np.float32, np.float64]),
    hnp.array_shapes(min_dims=3, max_dims=3, max_side=5),
    elements=st.integers(0, 100),
)


def _by_definition(array: np.ndarray) -> str:
    voxels = [float(array[k, j, i]) for k, j, i in np.ndindex(array.shape)]
    shape = b"".join(size.to_bytes(8, "little") for size in array.shape)
    return hashlib.sha256(shape + np.array(voxels, "<f4").tobytes()).hexdigest()


@given(array=volumes)
def test_is_what_the_definition_says(array):
    assert content_hash(array) == _by_definition(array)


@given(array=volumes)
def test_number_type_byte_order_and_strides_do_not_matter(array):
    expected = content_hash(array)
    assert content_hash(array.astype(">f8")) == expected
    assert content_hash(np.asfortranarray(array)) == expected
    assert content_hash(array[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1]) == expected
    assert content_hash(array.transpose(2, 1, 0).copy().transpose(2, 1, 0)) == expected


@given(array=volumes, data=st.data())
def test_every_voxel_matters(array, data):
    index = tuple(data.draw(st.integers(0, size - 1)) for size in array.shape)
    other = array.copy()
    other[index] += 1
    assert content_hash(other) != content_hash(array)


def test_shape_matters():
    hashes = {content_hash(np.zeros(shape)) for shape in [(2, 3, 4), (4, 3, 2), (1, 6, 4), (24, 1, 1), (2, 3, 5)]}
    assert len(hashes) == 5


def test_known_value():
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    assert content_hash(array) == "f7588481b786ef8cce27986aa8fe76ebd73d5146f046fcfcae0f131da4a19906"


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.zeros((1, 2, 3, 4)), np.zeros((2, 2, 2), complex)])
def test_refuses_what_is_no_volume(array):
    with pytest.raises(ValueError, match="3 axes"):
        content_hash(array)


def test_memory_does_not_grow_with_the_volume():
    array = np.zeros((200, 64, 64), np.int16).transpose(0, 2, 1)
    tracemalloc.start()
    content_hash(array)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 64 * 64 * 4
