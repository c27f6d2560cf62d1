"""SAM, with SAMUS as its adaptable encoder."""

from __future__ import annotations

from dataclasses import replace

from WeakMedSAMLib.engine.backbones.adaptable import AdaptableEncoder, PromptableNetwork, Trained
from WeakMedSAMLib.engine.backbones.base import BackboneInfo
from WeakMedSAMLib.engine.backbones.networks import require_fitting_tensors
from WeakMedSAMLib.engine.backbones.sam.vit import VIT_B, SamSize, with_sam_decoder
from WeakMedSAMLib.engine.backbones.sam_backbone import SamBackbone, in_blocks, last_blocks
from WeakMedSAMLib.engine.backbones.sam_network import SamNetwork
from WeakMedSAMLib.engine.backbones.samus.encoder import SamusEncoder, resized_positions

SIZE = replace(VIT_B, frame=256)
_NEW = ("cnn_embed", "post_pos_embed", "Adapter")  # in the names of what SAM does not have


class Samus(SamBackbone):
    """SAM, with SAMUS as its adaptable encoder.

    Parameters
    ----------
    info : BackboneInfo
        Of ``sam_backbone.vit_info``.
    size : SamSize
        Of the SAM network; its frame is the edge of SAMUS's images.
    network : SamNetwork
        SAM with its weights.
    """

    def __init__(self, info: BackboneInfo, size: SamSize, network: SamNetwork) -> None:
        self._size = size
        super().__init__(info, network, samus_trained(size))

    def adaptable_encoder(self) -> AdaptableEncoder:
        """SAMUS's encoder begun as SAM's; adapters and CNN are drawn from PyTorch's global generator."""
        encoder = self._begun().image_encoder
        return AdaptableEncoder(encoder, self._size.channels, encoder.cells, self._trained).to(self._device)

    def promptable_network(self) -> PromptableNetwork:
        """SAMUS's encoder begun as SAM's, with SAM's mask decoder."""
        return PromptableNetwork(self._begun(), self._trained).to(self._device)

    def frozen_network(self) -> PromptableNetwork:
        """SAM's own, whose features and masks `embed` and `decode` give."""
        return super().promptable_network()

    def _begun(self) -> SamNetwork:
        network = samus_network(self._size)
        own = network.state_dict()
        state = {name: value for name, value in own.items() if any(part in name for part in _NEW)}
        state |= resized_positions({name: value.cpu() for name, value in self._network.state_dict().items()}, own)
        require_fitting_tensors(own, state, self.info.name)
        network.load_state_dict(state)
        return network


def samus_network(size: SamSize) -> SamNetwork:
    """SAMUS with random weights; its tensors are named as in the published files."""
    encoder = SamusEncoder(size, size.frame)
    return with_sam_decoder(encoder, size.frame, size.frame, encoder.cells, size.prompt_channels)


def samus_trained(size: SamSize) -> Trained:
    """What the published code trains: all that SAM lacks, relative positions of global blocks, the last four blocks.

    Source: the constructor in https://github.com/wanghr64/WeakMedSAM/blob/main/samus/modeling/samus.py
    """
    last, whole = last_blocks(size.blocks), in_blocks(size.global_blocks)

    def trained(name: str) -> bool:
        return any(part in name for part in _NEW) or last(name) or (whole(name) and ".attn.rel_pos_" in name)

    return trained
