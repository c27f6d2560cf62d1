"""The final segmentation network of the published method: a U-Net on the image alone, taught by pseudo-masks.

The published one (train_unet.py of github.com/wanghr64/WeakMedSAM) is a U-Net of 64 to 512 channels with bilinear
upsampling on single slices of 256 x 256 pixels. This is MONAI's of the same shape, with as many outputs as classes and
background, in 2-D or with the neighbouring slices as channels (2.5-D). It normalises each slice by itself, so that
gradients of a large batch can be added up in parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from WeakMedSAMLib.engine.base.precision import reduced_precision
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published.images import slice_images
from WeakMedSAMLib.engine.methods.published.pam import SIZE
from WeakMedSAMLib.engine.methods.published.settings import PublishedSettings
from WeakMedSAMLib.engine.parts.metrics import slice_dice

_SHOWN_SHARE = 1 / 2000  # of the pixels: the most probable ones say how likely a slice shows a class (33 of 256 x 256)
_SLICES_AT_ONCE = 8


@dataclass(frozen=True)
class Drawing:
    """What the network draws on n slices.

    Attributes
    ----------
    probability : numpy.ndarray
        n x C x SIZE x SIZE, float32.
    agreement : numpy.ndarray
        n x C: Dice of it with what the network draws of the mirrored slice; NaN where neither shows anything.
    likely : numpy.ndarray
        n x C: mean probability of the most probable pixels.
    """

    probability: np.ndarray
    agreement: np.ndarray
    likely: np.ndarray


def beside(settings: PublishedSettings) -> int:
    """Neighbouring slices on each side that the network sees."""
    return 1 if settings.network == "unet-2.5d" else 0


def build_network(settings: PublishedSettings, classes: int) -> nn.Module:
    """An untrained U-Net, B x (1 or 3) x SIZE x SIZE to logits B x (1 + classes) x SIZE x SIZE; output 0 is background.

    Parameters
    ----------
    settings : PublishedSettings
        ``network``, ``network_width``, ``seed``.
    classes : int
        C.
    """
    from monai.networks.nets import BasicUNet

    torch.manual_seed(settings.seed)
    width = settings.network_width
    return BasicUNet(
        spatial_dims=2,
        in_channels=1 + 2 * beside(settings),
        out_channels=1 + classes,
        features=(width, 2 * width, 4 * width, 8 * width, 8 * width, width),
        act="relu",
        upsample="nontrainable",
    )


@torch.inference_mode()
def draw(
    network: nn.Module, volume: VolumeSlices, indices: np.ndarray, settings: PublishedSettings, device: torch.device
) -> Drawing:
    """Let the network draw all classes on slices of one volume, as they are and mirrored left to right."""
    parts = []
    for start in range(0, len(indices), _SLICES_AT_ONCE):
        images = slice_images(volume, indices[start : start + _SLICES_AT_ONCE], SIZE, beside(settings)).to(device)
        with reduced_precision(device):
            plain, mirrored = network(images), network(images.flip(-1)).flip(-1)
        parts.append([logits.float().softmax(1)[:, 1:].cpu().numpy() for logits in (plain, mirrored)])
    drawn, again = (np.concatenate(side) for side in zip(*parts, strict=True))
    pixels = drawn.reshape(*drawn.shape[:2], -1)
    most = max(1, round(_SHOWN_SHARE * pixels.shape[-1]))
    return Drawing(drawn, mask_agreement(drawn, again), np.partition(pixels, -most, axis=-1)[..., -most:].mean(-1))


def mask_agreement(masks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Dice at 0.5 of n x C x h x w probabilities: n x C, NaN where both are empty."""
    flat, other = (x.reshape(-1, *x.shape[2:]) > 0.5 for x in (masks, others))
    return slice_dice(flat, other, both_empty=np.nan).reshape(masks.shape[:2])
