"""Points that say what is not meant, where the decoder answers boxes alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from held_level import HeldLevel

from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.parts.handing_on import GivenPoint, Handing
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN
from WeakMedSAMLib.engine.parts.resemblance import box_around_point

TORCH_THREADS = 2  # the same number of threads whatever the machine
ROWS, COLUMNS = np.mgrid[:256, :256]


def disc(column):
    return (ROWS - 128) ** 2 + (COLUMNS - column) ** 2 < 34**2


@pytest.fixture(scope="module")
def backbone():
    return build_backbone("litemedsam").to(torch.device("cpu"), torch.float32)


def drawn(backbone, other, *points):
    """How much of two discs alike in a body is drawn, whose middles are in columns 92 and `other`."""
    picture = np.where((ROWS - 128) ** 2 + (COLUMNS - 128) ** 2 < 110**2, 0.3, 0)
    picture[disc(92) | disc(other)] = 0.9
    levels = backbone.embed(torch.from_numpy(picture).float()[None, None])
    alike, decoded = (
        HeldLevel(levels[name].float().numpy()) for name in (backbone.info.cam_level, backbone.info.decode_level)
    )
    handing = Handing(alike, decoded, backbone, np.full((1, 1), PRESENT, np.int8))
    given = [GivenPoint(0, 0, (column, 128), shows) for column, shows in points]
    mask = handing.run([], given)[0].masks[0] > CERTAIN // 2
    return [float(mask[one[::2, ::2]].mean()) for one in (disc(92) & ~disc(other), disc(other) & ~disc(92))]


def test_of_tissue_that_is_the_same_the_nearer_point_decides():
    features = np.zeros((2, 16, 16), np.float32)
    features[0] = 1
    features[1, 2:6, 4:12] = features[1, 10:14, 4:12] = 2
    whole = (4 / 16, 2 / 16, 12 / 16, 6 / 16)
    assert box_around_point(features, 4 / 16, 5 / 16) == whole
    assert box_around_point(features, 4 / 16, 5 / 16, [(4 / 16, 10 / 16)]) == (4 / 16, 2 / 16, 8 / 16, 6 / 16)
    assert box_around_point(features, 4 / 16, 5 / 16, [(13 / 16, 8 / 16)]) == whole


def test_a_point_beside_the_object_leaves_it_as_it_is(backbone):
    left, right = drawn(backbone, 164, (92, True), (164, False))
    assert (left > 0.9, right < 0.1) == (True, True), (left, right)


def test_what_hangs_together_with_the_object_is_taken_from_it(backbone):
    both = drawn(backbone, 150, (92, True))
    left, right = drawn(backbone, 150, (92, True), (150, False))
    assert min(both) > 0.8, both
    assert (left > 0.7, right < 0.4) == (True, True), (left, right)
