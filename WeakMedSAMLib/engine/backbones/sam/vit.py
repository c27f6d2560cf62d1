"""SAM's networks of any size, from the modules of the package segment-anything."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from WeakMedSAMLib.engine.backbones.sam_network import SamNetwork, as_photographs
from WeakMedSAMLib.engine.base.torchvision_shim import import_torchvision

import_torchvision()  # segment-anything imports it
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, TwoWayTransformer  # noqa: E402


@dataclass(frozen=True)
class SamSize:
    """Sizes of a SAM network.

    Attributes
    ----------
    channels, blocks, heads : int
        Of the ViT.
    global_blocks : tuple of int
        Blocks that attend over the whole image; the others attend within windows.
    frame, image : int
        Edge of a slice as it comes, and as it is encoded, in pixels.
    patch, window : int
        Edge of a token in pixels, and of a window in tokens.
    prompt_channels : int
        Of neck and mask decoder.
    """

    channels: int
    blocks: int
    heads: int
    global_blocks: tuple[int, ...]
    frame: int = 512
    image: int = 1024
    patch: int = 16
    window: int = 14
    prompt_channels: int = 256

    @property
    def cells(self) -> int:
        """Tokens along an edge."""
        return self.image // self.patch


VIT_B = SamSize(768, 12, 12, (2, 5, 8, 11))
VIT_L = SamSize(1024, 24, 16, (5, 11, 17, 23))
VIT_H = SamSize(1280, 32, 16, (7, 15, 23, 31))


class SamEncoder(ImageEncoderViT):
    """SAM's image encoder up to its neck; parameters are named as in the published files."""

    def __init__(self, size: SamSize) -> None:
        super().__init__(
            img_size=size.image,
            patch_size=size.patch,
            embed_dim=size.channels,
            depth=size.blocks,
            num_heads=size.heads,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            out_chans=size.prompt_channels,
            use_rel_pos=True,
            window_size=size.window,
            global_attn_indexes=size.global_blocks,
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images B x 1 x S x S in [0, 1] to the last map before the neck: B x C x h x w."""
        tokens = self.patch_embed(as_photographs(images, self.img_size)) + self.pos_embed
        for block in self.blocks:
            tokens = block(tokens)
        return tokens.permute(0, 3, 1, 2)


def with_sam_decoder(image_encoder: nn.Module, frame: int, image: int, cells: int, channels: int) -> SamNetwork:
    """An image encoder with SAM's prompt encoder and mask decoder, with random weights.

    Parameters
    ----------
    image_encoder : nn.Module
        Gives its last map before the neck; has the ``neck``.
    frame, image, cells : int
        Edge of a slice as it comes and as the prompt encoder measures it, in pixels, and of the neck's output.
    channels : int
        Of the neck's output.
    """
    prompts = PromptEncoder(channels, (cells, cells), (image, image), mask_in_chans=16)
    transformer = TwoWayTransformer(depth=2, embedding_dim=channels, mlp_dim=2048, num_heads=8)
    masks = MaskDecoder(transformer_dim=channels, transformer=transformer)
    return SamNetwork(image_encoder, prompts, masks, image / frame)


def sam_network(size: SamSize) -> SamNetwork:
    """SAM with random weights."""
    return with_sam_decoder(SamEncoder(size), size.frame, size.image, size.cells, size.prompt_channels)
