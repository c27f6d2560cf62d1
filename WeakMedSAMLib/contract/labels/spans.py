"""Tags between their two shapes: ranges of slices, as files have them, and one number a slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.slice_tags import ABSENT, MAX_SLICES, PRESENT, UNTAGGED, Numbering, VolumeTags

# As bytes in memory, one a slice: a short file can claim the last slice of every class of very many volumes.
MOST_TAGS = 2**28
TAG_NAMES = {PRESENT: "present", ABSENT: "absent", UNTAGGED: "untagged"}
_NOT_SAID = -2


@dataclass(frozen=True)
class Span:
    """Slices `first` to `last` (inclusive, 0-based) have `tag`."""

    first: int
    last: int
    tag: int


@dataclass
class VolumeSpans:
    """What a file says of one volume; as `VolumeTags`, with spans by class in place of states."""

    name: str
    sha256: str | None = None
    axis: str = "k"
    n_slices: int | None = None
    spans: dict[str, list[Span]] = field(default_factory=dict)
    rest_is_absent: dict[str, bool] = field(default_factory=dict)
    numbering: Numbering | None = None

    def to_tags(self) -> VolumeTags:
        """Return the tags.

        Raises
        ------
        UserError
            ``bad_tags`` (a range that ends before it starts, no slice number), ``tags_conflict`` (one slice has two
            different tags) or ``tag_beyond_last_slice``.
        """
        tags = VolumeTags(self.name, self.sha256, self.axis, numbering=self.numbering)
        tags.states = {name: self._painted(name, spans) for name, spans in self.spans.items()}
        tags.rest_is_absent = {name: True for name, rest in self.rest_is_absent.items() if rest}
        return tags if self.n_slices is None else tags.settled(self.n_slices)

    def _painted(self, class_name: str, spans: Sequence[Span]) -> np.ndarray:
        where = f"Volume {self.name!r}, class {class_name!r}"
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
                raise UserError("tags_conflict", message, "Give each slice one tag.")
            part[:] = span.tag
        state[state == _NOT_SAID] = UNTAGGED
        return state


def tags_of(volumes: Sequence[VolumeSpans]) -> list[VolumeTags]:
    """Return the tags of all volumes of a file.

    Raises
    ------
    UserError
        ``bad_tags`` if they are more than any cohort has, before memory is taken, and as `VolumeSpans.to_tags`.
    """
    claimed = sum(_claimed(volume) for volume in volumes)
    if claimed > MOST_TAGS:
        message = f"The tag file claims {claimed:,} tags; at most {MOST_TAGS:,} can be worked with."
        raise UserError("bad_tags", message, "Check its slice numbers, or split it.")
    return [volume.to_tags() for volume in volumes]


def spans_of(state: np.ndarray, tag: int) -> list[Span]:
    """Return the ranges of slices that have `tag`, as long as can be, in order."""
    edges = np.diff(np.concatenate([[0], (state == tag).astype(np.int8), [0]]))
    firsts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [Span(int(first), int(end) - 1, tag) for first, end in zip(firsts, ends, strict=True)]


def spans_in_words(spans: Sequence[Span]) -> str:
    """Return ranges of slices as one writes them: ``"2-6, 9"``."""
    return ", ".join(f"{span.first}-{span.last}" if span.last > span.first else str(span.first) for span in spans)


def _claimed(volume: VolumeSpans) -> int:
    """Number of tags of a volume, without those that `VolumeSpans.to_tags` refuses anyway."""
    lengths = [max((span.last + 1 for span in spans), default=0) for spans in volume.spans.values()]
    slices = min(max(volume.n_slices or 0, 0), MAX_SLICES)
    reached = sum(max(slices, min(max(length, 0), MAX_SLICES)) for length in lengths)
    return reached + slices * len(volume.rest_is_absent)
