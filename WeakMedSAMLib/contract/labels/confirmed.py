"""Confirmed tags, a kind of label: a tag that was doubted was looked at again, and is right.

They lie in `VolumeLabels.further` as a mapping of class name to the tags that are right, int8, as far as the last of
them or as many as there are slices. They say nothing of a slice by themselves: as soon as it is tagged otherwise they
count no more, and are kept in no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.fields import require_fit
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, TAG_NAMES, UNTAGGED, take_first_said
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.slice_tags import padded, tag_spans_from_json
from WeakMedSAMLib.contract.labels.spans import Span, paint, spans_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

_Rows = dict[str, np.ndarray]


class ConfirmedKind:
    """Confirmed tags as a `LabelKind`."""

    name = "confirmed"
    trust = 0

    def confirm(self, labels: VolumeLabels, class_name: str, slices: Iterable[int]) -> None:
        """Say that the tags of these slices are right as they are; of untagged ones nothing is said.

        Raises
        ------
        UserError
            ``slice_out_of_range``.
        """
        now = labels.presence(class_name)
        before, row = _both(self._kept(labels).get(class_name, now[:0]), np.full(now.shape, UNTAGGED, np.int8))
        for index in slices:
            labels.require_slice(index)
            row[index : index + 1] = now[index : index + 1]
        self._put(labels, {**self._kept(labels), class_name: take_first_said([row, before], row.shape)})

    def rows(self, labels: VolumeLabels) -> dict[str, np.ndarray]:
        """Return class name -> the tags that were confirmed and are as they were, int8; untagged where that is not."""
        found = {}
        for name, kept in self._kept(labels).items():
            row, now = _both(kept, labels.presence(name))
            row = np.where(row == now, row, UNTAGGED).astype(np.int8)
            if (row != UNTAGGED).any():
                found[name] = row
        return found

    def slices(self, labels: VolumeLabels, class_name: str) -> set[int]:
        """Return the slices whose tag was confirmed and is as it was."""
        row = self.rows(labels).get(class_name)
        return set() if row is None else set(np.flatnonzero(row != UNTAGGED).tolist())

    def class_names(self, labels: VolumeLabels) -> list[str]:
        """Return the classes of which a tag was ever confirmed."""
        return [*self._kept(labels)]

    def said(self, labels: VolumeLabels) -> dict[str, Any]:
        """Return the ranges of the classes with confirmed tags."""
        return dict(self.to_json(labels))

    def states(self, labels: VolumeLabels) -> dict[str, np.ndarray]:
        """Nothing: they confirm what other kinds say."""
        return {}

    def to_json(self, labels: VolumeLabels) -> dict[str, dict[str, list[list[int]]]]:
        """Return them as ranges of slices by class, as tags are."""
        return {
            name: {
                TAG_NAMES[tag]: [[span.first, span.last] for span in spans]
                for tag in (PRESENT, ABSENT)
                if (spans := spans_of(row, tag))
            }
            for name, row in self.rows(labels).items()
        }

    def from_json(self, data: Any, labels: VolumeLabels) -> None:
        """Take them over from plain data; `UserError` ``bad_field``, ``bad_tags`` or ``tags_conflict``."""
        spans = self.spans_from_json(data, labels.name)
        self._put(labels, {name: paint(labels.name, name, found) for name, found in spans.items()})

    def spans_from_json(self, data: Any, volume: str) -> dict[str, list[Span]]:
        """Return the ranges by class; `UserError` ``bad_field``."""
        what = f"{self.name!r} of volume {volume!r}"
        require_fit(data, dict[str, Any], what)
        return {name: tag_spans_from_json(ranges, f"class {name!r} in {what}") for name, ranges in data.items()}

    def check(self, classes: ClassTable, volumes: Sequence[VolumeLabels]) -> Iterable[Problem]:
        """Nothing: what was said of a tag that is another one now counts no more."""
        return ()

    def settle(self, labels: VolumeLabels) -> None:
        """Make one tag for each slice; `UserError` ``tag_beyond_last_slice``."""
        self._put(labels, {name: padded(labels, name, row) for name, row in self._kept(labels).items()})

    def turn(self, labels: VolumeLabels) -> None:
        """Count from the other end, if they lie along k."""
        if labels.axis == "k":
            self._put(labels, {name: row[::-1].copy() for name, row in self._kept(labels).items()})

    def rename(self, labels: VolumeLabels, names: Mapping[str, str]) -> None:
        """Keep only the classes of `names`, called as it says."""
        self._put(labels, {names[name]: row for name, row in self._kept(labels).items() if name in names})

    def lay_over(self, labels: VolumeLabels, below: VolumeLabels) -> int:
        """Take over those of `below` too; where tags differ, the one that counts says which of them do."""
        mine, theirs, nothing = self._kept(labels), self._kept(below), np.zeros(0, np.int8)
        both = {name: _both(mine.get(name, nothing), theirs.get(name, nothing)) for name in {**theirs, **mine}}
        self._put(labels, {name: take_first_said(rows, rows[0].shape) for name, rows in both.items()})
        return 0

    def _kept(self, labels: VolumeLabels) -> _Rows:
        return dict(labels.further.get(self.name, {}))

    def _put(self, labels: VolumeLabels, rows: _Rows) -> None:
        rows = {name: row for name, row in rows.items() if (row != UNTAGGED).any()}
        others = {name: said for name, said in labels.further.items() if name != self.name}
        labels.further = {**others, self.name: rows} if rows else others


KIND = ConfirmedKind()


def _both(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two rows of tags as long as the longer one."""
    length = max(one.size, other.size)
    one, other = (np.pad(row, (0, length - row.size), constant_values=UNTAGGED) for row in (one, other))
    return one, other
