"""Any geometry that a scan may have comes back from a file as it was, and its slices go back where they came from."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from WeakMedSAMLib.engine.data.geometry import (
    AXES,
    Geometry,
    from_slice_stack,
    in_plane_spacing,
    slice_count,
    slice_spacing,
    slice_stack,
)
from WeakMedSAMLib.engine.data.volumes import open_stored, read_stored, read_volume, write_volume
from WeakMedSAMLib.engine.features.preprocess import Frame

lengths = st.floats(0.05, 20.0)
places = st.floats(-2000.0, 2000.0)


@st.composite
def directions(draw):
    """Rotations of any angle, with reflections and a shear as of a tilted gantry in some."""
    angles = [draw(st.floats(-np.pi, np.pi)) for _ in range(3)]
    matrix = np.eye(3)
    for (row, column), angle in zip(((0, 1), (0, 2), (1, 2)), angles, strict=True):
        turn = np.eye(3)
        turn[[row, row, column, column], [row, column, row, column]] = (
            np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle),
        )  # fmt: skip
        matrix = matrix @ turn
    matrix = matrix @ np.diag([draw(st.sampled_from((-1.0, 1.0))) for _ in range(3)])
    matrix[:, 2] += draw(st.sampled_from((0.0, 0.0, 0.4))) * matrix[:, 1]
    return matrix / np.linalg.norm(matrix, axis=0)


geometries = st.builds(
    lambda origin, spacing, matrix, size: Geometry(origin, spacing, tuple(matrix.ravel().tolist()), size),
    st.tuples(places, places, places),
    st.tuples(lengths, lengths, lengths),
    directions(),
    st.tuples(*[st.integers(1, 6)] * 3),
)


def voxels(geometry):
    return np.arange(np.prod(geometry.shape), dtype=np.int16).reshape(geometry.shape)


@settings(max_examples=60, deadline=None)
@given(geometry=geometries.filter(lambda one: np.prod(one.size) > 1))
def test_nrrd_keeps_every_geometry(tmp_path_factory, geometry):
    path = tmp_path_factory.getbasetemp() / "geometry.nrrd"
    write_volume(path, voxels(geometry), geometry)
    volume, header = read_stored(path), open_stored(path).geometry
    np.testing.assert_array_equal(volume.array, voxels(geometry))
    for found in (volume.geometry, header):
        assert found.size == geometry.size
        np.testing.assert_allclose(found.origin, geometry.origin, atol=1e-9)
        np.testing.assert_allclose(found.spacing, geometry.spacing, rtol=1e-9)
        np.testing.assert_allclose(found.axes, geometry.axes, atol=1e-9)
    held = read_volume(path)
    assert (held.sha256 == volume.sha256) or geometry.is_left_handed
    assert volume.order_of(held.sha256) in ("same", "reversed")


@settings(deadline=None)
@given(geometry=geometries, axis=st.sampled_from(AXES))
def test_slices_along_every_axis_hold_every_voxel_once(geometry, axis):
    array = voxels(geometry)
    stack = slice_stack(array, axis)
    assert len(stack) == slice_count(geometry, axis)
    np.testing.assert_array_equal(from_slice_stack(stack, axis), array)
    shape_mm = sorted(
        [
            n * mm
            for n, mm in zip(
                stack.shape, (slice_spacing(geometry, axis), *in_plane_spacing(geometry, axis)), strict=True
            )
        ]
    )
    np.testing.assert_allclose(shape_mm, sorted(np.multiply(geometry.size, geometry.spacing)))


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(1, 40), columns=st.integers(1, 40), row_mm=lengths, column_mm=lengths)
def test_every_slice_fits_the_frame_with_its_aspect_and_comes_back(rows, columns, row_mm, column_mm):
    frame = Frame(rows, columns, row_mm, column_mm, 64)
    height, width = frame.scaled
    assert max(height, width) == 64
    assert min(height, width) >= 1
    constant = np.full((1, rows, columns), 0.75, np.float32)
    np.testing.assert_allclose(frame.from_frame(frame.to_frame(constant)), constant, atol=1e-5)
