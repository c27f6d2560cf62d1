"""Random views for the published training: nothing that a tag may stand for is lost, unless the switch asks for it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from WeakMedSAMLib.engine.methods.published.augment import augment_images, flip_features
from WeakMedSAMLib.engine.methods.published.settings import Defect, PublishedSettings

SIZE = 64
CARELESS = (Defect.CARELESS_CROPS,)


def generator(seed=0):
    return np.random.default_rng(seed)


def body(row, column, value=1.0):
    """A grey rectangle, off centre, with a small brighter lesion whose corner lies at these pixels of it."""
    image = torch.zeros(1, 1, SIZE, SIZE)
    image[..., 8:56, 20:60] = 0.4
    image[..., 8 + row : 12 + row, 20 + column : 24 + column] = value
    return image


def views(image, times=60, **settings):
    return augment_images(image.expand(times, -1, -1, -1), PublishedSettings(**settings), generator())


@pytest.mark.parametrize("place", [(0, 0), (0, 36), (44, 0), (44, 36), (20, 15)])
def test_a_lesion_anywhere_in_the_body_stays_in_every_view(place):
    bright = views(body(*place), jitter=0.0) > 0.7
    # four pixels a side, at the least scale of 0.7 x 0.78 (a square turned by 20 degrees)
    assert bright.sum((1, 2, 3)).min() >= 3


def test_published_crops_lose_a_lesion_at_the_border_and_its_tag_is_kept():
    bright = views(body(0, 0), jitter=0.0, defects=CARELESS) > 0.7
    lost = bright.sum((1, 2, 3)) == 0
    assert 0.3 < lost.float().mean() < 1


def test_the_whole_body_stays_in_view_in_many_sizes_and_places():
    image = torch.zeros(1, 1, SIZE, SIZE)
    for row in (8, 52):
        for column in (20, 56):
            image[..., row : row + 4, column : column + 4] = 1
    shown = (views(image, times=40, jitter=0.0) > 0.3).numpy()[:, 0]
    assert {ndimage.label(view)[1] for view in shown} == {4}
    middles = np.array([ndimage.center_of_mass(view) for view in shown])
    assert (middles.std(0) > 1.5).all()
    assert shown.sum((1, 2)).max() > 1.8 * shown.sum((1, 2)).min()


def test_dark_parts_of_the_body_count_as_body():
    image = torch.zeros(1, 1, SIZE, SIZE)
    image[..., 10, 10:54] = image[..., 53, 10:54] = 0.5  # a wall around air
    image[..., 10:54, 10] = image[..., 10:54, 53] = 0.5
    image[..., 30:34, 30:34] = 0.04
    lesion = views(image, jitter=0.0)
    assert ((lesion > 0.02) & (lesion <= 0.041)).sum((1, 2, 3)).min() > 3


def test_grey_values_keep_their_order_and_are_never_clipped():
    image = torch.linspace(0, 1, SIZE * SIZE).view(1, 1, SIZE, SIZE)
    for view in views(image, crops="none", flips=False):
        assert view.min() >= 0
        assert view.max() <= 1
        assert (view.flatten().diff() > 0).all()
    assert (views(image, crops="none", flips=False, defects=CARELESS) == 1).any()


def test_brightness_and_contrast_change():
    image = body(10, 10, 0.8)
    changed = views(image, crops="none", flips=False)
    assert changed[..., 30, 30].std() > 0.05
    assert torch.allclose(views(image, 2, crops="none", flips=False, jitter=0.0), image, atol=1e-5)


def test_half_of_the_views_are_flipped_left_to_right():
    image = body(10, 2)
    seen = views(image, 100, crops="none", jitter=0.0)
    mirrored = torch.tensor([torch.allclose(view, image[0].flip(-1), atol=1e-5) for view in seen])
    straight = torch.tensor([torch.allclose(view, image[0], atol=1e-5) for view in seen])
    assert (mirrored ^ straight).all()
    assert 35 < mirrored.sum() < 65
    features = torch.arange(4.0).expand(100, 3, 4, 4)
    turned = flip_features(features, PublishedSettings(), generator())[:, 0, 0, 0] == 3
    assert 35 < turned.sum() < 65
    assert torch.equal(flip_features(features, PublishedSettings(flips=False), generator()), features)


def test_views_do_not_depend_on_how_a_batch_is_divided():
    images = torch.cat([body(n, n) for n in range(6)])
    settings, random = PublishedSettings(), generator(5)
    parts = [augment_images(part, settings, random) for part in images.split(4)]
    assert torch.equal(torch.cat(parts), augment_images(images, settings, generator(5)))


@pytest.mark.parametrize("defects", [(), CARELESS])
def test_an_empty_slice_is_no_trouble(defects):
    empty = views(torch.zeros(1, 1, SIZE, SIZE), 4, defects=defects)
    assert torch.isfinite(empty).all()
    assert empty.max() == 0
