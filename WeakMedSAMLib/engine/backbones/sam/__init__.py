"""Segment Anything with its three ViT encoders.

Source: https://arxiv.org/abs/2304.02643, https://github.com/facebookresearch/segment-anything (Apache-2.0).

Slices come at 512 x 512 pixels, which few scans exceed, and are enlarged to the 1024 x 1024 that the encoder was
trained on; the mask decoder draws 256 x 256 pixels in any case.

The hashes are as users of the files have noted them, in
https://github.com/computational-cell-analytics/micro-sam/blob/00006fc6a86d4f6888f7ef333cf070987ffabb51/micro_sam/util.py
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from WeakMedSAMLib.engine.backbones.base import PromptKind, WeightsInfo
from WeakMedSAMLib.engine.backbones.registry import register

if TYPE_CHECKING:
    from WeakMedSAMLib.engine.backbones.sam.vit import SamSize
    from WeakMedSAMLib.engine.backbones.sam_backbone import SamBackbone

PROMPTS = frozenset({PromptKind.POINT, PromptKind.BOX})


def _published(file: str, size: int, sha256: str) -> WeightsInfo:
    return WeightsInfo(
        file=file,
        size=size,
        sha256=sha256,
        url=f"https://dl.fbaipublicfiles.com/segment_anything/{file}",
        source="https://github.com/facebookresearch/segment-anything",
        licence="Apache-2.0",
        pretraining="SAM was pre-trained with masks on photographs (SA-1B), on no medical images.",
    )


VIT_B_WEIGHTS = _published(
    "sam_vit_b_01ec64.pth", 375042383, "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912"
)
_VIT_L_WEIGHTS = _published(
    "sam_vit_l_0b3195.pth", 1249524607, "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622"
)
_VIT_H_WEIGHTS = _published(
    "sam_vit_h_4b8939.pth", 2564550879, "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e"
)


@register("sam_vit_b", VIT_B_WEIGHTS)
def build_vit_b(weights_folder: Path | None = None, random_weights: bool = False) -> SamBackbone:
    """Build SAM with ViT-B; errors as of `build_sam`."""
    from WeakMedSAMLib.engine.backbones.sam.vit import VIT_B

    return build_sam("sam_vit_b", VIT_B, weights_folder, random_weights)


@register("sam_vit_l", _VIT_L_WEIGHTS)
def build_vit_l(weights_folder: Path | None = None, random_weights: bool = False) -> SamBackbone:
    """Build SAM with ViT-L; errors as of `build_sam`."""
    from WeakMedSAMLib.engine.backbones.sam.vit import VIT_L

    return build_sam("sam_vit_l", VIT_L, weights_folder, random_weights)


@register("sam_vit_h", _VIT_H_WEIGHTS)
def build_vit_h(weights_folder: Path | None = None, random_weights: bool = False) -> SamBackbone:
    """Build SAM with ViT-H; errors as of `build_sam`."""
    from WeakMedSAMLib.engine.backbones.sam.vit import VIT_H

    return build_sam("sam_vit_h", VIT_H, weights_folder, random_weights)


def build_sam(name: str, size: SamSize, weights_folder: Path | None, random_weights: bool) -> SamBackbone:
    """A SAM backbone of any size, on the CPU in float32.

    Raises
    ------
    UserError
        ``weights_*``; see ``weights_loading.fill_network``.
    """
    from WeakMedSAMLib.engine.backbones.sam.vit import sam_network
    from WeakMedSAMLib.engine.backbones.sam_backbone import vit_backbone

    return vit_backbone(name, size, PROMPTS, partial(sam_network, size), weights_folder, random_weights)
