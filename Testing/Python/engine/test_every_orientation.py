"""From a mask to tags, a run and its masks, with the axes in every order and direction: the same places in the body."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.labels.label_files import read_label_file

pytestmark = pytest.mark.soak

SPACING = np.array([1.5, 1.2, 3.0])  # of the anatomy along L, P, S
CENTRE = np.array([-3.0, 4.0, 9.0])
ORDERS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]
SHAPE_LPS = np.array([18, 22, 12])


def image_of(order, signs, suffix_is_mask):
    """The same anatomy with axes i, j, k along other directions: a bright ball near one end, off centre everywhere."""
    direction = np.zeros((3, 3))
    for column, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        direction[axis, column] = sign
    size, spacing = SHAPE_LPS[list(order)], SPACING[list(order)]
    extent = (SHAPE_LPS - 1) * SPACING
    lowest = CENTRE - extent / 2
    origin = np.array(
        [lowest[a] if s > 0 else lowest[a] + extent[a] for a, s in sorted(zip(order, signs, strict=True))]
    )
    k, j, i = np.indices(size[::-1])
    places = origin + np.stack([i, j, k], -1) * spacing @ direction.T
    ball = (((places - CENTRE - (3, -4, 8)) / [6, 6, 7]) ** 2).sum(-1) < 1
    grain = np.sin(places @ [1.1, 0.7, 0.3]) * 20 + np.cos(places @ [0.2, 1.3, 0.9]) * 15
    array = ball.astype(np.uint8) if suffix_is_mask else (100 + grain + 400 * ball).astype(np.int16)
    image = sitk.GetImageFromArray(array)
    image.SetOrigin(origin.tolist())
    image.SetSpacing(spacing.tolist())
    image.SetDirection(direction.ravel().tolist())
    return image


def places_of(path):
    """Where a label map has voxels that are not 0, in LPS mm, sorted and rounded."""
    image = sitk.ReadImage(str(path))
    k, j, i = np.nonzero(sitk.GetArrayFromImage(image))
    indices = np.stack([i, j, k], -1) * image.GetSpacing() @ np.array(image.GetDirection()).reshape(3, 3).T
    return {tuple(np.round(place, 2)) for place in indices + image.GetOrigin()}


@pytest.mark.parametrize("mask_suffix", [".nrrd", ".nii.gz"])
@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha"])
@pytest.mark.parametrize(("order", "signs"), ORDERS)
def test_masks_lie_where_the_mask_lay(call, tmp_path, order, signs, suffix, mask_suffix):
    scan, mask, tags = tmp_path / f"scan{suffix}", tmp_path / f"mask{mask_suffix}", tmp_path / "tags.json"
    sitk.WriteImage(image_of(order, signs, suffix_is_mask=False), str(scan))
    sitk.WriteImage(image_of(order, signs, suffix_is_mask=True), str(mask))
    made = call(
        "tags", "from-mask", "--mask", mask, "--volume", scan, "--labels", "ball=1", "--min-pixels", 1, "--out", tags
    )
    assert made[0] == 0, made[2]
    present = read_label_file(tags).counts("ball").present
    assert 0 < present < read_label_file(tags).volumes[0].n_slices
    assert call("segment", "--volume", scan, "--tags", tags, "--out", tmp_path / "out")[0] == 0
    (labels,) = (tmp_path / "out").rglob("labels.nrrd")
    assert places_of(labels) & places_of(mask) == places_of(mask)
