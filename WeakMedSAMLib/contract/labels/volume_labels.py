"""All that a reader says of one volume, in labels of any kind, and what a kind of label is.

A kind is one file of this folder: it has an object of the protocol `LabelKind` by the name ``KIND``, and is found by
that. What it says of a volume lies under its name in `VolumeLabels.further`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol

import numpy as np

from WeakMedSAMLib.contract import labels as folder
from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import UNTAGGED, Counts, count_slices, take_first_said
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.slice_tags import SliceTags


class LabelKind(Protocol):
    """One kind of label: its form in files, and what becomes of it when the volume's slices or classes change.

    What it says of a volume is never changed in place where it lies in `VolumeLabels.further`: copies share it.
    """

    @property
    def name(self) -> str:
        """As files have it; the module of `engine.supervision` that reads the kind has this name too."""
        ...

    @property
    def trust(self) -> int:
        """Where labels contradict each other the kind with the higher trust counts."""
        ...

    def class_names(self, labels: VolumeLabels) -> Iterable[str]:
        """Return the classes that it names, if only to say nothing of them."""
        ...

    def said(self, labels: VolumeLabels) -> Mapping[str, Any]:
        """Return, for classes of which it says something, a value to compare that with; empty if it says nothing."""
        ...

    def states(self, labels: VolumeLabels) -> Mapping[str, np.ndarray]:
        """Return what it says of slices: class -> int8 row of `PRESENT`, `ABSENT`, `UNTAGGED`, by the last one said."""
        ...

    def to_json(self, labels: VolumeLabels) -> Any:
        """Return what it says as plain data."""
        ...

    def from_json(self, data: Any, labels: VolumeLabels) -> None:
        """Put what `to_json` gave into labels that say nothing yet; `UserError` for anything else."""
        ...

    def check(self, classes: ClassTable, volumes: Sequence[VolumeLabels]) -> Iterable[Problem]:
        """Say what is wrong with it in a cohort."""
        ...

    def settle(self, labels: VolumeLabels) -> None:
        """Fit it to the number of slices, known from now on; `UserError` if it is of slices that are not there."""
        ...

    def turn(self, labels: VolumeLabels) -> None:
        """Count voxels along k from the other end; slices along i and j stay as they are."""
        ...

    def rename(self, labels: VolumeLabels, names: Mapping[str, str]) -> None:
        """Keep only the classes of `names`, called as it says."""
        ...

    def lay_over(self, labels: VolumeLabels, below: VolumeLabels) -> int:
        """Take over what `below` says where these labels say nothing; returns how often they say something else."""
        ...


@dataclass(eq=False)
class VolumeLabels(SliceTags):
    """All labels of one volume. Its slice tags are attributes, since every panel and file has them.

    Attributes
    ----------
    further : dict
        Name of another kind -> what it says of this volume, in the form that the kind gave it. Of a kind that this
        version does not know, it is the plain data of the file.

    Raises
    ------
    UserError
        ``bad_name``, ``bad_tags``.
    """

    further: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.further = dict(self.further)

    def kinds(self) -> list[LabelKind]:
        """Return the kinds that may say something of this volume: all that are known, and those of later versions."""
        known = label_kinds()
        return [*known.values(), *(UnknownKind(name) for name in self.further if name not in known)]

    def is_said(self, class_name: str | None = None) -> bool:
        """Say whether a label of any kind says something, of one class or of any."""
        said = (kind.said(self) for kind in self.kinds())
        return any(bool(each) if class_name is None else class_name in each for each in said)

    def class_names(self) -> list[str]:
        """Return the classes that any label names."""
        return list(dict.fromkeys(name for kind in self.kinds() for name in kind.class_names(self)))

    def presence(self, class_name: str) -> np.ndarray:
        """Return what labels of all kinds say of a class, int8 as `state`; the most trusted kind counts.

        Last of all, that the class is nowhere else.
        """
        found = [*(kind.states(self).get(class_name) for kind in self.kinds()), self.state(class_name)]
        rows = [row for row in found if row is not None and row.size]
        length = max([self.n_slices or 0, *(row.size for row in rows)])
        return take_first_said(
            [np.pad(row, (0, length - row.size), constant_values=UNTAGGED) for row in rows], (length,)
        )

    def presence_counts(self, class_name: str) -> Counts:
        """Count the slices by what labels of all kinds say of a class."""
        return count_slices(self.presence(class_name))

    def settled(self, n_slices: int, size: tuple[int, int, int] | None = None) -> VolumeLabels:
        """Return the labels of a volume that is now known to have `n_slices` slices along the axis.

        Parameters
        ----------
        n_slices : int
        size : tuple of int, optional
            Voxels along i, j and k.

        Raises
        ------
        UserError
            ``tag_beyond_last_slice``, ``slice_count_differs``, ``size_differs``, ``mark_outside`` or ``bad_tags``.
        """
        self.require_count(n_slices)
        if self.n_slices not in (None, n_slices):
            message = f"The tags of {self.name!r} are for {self.n_slices} slices along {self.axis}; it has {n_slices}."
            hint = "Check the slice axis, and that it is the same volume."
            values = {"name": self.name, "axis": self.axis, "tagged": self.n_slices, "count": n_slices}
            raise UserError("slice_count_differs", message, hint, values)
        if size is not None and self.size not in (None, tuple(size)):
            message = f"The labels of {self.name!r} are for {_by(self.size)} voxels; it has {_by(size)}."
            hint = "Check that it is the same volume."
            values = {"name": self.name, "labelled": list(self.size or ()), "size": list(size)}
            raise UserError("size_differs", message, hint, values)
        result = replace(self, size=self.size if size is None else size)
        result.n_slices = n_slices
        if result.size is not None:
            result.require_size(result.size)
        for kind in result.kinds():
            kind.settle(result)
        return result

    def turned(self) -> VolumeLabels:
        """Return the labels with voxels along k counted from the other end.

        Raises
        ------
        UserError
            ``label_kind_not_turned`` if there are labels of a kind that this version does not know.
        ValueError
            If the number of slices, or of voxels that a label needs, is not known yet.
        """
        if self.n_slices is None:
            raise ValueError(f"the number of slices of {self.name!r} is not settled")
        result = replace(self)
        for kind in result.kinds():
            kind.turn(result)
        return result

    def of_known_kinds(self) -> VolumeLabels:
        """Return the labels without those of kinds that this version does not know."""
        return replace(self, further={name: said for name, said in self.further.items() if name in label_kinds()})

    def with_classes(self, names: Mapping[str, str]) -> VolumeLabels:
        """Return the labels of the classes in `names` alone, called as it says."""
        result = replace(self)
        for kind in result.kinds():
            kind.rename(result, names)
        return result

    def with_below(self, below: VolumeLabels) -> tuple[VolumeLabels, int]:
        """Return these labels, and those of `below` where these say nothing; and how often these say something else."""
        result = replace(self)
        kinds = {kind.name: kind for labels in (self, below) for kind in labels.kinds()}
        return result, sum(kind.lay_over(result, below) for kind in kinds.values())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VolumeLabels):
            return NotImplemented
        return self._comparable() == other._comparable()

    __hash__ = None  # type: ignore[assignment]

    def _comparable(self) -> tuple[Any, ...]:
        said = {kind.name: each for kind in self.kinds() if (each := kind.said(self))}
        return self.name, self.sha256, self.axis, self.n_slices, self.numbering, said


def _by(size: Sequence[int] | None) -> str:
    return " x ".join(map(str, size or ()))


@dataclass(frozen=True)
class UnknownKind:
    """A kind of a later version: its labels are kept as they came, and said to be unused."""

    name: str
    trust: int = 0

    def class_names(self, labels: VolumeLabels) -> Iterable[str]:
        """Nobody knows."""
        return ()

    def said(self, labels: VolumeLabels) -> Mapping[str, Any]:
        """Return the data as they came, of no class that is known."""
        return {"": labels.further[self.name]} if self.name in labels.further else {}

    def states(self, labels: VolumeLabels) -> Mapping[str, np.ndarray]:
        """Nobody knows."""
        return {}

    def to_json(self, labels: VolumeLabels) -> Any:
        """Return the data as they came."""
        return labels.further[self.name]

    def from_json(self, data: Any, labels: VolumeLabels) -> None:
        """Keep the data."""
        labels.further[self.name] = data

    def check(self, classes: ClassTable, volumes: Sequence[VolumeLabels]) -> Iterable[Problem]:
        """Say that they are kept and not used."""
        message = f"Labels of the kind {self.name!r} are not used: this version does not know them."
        yield Problem(
            "warning",
            "label_kind_unknown",
            message,
            "Update WeakMedSAM; until then they are kept.",
            {"kind": self.name},
        )

    def settle(self, labels: VolumeLabels) -> None:
        """Leave them as they are: they were made for the volume."""

    def turn(self, labels: VolumeLabels) -> None:
        """Refuse: kept as they are they would be of other slices."""
        message = f"Volume {labels.name!r} has labels of the kind {self.name!r}, which this version cannot turn round."
        hint = "Update WeakMedSAM, or take these labels out of the file."
        raise UserError("label_kind_not_turned", message, hint, {"name": labels.name, "kind": self.name})

    def rename(self, labels: VolumeLabels, names: Mapping[str, str]) -> None:
        """Leave them as they are."""

    def lay_over(self, labels: VolumeLabels, below: VolumeLabels) -> int:
        """Take over those of `below` only as a whole."""
        mine, theirs = labels.further.get(self.name), below.further.get(self.name)
        if mine is None and theirs is not None:
            labels.further[self.name] = theirs
        return int(mine is not None and theirs not in (None, mine))


@cache
def label_kinds() -> dict[str, LabelKind]:
    """Return the kinds that this version knows, by name, the most trusted first."""
    modules = [import_module(f"{folder.__name__}.{found.name}") for found in iter_modules(folder.__path__)]
    kinds: list[LabelKind] = [module.KIND for module in modules if hasattr(module, "KIND")]
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: (-kind.trust, kind.name))}
