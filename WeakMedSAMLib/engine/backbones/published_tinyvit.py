"""TinyViT's stages as published, for GPUs (folded) and for comparison (as they are)."""

from __future__ import annotations

import copy

import torch
from torch import nn


class FoldedEncoder:
    """The published encoder with batch normalisation folded into its convolutions.

    Parameters
    ----------
    encoder : nn.Module
        The published encoder with its weights, in float32, in eval mode; it is copied.
    dtype : torch.dtype
        Precision to compute in.
    """

    def __init__(self, encoder: nn.Module, dtype: torch.dtype) -> None:
        self._encoder = copy.deepcopy(encoder)
        for parent in list(self._encoder.modules()):
            for name, child in parent.named_children():
                if type(child).__name__ == "Conv2d_BN":
                    setattr(parent, name, child.fuse().to(child.c.weight.device))
        self._encoder.to(dtype).requires_grad_(False)

    def __call__(self, images: torch.Tensor) -> list[torch.Tensor]:
        """B x 3 x H x W to the stages' outputs, each B x C x h x w."""
        return stage_outputs(self._encoder, images)


def stage_outputs(encoder: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
    """Outputs of the published encoder's stages for B x 3 x H x W images, each B x C x h x w."""
    tokens = encoder.patch_embed(images.contiguous())
    outputs = []
    for stage in encoder.layers:
        tokens = stage(tokens)
        size = int(tokens.shape[1] ** 0.5)
        outputs.append(tokens.transpose(1, 2).unflatten(2, (size, size)))
    return outputs
