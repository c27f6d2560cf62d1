"""EfficientSAM with its two encoders, ViT-Ti and ViT-S.

Slices come at 512 x 512 pixels and are enlarged to the 1024 x 1024 that the network was trained on.

The paper (arXiv 2503.04106) reports EfficientSAM beside SAMUS, but its code holds SAMUS only. EfficientSAM has no
adapters of its own; here its last four blocks are trained, which is what the paper's code trains of SAMUS's ViT.

The hash of EfficientSAM-Ti is as users of the file have noted it, in
https://github.com/opencv/opencv_zoo/tree/main/models/image_segmentation_efficientsam
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from WeakMedSAMLib.engine.backbones.base import PromptKind, WeightsInfo
from WeakMedSAMLib.engine.backbones.registry import register

if TYPE_CHECKING:
    from WeakMedSAMLib.engine.backbones.efficientsam.network import EfficientSize
    from WeakMedSAMLib.engine.backbones.sam_backbone import SamBackbone

_PROMPTS = frozenset({PromptKind.POINT, PromptKind.BOX})


def _published(file: str, path: str, size: int | None = None, sha256: str | None = None) -> WeightsInfo:
    return WeightsInfo(
        file=file,
        size=size,
        sha256=sha256,
        url=f"https://github.com/yformer/EfficientSAM/raw/d525f622e6f640acf5a0fc37c7ca1f243da5bde0/weights/{path}",
        source="https://github.com/yformer/EfficientSAM",
        licence="Apache-2.0",
        pretraining="EfficientSAM was pre-trained on photographs (ImageNet, then with masks on SA-1B), on no medical "
        "images.",
    )


_TI_WEIGHTS = _published(
    "efficient_sam_vitt.pt",
    "efficient_sam_vitt.pt",
    40982470,
    "dff858b19600a46461cbb7de98f796b23a7a888d9f5e34c0b033f7d6eb9e4e6a",
)
_S_WEIGHTS = _published("efficient_sam_vits.pt", "efficient_sam_vits.pt.zip")


@register("efficientsam_ti", _TI_WEIGHTS)
def build_ti(weights_folder: Path | None = None, random_weights: bool = False) -> SamBackbone:
    """Build EfficientSAM with ViT-Ti; errors as of `build_efficientsam`."""
    from WeakMedSAMLib.engine.backbones.efficientsam.network import VIT_TI

    return build_efficientsam("efficientsam_ti", VIT_TI, weights_folder, random_weights)


@register("efficientsam_s", _S_WEIGHTS)
def build_s(weights_folder: Path | None = None, random_weights: bool = False) -> SamBackbone:
    """Build EfficientSAM with ViT-S; errors as of `build_efficientsam`."""
    from WeakMedSAMLib.engine.backbones.efficientsam.network import VIT_S

    return build_efficientsam("efficientsam_s", VIT_S, weights_folder, random_weights)


def build_efficientsam(
    name: str, size: EfficientSize, weights_folder: Path | None, random_weights: bool
) -> SamBackbone:
    """An EfficientSAM backbone of any size, on the CPU in float32.

    Raises
    ------
    UserError
        ``weights_*``; see ``weights_loading.fill_network``.
    """
    from WeakMedSAMLib.engine.backbones.efficientsam.network import EfficientNetwork
    from WeakMedSAMLib.engine.backbones.sam_backbone import vit_backbone

    return vit_backbone(name, size, _PROMPTS, partial(EfficientNetwork, size), weights_folder, random_weights)
