"""MobileSAM: SAM's mask decoder on a TinyViT that learned to give what SAM's ViT-H gives; points and boxes.

Source: https://arxiv.org/abs/2306.14289, https://github.com/ChaoningZhang/MobileSAM (Apache-2.0).

It never saw a medical image. Its encoder differs from LiteMedSAM's in the first two convolutions only: these are 3 x 3
with stride 2, so that an image of 1024 x 1024 pixels becomes a map of the size that LiteMedSAM makes of 256 x 256.

Slices come at 512 x 512 pixels, which few scans exceed, and are enlarged, as for SAM.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.engine.backbones.base import Network, PromptKind
from WeakMedSAMLib.engine.backbones.litemedsam import published_network
from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.engine.backbones.sam_vit import DEVIATION, MEAN
from WeakMedSAMLib.engine.backbones.state_dicts import filled
from WeakMedSAMLib.engine.backbones.tinyvit_backbone import TinyVitBackbone, tinyvit_info
from WeakMedSAMLib.engine.backbones.weights import load_weights, untrained, weights_for

_NAME = "mobilesam"
_FRAME, _IMAGE = 512, 1024
_PROMPTS = frozenset({PromptKind.POINT, PromptKind.BOX})
_CLASSIFIER = ("image_encoder.head.", "image_encoder.norm_head.")  # of photographs; in the file, of no use here


@register(_NAME)
def build_mobilesam(weights_folder: Path | None = None, random_weights: bool = False) -> TinyVitBackbone:
    """Build MobileSAM with its checked weights, on the CPU in float32.

    Raises
    ------
    UserError
        ``weights_*``; see ``weights.load_weights`` and ``state_dicts.filled``.
    """
    state = None if random_weights else load_weights(_NAME, weights_folder)
    if state is not None:
        state = {name: value for name, value in state.items() if not name.startswith(_CLASSIFIER)}
    network = filled(_mobile_network, state, _NAME)
    weights = untrained(_NAME) if random_weights else weights_for(_NAME, weights_folder)
    return TinyVitBackbone(tinyvit_info(_NAME, _FRAME, _PROMPTS, weights), network, _enlarged, _IMAGE / _FRAME)


def _mobile_network() -> Network:
    """MobileSAM's network with random weights, made of LiteMedSAM's."""
    network = published_network()
    seq = network.image_encoder.patch_embed.seq
    normalised = type(seq[0])  # a convolution with its batch normalisation
    narrow, wide = seq[0].c.out_channels, seq[2].c.out_channels
    network.image_encoder.patch_embed.seq = nn.Sequential(
        normalised(3, narrow, 3, 2, 1), nn.GELU(), normalised(narrow, wide, 3, 2, 1)
    )
    network.prompt_encoder.input_image_size = (_IMAGE, _IMAGE)
    return network


def _enlarged(slices: torch.Tensor) -> torch.Tensor:
    """Grey values B x 1 x S x S to colours of the size, mean and deviation that SAM was trained on."""
    mean, deviation = (slices.new_tensor(values).view(3, 1, 1) / 255 for values in (MEAN, DEVIATION))
    enlarged = F.interpolate(slices, size=(_IMAGE, _IMAGE), mode="bilinear", align_corners=False)
    return (enlarged - mean) / deviation
