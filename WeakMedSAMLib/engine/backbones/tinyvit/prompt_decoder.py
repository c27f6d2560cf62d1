"""SAM's mask decoder for boxes or points: the published weights, with less work on the image's side of attention.

Seven tokens (quality, four masks, two of the prompt) and 4096 image positions attend to each other. Projecting every
position and multiplying it with a few tokens equals projecting the few tokens by the product of both matrices and
multiplying them with the positions as they are: less than half the work, the same values up to rounding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.engine.backbones.networks import Network
from WeakMedSAMLib.engine.backbones.tinyvit.cpu_layers import FrozenConv, FrozenLinear, FrozenNorm


class PromptDecoder:
    """One mask and its predicted quality for each prompt.

    Parameters
    ----------
    network : nn.Module
        A network with the ``image_encoder.neck``, ``prompt_encoder`` and ``mask_decoder`` of SAM, in float32, in eval
        mode.
    dtype : torch.dtype
        Precision of what is computed for image positions; tokens stay in float32.
    """

    def __init__(self, network: Network, dtype: torch.dtype) -> None:
        self._neck = _Neck(network.image_encoder.neck, dtype)
        decoder, self._prompts = network.mask_decoder, network.prompt_encoder
        self._dtype = dtype
        self._no_mask = self._prompts.no_mask_embed.weight.detach().to(dtype)
        position = self._prompts.get_dense_pe().detach()
        self._grid = tuple(position.shape[2:])
        self._position = position.flatten(2).transpose(1, 2).to(dtype).contiguous()
        self._own_tokens = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight]).detach()
        self._layers = [_Layer(layer, dtype) for layer in decoder.transformer.layers]
        self._last_look = _TokensLook(decoder.transformer.final_attn_token_to_image, dtype)
        self._last_norm = decoder.transformer.norm_final_attn
        self._upscaling = _Upscaling(decoder.output_upscaling, dtype)
        self._mask_head, self._quality_head = decoder.output_hypernetworks_mlps[0], decoder.iou_prediction_head

    def prepare(self, last: torch.Tensor) -> torch.Tensor:
        """Output B x C x h x w of the encoder's last stage to what :meth:`__call__` takes: B x (h w) x 256."""
        return self._neck(last).flatten(2).transpose(1, 2) + self._no_mask

    def __call__(self, image: torch.Tensor, prompts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Decode prompts.

        Parameters
        ----------
        image : Tensor
            N x (h w) x 256, one prepared image a prompt; or 1 x (h w) x 256 for all.
        prompts : Tensor
            Boxes N x 4 (x0, y0, x1, y1) or points inside N x 2 (x, y), in pixels of the prompt encoder's image.

        Returns
        -------
        logits : Tensor
            N x (4 h) x (4 w), float32.
        quality : Tensor
            N, float32.
        """
        prompt = torch.cat([self._own_tokens.expand(len(prompts), -1, -1), self._asked(prompts)], dim=1)
        tokens = prompt
        for number, layer in enumerate(self._layers):
            tokens, image = layer(tokens, image, prompt, self._position, first=number == 0)
        tokens = tokens + self._last_look(tokens + prompt, image + self._position, image)
        tokens = self._last_norm(tokens)
        logits = self._upscaling(image.expand(len(prompts), -1, -1), self._grid, self._mask_head(tokens[:, 1]))
        return logits, self._quality_head(tokens[:, 0])[:, 0]

    def _asked(self, prompts: torch.Tensor) -> torch.Tensor:
        """The two tokens of each prompt: a box's corners, or a point and one that says there is no other."""
        if prompts.shape[1] == 4:
            return self._prompts(points=None, boxes=prompts[:, None], masks=None)[0]
        inside = prompts.new_ones(len(prompts), 1)
        return self._prompts(points=(prompts[:, None], inside), boxes=None, masks=None)[0]


class _Neck:
    """From the encoder's last stage to the decoder's image features."""

    def __init__(self, neck: nn.Sequential, dtype: torch.dtype) -> None:
        narrow, norm, mix, last_norm = neck
        self._dtype = dtype
        self._convs = (FrozenConv(narrow, dtype), FrozenConv(mix, dtype))
        self._norms = (FrozenNorm(norm, dtype), FrozenNorm(last_norm, dtype))

    def __call__(self, maps: torch.Tensor) -> torch.Tensor:
        """B x C x h x w to B x C' x h x w."""
        maps = maps.to(self._dtype).contiguous(memory_format=torch.channels_last)
        for conv, norm in zip(self._convs, self._norms, strict=True):
            maps = norm(conv(maps).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return maps


class _Layer:
    """Tokens attend to themselves and to the image, then the image to the tokens."""

    def __init__(self, layer: Network, dtype: torch.dtype) -> None:
        self._layer = layer
        self._look = _TokensLook(layer.cross_attn_token_to_image, dtype)
        self._answer = _ImageLooks(layer.cross_attn_image_to_token, dtype)
        self._norm = FrozenNorm(layer.norm4, dtype)

    def __call__(
        self, tokens: torch.Tensor, image: torch.Tensor, prompt: torch.Tensor, position: torch.Tensor, first: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        layer, placed = self._layer, image + position
        if first:
            tokens = layer.self_attn(q=tokens, k=tokens, v=tokens)
        else:
            asking = tokens + prompt
            tokens = tokens + layer.self_attn(q=asking, k=asking, v=tokens)
        tokens = layer.norm1(tokens)
        tokens = layer.norm2(tokens + self._look(tokens + prompt, placed, image))
        tokens = layer.norm3(tokens + layer.mlp(tokens))
        return tokens, self._norm(image + self._answer(placed, tokens + prompt, tokens))


class _Heads:
    """An attention's projections, split by heads."""

    def __init__(self, attention: Network, dtype: torch.dtype) -> None:
        self.attention, self.dtype = attention, dtype
        self.heads, self.depth = attention.num_heads, attention.internal_dim // attention.num_heads
        self.scale = self.depth**-0.5

    def split(self, tokens: torch.Tensor) -> torch.Tensor:
        """N x T x (heads depth) to N x heads x T x depth."""
        return tokens.unflatten(2, (self.heads, self.depth)).transpose(1, 2)

    def rows(self, projection: nn.Linear) -> torch.Tensor:
        """Weight of a projection as heads x depth x channels."""
        return projection.weight.detach().unflatten(0, (self.heads, self.depth))


class _TokensLook(_Heads):
    """Tokens attend to image positions."""

    def __call__(self, asking: torch.Tensor, placed: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """N x T x C tokens, image positions with and without their encoding; N x T x C out.

        The keys' bias adds the same to all positions, so softmax drops it; weights sum to one, so the values' bias is
        added at the end.
        """
        attention = self.attention
        asked = self.split(attention.q_proj(asking)) @ self.rows(attention.k_proj) * self.scale
        count, _heads, tokens, channels = asked.shape
        weights = _product(asked.flatten(1, 2).to(self.dtype), placed.transpose(1, 2)).softmax(-1)
        seen = _product(weights, image).float().view(count, self.heads, tokens, channels)
        values = (seen @ self.rows(attention.v_proj).transpose(1, 2)).transpose(1, 2).flatten(2)
        return attention.out_proj(values + attention.v_proj.bias)


class _ImageLooks(_Heads):
    """Image positions attend to tokens."""

    def __call__(self, placed: torch.Tensor, offered: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Image positions with their encoding, tokens with and without theirs; N x (h w) x C out."""
        attention = self.attention
        keys = self.split(attention.k_proj(offered)) * self.scale
        asked = keys @ self.rows(attention.q_proj)
        bias = keys @ attention.q_proj.bias.view(self.heads, self.depth, 1)
        scores = _product(asked.flatten(1, 2).to(self.dtype), placed.transpose(1, 2))
        scores = scores.view(*asked.shape[:3], -1) + bias.to(self.dtype)
        weights = scores.softmax(2).flatten(1, 2).transpose(1, 2)
        into = attention.out_proj.weight.detach().unflatten(1, (self.heads, self.depth)).permute(1, 2, 0)
        answers = (self.split(attention.v_proj(tokens)) @ into).flatten(1, 2).to(self.dtype)
        return _product(weights, answers) + attention.out_proj.bias.to(self.dtype)


class _Upscaling:
    """From image positions to mask logits at four times their resolution."""

    def __init__(self, layers: Network, dtype: torch.dtype) -> None:
        first, norm, _activation, second, _last = layers
        self._first, self._second = _quadruple(first, dtype), _quadruple(second, dtype)
        self._norm = FrozenNorm(norm, dtype)

    def __call__(self, image: torch.Tensor, grid: tuple[int, int], mask: torch.Tensor) -> torch.Tensor:
        """N x (h w) x C positions and N x c mask vectors to N x (4 h) x (4 w), float32.

        Each position becomes 2 x 2, and each of these 2 x 2 again: rows stay rows of channels until the very end,
        when each is one number, and only these are put in their places.
        """
        height, width = grid
        finer = F.gelu(self._norm(_fourfold(self._first(image))))
        finest = _fourfold(self._second.gelu(finer))
        logits = _product(finest.flatten(1, -2), mask[:, :, None].to(finest.dtype)).float()
        placed = logits.view(-1, height, width, 2, 2, 2, 2).permute(0, 1, 3, 5, 2, 4, 6)
        return placed.reshape(-1, 4 * height, 4 * width)


def _quadruple(layer: Network, dtype: torch.dtype) -> FrozenLinear:
    """A transposed convolution of size and stride 2 as a linear layer: every position gives 2 x 2, by itself."""
    weight = layer.weight.detach().permute(2, 3, 1, 0).flatten(0, 2)
    return FrozenLinear(weight, layer.bias.detach().repeat(4), dtype)


def _fourfold(positions: torch.Tensor) -> torch.Tensor:
    """... x (2 2 c) to ... x (2 2) x c."""
    return positions.unflatten(-1, (4, -1))


def _product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Product of batches of matrices; one alone goes another way, which needs no copy of a transposed matrix."""
    if len(left) == len(right) == 1:
        return (left[0] @ right[0])[None]
    return left @ right
