"""EfficientSAM's network: a plain ViT, and a mask decoder that resembles SAM's.

Source: https://arxiv.org/abs/2312.00863, https://github.com/yformer/EfficientSAM (Apache-2.0). Parameters have names
as in the files published there. Unlike SAM's, the decoder has GELU throughout, one normalisation over channels and
positions together, residual connections in every self-attention, and prompts of always six tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.engine.base.torchvision_shim import import_torchvision

import_torchvision()  # both packages below import it
from segment_anything.modeling.common import LayerNorm2d  # noqa: E402
from segment_anything.modeling.prompt_encoder import PositionEmbeddingRandom  # noqa: E402
from segment_anything.modeling.transformer import Attention  # noqa: E402
from timm.models.vision_transformer import Block  # noqa: E402

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
_PRETRAINED_CELLS = 14  # of the position embedding: 224 pixels in patches of 16
_PROMPT_TOKENS = 6
_MASKS = 4  # one for clear prompts, three for unclear ones
_NOT_A_POINT, _POINT, _TOP_LEFT, _BOTTOM_RIGHT = -1, 1, 2, 3


@dataclass(frozen=True)
class EfficientSize:
    """Sizes of an EfficientSAM network.

    Attributes
    ----------
    channels, blocks, heads : int
        Of the ViT.
    frame, image, patch : int
        Edge in pixels of a slice as it comes, as it is encoded, and of a token.
    prompt_channels, mlp_channels : int
        Of neck and mask decoder, and within its layers.
    """

    channels: int
    heads: int
    blocks: int = 12
    frame: int = 512
    image: int = 1024
    patch: int = 16
    prompt_channels: int = 256
    mlp_channels: int = 2048

    @property
    def cells(self) -> int:
        """Tokens along an edge."""
        return self.image // self.patch


VIT_TI = EfficientSize(192, 3)
VIT_S = EfficientSize(384, 6)


class EfficientEncoder(nn.Module):
    """The image encoder up to its neck."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, size: EfficientSize) -> None:
        super().__init__()
        wide, narrow = size.channels, size.prompt_channels
        self._image = size.image
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, wide, size.patch, stride=size.patch)})
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + _PRETRAINED_CELLS**2, wide))
        norm: Any = partial(nn.LayerNorm, eps=1e-6)  # timm calls it a type
        self.blocks = nn.ModuleList(Block(wide, size.heads, qkv_bias=True, norm_layer=norm) for _ in range(size.blocks))
        self.neck = nn.Sequential(
            nn.Conv2d(wide, narrow, 1, bias=False), LayerNorm2d(narrow),
            nn.Conv2d(narrow, narrow, 3, padding=1, bias=False), LayerNorm2d(narrow),
        )  # fmt: skip
        for name, values in (("mean", _MEAN), ("deviation", _DEVIATION)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images B x 1 x S x S in [0, 1] to the last map before the neck: B x C x h x w."""
        enlarged = F.interpolate(images, size=(self._image, self._image), mode="bilinear", align_corners=False)
        patches = self.patch_embed["proj"]((enlarged - self.mean) / self.deviation)
        cells = patches.shape[2:]
        tokens = (patches + self._positions(cells)).flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens.transpose(1, 2).unflatten(2, cells)

    def _positions(self, cells: torch.Size) -> torch.Tensor:
        """The position embedding at the image's resolution, 1 x C x h x w; its first row, of no place, is left out."""
        square = self.pos_embed[:, 1:].transpose(1, 2).unflatten(2, (_PRETRAINED_CELLS, _PRETRAINED_CELLS))
        return F.interpolate(square, size=cells, mode="bicubic", align_corners=False)


class EfficientPromptEncoder(nn.Module):
    """Points and corners of boxes as tokens; what is left of six tokens says that it is no point."""

    def __init__(self, channels: int, image: int) -> None:
        super().__init__()
        self._image = image
        self.pe_layer = PositionEmbeddingRandom(channels // 2)
        self.invalid_points = nn.Embedding(1, channels)
        self.point_embeddings = nn.Embedding(1, channels)
        self.bbox_top_left_embeddings = nn.Embedding(1, channels)
        self.bbox_bottom_right_embeddings = nn.Embedding(1, channels)

    def forward(self, places: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """Places n x t x 2 (x, y in pixels) and their kinds n x t to n x 6 x C."""
        missing = _PROMPT_TOKENS - places.shape[1]
        places = F.pad(places, (0, 0, 0, missing), value=-1.0)
        kinds = F.pad(kinds, (0, missing), value=_NOT_A_POINT)
        tokens = self.pe_layer.forward_with_coords(places + 0.5, (self._image, self._image))
        for kind, embedding in (
            (_NOT_A_POINT, self.invalid_points),
            (_POINT, self.point_embeddings),
            (_TOP_LEFT, self.bbox_top_left_embeddings),
            (_BOTTOM_RIGHT, self.bbox_bottom_right_embeddings),
        ):
            tokens = tokens + embedding.weight * (kinds == kind)[:, :, None]
        return tokens


class EfficientMaskDecoder(nn.Module):
    """Four masks, and their predicted qualities, for each prompt."""

    def __init__(self, channels: int, mlp_channels: int) -> None:
        super().__init__()
        self.iou_token = nn.Embedding(1, channels)
        self.mask_tokens = nn.Embedding(_MASKS, channels)
        self.transformer = _TwoWay(channels, mlp_channels)
        half, quarter = channels // 4, channels // 8
        self.final_output_upscaling_layers = nn.ModuleList(
            [
                nn.Sequential(nn.ConvTranspose2d(channels, half, 2, stride=2), nn.GroupNorm(1, half), nn.GELU()),
                nn.Sequential(nn.ConvTranspose2d(half, quarter, 2, stride=2), nn.Identity(), nn.GELU()),
            ]
        )
        self.output_hypernetworks_mlps = nn.ModuleList(_Mlp(channels, channels, quarter, 2) for _ in range(_MASKS))
        self.iou_prediction_head = _Mlp(channels, channels, _MASKS, 2)

    def forward(
        self, image: torch.Tensor, positions: torch.Tensor, prompts: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Image and its positions 1 x C x h x w, prompts n x t x C; logits n x 4 x (4 h) x (4 w), quality n x 4."""
        count, cells = len(prompts), image.shape[2:]
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight]).expand(count, -1, -1)
        cells_in = image.flatten(2).transpose(1, 2).expand(count, -1, -1)
        places = positions.flatten(2).transpose(1, 2)
        tokens, seen = self.transformer(torch.cat([own, prompts], dim=1), cells_in, places)
        finer = seen.transpose(1, 2).unflatten(2, cells)
        for layer in self.final_output_upscaling_layers:
            finer = layer(finer)
        weights = [head(tokens[:, 1 + number]) for number, head in enumerate(self.output_hypernetworks_mlps)]
        return torch.einsum("nmc,nchw->nmhw", torch.stack(weights, 1), finer), self.iou_prediction_head(tokens[:, 0])


class EfficientNetwork(nn.Module):
    """Image encoder, prompt encoder and mask decoder."""

    def __init__(self, size: EfficientSize) -> None:
        super().__init__()
        self._scale = size.image / size.frame
        self.image_encoder = EfficientEncoder(size)
        self.prompt_encoder = EfficientPromptEncoder(size.prompt_channels, size.image)
        self.mask_decoder = EfficientMaskDecoder(size.prompt_channels, size.mlp_channels)

    def masks(
        self, image: torch.Tensor, points: torch.Tensor | None = None, boxes: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Of three masks for each prompt the one that is best by the network's own prediction, as its authors use it.

        Parameters
        ----------
        image : Tensor
            1 x C x h x w, from the neck.
        points, boxes : Tensor, optional
            n x 2 points inside, or n x 4 boxes, in pixels of the frame.

        Returns
        -------
        logits : Tensor
            n x (4 h) x (4 w).
        quality : Tensor
            n.
        """
        asked, kinds = (boxes, [_TOP_LEFT, _BOTTOM_RIGHT]) if points is None else (points, [_POINT])
        if asked is None:
            raise ValueError("masks need points or boxes")
        places = asked.unflatten(1, (-1, 2)) * self._scale
        prompts = self.prompt_encoder(places, torch.tensor(kinds, device=places.device).expand(len(places), -1))
        positions = self.prompt_encoder.pe_layer(image.shape[2:])[None]
        logits, quality = self.mask_decoder(image, positions, prompts)
        best = quality[:, 1:].argmax(1) + 1
        rows = torch.arange(len(best), device=best.device)
        return logits[rows, best], quality[rows, best]


class _TwoWay(nn.Module):
    """Tokens and image attend to each other, twice; then the tokens once more to the image."""

    def __init__(self, channels: int, mlp_channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_TwoWayLayer(channels, mlp_channels, first=number == 0) for number in range(2))
        self.final_attn_token_to_image = Attention(channels, 8, downsample_rate=2)
        self.norm_final_attn = nn.LayerNorm(channels)

    def forward(
        self, prompts: torch.Tensor, image: torch.Tensor, places: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens n x t x C, image n x (h w) x C and its positions 1 x (h w) x C; tokens and image."""
        tokens = prompts
        for layer in self.layers:
            tokens, image = layer(tokens, image, prompts, places)
        tokens = tokens + self.final_attn_token_to_image(tokens + prompts, image + places, image)
        return self.norm_final_attn(tokens), image


class _TwoWayLayer(nn.Module):
    def __init__(self, channels: int, mlp_channels: int, first: bool) -> None:
        super().__init__()
        self._first = first
        self.self_attn = Attention(channels, 8)
        self.cross_attn_token_to_image = Attention(channels, 8, downsample_rate=2)
        self.cross_attn_image_to_token = Attention(channels, 8, downsample_rate=2)
        self.mlp = _Mlp(channels, mlp_channels, channels, 1)
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(channels) for _ in range(4))

    def forward(
        self, tokens: torch.Tensor, image: torch.Tensor, prompts: torch.Tensor, places: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        tokens = tokens if self._first else tokens + prompts
        tokens = self.norm1(tokens + self.self_attn(tokens, tokens, tokens))
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + prompts, image + places, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        return tokens, self.norm4(image + self.cross_attn_image_to_token(image + places, tokens + prompts, tokens))


class _Mlp(nn.Module):
    """Layers with GELU, and a last one without."""

    def __init__(self, channels: int, hidden: int, out_channels: int, layers: int) -> None:
        super().__init__()
        widths = [channels] + [hidden] * layers
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(*pair), nn.GELU()) for pair in pairwise(widths))
        self.fc = nn.Linear(hidden, out_channels)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            tokens = layer(tokens)
        return self.fc(tokens)
