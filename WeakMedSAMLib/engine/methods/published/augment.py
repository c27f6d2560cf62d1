"""Random views of training slices that cannot lose the class that their tag names.

The published code (brats/dataset.py) rotates a slice by up to 20 degrees, cuts a random rectangle of 50 to 100 % of its
area out of it, changes brightness and contrast by up to a half, and flips every other slice left to right. Its tag
stays "present" even where the lesion lies outside the rectangle or is clipped to white. Where there are tags only,
nobody can tell whether that happened. Here the whole body stays in view instead, and grey values keep their order; the
published way is there by the switch CARELESS_CROPS.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from WeakMedSAMLib.engine.methods.published.settings import Defect, PublishedSettings

_DARK = 0.05  # of the grey range: below it is air or background
_DEGREES = 20.0
_MOST_ZOOM = 2**0.5  # enlarges as much as half the area cut out
_ZOOM_RANGE = 0.7  # least zoom as a part of the greatest
_AREAS, _RATIOS = (0.5, 1.0), (0.7, 1.3)


def augment_images(images: torch.Tensor, settings: PublishedSettings, random: np.random.Generator) -> torch.Tensor:
    """Random views of slices.

    Parameters
    ----------
    images : Tensor
        B x 1 x S x S in [0, 1].
    settings : PublishedSettings
        ``crops``, ``flips``, ``jitter`` and the switch CARELESS_CROPS.
    random : numpy.random.Generator
        Drawn from slice by slice, so that slices get the same views however a batch is divided.

    Returns
    -------
    Tensor
        Of the same shape and range.
    """
    drawn = [_draw_view(*body, settings, random) for body in _bodies(images)]
    matrices = torch.from_numpy(np.stack([matrix for matrix, _ in drawn])).float()
    factors = torch.from_numpy(np.stack([factor for _, factor in drawn])).float().to(images.device)
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False).to(images.device)
    views = F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return _jitter(views, factors, settings.has(Defect.CARELESS_CROPS))


def flip_features(features: torch.Tensor, settings: PublishedSettings, random: np.random.Generator) -> torch.Tensor:
    """Features B x C x m x m of slices, every other one flipped left to right (about what a flipped slice has)."""
    if not settings.flips:
        return features
    turned = torch.from_numpy(random.random(len(features)) < 0.5).to(features.device)
    return torch.where(turned[:, None, None, None], features.flip(-1), features)


def _draw_view(
    centre: np.ndarray, half: np.ndarray, settings: PublishedSettings, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One view: from places in it to places in the image, 2 x 3, and factors of brightness and contrast."""
    matrix = np.eye(2, 3)
    if settings.has(Defect.CARELESS_CROPS):
        matrix = _any_crop(centre, half, random)
    elif settings.crops == "body":
        matrix = _whole_body(centre, half, random)
    if settings.flips and random.random() < 0.5:
        matrix[:, 0] *= -1
    return matrix, random.uniform(1 - settings.jitter, 1 + settings.jitter, 2)


def _bodies(images: torch.Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
    """Centre and half the edges (x, y) of the box around all that is not dark, each image spanning -1 to 1.

    Dark parts of the body, such as lungs, lie within the box. An image without anything is all body.
    """
    shown = images[:, 0] > _DARK
    spans = torch.stack([shown.any(1), shown.any(2)], 1).cpu().numpy()  # B x (columns, rows) x S
    size, found = images.shape[-1], []
    for both in spans:
        if not both.any():
            found.append((np.zeros(2), np.ones(2)))
            continue
        low, high = both.argmax(1), size - both[:, ::-1].argmax(1)
        found.append(((low + high) / size - 1, (high - low) / size))
    return found


def _whole_body(centre: np.ndarray, half: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """From places in the view to places in the image, 2 x 3: turned, scaled and shifted, the box wholly in the view."""
    angle = np.radians(random.uniform(-_DEGREES, _DEGREES))
    needs = np.abs(_rotation(angle)) @ half
    zoom = min(1 / needs.max(), _MOST_ZOOM) * random.uniform(_ZOOM_RANGE, 1)
    room = 1 - zoom * needs
    shift = random.uniform(-1, 1, 2) * np.maximum(room, 0)
    linear = _rotation(-angle) / zoom
    return np.column_stack([linear, centre - linear @ shift])


def _any_crop(centre: np.ndarray, half: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As published: a rectangle of any place in the turned body box, stretched to the view."""
    angle = np.radians(random.uniform(-_DEGREES, _DEGREES))
    area, ratio = random.uniform(*_AREAS), np.exp(random.uniform(*np.log(_RATIOS)))
    edge = np.sqrt(area * half.prod())
    cut = np.minimum(edge * np.array([ratio**0.5, ratio**-0.5]), half)
    place = random.uniform(-1, 1, 2) * (half - cut)
    turn = _rotation(-angle)
    return np.column_stack([turn * cut, centre + turn @ place])


def _rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _jitter(views: torch.Tensor, factors: torch.Tensor, careless: bool) -> torch.Tensor:
    """Brightness and contrast times the factors B x 2, back in [0, 1].

    Clipped, as published, what was bright and what was brighter become the same white; here the range is shrunk.
    """
    brightness, contrast = factors[:, :, None, None, None].unbind(1)
    bright = views * brightness
    if careless:
        bright = bright.clamp(0, 1)
    mean = bright.mean((1, 2, 3), keepdim=True)
    changed = (bright - mean) * contrast + mean
    if careless:
        return changed.clamp(0, 1)
    low = changed.amin((1, 2, 3), keepdim=True).clamp(max=0)
    high = changed.amax((1, 2, 3), keepdim=True).clamp(min=1)
    return (changed - low) / (high - low)
