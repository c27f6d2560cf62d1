"""Presets of the method and the stages that a run of each goes through, by the names that events and files have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

FAST, PAPER, REFERENCE = "fast", "paper", "reference"
PRESETS = (FAST, PAPER, REFERENCE)

EMBED, PSEUDO_MASKS, MASKS = "embed", "pseudo-masks", "masks"
PROJECTION, NOVELTY, CLASSIFIER, SEGMENTER = "projection", "novelty", "classifier", "segmenter"
SUB_CLASSES, ADAPTERS, TUNING, NETWORK = "sub-classes", "adapters", "tuning", "network"

ROUNDS = 2  # of the segmentation network of `FAST`, where nothing else was chosen
_MOST_ROUNDS = 100  # that are listed


def segmenter_round(number: int) -> str:
    """Name of one round, from 1, of the segmentation network of `FAST`."""
    return f"{SEGMENTER}-{number}"


def stages_of(preset: str, overrides: Mapping[str, Any] | None = None, train: bool = True) -> tuple[str, ...]:
    """Return the stages that a run goes through, in order.

    Parameters
    ----------
    preset : str
        One that is not known, of another version, is taken for `FAST`.
    overrides : mapping, optional
        Settings of the method in place of the preset's; ``rounds`` and ``tuning`` change the stages.
    train : bool
        False where a model is only applied.
    """
    overrides = overrides or {}
    if preset in (PAPER, REFERENCE):
        tuning = (TUNING,) if overrides.get("tuning") is True else ()
        learning: tuple[str, ...] = (SUB_CLASSES, ADAPTERS, PSEUDO_MASKS, *tuning, NETWORK)
        return (EMBED, *learning, MASKS) if train else (MASKS,)
    rounds = range(1, _rounds(overrides.get("rounds")) + 1)
    learning = (PROJECTION, NOVELTY, CLASSIFIER, PSEUDO_MASKS, *map(segmenter_round, rounds))
    return (EMBED, *learning, MASKS) if train else (EMBED, MASKS)


def _rounds(chosen: Any) -> int:
    """How many are run; what is no number of them is refused by the engine, and not here."""
    is_number = isinstance(chosen, (int, float)) and math.isfinite(chosen)
    return max(1, min(int(chosen), _MOST_ROUNDS)) if is_number else ROUNDS
