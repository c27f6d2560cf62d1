"""Giving slices back to the machine: which are given, and what it drew there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.labels.tag_words import tagOf
from WeakMedSAMLib.frontend.results.machine_masks import machinePlanesSteps
from WeakMedSAMLib.frontend.results.teaching import Teaching


@dataclass(frozen=True)
class GivenBack:
    """Slices that are given back.

    Attributes
    ----------
    segmentationNode : vtkMRMLSegmentationNode or None
    slices : mapping
        Class -> all that are given back.
    planes : mapping
        (class, slice) -> what the machine drew there, bool.
    kept : mapping
        Class -> slices of which nobody knows that: their voxels stay.
    problem : str
        Why nobody knows, for the user.
    """

    segmentationNode: Any
    slices: Mapping[str, Sequence[int]]
    planes: Mapping[tuple[str, int], np.ndarray]
    kept: Mapping[str, Sequence[int]]
    problem: str = ""

    def takeFrom(self, labels: VolumeLabels) -> None:
        """Take away what is painted there, and a tag that speaks against what the machine drew: it came with it."""
        for name, indices in self.slices.items():
            for index in indices:
                taken = PAINTED.take(labels, name, index)
                plane = self.planes.get((name, index))
                if taken is None or plane is None:
                    continue
                if tagOf(labels, name, index) == (ABSENT if plane.any() else PRESENT):
                    labels.set(name, index, UNTAGGED)


def giveBackSteps(
    teaching: Teaching | None, labels: VolumeLabels, span: tuple[int, int], classNames: Sequence[str] | None = None
) -> Steps[GivenBack]:
    """Find what is given back of the slices from first to last, of some classes or of all, in short pieces."""
    first, last = sorted(span)
    names = PAINTED.class_names(labels) if classNames is None else classNames
    slices: dict[str, list[int]] = {}
    planes: dict[tuple[str, int], np.ndarray] = {}
    kept: dict[str, list[int]] = {}
    problem = ""
    for name in names:
        painted = [at for at in PAINTED.slices(labels, name) if first <= at <= last]
        if not painted:
            continue
        slices[name] = painted
        if teaching is None or teaching.segment(name) is None:
            continue
        try:
            found = yield from machinePlanesSteps(teaching, name, labels.axis, painted)
        except UserError as error:
            kept[name] = painted
            problem = _("The masks stay as they are, as the machine's: {reason}").format(reason=errorInWords(error))
            continue
        planes |= {(name, at): plane for at, plane in found.items()}
    return GivenBack(teaching.segmentationNode if teaching is not None else None, slices, planes, kept, problem)
