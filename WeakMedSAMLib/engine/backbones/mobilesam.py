"""MobileSAM: SAM's mask decoder on a TinyViT that learned to give what SAM's ViT-H gives; points and boxes.

Source: https://arxiv.org/abs/2306.14289, https://github.com/ChaoningZhang/MobileSAM (Apache-2.0).

It never saw a medical image. Its encoder differs from LiteMedSAM's in the first two convolutions only: these are 3 x 3
with stride 2, so that an image of 1024 x 1024 pixels becomes a map of the size that LiteMedSAM makes of 256 x 256.

Slices come at 512 x 512 pixels, which few scans exceed, and are enlarged, as for SAM.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from WeakMedSAMLib.engine.backbones.base import PromptKind
from WeakMedSAMLib.engine.backbones.networks import filled
from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.engine.backbones.sam_network import as_photographs
from WeakMedSAMLib.engine.backbones.tinyvit.backbone import TinyVitBackbone, tinyvit_info
from WeakMedSAMLib.engine.backbones.tinyvit.published import mobile_network

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
        ``weights_*``; see ``state_dicts.filled``.
    """
    make = partial(mobile_network, _IMAGE)
    network, weights = filled(make, _NAME, weights_folder, random_weights, unused=_CLASSIFIER)
    info = tinyvit_info(_NAME, _FRAME, _PROMPTS, weights)
    return TinyVitBackbone(info, network, partial(as_photographs, size=_IMAGE))
