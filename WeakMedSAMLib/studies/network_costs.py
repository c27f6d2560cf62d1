"""What a training step of the fast preset's network takes, and what it would take with PyTorch's layers alone."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.engine.backbones.base import Backbone, BackboneInfo
from WeakMedSAMLib.engine.base.precision import in_precision, network_dtype
from WeakMedSAMLib.engine.features.levels import Level, pack_slices, packed_level, packed_shapes
from WeakMedSAMLib.engine.methods.fast.group_norm import GroupNorm
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter
from WeakMedSAMLib.studies.counting import timed

_BATCH, _STEPS = 8, 7
Merge = Callable[[Segmenter], torch.Tensor]


def network_costs(images: torch.Tensor, backbone: Backbone) -> dict[str, Any]:
    """Train on slices in turn by the network as it is and by one of PyTorch's layers on unpacked levels.

    Parameters
    ----------
    images : Tensor
        B x 1 x size x size in [0, 1]; a batch has eight, these again and again.
    backbone : Backbone
        On its device.

    Returns
    -------
    dict
        ``step`` and ``plain_step``: median seconds of a step of each; ``ratio`` of the latter to the former.
    """
    device, rows = backbone.device, [number % len(images) for number in range(_BATCH)]
    dtype, levels = network_dtype(device), packed_levels(backbone.info, backbone.embed(images))
    ours = Segmenter({name: level.channels for name, level in backbone.info.levels.items()}, 1).to(device)
    ways: dict[str, tuple[Segmenter, Merge]] = {
        "step": (ours, lambda network: network.merged([(levels, row) for row in rows], dtype)),
        "plain_step": (_plain(ours), lambda network: _merge_plainly(network, levels, rows, dtype, device)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_STEPS):
        for name, (network, merge) in ways.items():
            seconds[name].append(_step_seconds(network, merge, images[rows], device))
    step, plain = (statistics.median(seconds[name][1:]) for name in ways)
    return {"step": round(step, 4), "plain_step": round(plain, 4), "ratio": round(plain / step, 2)}


def packed_levels(info: BackboneInfo, maps: Mapping[str, torch.Tensor]) -> dict[str, Level]:
    """Levels of slices as the cache holds them, of N x C x h x w by name."""
    levels: dict[str, Level] = {}
    for name, level in info.levels.items():
        arrays = {part: np.empty(*array) for part, array in packed_shapes(name, level, len(maps[name])).items()}
        pack_slices(arrays, name, 0, maps[name].cpu())
        levels[name] = packed_level(arrays, name, level, np.arange(len(maps[name]), dtype=np.int32))
    return levels


def _plain(network: Segmenter) -> Segmenter:
    """A copy with PyTorch's group normalisation."""
    copied = copy.deepcopy(network)
    for part in (copied.coarse, copied.fine):
        for name, layer in part.named_children():
            if isinstance(layer, GroupNorm):
                part.register_module(name, nn.GroupNorm(layer.num_groups, layer.num_channels).to(layer.weight.device))
    return copied


def _merge_plainly(
    network: Segmenter, levels: Mapping[str, Level], rows: list[int], dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    """The sum of the projected levels: unpacked, brought to the device, laid out and convolved."""
    layout = torch.channels_last
    maps = {name: levels[name].read(rows).to(dtype).to(device, memory_format=layout) for name in network.levels}
    parts = []
    for name, level in maps.items():
        weight, bias = (network.project[name].get_parameter(part).to(dtype) for part in ("weight", "bias"))
        parts.append(F.conv2d(level, weight, bias))
    return torch.stack(parts).sum(0)


def _step_seconds(network: Segmenter, merge: Merge, images: torch.Tensor, device: torch.device) -> float:
    """Seconds of a step forth, back and by the optimiser."""
    optimizer = torch.optim.AdamW(network.parameters())
    seen = images.expand(-1, network.image_channels, -1, -1)

    def step() -> None:
        merged = merge(network).contiguous(memory_format=torch.channels_last)
        with in_precision(device, network_dtype(device)):
            logits = network.masks(merged, seen)
        logits.float().mean().backward()
        optimizer.step()

    return timed(device, step)[0]
