"""TinyViT's forward pass for CPUs: the published network and weights, with fewer trips through memory.

What is done, and why it gives the same values up to rounding:

- batch normalisation is folded into the convolution before it, the attention's scale into the queries' weights;
- maps stay B x H x W x C throughout, which is a row of tokens and a channels-last image at once: nothing is transposed;
- wide maps are worked on in strips that fit a processor's cache;
- where windows reach beyond the map, the published network puts zeros before the normalisation, which thereby become
  its bias: here that one token is added to the real ones, computed once and copied where it is needed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812

from WeakMedSAMLib.engine.backbones.networks import Network
from WeakMedSAMLib.engine.backbones.tinyvit.cpu_layers import FrozenConv, FrozenLinear, FrozenNorm

# Size of a strip's widest map: about a core's share of the cache, and less than malloc hands back to the system.
_STRIP_BYTES = 8 << 20

Step = Callable[[torch.Tensor], torch.Tensor]


class CpuTinyViT:
    """Outputs of the stages of a TinyViT in eval mode.

    Parameters
    ----------
    encoder : nn.Module
        The published encoder with its weights, in float32.
    dtype : torch.dtype
        Precision to compute in.
    """

    def __init__(self, encoder: Network, dtype: torch.dtype) -> None:
        first, _activation, second = encoder.patch_embed.seq
        self._embed = (FrozenConv(first, dtype), FrozenConv(second, dtype))
        self._stages = [_stage(layer, dtype) for layer in encoder.layers]

    def __call__(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Outputs of the stages, each B x C x h x w (channels last in memory).

        Parameters
        ----------
        images : Tensor
            B x 3 x H x W in the encoder's precision.
        """
        first, second = self._embed
        maps = second(first.gelu(images.contiguous(memory_format=torch.channels_last)))
        outputs = []
        for steps in self._stages:
            for step in steps:
                maps = step(maps)
            outputs.append(maps)
        return outputs


def _stage(layer: Network, dtype: torch.dtype) -> list[Step]:
    """The steps of one stage: its blocks, then the merging of patches if it has one."""
    convolutional = hasattr(layer.blocks[0], "conv1")
    steps: list[Step] = [_ConvBlock(b, dtype) if convolutional else _WindowBlock(b, dtype) for b in layer.blocks]
    if layer.downsample is not None:
        steps.append(_Merging(layer.downsample, dtype))
    return steps


class _ConvBlock:
    """Inverted bottleneck with a shortcut (MBConv)."""

    def __init__(self, block: Network, dtype: torch.dtype) -> None:
        self._convs = [FrozenConv(conv, dtype) for conv in (block.conv1, block.conv2, block.conv3)]

    def __call__(self, maps: torch.Tensor) -> torch.Tensor:
        return _in_strips(self._strip, maps, widest=self._convs[0].weight.shape[0], channels=maps.shape[1])

    def _strip(self, maps: torch.Tensor) -> torch.Tensor:
        widen, mix, narrow = self._convs
        changed = narrow(mix.gelu(widen.gelu(maps)))
        return F.gelu(changed.add_(maps))


class _Merging:
    """Between stages: other channels, and half the resolution where the stride is 2."""

    def __init__(self, merging: Network, dtype: torch.dtype) -> None:
        self._convs = [FrozenConv(conv, dtype) for conv in (merging.conv1, merging.conv2, merging.conv3)]

    def __call__(self, maps: torch.Tensor) -> torch.Tensor:
        channels = self._convs[2].weight.shape[0]
        return _in_strips(self._strip, maps, widest=channels, channels=channels, stride=self._convs[1].stride[0])

    def _strip(self, maps: torch.Tensor) -> torch.Tensor:
        first, mix, last = self._convs
        return last(mix.gelu(first.gelu(maps)))


