"""Scans without a class where a set has none: parts cut off from scans that show it.

Of scan tags alone nothing can be learned if every scan shows every class. In a clinic there are scans without.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from WeakMedSAMLib.contract.labels.spans import spans_of_slices
from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.engine.data.mask_tags import MaskClass
from WeakMedSAMLib.studies.cases import Case
from WeakMedSAMLib.studies.reader import chance_of

LEAST_SLICES = 5  # of a part
CUT = 0.5  # of the scans

# Name of a case, and first and last slice of it.
Part = tuple[str, int, int]


def parts_without(cases: Sequence[Case], classes: Sequence[MaskClass], seed: int) -> list[Part]:
    """For each class that every scan shows, the longest stretch without it of half of the scans.

    Parameters
    ----------
    cases : sequence of Case
        Their true masks are read.
    classes : sequence of MaskClass
    seed : int
        Chance says which half, out of the scans that have so many slices without the class.

    Returns
    -------
    list of tuple
        Each once, though several classes may lack on it; none where no scan has enough slices without a class.
    """
    without: dict[str, list[Part]] = {entry.name: [] for entry in classes}
    everywhere = {entry.name: True for entry in classes}
    for case in cases:
        truth = case.masks()
        for entry in classes:
            shown = slice_stack(truth.mask(entry), case.axis).any(axis=(1, 2))
            everywhere[entry.name] &= bool(shown.any())
            spans = spans_of_slices(np.flatnonzero(~shown).tolist())
            longest = max(spans, key=lambda span: span.last - span.first, default=None)
            if longest is not None and longest.last + 1 - longest.first >= LEAST_SLICES:
                without[entry.name].append((case.name, longest.first, longest.last))
    found: dict[Part, None] = {}
    for name, parts in without.items():
        if everywhere[name]:
            order = chance_of(seed, "parts", name).permutation(len(parts))
            found |= dict.fromkeys(parts[place] for place in order[: math.ceil(CUT * len(cases))])
    return list(found)


def cut(cases: Iterable[Case], parts: Iterable[Part]) -> list[Case]:
    """Each part as a scan of its own, of the same patient."""
    by_name = {case.name: case for case in cases}
    return [
        replace(by_name[name], name=f"{name} slices {first} to {last}", part=(first, last))
        for name, first, last in parts
    ]
