"""A volume of the scene, as its tags know it: neither Qt nor MRML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
from WeakMedSAMLib.contract.labels.matching import Order


class SceneFacts(Protocol):
    """What only the scene can tell of a volume; asked when it is needed, since some of it takes long."""

    def numbering(self) -> Numbering | None:
        """How the Data Probe counts the slices of the volume as it is now; None if it is not there any more."""
        ...

    def isFileReversed(self) -> bool:
        """Whether Slicer shows the slices of the file that it came from in another order than the file has them."""
        ...

    def reversedKey(self) -> str | None:
        """The content hash with the k planes in reversed order; None if the volume is not there any more."""
        ...


@dataclass
class KnownVolume:
    """A volume of the scene; a `contract.labels.matching.HeldVolume`.

    Attributes
    ----------
    name : str
    sha256 : str
        Its key: `contract.identity.content_hash` of its voxels as the scene holds them.
    counts : mapping
        Axis -> number of slices, as far as it is known.
    facts : SceneFacts or None
        None where nothing more is known; its slices are taken to have one numbering only then.
    """

    name: str
    sha256: str
    counts: Mapping[str, int]
    facts: SceneFacts | None = None
    _isRecognised: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.sha256 = self.sha256.lower()

    @property
    def has_two_numberings(self) -> bool:
        """Whether the order of its file is not the one in which Slicer shows it."""
        if self.facts is None:
            return False
        return self._isRecognised or self.facts.numbering() == "file" or self.facts.isFileReversed()

    def order_of(self, sha256: str) -> Order | None:
        """Whether a hash is over its k planes as they are, or reversed; None if it is of another volume."""
        if sha256 == self.sha256:
            return "same"
        if self.facts is None or sha256 != self.facts.reversedKey():
            return None
        # That somebody has it the other way round shows that there are two ways to count.
        self._isRecognised = True
        return "reversed"

    def reverses(self, numbering: Numbering) -> bool:
        """Whether slices counted in this way run against the volume."""
        own = self.facts.numbering() if self.facts is not None else None
        return own is not None and numbering != own and self.has_two_numberings
