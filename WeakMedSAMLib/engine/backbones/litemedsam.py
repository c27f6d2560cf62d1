"""LiteMedSAM: TinyViT encoder and SAM mask decoder, 256 x 256; it takes boxes and points, and was trained on boxes.

Source: https://github.com/bowang-lab/MedSAM/tree/LiteMedSAM (Apache-2.0).
"""

from __future__ import annotations

from pathlib import Path

import torch

from WeakMedSAMLib.engine.backbones.base import PromptKind
from WeakMedSAMLib.engine.backbones.networks import filled
from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.engine.backbones.tinyvit.backbone import TinyVitBackbone, tinyvit_info
from WeakMedSAMLib.engine.backbones.tinyvit.published import lite_network

_NAME = "litemedsam"
_SIZE = 256


@register(_NAME)
def build_litemedsam(weights_folder: Path | None = None, random_weights: bool = False) -> TinyVitBackbone:
    """Build LiteMedSAM with its checked weights, on the CPU in float32.

    Raises
    ------
    UserError
        ``weights_*``; see ``state_dicts.filled``.
    """
    network, weights = filled(lite_network, _NAME, weights_folder, random_weights)
    return TinyVitBackbone(tinyvit_info(_NAME, _SIZE, frozenset({PromptKind.BOX}), weights), network, _as_colours)


def _as_colours(slices: torch.Tensor) -> torch.Tensor:
    """Grey values to three equal channels; the network takes [0, 1] without mean and deviation of colours."""
    return slices.expand(-1, 3, -1, -1)
