"""What backbones and presets cost: parameters, floating-point operations by stage, memory and time for a slice.

Operations are counted by ``torch.utils.flop_counter`` (matrix products and convolutions; a multiplication with its
addition is two) on shapes alone, without computing. Parameters and operations do not depend on weights, so that
backbones whose weights are not on this computer are measured with random ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from WeakMedSAMLib.engine.backbones.base import Backbone, BackboneInfo
from WeakMedSAMLib.engine.backbones.networks import Network
from WeakMedSAMLib.engine.backbones.samus.backbone import Samus
from WeakMedSAMLib.engine.base.device import choose_device, precision_for
from WeakMedSAMLib.engine.base.memory import PeakMemory
from WeakMedSAMLib.engine.base.versions import versions
from WeakMedSAMLib.studies.accuracy_report import machine
from WeakMedSAMLib.studies.counting import apart, built, operations, parameters, peak_mb, timed, trainable
from WeakMedSAMLib.studies.preset_costs import PROMPTS, TRAINED, trained_parts, training_costs

SCHEMA = "weakmedsam-complexity-2"


def measure_complexity(names: Sequence[str], device: str = "auto", slices: int = 2) -> dict[str, Any]:
    """Measure backbones, and on each the presets' training, each in a process of its own: memory is its alone.

    Parameters
    ----------
    names : sequence of str
        Backbones.
    device : str
        Where time and memory are measured.
    slices : int
        Encoded for that.

    Returns
    -------
    dict
        ``backbones``: one entry each, as `backbone_complexity` gives, with ``training`` as `training_costs` gives, for
        each preset that trains; and what was measured on.
    """
    found = []
    for name in names:
        one = apart(backbone_complexity, name, device, slices)
        one["training"] = {preset: apart(training_costs, name, preset, device) for preset in TRAINED}
        found.append(one)
    return {"schema": SCHEMA, "machine": machine(), "versions": versions(), "slices": slices, "backbones": found}


def backbone_complexity(name: str, device: str = "auto", slices: int = 2) -> dict[str, Any]:
    """Parameters, operations by stage and preset, seconds and peak memory of one backbone; best in a fresh process.

    Raises
    ------
    UserError
        What devices say.
    """
    chosen = choose_device(device)
    with PeakMemory() as memory:
        backbone, trained = built(name)
        backbone = backbone.to(chosen, precision_for(chosen))
        seconds = _seconds(backbone, slices)
    peak = peak_mb(memory, chosen)
    backbone = backbone.to(torch.device("cpu"), torch.float32)
    network = backbone.promptable_network().network
    # SAMUS alone adapts another encoder than the one whose features and masks it gives.
    frozen = backbone.frozen_network().network if isinstance(backbone, Samus) else network
    adapted = trainable(backbone.adaptable_encoder())
    return {
        "backbone": name,
        "weights": "pre-trained" if trained else "random",
        "input_size": backbone.info.input_size,
        "device": str(chosen),
        "precision": str(precision_for(chosen)).removeprefix("torch."),
        "parameters": {"total": parameters(network), "encoder": parameters(network.image_encoder), "adapters": adapted},
        "operations": _network_operations(frozen.to("meta"), backbone.info),
        "adapted_operations": _network_operations(network.to("meta"), backbone.info),
        "presets": trained_parts(backbone.info, adapted),
        "seconds": seconds,
        "peak_mb": peak,
    }


def _network_operations(network: Network, info: BackboneInfo) -> dict[str, int]:
    """Of the encoder to its last map and of the neck, for a slice; of the mask decoder, for a prompt."""
    network = network.requires_grad_(False)  # the counter hooks every input that has a gradient
    image = torch.empty(1, 1, info.input_size, info.input_size, device="meta")
    last = network.image_encoder(image)
    neck = network.image_encoder.neck(last)
    box = torch.empty(1, 4, device="meta")
    return {
        "encoder": operations(network.image_encoder, image),
        "neck": operations(network.image_encoder.neck, last),
        "decoder": operations(lambda: network.masks(neck, boxes=box)),
    }


def _seconds(backbone: Backbone, slices: int) -> dict[str, float]:
    """Of encoding a slice and of drawing a prompt, after one slice that is not counted."""
    size = backbone.info.input_size
    images = torch.rand(slices, 1, size, size, generator=torch.Generator().manual_seed(0)).to(backbone.device)
    backbone.embed(images[:1])
    encode, levels = timed(backbone.device, lambda: _embedded(backbone, images))
    features = levels[backbone.info.decode_level][:1]
    boxes = torch.tensor([[0.2, 0.2, 0.8, 0.8]]).repeat(PROMPTS, 1) * size
    rows = torch.zeros(PROMPTS, dtype=torch.long)
    backbone.decode(features, boxes[:1], rows[:1])
    draw, _ = timed(backbone.device, lambda: backbone.decode(features, boxes, rows))
    return {"slice": round(encode / slices, 4), "prompt": round(draw / PROMPTS, 4)}


def _embedded(backbone: Backbone, images: torch.Tensor) -> dict[str, torch.Tensor]:
    parts = [backbone.embed(part) for part in images.split(backbone.batch_size)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
