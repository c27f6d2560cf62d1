"""What a simulated reader does once masks are there: chosen by labels and results, never by true masks."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping

import numpy as np

from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.open_proposals import SinceOf, open_proposals
from WeakMedSAMLib.contract.proposals import STRATEGIES, Proposal, VolumeState
from WeakMedSAMLib.contract.quality import ClassQuality
from WeakMedSAMLib.contract.slice_doubts import slices_to_look_at
from WeakMedSAMLib.studies.gestures import a_tenth

PROPOSED, AT_RANDOM = "proposed", "random"
Choice = Callable[[VolumeLabels, Mapping[str, ClassQuality], int, Collection[int]], list[int]]


def proposed(
    labels: VolumeLabels, quality: Mapping[str, ClassQuality], seed: int, known: Collection[int] = ()
) -> list[int]:
    """Slices to correct: the first of the list that the module shows, least sure first.

    Parameters
    ----------
    labels : VolumeLabels
        Tags of the scan.
    quality : mapping
        Class name -> quality of the masks.
    seed : int
        Nothing is left to chance here.
    known : collection of int
        Slices that were corrected before: they are not chosen again.

    Returns
    -------
    list of int
        A tenth of the slices that are tagged as showing any class, and one if these are fewer than ten; none of none.
    """
    shown = _shown(labels)
    listed = [index for index, _ in slices_to_look_at(quality) if index in set(shown)]
    # Where the list ends: slices that nobody doubts.
    ordered = [*listed, *(index for index in shown if index not in listed)]
    return [index for index in ordered if index not in known][: a_tenth(len(shown))]


def at_random(
    labels: VolumeLabels, quality: Mapping[str, ClassQuality], seed: int, known: Collection[int] = ()
) -> list[int]:
    """As many slices as of `proposed`, by chance; parameters as there."""
    shown = _shown(labels)
    chance = np.random.default_rng([seed, zlib.crc32(labels.name.encode()), zlib.crc32(AT_RANDOM.encode())])
    ordered = [shown[place] for place in chance.permutation(len(shown))]
    return [index for index in ordered if index not in known][: a_tenth(len(shown))]


def in_order(order: str, volumes: Mapping[str, VolumeState], since: SinceOf, seed: int) -> list[Proposal]:
    """What the program proposes for a cohort, and nobody has seen to, in an order.

    Parameters
    ----------
    order : str
        A name out of `STRATEGIES`, or `AT_RANDOM`: the same proposals, by chance.
    volumes, since
        As for `open_proposals`.
    seed : int
        Of chance.
    """
    if order != AT_RANDOM:
        return open_proposals(volumes, since, STRATEGIES[order])
    found = open_proposals(volumes, since)
    return [found[place] for place in np.random.default_rng(seed).permutation(len(found))]


CHOICES: dict[str, Choice] = {PROPOSED: proposed, AT_RANDOM: at_random}


def _shown(labels: VolumeLabels) -> list[int]:
    """Slices that are tagged as showing any class."""
    names = labels.class_names()
    return sorted({int(index) for name in names for index in np.flatnonzero(labels.presence(name) == PRESENT)})
