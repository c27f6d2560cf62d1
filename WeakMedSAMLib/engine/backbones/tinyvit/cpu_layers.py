"""Layers of a frozen network on a CPU: batch normalisation folded in, GELU by oneDNN where it offers that."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.engine.backbones.networks import Network

_LAYOUT = torch.channels_last


class FrozenConv:
    """A convolution, with the batch normalisation that may follow it, on channels-last images.

    Parameters
    ----------
    layer : nn.Module
        ``nn.Conv2d``, or the published pair of convolution ``c`` and normalisation ``bn``.
    dtype : torch.dtype
        Precision to compute in; folding is done in the precision that the weights have.
    """

    def __init__(self, layer: Network, dtype: torch.dtype) -> None:
        conv = layer if isinstance(layer, nn.Conv2d) else layer.fuse()
        self.weight = conv.weight.detach().to(dtype).contiguous(memory_format=_LAYOUT)
        self.bias = None if conv.bias is None else conv.bias.detach().to(dtype)
        self.stride, self.padding, self.groups = list(conv.stride), list(conv.padding), conv.groups
        self._fused = self.weight.device.type == "cpu" and has_fused_gelu(dtype)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """B x C x H x W to B x C' x H' x W'."""
        return F.conv2d(images, self.weight, self.bias, self.stride, self.padding, 1, self.groups)

    def gelu(self, images: torch.Tensor) -> torch.Tensor:
        """As calling it, then GELU (the exact one)."""
        if not self._fused:
            return F.gelu(self(images))
        return torch.ops.mkldnn._convolution_pointwise(
            images, self.weight, self.bias, self.padding, self.stride, [1, 1], self.groups, "gelu", [], "none"
        )


class FrozenLinear:
    """A linear layer over the last axis.

    Parameters
    ----------
    weight, bias : Tensor
        out x in, and out.
    dtype : torch.dtype
        Precision to compute in.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, dtype: torch.dtype) -> None:
        self.weight = weight.detach().to(dtype).contiguous()
        self.bias = bias.detach().to(dtype)
        self._fused = self.weight.device.type == "cpu" and has_fused_gelu(dtype)

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """... x in to ... x out."""
        if not self._fused:
            return F.linear(tokens, self.weight, self.bias)
        # Unlike F.linear, this adds the bias without writing it into every row of the result first.
        return torch.ops.mkldnn._linear_pointwise(tokens, self.weight, self.bias, "none", [], "")

    def gelu(self, tokens: torch.Tensor) -> torch.Tensor:
        """As calling it, then GELU (the exact one)."""
        if not self._fused:
            return F.gelu(self(tokens))
        return torch.ops.mkldnn._linear_pointwise(tokens, self.weight, self.bias, "gelu", [], "none")


class FrozenNorm:
    """Layer normalisation over the last axis; ``layer`` holds ``weight``, ``bias`` and ``eps``."""

    def __init__(self, layer: Network, dtype: torch.dtype) -> None:
        self.weight, self.bias = layer.weight.detach().to(dtype), layer.bias.detach().to(dtype)
        self._eps = layer.eps

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """Same shape."""
        return F.layer_norm(tokens, self.weight.shape, self.weight, self.bias, self._eps)


@lru_cache(maxsize=4)
def has_fused_gelu(dtype: torch.dtype) -> bool:
    """Whether this PyTorch has oneDNN's layers with GELU built in, and they compute what the plain ones do.

    They are what torch.compile uses on CPUs, but not public; hence the trial, and the plain layers as the other way.
    """
    if not torch.backends.mkldnn.is_available():
        return False
    tokens = torch.linspace(-2, 2, 64).view(4, 16)
    weight, bias = torch.linspace(-1, 1, 256).view(16, 16), torch.linspace(-1, 1, 16)
    expected = F.gelu(F.linear(tokens, weight, bias))
    tokens, weight, bias = tokens.to(dtype), weight.to(dtype), bias.to(dtype)
    try:
        linear = torch.ops.mkldnn._linear_pointwise(tokens, weight, bias, "gelu", [], "none")
        conv = torch.ops.mkldnn._convolution_pointwise(
            tokens[:, :, None, None], weight[:, :, None, None], bias, [0, 0], [1, 1], [1, 1], 1, "gelu", [], "none"
        )
    except (AttributeError, RuntimeError, TypeError):
        return False
    right = [torch.allclose(one.float(), expected, rtol=0.02, atol=0.1) for one in (linear, conv[..., 0, 0])]
    return all(right)
