"""How much faster and smaller prompt affinity mining is here than in the published way, on the same slices and prompts.

Both sides have the same backbone with the same (fast) encoder in the same precision, the same boxes, and the same
radius, sharpness and number of steps. What differs: slices are encoded once and not once a prompt, and affinities lie
in a stencil and not in a dense matrix.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.base.device import choose_device, cpu_name, precision_for
from WeakMedSAMLib.engine.base.versions import versions
from WeakMedSAMLib.engine.data.geometry import in_plane_spacing, slice_stack
from WeakMedSAMLib.engine.data.volumes import read_volume
from WeakMedSAMLib.engine.evaluation.demo import AXIS, demo_scan
from WeakMedSAMLib.engine.features.preprocess import Frame, choose_intensity, to_unit
from WeakMedSAMLib.engine.methods.fast.settings import FAST
from WeakMedSAMLib.engine.methods.published.dense import dense_affinity, published_walk, row_stochastic_walk
from WeakMedSAMLib.engine.parts.affinity import random_walk, stencil_affinity
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.mining import GRID
from WeakMedSAMLib.engine.parts.prompts import body_box, grid_cells
from WeakMedSAMLib.engine.runs.probe import wait_for
from WeakMedSAMLib.studies.cache_costs import cache_costs
from WeakMedSAMLib.studies.encoder import encoder_speed
from WeakMedSAMLib.studies.network_costs import network_costs
from WeakMedSAMLib.studies.reference_pam import Encoder, logits_by_prompt

BACKBONE = "litemedsam"
PROMPTS = 16  # a slice, as the published settings have it
TOLERANCE = 1e-4
_SETTINGS = FAST


class Stopwatch:
    """Seconds by part of the work."""

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[str, float] = {}
        self._device = device

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the seconds of the block, work that the device still has to do included."""
        started = time.perf_counter()
        yield
        wait_for(self._device)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


@dataclass(frozen=True, eq=False)
class TimedMining:
    """What one way gave for B slices, and what it took.

    Attributes
    ----------
    logits : Tensor
        B x Q x size x size.
    walked : Tensor
        B x GRID x GRID.
    affinity_bytes : int
        Of one slice.
    seconds : dict
        By part, of all slices.
    """

    logits: torch.Tensor
    walked: torch.Tensor
    affinity_bytes: int
    seconds: dict[str, float]

    @property
    def total(self) -> float:
        """Seconds of all slices."""
        return sum(self.seconds.values())

    def to_json(self) -> dict[str, Any]:
        """Times a slice, and bytes, as plain JSON values."""
        each = {name: round(seconds / len(self.logits), 4) for name, seconds in self.seconds.items()}
        total = round(self.total / len(self.logits), 4)
        return {"seconds_per_slice": {**each, "total": total}, "affinity_bytes": self.affinity_bytes}


