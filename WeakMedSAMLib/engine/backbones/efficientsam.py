"""EfficientSAM with its two encoders, ViT-Ti and ViT-S.

Slices come at 512 x 512 pixels and are enlarged to the 1024 x 1024 that the network was trained on.

The paper (arXiv 2503.04106) reports EfficientSAM beside SAMUS, but its code holds SAMUS only. EfficientSAM has no
adapters of its own; here its last four blocks are trained, which is what the paper's code trains of SAMUS's ViT.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from WeakMedSAMLib.engine.backbones.efficientsam_network import EfficientNetwork, EfficientSize
from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.engine.backbones.sam_backbone import SamBackbone, last_blocks, vit_info
from WeakMedSAMLib.engine.backbones.state_dicts import filled
from WeakMedSAMLib.engine.backbones.weights import load_weights, untrained, weights_for

_SIZES = {"efficientsam_ti": EfficientSize(192, 3), "efficientsam_s": EfficientSize(384, 6)}


def build_efficientsam(
    name: str, size: EfficientSize, weights_folder: Path | None, random_weights: bool
) -> SamBackbone:
    """An EfficientSAM backbone of any size, on the CPU in float32.

    Raises
    ------
    UserError
        ``weights_*``; see ``weights.load_weights`` and ``state_dicts.filled``.
    """
    state = None if random_weights else load_weights(name, weights_folder)
    network = filled(partial(EfficientNetwork, size), state, name)
    weights = untrained(name) if random_weights else weights_for(name, weights_folder)
    info = vit_info(name, size.frame, size.cells, size.channels, size.prompt_channels, weights)
    return SamBackbone(info, network, last_blocks(size.blocks))


for _name, _size in _SIZES.items():
    register(_name)(partial(build_efficientsam, _name, _size))
