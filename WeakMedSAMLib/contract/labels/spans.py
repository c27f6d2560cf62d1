"""Tags between their two shapes: ranges of slices, as files have them, and one number a slice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.labelled_volume import MAX_SLICES
from WeakMedSAMLib.contract.labels.presence import PRESENT, TAG_NAMES, UNTAGGED

# As bytes in memory, one a slice: a short file can claim the last slice of every class of very many volumes.
MOST_TAGS = 2**28
_NOT_SAID = -2


@dataclass(frozen=True)
class Span:
    """Slices `first` to `last` (inclusive, 0-based) have `tag`."""

    first: int
    last: int
    tag: int


def paint(volume: str, class_name: str, spans: Sequence[Span]) -> np.ndarray:
    """Return one tag a slice, int8, as far as the last slice of the ranges; `volume` and class name are for errors.

    Raises
    ------
    UserError
        ``bad_tags`` (a range that ends before it starts, no slice number) or ``tags_conflict`` (one slice has two
        different tags).
    """
    where = f"Volume {volume!r}, class {class_name!r}"
    for span in spans:
        if not 0 <= span.first <= span.last < MAX_SLICES:
            hint = f"First and last slice are 0 to {MAX_SLICES - 1}, the first not after the last."
            raise UserError("bad_tags", f"{where}: slices {span.first} to {span.last}.", hint)
    state = np.full(max((span.last + 1 for span in spans), default=0), _NOT_SAID, np.int8)
    for span in spans:
        part = state[span.first : span.last + 1]
        clash = np.flatnonzero((part != _NOT_SAID) & (part != span.tag))
        if clash.size:
            index = span.first + clash[0]
            message = f"{where}: slice {index} is both {TAG_NAMES[int(state[index])]} and {TAG_NAMES[span.tag]}."
            raise UserError("tags_conflict", message, "Give each slice one tag.", {"name": volume, "class": class_name})
        part[:] = span.tag
    state[state == _NOT_SAID] = UNTAGGED
    return state


def count_tags(spans: Mapping[str, Sequence[Span]], n_slices: int | None, rest_is_absent: Mapping[str, bool]) -> int:
    """Number of tags that ranges of a volume make, without those that `paint` refuses anyway."""
    lengths = [max((span.last + 1 for span in found), default=0) for found in spans.values()]
    slices = min(max(n_slices or 0, 0), MAX_SLICES)
    reached = sum(max(slices, min(max(length, 0), MAX_SLICES)) for length in lengths)
    return reached + slices * len(rest_is_absent)


def require_few(tags: int) -> None:
    """Raise `UserError` ``bad_tags`` if a file claims more tags than any cohort has, before memory is taken."""
    if tags > MOST_TAGS:
        message = f"The tag file claims {tags:,} tags; at most {MOST_TAGS:,} can be worked with."
        raise UserError("bad_tags", message, "Check its slice numbers, or split it.")


def spans_of(state: np.ndarray, tag: int) -> list[Span]:
    """Return the ranges of slices that have `tag`, as long as can be, in order."""
    edges = np.diff(np.concatenate([[0], (state == tag).astype(np.int8), [0]]))
    firsts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [Span(int(first), int(end) - 1, tag) for first, end in zip(firsts, ends, strict=True)]


def spans_of_slices(slices: Iterable[int]) -> list[Span]:
    """Return slices, in whatever order, as ranges as long as can be; their tag is `PRESENT`."""
    found = [*slices]
    state = np.full(max(found, default=-1) + 1, UNTAGGED, np.int8)
    state[found] = PRESENT
    return spans_of(state, PRESENT)


def spans_in_words(spans: Sequence[Span]) -> str:
    """Return ranges of slices as one writes them: ``"2-6, 9"``."""
    return ", ".join(f"{span.first}-{span.last}" if span.last > span.first else str(span.first) for span in spans)


def slices_in_words(slices: Iterable[int]) -> str:
    """Return slices, in whatever order, as one writes them: ``"2-6, 9"``."""
    return spans_in_words(spans_of_slices(slices))
