"""What labels say of the slices of a volume, whatever kind they are of, and how several kinds become one.

The module of this folder that is called like a kind of label has the function ``supervise(labels, classes)``, which
says what that kind means for learning; it is found by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED, take_first_said
from WeakMedSAMLib.contract.labels.spans import spans_in_words, spans_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels, label_kinds


@dataclass(frozen=True)
class Supervision:
    """What is known of a volume: S slices, C classes.

    Attributes
    ----------
    presence : numpy.ndarray
        int8 S x C of `PRESENT`, `ABSENT`, `UNTAGGED`: whether the slice shows the class.
    """

    presence: np.ndarray

    @property
    def is_said(self) -> bool:
        """Whether anything is known of any class on any slice."""
        return bool((self.presence != UNTAGGED).any())

    def present(self, class_index: int) -> np.ndarray:
        """Indices of the slices that show a class."""
        return np.flatnonzero(self.presence[:, class_index] == PRESENT)


@dataclass(frozen=True)
class Contradiction:
    """Two kinds of label say different things of a class on `slices` (in words); the more trusted kind counts."""

    class_name: str
    trusted: str
    other: str
    slices: str


def supervise(labels: VolumeLabels, classes: ClassTable) -> tuple[Supervision, list[Contradiction]]:
    """Return what all labels of a settled volume say together, and where they contradict each other.

    Raises
    ------
    UserError
        ``unknown_class`` if a class of a label is not in the table.
    """
    modules = {name: import_module(f"{__package__}.{name}") for name in label_kinds()}
    return merge({name: module.supervise(labels, classes) for name, module in modules.items()}, classes)


def merge(by_kind: Mapping[str, Supervision], classes: ClassTable) -> tuple[Supervision, list[Contradiction]]:
    """Make one of the supervision by each kind of label, the most trusted first: it counts where they contradict.

    Parameters
    ----------
    by_kind : mapping
        Name of a kind -> its supervision, all of one volume.
    classes : ClassTable
        Of the columns.
    """
    rows = {name: each.presence for name, each in by_kind.items()}
    presence = take_first_said([*rows.values()], next(iter(rows.values())).shape)
    return Supervision(presence), _contradictions(rows, presence, classes)


def _contradictions(rows: Mapping[str, np.ndarray], presence: np.ndarray, classes: ClassTable) -> list[Contradiction]:
    says = {name: row != UNTAGGED for name, row in rows.items()}
    found, open_ = [], np.ones(presence.shape, bool)
    for trusted, told in says.items():
        counts, open_ = open_ & told, open_ & ~told
        for other, row in rows.items():
            clash = counts & says[other] & (row != presence)
            for column in np.flatnonzero(clash.any(axis=0)):
                slices = spans_in_words(spans_of(clash[:, column].astype(np.int8), 1))
                found.append(Contradiction(classes.names[column], trusted, other, slices))
    return found
