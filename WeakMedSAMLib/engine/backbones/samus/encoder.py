"""SAMUS's image encoder: a SAM ViT at 256 x 256 pixels, beside it a CNN that the ViT looks at through adapters.

Source: https://arxiv.org/abs/2309.06824, and in the form that WeakMedSAM (https://arxiv.org/abs/2503.04106) trains,
https://github.com/wanghr64/WeakMedSAM/tree/main/samus. Parameters have the names of the files published there.

With tokens x of the ViT and maps c of the CNN, a block that attends over the whole image computes

    y = norm1(x);  y = y + crossed(y, c);  c = refined(c);  x = x + attention(y)
    x = x + mlp(norm2(x)) + adapted(norm2(x)) / 2

and a block that attends within windows is SAM's own. The encoder's last map is x + c / 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from math import log2

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.engine.backbones.sam.vit import SamSize
from WeakMedSAMLib.engine.base.torchvision_shim import import_torchvision

import_torchvision()  # segment-anything imports it
from segment_anything.modeling.common import LayerNorm2d  # noqa: E402
from segment_anything.modeling.image_encoder import Block, PatchEmbed  # noqa: E402

_STRIDE = 2  # tokens overlap: each is two steps wide
_CNN_WEIGHT = 0.5
_ADAPTED_WEIGHT = 0.5
_CNN_CHANNELS = 64
_BOTTLENECK = 4


class SamusEncoder(nn.Module):
    """Images to maps of half as many cells as SAM's along each edge.

    Tokens are as wide as SAM's, 16 pixels, but only 8 apart: the slice is enlarged from 256 to 264 pixels, so that 32
    of them fit along an edge. SAM's position embedding of 64 x 64 is brought to 32 x 32 by a trained layer.

    Parameters
    ----------
    size : SamSize
        Of the SAM network that it begins as.
    image : int
        Edge of a slice in pixels.
    """

    def __init__(self, size: SamSize, image: int) -> None:
        super().__init__()
        step = size.patch // _STRIDE
        self.cells = image // step
        self._enlarged = step * (self.cells - 1) + size.patch
        wide = size.channels
        self.cnn_embed = CnnBranch(3, wide, halvings=round(log2(step)))
        self.patch_embed = PatchEmbed((size.patch, size.patch), (step, step), embed_dim=wide)
        self.pos_embed = nn.Parameter(torch.zeros(1, size.cells, size.cells, wide))
        self.post_pos_embed = PositionAdapter(wide, halvings=round(log2(size.cells / self.cells)))
        self.input_Adapter = Adapter(wide)
        windows = [0 if number in size.global_blocks else size.window for number in range(size.blocks)]
        self.blocks = nn.ModuleList(CrossBranchBlock(size, self.cells, window) for window in windows)
        narrow = size.prompt_channels
        self.neck = nn.Sequential(
            nn.Conv2d(wide, narrow, 1, bias=False), LayerNorm2d(narrow),
            nn.Conv2d(narrow, narrow, 3, padding=1, bias=False), LayerNorm2d(narrow),
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images B x 1 x S x S in [0, 1], taken as they are, to the last map before the neck: B x C x h x w."""
        images = images.expand(-1, 3, -1, -1)
        seen = self.cnn_embed(images)
        enlarged = F.interpolate(images, size=(self._enlarged,) * 2, mode="bilinear", align_corners=False)
        patches = self.patch_embed(enlarged)
        positions = self.post_pos_embed(self.pos_embed.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        tokens = patches + self.input_Adapter(patches) + positions
        for block in self.blocks:
            tokens, seen = block(tokens, seen)
        return tokens.permute(0, 3, 1, 2) + _CNN_WEIGHT * seen


class CrossBranchBlock(Block):
    """SAM's block of a ViT, with three adapters if it attends over the whole image.

    Parameters
    ----------
    size : SamSize
        Of the network.
    cells : int
        Tokens along an edge.
    window : int
        Edge of a window in tokens; 0 for the whole image.
    """

    def __init__(self, size: SamSize, cells: int, window: int) -> None:
        norm = partial(nn.LayerNorm, eps=1e-6)
        super().__init__(
            size.channels,
            size.heads,
            norm_layer=norm,
            use_rel_pos=True,
            window_size=window,
            input_size=(cells, cells),
        )
        if not window:
            self.MLP_Adapter = Adapter(size.channels)
            self.Space_Adapter = CrossBranchAttention(size.channels, size.heads)
            self.refine_Adapter = ConvUnit(size.channels, size.channels)

    def forward(self, tokens: torch.Tensor, seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens B x h x w x C of the ViT and maps B x C x h x w of the CNN; the same of both."""
        if self.window_size:
            return super().forward(tokens), seen
        placed = self.norm1(tokens)
        placed = placed + self.Space_Adapter(placed, seen.permute(0, 2, 3, 1))
        seen = self.refine_Adapter(seen)
        tokens = tokens + self.attn(placed)
        placed = self.norm2(tokens)
        return tokens + self.mlp(placed) + _ADAPTED_WEIGHT * self.MLP_Adapter(placed), seen


class CrossBranchAttention(nn.Module):
    """Every token of the ViT attends to all cells of the CNN's maps; no positions."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = (nn.Linear(channels, channels) for _ in range(3))
        self.proj = nn.Linear(channels, channels)

    def forward(self, tokens: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Tokens and maps, both B x h x w x C, to B x h x w x C."""
        queries, keys, values = (
            layer(cells).flatten(1, 2).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer, cells in ((self.q, tokens), (self.k, seen), (self.v, seen))
        )
        found = F.scaled_dot_product_attention(queries, keys, values)
        return self.proj(found.transpose(1, 2).flatten(2).view_as(tokens))


class Adapter(nn.Module):
    """Two linear layers with a quarter of the channels between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.D_fc1 = nn.Linear(channels, channels // _BOTTLENECK)
        self.D_fc2 = nn.Linear(channels // _BOTTLENECK, channels)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """... x C to ... x C."""
        return self.D_fc2(F.gelu(self.D_fc1(tokens)))


class ConvUnit(nn.Module):
    """Convolution, normalisation over channels, GELU."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(*_conv_layers(channels, out_channels))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """B x C x h x w to B x C' x h x w."""
        return self.conv(maps)


class Halving(nn.Module):
    """Maximum of 2 x 2 cells, then as :class:`ConvUnit`."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), *_conv_layers(channels, out_channels))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """B x C x h x w to B x C' x h/2 x w/2."""
        return self.maxpool_conv(maps)


class CnnBranch(nn.Module):
    """The image at the tokens' resolution: 64 channels, twice as many at each halving, in the end as many as asked."""

    def __init__(self, channels: int, out_channels: int, halvings: int) -> None:
        super().__init__()
        widths = [_CNN_CHANNELS * 2**number for number in range(halvings)] + [out_channels]
        self.inc = ConvUnit(channels, _CNN_CHANNELS)
        self.downs = nn.ModuleList(Halving(*pair) for pair in pairwise(widths))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """B x 3 x S x S to B x C x h x w."""
        maps = self.inc(images)
        for down in self.downs:
            maps = down(maps)
        return maps


class PositionAdapter(nn.Module):
    """SAM's position embedding at the resolution of SAMUS's tokens."""

    def __init__(self, channels: int, halvings: int) -> None:
        super().__init__()
        self.downs = nn.ModuleList(Halving(channels, channels) for _ in range(halvings))

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        """1 x C x H x W to 1 x C x h x w."""
        for down in self.downs:
            positions = down(positions)
        return positions


def resized_positions(state: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """SAM's tensors, with relative positions of whole-image attention brought to the length that this encoder has.

    They are 127 x 64 for SAM's 64 tokens along an edge, 63 x 64 for 32. Those within windows fit as they are, and the
    position embedding keeps SAM's size: its adapter brings it to the tokens' resolution.
    """

    def fitting(name: str, value: torch.Tensor) -> torch.Tensor:
        if ".rel_pos_" not in name or name not in own or value.shape == own[name].shape:
            return value
        length = own[name].shape[0]
        return F.interpolate(value.T[None], size=length, mode="linear", align_corners=False)[0].T.contiguous()

    return {name: fitting(name, value) for name, value in state.items()}


def _conv_layers(channels: int, out_channels: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, out_channels, 3, padding=1, bias=False), LayerNorm2d(out_channels), nn.GELU()]