def measure_speed(slices: int = 4, device: str = "auto", prompts: int = PROMPTS) -> dict[str, Any]:
    """Time both ways on slices of the demonstration's chest CT, and check that they agree where both are right.

    Parameters
    ----------
    slices : int
        How many, drawn evenly from the scan; all go through the encoder together.
    device : str
        As for `choose_device`.
    prompts : int
        Boxes a slice, a square number.

    Returns
    -------
    dict
        JSON values; times are seconds a slice by part, ``affinity_bytes`` are those of a slice.

        ``ours``, ``reference``
            The two ways, each with all its passes through the encoder: one here, one a prompt there.
        ``reference_eager``
            The published way with the encoder as published, without what speeds it up here.
        ``speed_ratio``, ``speed_ratio_eager``
            How many times as long these two take as ours.
        ``speed_ratio_mining``
            The same for mining alone: without the one pass that the class map takes in either way.
        ``memory_ratio``
            Of affinities.
        ``encoder``, ``cache``, ``network``
            See `encoder_speed`, `cache_costs` and `network_costs`.
        ``masks_max_difference``, ``walk_max_difference``, ``equal``
            Largest differences of values in [0, 1]: between masks of both ways, and between the walk by stencil and by
            a dense matrix normalised right; whether both are within 1e-4.

    Raises
    ------
    UserError
        ``demo_data_missing``, and what devices and weights raise.
    """
    chosen = choose_device(device)
    backbone = build_backbone(BACKBONE).to(chosen, precision_for(chosen))
    images = scan_slices(slices, backbone.info.input_size).to(chosen)
    boxes = torch.stack([grid_boxes(image[0], prompts) for image in images])
    ours, reference, eager = _mine_in_turn(backbone, images, boxes)
    return {
        "ours": ours.to_json(),
        "reference": reference.to_json(),
        "reference_eager": eager.to_json(),
        "speed_ratio": round(reference.total / ours.total, 1),
        "speed_ratio_eager": round(eager.total / ours.total, 1),
        "speed_ratio_mining": round(reference.total / (ours.total - ours.seconds["encode"]), 1),
        "memory_ratio": round(reference.affinity_bytes / ours.affinity_bytes, 1),
        "encoder": encoder_speed(images, backbone),
        "cache": cache_costs(images, backbone),
        "network": network_costs(images, backbone),
        **_agreement(ours.logits, reference.logits, images),
        **_circumstances(backbone, slices, prompts),
    }


def scan_slices(count: int, size: int) -> torch.Tensor:
    """Slices of the chest CT, drawn evenly, as the backbone sees them: count x 1 x size x size."""
    volume = read_volume(demo_scan().volume)
    stack = slice_stack(volume.array, AXIS)
    drawn = stack[np.linspace(0, len(stack) - 1, count + 2).round().astype(int)[1:-1]]
    _slices, rows, columns = drawn.shape
    frame = Frame(rows, columns, *in_plane_spacing(volume.geometry, AXIS), size)
    framed = frame.to_frame(to_unit(drawn, choose_intensity(volume.array)))
    return torch.from_numpy(np.ascontiguousarray(framed, np.float32))[:, None]


def grid_boxes(image: torch.Tensor, count: int) -> torch.Tensor:
    """Boxes of an even grid over what is not background in an H x W image: count x 4 (x0, y0, x1, y1)."""
    edge = round(count**0.5)
    if edge < 1 or edge * edge != count:
        raise ValueError(f"{count} boxes do not make a square grid")
    cells = grid_cells(body_box(image.cpu().numpy()), edge)
    return torch.from_numpy(cells).to(image.device)


