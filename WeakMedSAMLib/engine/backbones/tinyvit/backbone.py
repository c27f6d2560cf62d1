"""A backbone made of a TinyViT of LiteMedSAM's and MobileSAM's layout, and SAM's mask decoder."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

from WeakMedSAMLib.engine.backbones.adaptable import AdaptableEncoder, PromptableNetwork
from WeakMedSAMLib.engine.backbones.base import BackboneInfo, LevelInfo, PreparedSlices, PromptKind, WeightsInfo
from WeakMedSAMLib.engine.backbones.frozen_backbone import FrozenBackbone
from WeakMedSAMLib.engine.backbones.networks import Network
from WeakMedSAMLib.engine.backbones.sam_network import SamNetwork
from WeakMedSAMLib.engine.backbones.tinyvit.cpu_encoder import CpuTinyViT
from WeakMedSAMLib.engine.backbones.tinyvit.prompt_decoder import PromptDecoder
from WeakMedSAMLib.engine.backbones.tinyvit.published import FoldedEncoder, Prepare, TrainableTinyViT, stage_outputs
from WeakMedSAMLib.engine.base.core_pool import CorePool

_CELLS = 64
_SLICES_AT_ONCE = 16  # in decode(): bounds the memory for prepared slices
_SLICES_A_CORE = 4  # in a batch of embed() on a CPU
_GPU_BATCH = 32
_GPU_GROUP = 16  # slices or prompts in one go of the decoder on a GPU; on a CPU it is one for each core
_EAGER_CPU_BATCH = 2  # the fastest for the published encoder


def tinyvit_info(name: str, frame: int, prompts: frozenset[PromptKind], weights: WeightsInfo) -> BackboneInfo:
    """What is known of such a backbone: its levels are outputs of TinyViT's stages.

    The CAM level is the last stage's output before the neck, where class activation maps work far better than after it.
    The neck is computed anew for each slice that is prompted: keeping its output would take two fifths more room.

    Parameters
    ----------
    name : str
        Of the backbone.
    frame : int
        Edge of a slice in pixels.
    prompts : frozenset of PromptKind
        That the mask decoder answers well.
    weights : WeightsInfo
        Where they come from.
    """
    return BackboneInfo(
        name=name,
        input_size=frame,
        levels={"stage0": LevelInfo(128, _CELLS), "stage1": LevelInfo(160, _CELLS), "last": LevelInfo(320, _CELLS)},
        cam_level="last",
        cam_cells=32,
        decode_level="last",
        prompts=prompts,
        weights=weights,
        version=2,
    )


class TinyVitBackbone(FrozenBackbone):
    """A TinyViT with SAM's mask decoder behind the ``Backbone`` protocol, frozen.

    Parameters
    ----------
    info : BackboneInfo
        Of :func:`tinyvit_info`.
    network : nn.Module
        With its weights, in eval mode: ``image_encoder``, ``prompt_encoder`` and ``mask_decoder`` as published.
    prepare : callable
        Makes of slices B x 1 x S x S in [0, 1] what the image encoder takes.
    """

    def __init__(self, info: BackboneInfo, network: Network, prepare: Prepare) -> None:
        self.info = info
        self._network, self._prepare = network.requires_grad_(False), prepare
        self._scale = network.prompt_encoder.input_image_size[0] / info.input_size  # pixels of prompts for one of ours
        self.to(torch.device("cpu"), torch.float32)

    @property
    def batch_size(self) -> int:
        """Slices a batch that suit the device."""
        return self._batch_size

    def to(self, device: torch.device, dtype: torch.dtype) -> TinyVitBackbone:
        """Move to a device and set the precision; returns itself.

        The decoder takes the encoder's precision if that is bfloat16, whose range is that of float32, else float32.
        """
        self._device, self._dtype = torch.device(device), dtype
        self._network.to(self._device)
        self._eager: Network = None
        self._decoder = PromptDecoder(self._network, dtype if dtype is torch.bfloat16 else torch.float32)
        if self._device.type == "cpu":
            self._encoder: CpuTinyViT | FoldedEncoder = CpuTinyViT(self._network.image_encoder, dtype)
            pool = CorePool.of_this_process()
            self._each, self._group, self._batch_size = pool.map, 1, _SLICES_A_CORE * pool.count
        else:
            self._encoder = FoldedEncoder(self._network.image_encoder, dtype)
            self._each, self._group, self._batch_size = _one_after_another, _GPU_GROUP, _GPU_BATCH
        return self

    @torch.no_grad()
    def embed(self, slices: torch.Tensor) -> dict[str, torch.Tensor]:
        """Features by level, each B x C x h x w, float16, on the backbone's device."""
        groups = slices.split(1) if self._device.type == "cpu" else (slices,)
        return _join(self._each(self._levels, groups))

    @torch.no_grad()
    def eager_embed(self, slices: torch.Tensor) -> dict[str, torch.Tensor]:
        """As :meth:`embed`, by the published encoder as it stands, in the same precision; for comparison."""
        if self._eager is None:
            self._eager = copy.deepcopy(self._network.image_encoder).to(self._dtype)
        groups = slices.split(_EAGER_CPU_BATCH) if self._device.type == "cpu" else (slices,)
        outputs = [stage_outputs(self._eager, self._input(group)) for group in groups]
        return _join([_kept(stages) for stages in outputs])

    def adaptable_encoder(self) -> AdaptableEncoder:
        """A trainable copy of TinyViT: its last stage is trained, which is our choice; the paper has other encoders."""
        last = self.info.levels["last"]
        return AdaptableEncoder(self._trainable(), last.channels, last.size, _trained)

    def promptable_network(self) -> PromptableNetwork:
        """A trainable copy of encoder and mask decoder together."""
        prompts, masks = self._network.prompt_encoder, self._network.mask_decoder
        return PromptableNetwork(SamNetwork(self._trainable(), prompts, masks, self._scale), _trained)

    def _trainable(self) -> TrainableTinyViT:
        return TrainableTinyViT(self._network.image_encoder, self._prepare)

    @torch.no_grad()
    def prepare(self, features: torch.Tensor) -> PreparedSlices:
        """Slices behind the neck: B x (h w) x 256, in the decoder's precision."""
        slices = features.to(self._device).split(self._group)
        return PreparedSlices(torch.cat(self._each(self._decoder.prepare, slices)))

    @torch.no_grad()
    def _decode(
        self, features: torch.Tensor | PreparedSlices, prompts: torch.Tensor, rows: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        prompts, size = prompts.to(self._device, torch.float32) * self._scale, self.info.input_size
        rows = torch.arange(len(prompts)) if rows is None else rows.cpu()
        logits, quality = prompts.new_empty(len(prompts), size, size), prompts.new_empty(len(prompts))
        for part in rows.unique().split(_SLICES_AT_ONCE) if len(prompts) else ():
            images = self._prepared(features, part)
            chosen = torch.isin(rows, part).nonzero()[:, 0]
            positions = torch.searchsorted(part, rows[chosen])
            jobs = zip(chosen.split(self._group), positions.split(self._group), strict=True)
            self._each(partial(self._decode_into, logits, quality, images, prompts), jobs)
        return logits, quality

    def _prepared(self, features: torch.Tensor | PreparedSlices, rows: torch.Tensor) -> torch.Tensor:
        return features.images[rows] if isinstance(features, PreparedSlices) else self.prepare(features[rows]).images

    def _levels(self, slices: torch.Tensor) -> dict[str, torch.Tensor]:
        return _kept(self._encoder(self._input(slices)))

    def _decode_into(
        self,
        logits: torch.Tensor,
        quality: torch.Tensor,
        images: torch.Tensor,
        prompts: torch.Tensor,
        job: tuple[torch.Tensor, torch.Tensor],
    ) -> None:
        """Decode the prompts of these numbers, whose prepared images are at these positions; put the results there."""
        numbers, positions = job
        drawn, quality[numbers] = self._decoder(images[positions], prompts[numbers])
        logits[numbers] = F.interpolate(drawn[:, None], logits.shape[1:], mode="bilinear", align_corners=False)[:, 0]

    def _input(self, slices: torch.Tensor) -> torch.Tensor:
        """What the encoder takes of slices, in its precision: for few at once, it may be far larger than they are."""
        return self._prepare(slices.to(self._device)).to(self._dtype)


def _trained(name: str) -> bool:
    return name.startswith("layers.3.")


def _one_after_another(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    return [function(item) for item in items]


def _join(parts: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Levels of consecutive slices as levels of all."""
    return {name: torch.cat([levels[name] for levels in parts]) for name in parts[0]}


def _kept(stages: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    """What is kept of the stages' outputs."""
    levels = {"stage0": F.avg_pool2d(stages[0], 2), "stage1": stages[1], "last": stages[3]}
    return {name: level.to(torch.float16, memory_format=torch.contiguous_format) for name, level in levels.items()}
