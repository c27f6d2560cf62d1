"""What presets cost on a backbone, for one class: what they train, a slice in operations and seconds, and memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from WeakMedSAMLib.engine.backbones.base import Backbone, BackboneInfo
from WeakMedSAMLib.engine.base.device import choose_device, precision_for
from WeakMedSAMLib.engine.base.memory import PeakMemory
from WeakMedSAMLib.engine.base.precision import network_dtype, reduced_precision
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter
from WeakMedSAMLib.engine.methods.fast.settings import FAST
from WeakMedSAMLib.engine.methods.published.adapt import new_classifier
from WeakMedSAMLib.engine.methods.published.classifier import ClassHeads
from WeakMedSAMLib.engine.methods.published.pam import SIZE
from WeakMedSAMLib.engine.methods.published.settings import PAPER
from WeakMedSAMLib.engine.methods.published.unet import beside, build_network
from WeakMedSAMLib.studies.counting import built, operations, parameters, peak_mb, timed
from WeakMedSAMLib.studies.network_costs import packed_levels

PROMPTS = 16  # as published: 4 x 4
TRAINED = ("fast", "paper")  # the reference trains what the paper does
_MOST_BOXES = 3  # a slice, in the fast preset


@dataclass(frozen=True)
class Parts:
    """What a slice's way is made of, in operations or in seconds.

    Attributes
    ----------
    encoded, drawn : float
        The untouched encoder; its mask decoder for one prompt.
    classified, segmented : float
        Classifier and network of the fast preset, on features.
    adapted, network : float
        Adapted encoder and classifier, and the network on the image, of the published method.
    anew : float
        Adapted encoder and mask decoder for one prompt.
    """

    encoded: float
    drawn: float
    classified: float
    segmented: float
    adapted: float
    network: float
    anew: float

    def by_preset(self) -> dict[str, dict[str, float]]:
        """Of one slice by preset: to its pseudo-mask, and to the mask of a trained model.

        The fast preset encodes once and draws three boxes at most; its network sees a slice once. The paper preset
        encodes for the class map (adapted) and for the masks (untouched) and draws 16 prompts; the reference encodes
        anew, by the adapted encoder, for each prompt. Their network works on the image alone, twice (mirrored).
        """
        features = self.encoded + self.classified
        return {
            "fast": {
                "pseudo-mask": features + _MOST_BOXES * self.drawn,
                "mask": features + self.segmented,
            },
            "paper": {"pseudo-mask": self.adapted + self.encoded + PROMPTS * self.drawn, "mask": 2 * self.network},
            "reference": {"pseudo-mask": self.adapted + PROMPTS * self.anew, "mask": 2 * self.network},
        }


def operation_parts(measured: Mapping[str, Any]) -> Parts:
    """The parts in floating-point operations, of what `backbone_complexity` gives."""
    parts, adapted = measured["operations"], measured["adapted_operations"]
    fast, paper = measured["presets"]["fast"], measured["presets"]["paper"]
    return Parts(
        encoded=parts["encoder"] + parts["neck"],
        drawn=parts["decoder"],
        classified=fast["classifier"],
        segmented=fast["network"],
        adapted=adapted["encoder"] + paper["classifier"],
        network=paper["network"],
        anew=adapted["encoder"] + adapted["neck"] + adapted["decoder"],
    )


def second_parts(measured: Mapping[str, Any]) -> Parts:
    """The parts in seconds. A prompt was timed with its share of the neck, which a slice needs once."""
    seconds, fast, paper = measured["seconds"], *(measured["training"][preset]["seconds"] for preset in TRAINED)
    return Parts(
        encoded=seconds["slice"],
        drawn=seconds["prompt"],
        classified=fast["classifier"],
        segmented=fast["network"],
        adapted=paper["classifier"],
        network=paper["network"],
        anew=paper["classifier"] + seconds["prompt"],
    )


def trained_parts(info: BackboneInfo, adapted: int) -> dict[str, dict[str, Any]]:
    """Trained parameters and operations of what the presets train for one class, a slice and pass."""
    classifier, segmenter = _fast_networks(info)
    cam = info.cam
    heads, unet = ClassHeads(cam.channels, (PAPER.sub_classes,), PAPER.head), build_network(PAPER, 1)
    slices = [(packed_levels(info, {name: torch.zeros(1, *level.shape) for name, level in info.levels.items()}), 0)]
    image = torch.zeros(1, segmenter.image_channels, info.input_size, info.input_size)
    framed = torch.empty(1, 1 + 2 * beside(PAPER), SIZE, SIZE, device="meta")
    projected = torch.empty(1, FAST.projection_dim, cam.size, cam.size, device="meta")
    return {
        "fast": {
            "trained": parameters(classifier) + parameters(segmenter),
            "classifier": operations(classifier.to("meta"), projected),
            "network": operations(lambda: segmenter.masks(segmenter.merged(slices, torch.float32), image)),
        },
        "paper": {
            "trained": adapted + parameters(heads) + parameters(unet),
            "classifier": operations(heads.to("meta"), torch.empty(1, *cam.shape, device="meta")),
            "network": operations(unet.to("meta"), framed),
        },
    }


def _fast_networks(info: BackboneInfo) -> tuple[SliceClassifier, Segmenter]:
    levels = {name: level.channels for name, level in info.levels.items()}
    return SliceClassifier(FAST.projection_dim, (1,)), Segmenter(levels, 1)


def training_costs(name: str, preset: str, device: str = "auto") -> dict[str, Any]:
    """Seconds and peak memory of what a preset trains on a backbone, one slice at once; best in a fresh process.

    Returns
    -------
    dict
        ``seconds``: of ``classifier`` and ``network`` for a slice as they are used, and ``step``: of both for a slice
        in training (forward, backward, AdamW); ``peak_mb``, the untouched encoder included, which the run has too.
    """
    chosen = choose_device(device)
    with PeakMemory() as memory:
        backbone, _ = built(name)
        backbone = backbone.to(chosen, precision_for(chosen))
        classify, segment = (_fast_work if preset == "fast" else _published_work)(backbone)
        seconds = {
            "classifier": _used(classify, chosen),
            "network": _used(segment, chosen),
            "step": _trained(classify, chosen) + _trained(segment, chosen),
        }
    return {
        "seconds": {part: round(value, 4) for part, value in seconds.items()},
        "peak_mb": peak_mb(memory, chosen),
    }


@dataclass(frozen=True)
class _Work:
    """A network, and what it makes of one slice."""

    network: nn.Module
    run: Callable[[], torch.Tensor]


def _fast_work(backbone: Backbone) -> tuple[_Work, _Work]:
    """Classifier and network of the fast preset, on a slice's features."""
    device, info = backbone.device, backbone.info
    images = torch.rand(1, 1, info.input_size, info.input_size, device=device)
    slices = [(packed_levels(info, backbone.embed(images)), 0)]
    size = info.cam_cells
    classifier, segmenter = _fast_networks(info)
    classifier, segmenter = classifier.to(device), segmenter.to(device)
    projected = torch.rand(1, FAST.projection_dim, size, size, device=device)

    def segmented() -> torch.Tensor:
        merged = segmenter.merged(slices, network_dtype(device))
        with reduced_precision(device):
            return segmenter.masks(merged, images.expand(-1, segmenter.image_channels, -1, -1)).float()

    return _Work(classifier, lambda: classifier(projected)[0]), _Work(segmenter, segmented)


