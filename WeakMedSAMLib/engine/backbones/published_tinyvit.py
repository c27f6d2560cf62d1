"""TinyViT's stages as published: folded for GPUs, and as they are for comparison and for training."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import nn

from WeakMedSAMLib.engine.backbones.base import Network

Prepare: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


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
