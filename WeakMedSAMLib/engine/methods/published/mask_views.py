"""Random views of slices together with their pseudo-masks.

The published code (brats/dataset.py) turns, cuts, flips and brightens a slice, and takes its mask along by bilinear
resampling of values 0 and 255, of which it then counts every value above 0.5: masks grow. Here probabilities are
resampled and cut afterwards, so that they keep their size; the switch MASK_SCALE brings the growth back.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from WeakMedSAMLib.engine.methods.published.settings import Defect, PublishedSettings

_DEGREES = 20.0
_AREAS, _RATIOS = (0.5, 1.0), (0.7, 1.3)
_KNOWN = 0.999  # of what a resampled pixel is made of must be known


def random_views(count: int, settings: PublishedSettings, random: np.random.Generator) -> torch.Tensor:
    """Where each view's pixels lie in its slice: count x 2 x 3, as `torch.nn.functional.affine_grid` takes them.

    With ``crops``: a rectangle of 50 to 100 % of the area, of any place, turned by up to 20 degrees; with ``flips``
    every other one is mirrored left to right. The mask moves along, so that nothing that is cut off can mislead.
    """
    views = []
    for _ in range(count):
        matrix = _rectangle(random) if settings.crops != "none" else np.eye(2, 3)
        if settings.flips and random.random() < 0.5:
            matrix[:, 0] *= -1
        views.append(matrix)
    return torch.from_numpy(np.stack(views)).float()


def _rectangle(random: np.random.Generator) -> np.ndarray:
    angle = np.radians(random.uniform(-_DEGREES, _DEGREES))
    area, ratio = random.uniform(*_AREAS), np.exp(random.uniform(*np.log(_RATIOS)))
    half = np.minimum(np.sqrt(area * np.array([ratio, 1 / ratio])), 1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn * half, turn @ (random.uniform(-1, 1, 2) * (1 - half))])


def move_together(
    images: torch.Tensor,
    probability: torch.Tensor,
    known: torch.Tensor,
    views: torch.Tensor,
    settings: PublishedSettings,
    random: np.random.Generator,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Views of images with their masks.

    Parameters
    ----------
    images : Tensor
        B x 1 or 3 x h x w in [0, 1].
    probability, known : Tensor
        B x C x h x w in [0, 1], and bool.
    views : Tensor
        B x 2 x 3 from `random_views`.
    settings : PublishedSettings
        ``jitter``, ``threshold`` and the switch MASK_SCALE.
    random : numpy.random.Generator
        For brightness and contrast.

    Returns
    -------
    images, probability, known : Tensor
        Of the same shapes. With MASK_SCALE probabilities are 0 or 1.
    """
    grown = settings.has(Defect.MASK_SCALE)
    masks = (probability > settings.threshold).float() * 255 if grown else probability
    stacked = torch.cat([images, masks, known.float()], 1)
    grid = F.affine_grid(views, list(stacked.shape), align_corners=False)
    moved = F.grid_sample(stacked, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    images, masks, known = moved.split([images.shape[1], masks.shape[1], masks.shape[1]], 1)
    outside = F.grid_sample(torch.ones_like(stacked[:, :1]), grid, padding_mode="zeros", align_corners=False) <= 0.5
    # Beyond the border there is nothing of any class, and that is known.
    masks = (masks > 0.5).float() if grown else masks
    return _jitter(images, settings.jitter, random), masks, (known > _KNOWN) | outside


def _jitter(images: torch.Tensor, strength: float, random: np.random.Generator) -> torch.Tensor:
    """Brightness and contrast of each slice times 1 - strength to 1 + strength, clipped to [0, 1] as published."""
    factors = torch.from_numpy(random.uniform(1 - strength, 1 + strength, (2, len(images), 1, 1, 1))).float()
    bright = (images * factors[0]).clamp(0, 1)
    mean = bright.mean((1, 2, 3), keepdim=True)
    return ((bright - mean) * factors[1] + mean).clamp(0, 1)
