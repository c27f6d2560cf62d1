"""Principal components of the CAM level, and what the method sees of a volume beside them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from held_level import HeldLevel, held

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.features.embed import VolumeFeatures
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity
from WeakMedSAMLib.engine.features.slices import VolumeSlices, foreground
from WeakMedSAMLib.engine.methods.fast.projection import fit_projection
from WeakMedSAMLib.engine.supervision.supervision import Supervision

CHANNELS, M = 12, 16


def volume(seed=0, slices=20, frame=None, change=lambda level: None):
    """Channels of very different scale that three hidden kinds of tissue steer."""
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(CHANNELS, 3))
    hidden = generator.normal(size=(slices, 3, M, M))
    scale = np.logspace(-2, 2, CHANNELS)
    level = np.einsum("cd,sdhw->schw", mixing, hidden) + 0.1 * generator.normal(size=(slices, CHANNELS, M, M))
    level = (level + 3) * scale[:, None, None]
    change(level)
    image = generator.integers(0, 256, (slices, 64, 64)).astype(np.uint8)
    features = VolumeFeatures("key", held({"cam": level.astype(np.float16)}), image)
    tags = np.full((slices, 2), UNTAGGED, np.int8)
    tags[:5, 0], tags[5:9, 0], tags[2:4, 1] = ABSENT, PRESENT, PRESENT
    frame = frame or Frame(64, 64, 1.0, 1.0, 64)
    return VolumeSlices("000", "patient", Supervision(tags), features, frame, Intensity("given", 0, 1))


def whole(projection, level):
    """A projected level in one piece."""
    return torch.cat(list(projection.parts(level)))


def test_components_are_orthonormal_and_their_values_uncorrelated_and_ordered():
    one = volume()
    projection = fit_projection([one], 5, seed=0)
    assert torch.allclose(projection.components.T @ projection.components, torch.eye(5), atol=1e-4)
    values = whole(projection, one.features.levels["cam"]).permute(0, 2, 3, 1).reshape(-1, 5)
    covariance = torch.cov(values.T)
    variances = covariance.diagonal()
    assert torch.all(variances[:-1] > variances[1:])
    assert (covariance - torch.diag(variances)).abs().max() < 0.02 * variances[0]
    assert variances[:3].sum() > 0.95 * CHANNELS
    assert values.mean(0).abs().max() < 0.05


def test_the_projection_is_what_the_formula_says_cell_by_cell():
    one = volume()
    level = one.features.levels["cam"]
    projection = fit_projection([one], 4, seed=0)
    cell = torch.from_numpy(level.values[7, :, 3, 11]).float()
    standardised = ((cell - projection.mean) / projection.std).clamp(-8, 8)
    expected = (standardised - projection.centre) @ projection.components
    assert torch.allclose(whole(projection, level)[7, :, 3, 11], expected, atol=1e-4)


def test_the_scale_of_a_channel_does_not_matter():
    plain = volume()
    scaled = volume(change=lambda level: level.__setitem__((slice(None), 4), level[:, 4] * 200))
    first, second = (whole(fit_projection([one], 3, 0), one.features.levels["cam"]) for one in (plain, scaled))
    signs = torch.sign((first * second).sum((0, 2, 3)))[:, None, None]
    assert (first - second * signs).abs().mean() < 0.05 * first.abs().mean()


def test_a_wild_cell_is_cut_off():
    one = volume()
    projection = fit_projection([one], 4, 0)
    wild = np.array(one.features.levels["cam"].values[:1])
    wild[0, :, 0, 0] = 6e4
    length = whole(projection, HeldLevel(wild))[0, :, 0, 0].norm()
    assert length <= (8 + projection.centre.abs().max()) * CHANNELS**0.5


def test_padding_takes_no_part():
    narrow = Frame(64, 32, 1.0, 1.0, 64)

    def spoil(level):
        level[..., M // 2 :] = 1e4

    clean, spoilt = volume(frame=narrow), volume(frame=narrow, change=spoil)
    first, second = (fit_projection([one], 4, 0) for one in (clean, spoilt))
    assert all(torch.equal(vars(first)[name], vars(second)[name]) for name in vars(first))


def test_the_same_seed_gives_the_same_projection_and_tags_do_not_matter():
    one, other = volume(), volume()
    other.tags[:] = ABSENT
    first, second = (fit_projection([x, volume(1)], 4, seed=5) for x in (one, other))
    assert all(torch.equal(vars(first)[name], vars(second)[name]) for name in vars(first))


def test_there_are_no_more_components_than_channels():
    assert fit_projection([volume()], 64, 0).components.shape == (CHANNELS, CHANNELS)


def test_slices_are_projected_one_by_one():
    one = volume(slices=35)
    projection = fit_projection([one], 4, 0)
    level = one.features.levels["cam"]
    together = whole(projection, level)
    assert together.shape == (35, 4, M, M)
    assert torch.allclose(together[33:34], whole(projection, HeldLevel(level.values[33:34])), atol=1e-5)


def test_a_volume_knows_its_present_slices():
    one = volume()
    assert one.n_slices == 20
    assert one.present(0).tolist() == [5, 6, 7, 8]
    assert one.present(1).tolist() == [2, 3]


def test_brightness_is_the_mean_grey_value_of_every_cell():
    one = volume()
    cells = one.brightness(M)
    assert cells[3, 2, 5] == pytest.approx(one.features.image[3, 8:12, 20:24].mean() / 255, abs=1e-6)


def test_the_body_is_neither_dark_nor_padding():
    brightness = np.full((1, M, M), 0.5, np.float32)
    brightness[0, 4, 4] = 0.01
    body = foreground(brightness, Frame(64, 32, 1.0, 1.0, 64))
    assert not body[0, 4, 4]
    assert not body[0, :, M // 2 :].any()
    assert body.sum() == M * M // 2 - 1
