"""The masks of a result as its folder keeps them: one label map, or several layers where classes share voxels."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .errors import UserError
from .nrrd import NrrdImage, read_image_steps
from .segmentation_header import layers_by_value


@dataclass(frozen=True, eq=False)
class LabelMaps:
    """Masks of classes, each the voxels of one layer that have its label value.

    Attributes
    ----------
    image : NrrdImage
        Label values, layers x k x j x i.
    layer_of : mapping of int to int
        Label value -> its layer; the first one for a value that is not there.
    """

    image: NrrdImage
    layer_of: Mapping[int, int] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along k, j, i."""
        k, j, i = self.image.array.shape[1:]
        return k, j, i

    @property
    def ijk_to_ras(self) -> np.ndarray:
        """4 x 4, voxel index to RAS in mm."""
        return self.image.ijk_to_ras

    def layer(self, label_value: int | None) -> np.ndarray:
        """Return the label map that a class is in, k x j x i."""
        array: np.ndarray = self.image.array[self.layer_of.get(label_value or 0, 0)]
        return array

    def turned(self) -> LabelMaps:
        """Return the same masks at the same places, with the k planes in reversed order."""
        return LabelMaps(self.image.turned(), self.layer_of)


def read_label_maps_steps(path: Path | str) -> Generator[float, None, LabelMaps]:
    """Read the masks of a result in short pieces; results of before have a single label map.

    Raises
    ------
    UserError
        What `nrrd.read_image_steps` raises; ``bad_result`` too where a segment lies in a layer that is not there.
    """
    image = yield from read_image_steps(path, with_layers=True)
    layer_of = layers_by_value(image.fields)
    if any(layer >= len(image.array) for layer in layer_of.values()):
        reason = f"it has {len(image.array)} layers and names others"
        values = {"file": str(path), "reason": reason}
        raise UserError("bad_result", f"{path} cannot be used: {reason}.", "Generate the masks again.", values)
    return LabelMaps(image, layer_of)