def _published_work(backbone: Backbone) -> tuple[_Work, _Work]:
    """Adapted encoder with its heads, and the U-Net, on a slice."""
    device, size = backbone.device, backbone.info.input_size
    classifier = new_classifier((PAPER.sub_classes,), PAPER, backbone)
    unet = build_network(PAPER, 1).to(device)
    images = torch.rand(1, 1, size, size, device=device)
    framed = torch.rand(1, 1 + 2 * beside(PAPER), SIZE, SIZE, device=device)

    def drawn() -> torch.Tensor:
        with reduced_precision(device):
            return unet(framed).float()

    return _Work(classifier, lambda: torch.cat(classifier(images), 1)), _Work(unet, drawn)


@torch.no_grad()
def _used(work: _Work, device: torch.device) -> float:
    """Seconds of one slice, after one that is not counted."""
    work.network.eval()
    work.run()
    return timed(device, work.run)[0]


def _trained(work: _Work, device: torch.device) -> float:
    """Seconds of a training step on one slice, after one that is not counted."""
    work.network.train()
    optimizer = torch.optim.AdamW([value for value in work.network.parameters() if value.requires_grad])

    def step() -> None:
        optimizer.zero_grad()
        work.run().square().mean().backward()
        optimizer.step()

    step()
    return timed(device, step)[0]
