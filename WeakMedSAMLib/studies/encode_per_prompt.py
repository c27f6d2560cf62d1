"""What it costs to run the image encoder once for each prompt, as the published code does."""

from __future__ import annotations

from typing import Any

import torch

from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.base.device import choose_device, precision_for
from WeakMedSAMLib.studies.reference_pam import logits_by_prompt
from WeakMedSAMLib.studies.speed import PROMPTS, TOLERANCE, Stopwatch, grid_boxes, scan_slices

SLICES = 20


def measure_encode_per_prompt(name: str, device: str = "auto", slices: int = SLICES) -> dict[str, Any]:
    """Masks of 16 boxes a slice, encoded once for each prompt, and encoded once.

    Slices are drawn evenly from the chest CT of the demonstration, and go through one at a time.

    Parameters
    ----------
    name : str
        Of the backbone.
    device : str
        Where to measure.
    slices : int
        How many.

    Returns
    -------
    dict
        ``seconds_per_slice`` of both ways, their ``ratio``, the largest difference of mask probabilities, and whether
        it is within 1e-4.
    """
    chosen = choose_device(device)
    backbone = build_backbone(name).to(chosen, precision_for(chosen))
    images = scan_slices(slices, backbone.info.input_size).to(chosen)
    watch, apart = Stopwatch(chosen), 0.0
    backbone.embed(images[:1])  # what is done once in a process is not counted
    for image in images.split(1):
        boxes = grid_boxes(image[0, 0], PROMPTS)
        with watch.part("per prompt"):
            repeated = torch.cat(list(logits_by_prompt(backbone, backbone.embed, image, boxes[None])))
        with watch.part("once"):
            features = backbone.embed(image)[backbone.info.decode_level]
            once, _ = backbone.decode(features, boxes, torch.zeros(len(boxes), dtype=torch.long))
        apart = max(apart, float((once.sigmoid() - repeated.sigmoid()).abs().max()))
    each = {part: seconds / slices for part, seconds in watch.seconds.items()}
    return {
        "slices": slices,
        "prompts": PROMPTS,
        "device": str(chosen),
        "seconds_per_slice": {part: round(seconds, 4) for part, seconds in each.items()},
        "ratio": round(each["per prompt"] / each["once"], 1),
        "largest_difference": apart,
        "equal": apart <= TOLERANCE,
    }