class _WindowBlock:
    """Attention within windows, a local convolution, and a perceptron for each token."""

    def __init__(self, block: Network, dtype: torch.dtype) -> None:
        self._attention = _WindowAttention(block, dtype)
        self._local = FrozenConv(block.local_conv, dtype)
        mlp = block.mlp
        self._norm = FrozenNorm(mlp.norm, dtype)
        self._widen = FrozenLinear(mlp.fc1.weight, mlp.fc1.bias, dtype)
        self._narrow = FrozenLinear(mlp.fc2.weight, mlp.fc2.bias, dtype)

    def __call__(self, maps: torch.Tensor) -> torch.Tensor:
        tokens = maps.permute(0, 2, 3, 1)
        tokens = tokens + self._attention(tokens)
        tokens = self._local(tokens.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return self._perceptron(tokens.contiguous()).permute(0, 3, 1, 2)

    def _perceptron(self, tokens: torch.Tensor) -> torch.Tensor:
        """Adds to the tokens in place, as many at a time as keep the hidden layer in the cache."""
        count = max(64, _STRIP_BYTES // (self._widen.weight.shape[0] * tokens.element_size()))
        for part in tokens.view(-1, tokens.shape[3]).split(count):
            part += self._narrow(self._widen.gelu(self._norm(part)))
        return tokens


class _WindowAttention:
    """Multi-head attention among the tokens of each window, with a bias by their distance."""

    def __init__(self, block: Network, dtype: torch.dtype) -> None:
        attention, (height, width) = block.attn, block.input_resolution
        self._heads, self._depth = attention.num_heads, attention.key_dim
        self._norm = FrozenNorm(attention.norm, dtype)
        self._projections = self._group(attention, dtype)
        self._out = FrozenLinear(attention.proj.weight, attention.proj.bias, dtype)
        self._bias = attention.attention_biases.detach()[:, attention.attention_bias_idxs].to(dtype).contiguous()
        self._into, self._back = _window_order(height, width, block.window_size)

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """B x H x W x C, same shape out."""
        batch, height, width, channels = tokens.shape
        flat = self._norm(tokens).view(batch, height * width, channels)
        flat = torch.cat([flat, self._norm.bias.expand(batch, 1, channels)], dim=1)
        windows = self._projections(flat).index_select(1, self._into)
        mixed = self._attend(windows.view(-1, self._bias.shape[1], 3, self._heads, self._depth))
        placed = mixed.view(batch, -1, channels).index_select(1, self._back)
        return self._out(placed).view(tokens.shape)

    def _attend(self, windows: torch.Tensor) -> torch.Tensor:
        """Windows x tokens x (query, key, value) x heads x depth to windows x tokens x channels."""
        query, key, value = windows.permute(2, 0, 3, 1, 4).contiguous()
        # F.scaled_dot_product_attention takes 1.1 to 1.4 times as long for windows as small as these.
        scores = (query @ key.transpose(-2, -1)).add_(self._bias)
        return (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)

    def _group(self, attention: Network, dtype: torch.dtype) -> FrozenLinear:
        """The layer for queries, keys and values, sorted by these first and by heads second; the queries scaled."""
        shape = (self._heads, 3, self._depth)
        weight = attention.qkv.weight.detach().unflatten(0, shape).transpose(0, 1).clone()
        bias = attention.qkv.bias.detach().unflatten(0, shape).transpose(0, 1).clone()
        weight[0] *= attention.scale
        bias[0] *= attention.scale
        return FrozenLinear(weight.flatten(0, 2), bias.flatten(), dtype)


def _window_order(height: int, width: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Order of tokens by windows, and back.

    Returns
    -------
    into : Tensor
        For each place in each window the token in it; positions beyond the map get number height * width.
    back : Tensor
        For each token of the map its place.
    """
    rows, columns = -(-height // size), -(-width // size)
    tokens = torch.full((rows * size, columns * size), height * width)
    tokens[:height, :width] = torch.arange(height * width).view(height, width)
    into = tokens.view(rows, size, columns, size).transpose(1, 2).flatten()
    positions = torch.arange(into.numel()).view(rows, columns, size, size).transpose(1, 2)
    back = positions.reshape(rows * size, columns * size)[:height, :width].flatten()
    return into, back


def _in_strips(step: Step, maps: torch.Tensor, widest: int, channels: int, stride: int = 1) -> torch.Tensor:
    """Apply a step that holds one 3 x 3 convolution strip by strip, each with the neighbouring rows that it needs.

    Parameters
    ----------
    step : callable
        B x C x h x w to B x channels x h/stride x w/stride.
    maps : Tensor
        B x C x H x W, H a multiple of 8.
    widest : int
        Channels of the widest map inside.
    """
    batch, _channels, height, width = maps.shape
    rows = _STRIP_BYTES // (batch * widest * width * maps.element_size())
    rows = max(8, rows - rows % 8)
    if rows >= height:
        return step(maps)
    shape = (batch, channels, height // stride, width // stride)
    out = torch.empty(shape, dtype=maps.dtype, memory_format=torch.channels_last)
    for start in range(0, height, rows):
        first, stop = max(0, start - stride), min(height, start + rows)
        strip = step(maps[:, :, first : min(height, stop + 1)])
        skipped, kept = (start - first) // stride, (stop - start) // stride
        out[:, :, start // stride : stop // stride] = strip[:, :, skipped : skipped + kept]
    return out
