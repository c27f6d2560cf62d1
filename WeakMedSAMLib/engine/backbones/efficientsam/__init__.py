"""EfficientSAM with its two encoders, ViT-Ti and ViT-S.

Slices come at 512 x 512 pixels and are enlarged to the 1024 x 1024 that the network was trained on.

The paper (arXiv 2503.04106) reports EfficientSAM beside SAMUS, but its code holds SAMUS only. EfficientSAM has no
adapters of its own; here its last four blocks are trained, which is what the paper's code trains of SAMUS's ViT.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from WeakMedSAMLib.engine.backbones.efficientsam.network import EfficientNetwork, EfficientSize
from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.engine.backbones.sam_backbone import SamBackbone, vit_backbone

_SIZES = {"efficientsam_ti": EfficientSize(192, 3), "efficientsam_s": EfficientSize(384, 6)}


def build_efficientsam(
    name: str, size: EfficientSize, weights_folder: Path | None, random_weights: bool
) -> SamBackbone:
    """An EfficientSAM backbone of any size, on the CPU in float32.

    Raises
    ------
    UserError
        ``weights_*``; see ``sam_backbone.vit_backbone``.
    """
    return vit_backbone(name, size, partial(EfficientNetwork, size), weights_folder, random_weights)


for _name, _size in _SIZES.items():
    register(_name)(partial(build_efficientsam, _name, _size))
