"""Pseudo-masks: what is believed of a slice, and what networks are to learn from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.engine.parts.metrics import slice_dice

IGNORED = 255  # a target that teaches nothing
UNKNOWN = 255  # a probability of which nothing is known
CERTAIN = 254  # a probability of 1
_FOREGROUND, _BACKGROUND = 0.55, 0.25


@dataclass(frozen=True)
class PseudoMask:
    """What is believed of one slice, and what the network learns from it.

    Attributes
    ----------
    volume : int
        Number of the volume in the cohort.
    index : int
        Slice.
    probability : numpy.ndarray
        C x h x w, uint8: 0..254 for 0..1, 255 where nothing is known of the class.
    trust : numpy.ndarray or float
        C, or for all classes: how far to believe it, where a reader said on some slice what is meant; 0 is a guess from
        tags alone.
    weight : numpy.ndarray or float
        C, or for all classes: how much it counts where a network learns it.
    sides : numpy.ndarray or float
        C, or for all classes: Dice of what came from both sides, between drawn slices; 1 elsewhere.
    known : numpy.ndarray, optional
        C x h x w, bool: pixels that labels speak of, which a network learns in full.
    """

    volume: int
    index: int
    probability: np.ndarray
    trust: np.ndarray | float = 0.0
    weight: np.ndarray | float = 1.0
    sides: np.ndarray | float = 1.0
    known: np.ndarray | None = None

    @property
    def pixel_weight(self) -> np.ndarray:
        """How much each pixel counts where a network learns it: C x h x w, float32."""
        of_class = np.broadcast_to(np.asarray(self.weight, np.float32), len(self.probability))
        weight = np.broadcast_to(of_class[:, None, None], self.probability.shape)
        return weight if self.known is None else np.where(self.known, np.float32(1), weight)


def taught_classes(masks: Sequence[PseudoMask]) -> frozenset[int]:
    """Columns of the classes of which a reader said on any of these slices what is meant."""
    return frozenset(int(column) for mask in masks for column in np.flatnonzero(np.atleast_1d(mask.trust) > 0))


def encode_probability(probability: np.ndarray, tags: np.ndarray) -> np.ndarray:
    """Probabilities n x C x h x w in [0, 1] as those of pseudo-masks, uint8.

    Where a tag of the n x C says absent that is 0, and where there is none nothing is known.
    """
    values = np.rint(np.clip(probability, 0, 1) * CERTAIN).astype(np.uint8)
    values[tags == ABSENT] = 0
    values[(tags != ABSENT) & (tags != PRESENT)] = UNKNOWN
    return values


def find_known(mask: PseudoMask) -> Iterator[tuple[int, np.ndarray]]:
    """Classes of which a pseudo-mask knows anything, each with the pixels of which it does, h x w, bool."""
    for column, values in enumerate(mask.probability):
        known = values != UNKNOWN
        if known.any():
            yield column, known


def measure_concord(values: np.ndarray, drawn: np.ndarray, threshold: float = 0.5) -> float:
    """Dice of a pseudo-mask of one class, uint8 h x w, and a probability drawn for it, over the pixels that it knows.

    The pseudo-mask is cut at the threshold, what is drawn at one half; 1 where neither shows anything.
    """
    known = values != UNKNOWN
    own, seen = known & (values > threshold * CERTAIN), known & (drawn > 0.5)
    return float(slice_dice(own[None], seen[None], both_empty=1.0)[0])


def targets_of(probability: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
    """Targets of B x C x h x w probabilities of pseudo-masks, uint8: 1 class, 0 not, 255 ignored.

    Above 0.55 is 1, below 0.25 is 0, and what lies between, is unknown or is claimed by two classes that exclude each
    other is ignored. `shares` (C x C, bool) says which do not; without it all do.
    """
    high = (probability > _FOREGROUND * CERTAIN) & (probability != UNKNOWN)
    rivals = high.sum(-3, keepdims=True, dtype=np.int16) - high
    for column, other in () if shares is None else np.argwhere(shares & ~np.eye(len(shares), dtype=bool)):
        rivals[..., column, :, :] -= high[..., other, :, :]
    certain = high & (rivals == 0)
    return np.where(certain, 1, np.where(probability < _BACKGROUND * CERTAIN, 0, IGNORED)).astype(np.uint8)


def label_targets(probability: torch.Tensor, known: torch.Tensor, threshold: float, band: float) -> torch.Tensor:
    """Labels that pseudo-masks teach.

    Parameters
    ----------
    probability : Tensor
        B x C x h x w in [0, 1].
    known : Tensor
        Bool, of that shape: whether anything is known of the class there.
    threshold, band : float
        A class is there above `threshold` + `band`, and not there up to `threshold` - `band`.

    Returns
    -------
    Tensor
        int64 B x h x w: 0 background, 1 + class, IGNORED where that is not certain or two classes claim the pixel.
    """
    there = known & (probability > threshold + band)
    nowhere = (known & (probability <= threshold - band if band else ~there)).all(1)
    labels = torch.where(nowhere, 0, IGNORED)
    return torch.where(there.sum(1) == 1, 1 + there.long().argmax(1), labels)


def decode_probability(values: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Probability in [0, 1], float32, and whether it is known, of pseudo-masks as `PseudoMask` holds them."""
    known = values != UNKNOWN
    return torch.from_numpy(np.where(known, values, 0).astype(np.float32) / CERTAIN), torch.from_numpy(known)
