"""SAMUS as WeakMedSAM uses it: begun as SAM ViT-B, adapted by the slices' classes.

No network of that kind is published for any organ but in ultrasound; the paper starts from SAM's file, whose tensors
fill what SAMUS shares with SAM, and draws the rest at random. Such an encoder says nothing before it is trained. So the
frozen features and the masks of this backbone are those of SAM ViT-B itself, and SAMUS is its adaptable encoder.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.engine.backbones.sam import PROMPTS, VIT_B_WEIGHTS

if TYPE_CHECKING:
    from WeakMedSAMLib.engine.backbones.sam.vit import SamSize
    from WeakMedSAMLib.engine.backbones.samus.backbone import Samus

_WEIGHTS = replace(
    VIT_B_WEIGHTS,
    source=f"{VIT_B_WEIGHTS.source}; SAMUS begins as SAM ViT-B",
    pretraining="SAM was pre-trained with masks on photographs (SA-1B), on no medical images; what SAMUS adds begins "
    "at random.",
)


@register("samus", _WEIGHTS)
def build_samus(weights_folder: Path | None = None, random_weights: bool = False, size: SamSize | None = None) -> Samus:
    """Build SAMUS on SAM's checked weights, on the CPU in float32; of the published size if none is given.

    Raises
    ------
    UserError
        ``weights_*``; see ``weights_loading.fill_network``.
    """
    from WeakMedSAMLib.engine.backbones.sam.vit import sam_network
    from WeakMedSAMLib.engine.backbones.sam_backbone import vit_info
    from WeakMedSAMLib.engine.backbones.samus.backbone import SIZE, Samus
    from WeakMedSAMLib.engine.backbones.weights_loading import fill_network

    size = size or SIZE
    network, weights = fill_network(partial(sam_network, size), "samus", weights_folder, random_weights)
    return Samus(vit_info("samus", size, PROMPTS, weights), size, network)