def stencil_pam(backbone: Backbone, images: torch.Tensor, boxes: torch.Tensor) -> TimedMining:
    """Our way: encode once, decode all prompts, stencil. B x 1 x size x size images, B x Q x 4 boxes."""
    watch = Stopwatch(images.device)
    count, prompts = boxes.shape[:2]
    with watch.part("encode"):
        levels = backbone.embed(images)
    with watch.part("decode"):
        features = levels[backbone.info.decode_level]
        logits, _ = backbone.decode(features, boxes.flatten(0, 1), torch.arange(count).repeat_interleave(prompts))
        logits = logits.reshape(count, prompts, *logits.shape[1:])
    with watch.part("affinity"):
        masks = _cells(logits)
        weights = masks.new_ones(masks.shape[:2])
        affinity = stencil_affinity(masks, weights, _SETTINGS.pam_radius, _SETTINGS.pam_beta)
    with watch.part("walk"):
        walked = random_walk(_start(images), affinity, _SETTINGS.pam_radius, _SETTINGS.pam_steps)
    return TimedMining(logits, walked, affinity.nbytes // count, watch.seconds)


def dense_pam(backbone: Backbone, encode: Encoder, images: torch.Tensor, boxes: torch.Tensor) -> TimedMining:
    """The published way: encode for every prompt, add the logits up, dense matrix, one slice after the other."""
    watch = Stopwatch(images.device)
    with watch.part("encode and decode"):
        logits = torch.stack(list(logits_by_prompt(backbone, encode, images, boxes)), 1)
    walked = []
    weight = logits.new_ones(1)
    for summed, start in zip(resize_maps(logits.sum(1), GRID), _start(images), strict=True):
        with watch.part("affinity"):
            affinity = dense_affinity(summed[None], weight, _SETTINGS.pam_radius, _SETTINGS.pam_beta)
        with watch.part("walk"):
            walked.append(published_walk(start, affinity, _SETTINGS.pam_steps))
    return TimedMining(logits, torch.stack(walked), affinity.nbytes, watch.seconds)


def _mine_in_turn(
    backbone: Backbone, images: torch.Tensor, boxes: torch.Tensor
) -> tuple[TimedMining, TimedMining, TimedMining]:
    """Our way, the published one with our encoder, and the same with the published encoder.

    Ours is timed before, between and after the two long measurements, and the median counts, lest a machine that slows
    down or speeds up meanwhile favour a side.
    """
    _warm_up(backbone, images, boxes)
    attempts = [stencil_pam(backbone, images, boxes)]
    reference = dense_pam(backbone, backbone.embed, images, boxes)
    attempts.append(stencil_pam(backbone, images, boxes))
    eager = dense_pam(backbone, backbone.eager_embed, images, boxes)
    attempts.append(stencil_pam(backbone, images, boxes))
    return sorted(attempts, key=lambda mined: mined.total)[1], reference, eager


def _warm_up(backbone: Backbone, images: torch.Tensor, boxes: torch.Tensor) -> None:
    """Do once what is done once in a process, so that it is not counted."""
    stencil_pam(backbone, images, boxes[:, :1])
    dense_pam(backbone, backbone.eager_embed, images[:1], boxes[:1, :1])


def _agreement(ours: torch.Tensor, reference: torch.Tensor, images: torch.Tensor) -> dict[str, Any]:
    """Whether masks are the same, and whether the stencil walks as a dense matrix does that is normalised right."""
    masks_apart = float((ours.sigmoid() - reference.sigmoid()).abs().max())
    walk_apart = max(
        walk_difference(masks, start) for masks, start in zip(_cells(reference), _start(images), strict=True)
    )
    return {
        "masks_max_difference": masks_apart,
        "walk_max_difference": walk_apart,
        "equal": masks_apart <= TOLERANCE and walk_apart <= TOLERANCE,
    }


def walk_difference(masks: torch.Tensor, start: torch.Tensor) -> float:
    """Largest difference between the walk by stencil and by dense matrix; Q x H x W masks, H x W map.

    The masks' weights are uneven, so that a mix-up of masks would show.
    """
    weights = torch.linspace(1, 2, len(masks), device=masks.device)
    radius, beta, steps = _SETTINGS.pam_radius, _SETTINGS.pam_beta, _SETTINGS.pam_steps
    stencil = random_walk(start[None], stencil_affinity(masks[None], weights[None], radius, beta), radius, steps)[0]
    dense = row_stochastic_walk(start, dense_affinity(masks, weights / weights.sum(), radius, beta), steps)
    return float((stencil - dense).abs().max())


def _cells(logits: torch.Tensor) -> torch.Tensor:
    return resize_maps(logits.sigmoid(), GRID)


def _start(images: torch.Tensor) -> torch.Tensor:
    """Maps to walk from, B x GRID x GRID: grey values do, since what a map shows costs no time."""
    return resize_maps(images[:, 0], GRID)


def _circumstances(backbone: Backbone, slices: int, prompts: int) -> dict[str, Any]:
    return {
        "slices": slices,
        "prompts": prompts,
        "grid": GRID,
        "backbone": backbone.info.name,
        "device": str(backbone.device),
        "precision": str(backbone.dtype).removeprefix("torch."),
        "processor": torch.cuda.get_device_name(backbone.device) if backbone.device.type == "cuda" else cpu_name(),
        "threads": torch.get_num_threads(),
        "scan": demo_scan().volume.name,
        "versions": versions(),
    }
