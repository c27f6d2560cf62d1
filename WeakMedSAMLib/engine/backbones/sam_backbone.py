"""A backbone made of any network with SAM's parts: ViT encoder, neck, prompt encoder, mask decoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812

from WeakMedSAMLib.engine.backbones.adaptable import AdaptableEncoder, PromptableNetwork, Trained
from WeakMedSAMLib.engine.backbones.base import BackboneInfo, LevelInfo, PreparedSlices, PromptKind, WeightsInfo
from WeakMedSAMLib.engine.backbones.frozen_backbone import FrozenBackbone
from WeakMedSAMLib.engine.backbones.networks import Network
from WeakMedSAMLib.engine.backbones.weights_loading import fill_network
from WeakMedSAMLib.engine.base.precision import in_precision

_CAM_CELLS = 32  # the grid on which class activation maps work well, as the paper's
_GPU_BATCH = 4  # a ViT at 1024 pixels needs about 1 GB a slice for its attention
_PROMPTS_AT_ONCE = 32
_TRAINED_BLOCKS = 4


class ViTSize(Protocol):
    """What is read of the size of a network with a plain ViT."""

    @property
    def frame(self) -> int:
        """Edge of a slice in pixels."""

    @property
    def cells(self) -> int:
        """Edge of the ViT's maps."""

    @property
    def channels(self) -> int:
        """Of the ViT's maps."""

    @property
    def blocks(self) -> int:
        """Of the ViT."""


def vit_info(name: str, size: ViTSize, prompts: frozenset[PromptKind], weights: WeightsInfo) -> BackboneInfo:
    """What is known of such a backbone.

    Its level is the ViT's last map, of which the neck makes what the mask decoder takes; averaged over about 32 x 32
    cells it serves class activation maps.

    Parameters
    ----------
    name : str
        Of the backbone.
    size : ViTSize
        Of its network.
    prompts : frozenset of PromptKind
        That the mask decoder answers well.
    weights : WeightsInfo
        Where they come from.
    """
    return BackboneInfo(
        name=name,
        input_size=size.frame,
        levels={"last": LevelInfo(size.channels, size.cells)},
        cam_level="last",
        cam_cells=min(size.cells, _CAM_CELLS),
        decode_level="last",
        prompts=prompts,
        weights=weights,
        version=2,
    )


def last_blocks(count: int) -> Trained:
    """Parameters of the last four of so many blocks.

    The code of the paper trains these beside SAMUS's adapters; of an encoder without adapters they are what is trained.
    """
    return in_blocks(range(max(0, count - _TRAINED_BLOCKS), count))


def in_blocks(numbers: Iterable[int]) -> Trained:
    """Whether a parameter's name is of one of these blocks."""
    starts = tuple(f"blocks.{number}." for number in numbers)
    return lambda name: name.startswith(starts)


class SamBackbone(FrozenBackbone):
    """Such a network behind the ``Backbone`` protocol, frozen.

    Parameters
    ----------
    info : BackboneInfo
        With the levels of :func:`vit_info`.
    network : nn.Module
        With its weights, in eval mode: ``image_encoder`` with its ``neck``, and ``masks``.
    trained : callable
        Which parameters of the encoder are trained in copies of it.
    """

    def __init__(self, info: BackboneInfo, network: Network, trained: Trained) -> None:
        self.info = info
        self._network, self._trained = network.requires_grad_(False), trained
        self.to(torch.device("cpu"), torch.float32)

    @property
    def batch_size(self) -> int:
        """Slices a batch that suit the device."""
        return 1 if self._device.type == "cpu" else _GPU_BATCH

    def to(self, device: torch.device, dtype: torch.dtype) -> SamBackbone:
        """Move to a device and set the encoder's precision; returns itself. The mask decoder stays in float32."""
        self._device, self._dtype = torch.device(device), dtype
        self._network.to(self._device)
        return self

    @torch.no_grad()
    def embed(self, slices: torch.Tensor) -> dict[str, torch.Tensor]:
        """Features by level, each B x C x h x w, float16, on the backbone's device."""
        with in_precision(self._device, self._dtype):
            last = self._network.image_encoder(slices.to(self._device))
        return {"last": last.to(torch.float16, memory_format=torch.contiguous_format)}

    def eager_embed(self, slices: torch.Tensor) -> dict[str, torch.Tensor]:
        """As :meth:`embed`: of these networks nothing is rebuilt."""
        return self.embed(slices)

    def adaptable_encoder(self) -> AdaptableEncoder:
        """A trainable copy of the image encoder, in float32, on this device."""
        level = self.info.levels["last"]
        return AdaptableEncoder(self._network.image_encoder, level.channels, level.size, self._trained)

    def promptable_network(self) -> PromptableNetwork:
        """A trainable copy of encoder and mask decoder together."""
        return PromptableNetwork(self._network, self._trained)

    @torch.no_grad()
    def prepare(self, features: torch.Tensor) -> PreparedSlices:
        """Slices behind the neck: B x 256 x h x w, float32."""
        return PreparedSlices(torch.cat([self._behind_neck(one) for one in features.split(1)]))

    @torch.no_grad()
    def _decode(
        self, features: torch.Tensor | PreparedSlices, prompts: torch.Tensor, rows: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks at the frame's size, slice by slice, some prompts at once: memory beyond the result is bounded."""
        kind, size = "boxes" if prompts.shape[1] == 4 else "points", self.info.input_size
        prompts = prompts.to(self._device, torch.float32)
        rows = torch.arange(len(prompts)) if rows is None else rows.cpu()
        logits, quality = prompts.new_empty(len(prompts), size, size), prompts.new_empty(len(prompts))
        for row in rows.unique():
            one = row[None]
            image = features.images[one] if isinstance(features, PreparedSlices) else self._behind_neck(features[one])
            for numbers in (rows == row).nonzero()[:, 0].split(_PROMPTS_AT_ONCE):
                drawn, quality[numbers] = self._network.masks(image, **{kind: prompts[numbers]})
                logits[numbers] = F.interpolate(drawn[:, None], (size, size), mode="bilinear", align_corners=False)[
                    :, 0
                ]
        return logits, quality

    def _behind_neck(self, features: torch.Tensor) -> torch.Tensor:
        with in_precision(self._device, self._dtype):
            return self._network.image_encoder.neck(features.to(self._device, torch.float32)).float()


def vit_backbone(
    name: str,
    size: ViTSize,
    prompts: frozenset[PromptKind],
    build: Callable[[], Network],
    weights_folder: Path | None,
    random_weights: bool,
) -> SamBackbone:
    """A backbone whose last blocks are trained in copies, with its checked weights or random ones, on the CPU.

    Raises
    ------
    UserError
        ``weights_*``; see ``weights_loading.fill_network``.
    """
    network, weights = fill_network(build, name, weights_folder, random_weights)
    return SamBackbone(vit_info(name, size, prompts, weights), network, last_blocks(size.blocks))
