"""What the stages of training depend on, and their outputs that were kept, if they are what today's program takes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from WeakMedSAMLib.contract.stages import CLASSIFIER, PSEUDO_MASKS, SEGMENTER
from WeakMedSAMLib.engine.methods.fast.model import FastModel
from WeakMedSAMLib.engine.methods.fast.novelty import CellDescriptors
from WeakMedSAMLib.engine.methods.fast.projection import Projection
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter
from WeakMedSAMLib.engine.methods.fast.settings import READ_BY_MASKS_ALONE, FastSettings

# Settings that a stage does not read, nor those before it: a change of them leaves its output as it is. A new setting
# belongs to every stage until it is named here.
_AFTER_NETWORK = ("rounds", *READ_BY_MASKS_ALONE)
_SINCE_NETWORK = ("segmenter_steps", "places", "handing_anew", "surest_slice", *_AFTER_NETWORK)
_READ_LATER = {
    CLASSIFIER: ("map_smoothing", "map_exponent", "objects", "pam", "guess_weight", *_SINCE_NETWORK),
    PSEUDO_MASKS: _SINCE_NETWORK,
    SEGMENTER: _AFTER_NETWORK,
}


def settings_until(stage: str, settings: FastSettings) -> dict[str, Any]:
    """The settings that a stage and those before it read; those of ``pam`` begin with its name."""
    later = _READ_LATER[stage]
    hidden = {name for name in asdict(settings) if name in later or ("pam" in later and name.startswith("pam_"))}
    return {name: value for name, value in asdict(settings).items() if name not in hidden}


def start_key(start: FastModel | None) -> dict[str, np.ndarray]:
    """What a starting point changes: all that it holds, for projection, classifier and network are begun from it."""
    return {} if start is None else {name: tensor.cpu().numpy() for name, tensor in start.tensors().items()}


def as_tensors(kept: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Arrays of the output of a stage as tensors that may be written to."""
    return {part: torch.from_numpy(np.array(value)) for part, value in kept.items() if isinstance(value, np.ndarray)}


def check_cells(kept: Mapping[str, Any], shape: tuple[int, ...]) -> CellDescriptors:
    """Cells of a volume as they were kept, memory-mapped; ValueError unless their features have this shape.

    Grey values are kept beside them: those of a large cohort do not fit in memory.
    """
    cells = CellDescriptors(*(np.asarray(kept[name]) for name in ("projected", "brightness", "body")))
    grid = (shape[0], *shape[2:])
    if cells.projected.shape != shape or {cells.brightness.shape, cells.body.shape} != {grid}:
        raise ValueError(f"projected features of the shape {cells.projected.shape}, not {shape}")
    return cells


def check_projection(kept: Mapping[str, Any], channels: int) -> Projection:
    """A projection as it was kept; ValueError unless it is of so many channels."""
    found = Projection(**as_tensors(kept))
    if {found.mean.shape, found.std.shape, found.centre.shape, found.components.shape[:1]} != {(channels,)}:
        raise ValueError(f"a projection of {tuple(found.components.shape)}, where there are {channels} channels")
    return found


def copy_with_weights(network: Segmenter, kept: Mapping[str, Any]) -> Segmenter:
    """A copy of a network with weights as they were kept; the network stays as it is, also where they do not fit."""
    copied = copy.deepcopy(network)
    copied.load_state_dict(as_tensors(kept))
    return copied
