"""A volume that has no masks yet: what is drawn on it is kept as labels alone, which the first masks learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Unmasked:
    """The current volume, ready to be drawn on.

    Attributes
    ----------
    volumeNode : vtkMRMLScalarVolumeNode
    axis : {"i", "j", "k"}
        Along which slices are counted.
    className : str
        The current class.
    colors : mapping of str to tuple of float
        Class -> red, green, blue, 0..1.
    """

    volumeNode: Any
    axis: str
    className: str
    colors: Mapping[str, tuple[float, float, float]]

    @property
    def segmentationNode(self) -> None:
        """There are no masks."""
        return None

    @property
    def color(self) -> tuple[float, float, float]:
        """Of the current class."""
        return self.colors[self.className]
