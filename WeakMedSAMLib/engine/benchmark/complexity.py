"""What backbones and presets cost: parameters, floating-point operations by stage, memory and time for a slice.

Operations are counted by ``torch.utils.flop_counter`` (matrix products and convolutions; a multiplication with its
addition is two) on shapes alone, without computing. Parameters and operations do not depend on weights, so that
backbones whose weights are not on this computer are measured with random ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones.base import Backbone, BackboneInfo, Network
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.backbones.samus import Samus
from WeakMedSAMLib.engine.benchmark.accuracy_report import machine
from WeakMedSAMLib.engine.device import choose_device, precision_for
from WeakMedSAMLib.engine.memory import PeakMemory
from WeakMedSAMLib.engine.probe import wait_for
from WeakMedSAMLib.engine.published.classifier import ClassHeads
from WeakMedSAMLib.engine.published.pam import SIZE
from WeakMedSAMLib.engine.published.settings import PAPER
from WeakMedSAMLib.engine.published.unet import beside, build_network
from WeakMedSAMLib.engine.sce import SliceClassifier
from WeakMedSAMLib.engine.segmenter import Segmenter, segmentation_levels
from WeakMedSAMLib.engine.settings import FAST
from WeakMedSAMLib.engine.versions import versions

SCHEMA = "weakmedsam-complexity-1"

_PROMPTS = 16  # as published: 4 x 4
_MOST_BOXES = 3  # a slice, in the fast preset


def measure_complexity(names: Sequence[str], device: str = "auto", slices: int = 2) -> dict[str, Any]:
    """Measure backbones, each in a process of its own, so that memory is its alone.

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
        ``backbones``: one entry each, as `backbone_complexity` gives; and what was measured on.
    """
    found = []
    for name in names:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            found.append(pool.submit(backbone_complexity, name, device, slices).result())
    return {"schema": SCHEMA, "machine": machine(), "versions": versions(), "slices": slices, "backbones": found}


def backbone_complexity(name: str, device: str = "auto", slices: int = 2) -> dict[str, Any]:
    """Parameters, operations by stage and preset, seconds and peak memory of one backbone; best in a fresh process.

    Raises
    ------
    UserError
        What devices say.
    """
    with PeakMemory() as memory:
        backbone, trained = _built(name)
        chosen = choose_device(device)
        backbone = backbone.to(chosen, precision_for(chosen))
        seconds = _seconds(backbone, slices)
    peak = torch.cuda.max_memory_allocated() / 1e6 if chosen.type == "cuda" else memory.peak_mb
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
        "presets": _presets(backbone.info, adapted),
        "seconds": seconds,
        "peak_mb": round(peak, 1),
    }


def _built(name: str) -> tuple[Backbone, bool]:
    """The backbone, and whether its weights are on this computer."""
    try:
        return build_backbone(name), True
    except UserError as error:
        if not error.code.startswith("weights_"):
            raise
        return build_backbone(name, untrained=True), False


def parameters(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(one.numel() for one in network.parameters())


def trainable(network: nn.Module) -> int:
    """Number of parameters that training moves."""
    return sum(one.numel() for one in network.parameters() if one.requires_grad)


@torch.no_grad()
def operations(function: Callable[..., Any], *inputs: Any) -> int:
    """Floating-point operations of a call. Attention is counted as the matrix products that it is made of."""
    counter = FlopCounterMode(display=False)
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one operation that the counter does not know
    try:
        with counter, sdpa_kernel(SDPBackend.MATH):
            function(*inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
    return int(counter.get_total_flops())


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


def _presets(info: BackboneInfo, adapted: int) -> dict[str, dict[str, Any]]:
    """Trained parameters and operations of what the presets train for one class, a slice and pass."""
    levels = {name: info.levels[name] for name in segmentation_levels(info)}
    segmenter = Segmenter({name: level.channels for name, level in levels.items()}, 1)
    classifier, cam = SliceClassifier(FAST.projection_dim, (1,)), info.levels[info.cam_level]
    heads, unet = ClassHeads(cam.channels, (PAPER.sub_classes,), PAPER.head), build_network(PAPER, 1)
    maps = {name: torch.empty(1, *level.shape, device="meta") for name, level in levels.items()}
    image = torch.empty(1, 1, info.input_size, info.input_size, device="meta")
    framed = torch.empty(1, 1 + 2 * beside(PAPER), SIZE, SIZE, device="meta")
    projected = torch.empty(1, FAST.projection_dim, cam.size, cam.size, device="meta")
    return {
        "fast": {
            "trained": parameters(classifier) + parameters(segmenter),
            "classifier": operations(classifier.to("meta"), projected),
            "network": operations(segmenter.to("meta"), maps, image),
        },
        "paper": {
            "trained": adapted + parameters(heads) + parameters(unet),
            "classifier": operations(heads.to("meta"), torch.empty(1, *cam.shape, device="meta")),
            "network": operations(unet.to("meta"), framed),
        },
    }


def slice_operations(measured: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Operations of one slice by preset: to its pseudo-mask, and to the mask of a trained model.

    The fast preset encodes once and draws three boxes at most; its network sees a slice twice (mirrored) and the
    decoder redraws one piece. The paper preset encodes for the class map (adapted) and for the masks (untouched) and
    draws 16 prompts; the reference encodes anew, by the adapted encoder, for each prompt. Their network works on the
    image alone, also twice.
    """
    parts, adapted = measured["operations"], measured["adapted_operations"]
    encode, draw = parts["encoder"] + parts["neck"], parts["decoder"]
    fast, paper = measured["presets"]["fast"], measured["presets"]["paper"]
    once = adapted["encoder"] + paper["classifier"]
    anew = adapted["encoder"] + adapted["neck"] + adapted["decoder"]
    return {
        "fast": {
            "pseudo-mask": encode + fast["classifier"] + _MOST_BOXES * draw,
            "mask": encode + fast["classifier"] + 2 * fast["network"] + draw,
        },
        "paper": {"pseudo-mask": once + encode + _PROMPTS * draw, "mask": 2 * paper["network"]},
        "reference": {"pseudo-mask": once + _PROMPTS * anew, "mask": 2 * paper["network"]},
    }


def _seconds(backbone: Backbone, slices: int) -> dict[str, float]:
    """Of encoding a slice and of drawing a prompt, after one slice that is not counted."""
    size = backbone.info.input_size
    images = torch.rand(slices, 1, size, size, generator=torch.Generator().manual_seed(0)).to(backbone.device)
    backbone.embed(images[:1])
    encode, levels = _timed(backbone, lambda: _embedded(backbone, images))
    features = {name: levels[name][:1] for name in backbone.info.decode_levels}
    boxes = torch.tensor([[0.2, 0.2, 0.8, 0.8]]).repeat(_PROMPTS, 1) * size
    rows = torch.zeros(_PROMPTS, dtype=torch.long)
    backbone.decode(features, boxes[:1], rows[:1])
    draw, _ = _timed(backbone, lambda: backbone.decode(features, boxes, rows))
    return {"slice": round(encode / slices, 4), "prompt": round(draw / _PROMPTS, 4)}


def _embedded(backbone: Backbone, images: torch.Tensor) -> dict[str, torch.Tensor]:
    parts = [backbone.embed(part) for part in images.split(backbone.batch_size)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _timed(backbone: Backbone, work: Callable[[], Any]) -> tuple[float, Any]:
    wait_for(backbone.device)
    started = time.perf_counter()
    result = work()
    wait_for(backbone.device)
    return time.perf_counter() - started, result
