"""Scan tags, a kind of label: whether a scan shows a class at all, such as a report says.

They lie in `VolumeLabels.further` as a mapping of class name to whether the scan shows it. That it does not is said of
every slice; that it does says of no single one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.fields import require_fit
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels


class ScanTagKind:
    """Scan tags as a `LabelKind`."""

    name = "scan_tags"
    trust = 100

    def shows(self, labels: VolumeLabels) -> dict[str, bool]:
        """Return class name -> whether the scan shows it, for classes of which that was said."""
        return dict(labels.further.get(self.name, {}))

    def put(self, labels: VolumeLabels, shows: Mapping[str, bool]) -> None:
        """Give labels these scan tags in place of what they have."""
        others = {name: said for name, said in labels.further.items() if name != self.name}
        labels.further = {**others, self.name: dict(shows)} if shows else others

    def class_names(self, labels: VolumeLabels) -> list[str]:
        """Return the classes with a scan tag."""
        return list(self.shows(labels))

    def said(self, labels: VolumeLabels) -> dict[str, bool]:
        """Return what is said of each class."""
        return self.shows(labels)

    def states(self, labels: VolumeLabels) -> dict[str, np.ndarray]:
        """Return rows of absent slices for the classes that the scan does not show, once their number is known."""
        absent = [name for name, shown in self.shows(labels).items() if not shown]
        return {name: np.full(labels.n_slices, ABSENT, np.int8) for name in absent} if labels.n_slices else {}

    def to_json(self, labels: VolumeLabels) -> dict[str, bool]:
        """Return them as plain data."""
        return self.shows(labels)

    def from_json(self, data: Any, labels: VolumeLabels) -> None:
        """Take them over from plain data; `UserError` ``bad_field``."""
        require_fit(data, dict[str, bool], f"{self.name!r} of volume {labels.name!r}")
        self.put(labels, data)

    def check(self, classes: ClassTable, volumes: Sequence[VolumeLabels]) -> Iterator[Problem]:
        """Say where slices show nothing of a class that the scan is said to show.

        Where single slices show a class that the scan is said not to show, `contradictions` says so.
        """
        for volume in volumes:
            for name, shown in self.shows(volume).items():
                if shown and volume.n_slices and (volume.presence(name) == ABSENT).all():
                    message = (
                        f"The scan {volume.name!r} is said to show class {name!r}, but each slice is tagged absent."
                    )
                    values = {"name": volume.name, "class": name}
                    hint = "The slices count. Correct the one that is wrong."
                    yield Problem("warning", "scan_tag_contradicted", message, hint, values)

    def settle(self, labels: VolumeLabels) -> None:
        """Nothing to do: they are of no single slice."""

    def turn(self, labels: VolumeLabels) -> None:
        """Nothing to do: they are of no single slice."""

    def rename(self, labels: VolumeLabels, names: Mapping[str, str]) -> None:
        """Keep only the classes of `names`, called as it says."""
        self.put(labels, {names[name]: shown for name, shown in self.shows(labels).items() if name in names})

    def lay_over(self, labels: VolumeLabels, below: VolumeLabels) -> int:
        """Take over those of `below` for classes of which these say nothing; returns of how many they differ."""
        mine, theirs = self.shows(labels), self.shows(below)
        self.put(labels, {**theirs, **mine})
        return sum(mine.get(name, shown) != shown for name, shown in theirs.items())

    def lacks(self, labels: VolumeLabels, class_name: str) -> bool:
        """Whether the scan is said not to show a class."""
        return self.shows(labels).get(class_name) is False

    def is_open(self, labels: VolumeLabels, class_name: str) -> bool:
        """Whether the scan is said to show a class, and no label says on which slice, or that it is on none."""
        row = labels.presence(class_name)
        is_nowhere = bool(labels.n_slices) and bool((row == ABSENT).all())
        return self.shows(labels).get(class_name, False) and not is_nowhere and not (row == PRESENT).any()


KIND = ScanTagKind()
