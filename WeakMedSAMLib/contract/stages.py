"""Presets of the method and the stages that a run of each goes through, by the names that events and files have."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

FAST, PAPER, REFERENCE = "fast", "paper", "reference"

EMBED, PSEUDO_MASKS, MASKS = "embed", "pseudo-masks", "masks"
HANDING, PROJECTION, NOVELTY = "handing-on", "projection", "novelty"
CLASSIFIER, OBJECTS, SEGMENTER = "classifier", "objects", "segmenter"
UPDATE = "update"
SUB_CLASSES, ADAPTERS, TUNING, NETWORK = "sub-classes", "adapters", "tuning", "network"

ROUNDS = 2  # of the segmentation network of `FAST`, where nothing else was chosen
_MOST_ROUNDS = 100  # that are listed
# By default: training steps of the network in the first round, and their share in each further one; fewer where there
# are few masks. And slices at most that get a pseudo-mask.
SEGMENTER_STEPS, FURTHER_STEPS = 300, 0.6
_LEAST_STEPS, _STEPS_A_MASK = 80, 2
MASKED_SLICES = 1000
UPDATE_STEPS = 60  # of the network by which corrections move it


def segmenter_round(number: int) -> str:
    """Name of one round, from 1, of the segmentation network of `FAST`."""
    return f"{SEGMENTER}-{number}"


def round_of(stage: str) -> int | None:
    """Return which round of the segmentation network a stage is, from 1; None for other stages."""
    name, _, number = stage.rpartition("-")
    return int(number) if name == SEGMENTER and number.isascii() and number.isdigit() else None


def round_steps(chosen: int, masks: int) -> int:
    """Return the training steps of a round for which so many were chosen, with so many pseudo-masks to learn from."""
    return min(chosen, max(_LEAST_STEPS, _STEPS_A_MASK * masks))


def steps_of_round(number: int, first: int = SEGMENTER_STEPS) -> int:
    """Return the training steps that are chosen for a round, from 1, if the first one takes so many."""
    return first if number == 1 else round(FURTHER_STEPS * first)


def is_published(preset: str) -> bool:
    """Say whether a preset is the published method, with stages of its own."""
    return preset in (PAPER, REFERENCE)


def stages_of(
    preset: str, overrides: Mapping[str, Any] | None = None, train: bool = True, update: bool = False
) -> tuple[str, ...]:
    """Return the stages that a run goes through, in order.

    Parameters
    ----------
    preset : str
        One that is not known, of another version, is taken for `FAST`.
    overrides : mapping, optional
        Settings of the method in place of the preset's; ``rounds`` and ``tuning`` change the stages.
    train : bool
        False where a model is only applied.
    update : bool
        True where corrections move the model that is applied.
    """
    learning, reads_features = _LEARNING.get(preset, _LEARNING[FAST])
    first = (EMBED,) if train or reads_features else ()
    learned = learning(overrides or {}) if train else (HANDING, UPDATE) if update else ()
    return (*first, *learned, MASKS)


def _learning_of_fast(overrides: Mapping[str, Any]) -> tuple[str, ...]:
    rounds = range(1, _rounds(overrides.get("rounds")) + 1)
    return HANDING, PROJECTION, NOVELTY, CLASSIFIER, OBJECTS, PSEUDO_MASKS, *map(segmenter_round, rounds)


def _learning_as_published(overrides: Mapping[str, Any]) -> tuple[str, ...]:
    tuning = (TUNING,) if overrides.get("tuning") is True else ()
    return SUB_CLASSES, ADAPTERS, PSEUDO_MASKS, *tuning, NETWORK


# Preset -> its stages of learning, and whether a model of it reads features where it is only applied.
_LEARNING: Mapping[str, tuple[Callable[[Mapping[str, Any]], tuple[str, ...]], bool]] = {
    FAST: (_learning_of_fast, True),
    PAPER: (_learning_as_published, False),
    REFERENCE: (_learning_as_published, False),
}
PRESETS = tuple(_LEARNING)


def _rounds(chosen: Any) -> int:
    """How many are run; what is no number of them is refused by the engine, and not here."""
    is_number = isinstance(chosen, (int, float)) and math.isfinite(chosen)
    return max(1, min(int(chosen), _MOST_ROUNDS)) if is_number else ROUNDS
