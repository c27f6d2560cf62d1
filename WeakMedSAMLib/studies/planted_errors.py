"""Errors that readers make in slice tags, planted in right ones.

Each function gets the tags of a cohort (int8 S x C a volume, of `PRESENT`, `ABSENT`, `UNTAGGED`) and changes them in
place. What differs afterwards is what was planted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.spans import Span, spans_of

SHARE = 0.2  # of the ranges, or of the volumes, that an error is planted in; one at least

_Tags = Sequence[np.ndarray]


def planted(tags: _Tags, kind: str, seed: int) -> list[np.ndarray]:
    """Tags with errors of a kind out of `KINDS`, by chance; those of the argument stay as they are."""
    found = [own.copy() for own in tags]
    KINDS[kind](found, np.random.default_rng([seed, *kind.encode()]))
    return found


def errors(before: np.ndarray, after: np.ndarray) -> list[tuple[int, slice]]:
    """Column and slices of each stretch of S x C tags that was changed."""
    rows = enumerate((before != after).astype(np.int8).T)
    return [(column, slice(span.first, span.last + 1)) for column, row in rows for span in spans_of(row, 1)]


def _flip(share: float, tags: _Tags, random: np.random.Generator) -> None:
    for own in tags:
        chosen = (random.random(own.shape) < share) & np.isin(own, (PRESENT, ABSENT))
        own[chosen] = np.where(own[chosen] == PRESENT, ABSENT, PRESENT)


def _move_end(slices: int, tags: _Tags, random: np.random.Generator) -> None:
    """One end of a range is so many slices off, to either side, where there is room for that."""
    for number, column, span in _some(_ranges(tags), random):
        is_first, is_wider = random.random() < 0.5, random.random() < 0.5
        inside = (span.first, span.first + slices) if is_first else (span.last + 1 - slices, span.last + 1)
        outside = (max(0, span.first - slices), span.first) if is_first else (span.last + 1, span.last + 1 + slices)
        if is_wider:
            tags[number][slice(*outside), column] = PRESENT
        elif span.last - span.first + 1 > slices:
            tags[number][slice(*inside), column] = ABSENT


def _forget(tags: _Tags, random: np.random.Generator) -> None:
    """A whole range is forgotten: of a volume with several one that is shorter than the longest."""
    ranges = _ranges(tags)
    longest: dict[tuple[int, int], Span] = {}
    for number, column, span in sorted(ranges, key=lambda one: one[2].last - one[2].first):
        longest[number, column] = span
    several = [one for one in ranges if longest[one[:2]] != one[2]]
    for number, column, span in _some(several or ranges, random):
        tags[number][span.first : span.last + 1, column] = ABSENT


def _mistake_volume(tags: _Tags, random: np.random.Generator) -> None:
    """All tags of a volume are those of another one, as far as it has as many slices."""
    right = [own.copy() for own in tags]
    for number in _some(range(len(tags)), random):
        own = tags[number]
        other = right[(number + 1 + int(random.integers(len(tags) - 1))) % len(tags)] if len(tags) > 1 else own.copy()
        own[:] = ABSENT
        own[: len(other)] = other[: len(own)]


def _swap(tags: _Tags, random: np.random.Generator) -> None:
    """In a volume two classes have each other's tags."""
    if tags[0].shape[1] > 1:
        for number in _some(range(len(tags)), random):
            one, other = random.permutation(tags[number].shape[1])[:2]
            tags[number][:, [one, other]] = tags[number][:, [other, one]]


def _ranges(tags: _Tags) -> list[tuple[int, int, Span]]:
    """Number of the volume and column of each range of present slices."""
    columns = range(tags[0].shape[1])
    return [(number, c, span) for number, own in enumerate(tags) for c in columns for span in spans_of(own[:, c], 1)]


def _some(things: Sequence, random: np.random.Generator) -> list:
    count = max(1, round(SHARE * len(things)))
    return [things[one] for one in random.permutation(len(things))[:count]]


KINDS: Mapping[str, Callable[[_Tags, np.random.Generator], None]] = {
    "flips 2 %": partial(_flip, 0.02),
    "flips 5 %": partial(_flip, 0.05),
    "end off by 1": partial(_move_end, 1),
    "end off by 2": partial(_move_end, 2),
    "end off by 3": partial(_move_end, 3),
    "range forgotten": _forget,
    "wrong volume": _mistake_volume,
    "classes swapped": _swap,
}
