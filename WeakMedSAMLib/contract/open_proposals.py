"""Which proposals nobody has seen to yet, by what labels say since masks were drawn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import replace
from typing import NamedTuple

from WeakMedSAMLib.contract.labels.marks import Voxel
from WeakMedSAMLib.contract.labels.spans import spans_of_slices
from WeakMedSAMLib.contract.proposals import (
    Proposal,
    Said,
    Strategy,
    VolumeState,
    by_slice,
    expected_loss,
    is_settled,
    propose,
)
from WeakMedSAMLib.contract.quality import RANGE, TAG_DOUBTS, ClassQuality


class Since(NamedTuple):
    """What labels say by now of a class in a volume, and its boxes that there were when masks were drawn."""

    said: Said
    boxes: Set[tuple[Voxel, ...]]


# Of a volume and class; None where nothing is known.
SinceOf = Callable[[str, str], Since | None]


def open_proposals(
    volumes: Mapping[str, VolumeState], since: SinceOf, strategy: Strategy = expected_loss
) -> list[Proposal]:
    """Return what is left to do in a cohort, what promises most first; of a doubted stretch the slices that are left.

    Parameters
    ----------
    volumes, strategy
        As for `proposals.propose`.
    since : callable
        Volume id and class name -> what labels say by now.
    """
    left = {volume: without_ranges(state, _right_ranges(volume, state, since)) for volume, state in volumes.items()}
    return [
        part
        for proposal in propose(left, strategy)
        for part in _open_parts(proposal, since(proposal.volume, proposal.class_name))
    ]


def is_range_right(quality: ClassQuality, said: Said) -> bool:
    """Say whether all slices of a range were confirmed that looked as if it were of another volume."""
    slices = {index for index, why in quality.doubted.items() if why == RANGE}
    return bool(slices) and slices <= {*said.confirmed}


def without_ranges(state: VolumeState, names: Collection[str]) -> VolumeState:
    """Return what is known of masks, less that ranges of these classes, which are right, were doubted."""
    classes = {
        name: replace(quality, doubted={index: why for index, why in quality.doubted.items() if why != RANGE})
        if name in names
        else quality
        for name, quality in state.classes.items()
    }
    return state._replace(classes=classes)


def _right_ranges(volume: str, state: VolumeState, since: SinceOf) -> set[str]:
    told = {name: since(volume, name) for name in state.classes}
    return {name for name, one in told.items() if one is not None and is_range_right(state.classes[name], one.said)}


def _open_parts(proposal: Proposal, since: Since | None) -> list[Proposal]:
    if since is None:
        return [proposal]
    left = [one for one in by_slice(proposal) if not is_settled(one, since.said, since.boxes)]
    if proposal.why not in TAG_DOUBTS:
        return left
    spans = spans_of_slices([one.index for one in left])
    return [replace(proposal, index=span.first, slices=span.last + 1 - span.first) for span in spans]
