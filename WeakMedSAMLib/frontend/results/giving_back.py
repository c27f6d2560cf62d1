"""Giving slices back to the machine: which are given, and what it drew there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import PaintedSlice
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.spans import slices_in_words
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.labels.tag_words import tagOf
from WeakMedSAMLib.frontend.results.machine_masks import Told, sourcesSteps, unaidedPlanesSteps
from WeakMedSAMLib.frontend.results.run_results import StoredResult
from WeakMedSAMLib.frontend.results.teaching import Teaching
from WeakMedSAMLib.frontend.results.volume_planes import packed


@dataclass(frozen=True)
class GivenBack:
    """Slices that are given back.

    Attributes
    ----------
    segmentationNode : vtkMRMLSegmentationNode or None
    slices : mapping
        Class -> all that are given back.
    planes : mapping
        (class, slice) -> what the machine drew there, as `volume_planes.packed` keeps it.
    kept : mapping
        Class -> slices of which nobody knows that, or each run was told what to draw: their voxels stay.
    problem : str
        Why these stay, for the user.
    """

    segmentationNode: Any
    slices: Mapping[str, Sequence[int]]
    planes: Mapping[tuple[str, int], bytes]
    kept: Mapping[str, Sequence[int]]
    problem: str = ""

    def takeFrom(self, labels: VolumeLabels) -> None:
        """Take away what is painted there, and the tag that came with it."""
        for name, indices in self.slices.items():
            painted = PAINTED.slices(labels, name)
            for index in indices:
                taken, tag = painted.get(index), tagOf(labels, name, index)
                if taken is None or tag == UNTAGGED:
                    continue
                if tag == _tagOfCorrection(taken, self.planes.get((name, index))):
                    labels.set(name, index, UNTAGGED)
            # All at once: each replacing goes through all slices.
            PAINTED.put_slices(labels, name, dict.fromkeys(indices))


def giveBackSteps(
    teaching: Teaching | None, labels: VolumeLabels, span: tuple[int, int], classNames: Sequence[str] | None = None
) -> Steps[GivenBack]:
    """Find what is given back of the slices from first to last, of some classes or of all, in short pieces."""
    first, last = sorted(span)
    names = PAINTED.class_names(labels) if classNames is None else classNames
    painted = {name: [at for at in PAINTED.slices(labels, name) if first <= at <= last] for name in names}
    slices = {name: indices for name, indices in painted.items() if indices}
    planes: dict[tuple[str, int], bytes] = {}
    kept: dict[str, list[int]] = {}
    problem, node = "", teaching.segmentationNode if teaching is not None else None
    sources: Sequence[tuple[StoredResult, Told]] | None = None
    for name, indices in slices.items():
        if teaching is None or teaching.segment(name) is None:
            continue
        try:
            if sources is None:
                sources = yield from sourcesSteps(teaching, labels.axis)
            found = yield from unaidedPlanesSteps(teaching, name, labels.axis, indices, sources)
        except UserError as error:
            kept[name] = indices
            problem = _("The masks stay as they are, as the machine's: {reason}").format(reason=errorInWords(error))
            continue
        for at, plane in found.items():
            planes[name, at] = packed(plane)
            yield None
        left = [at for at in indices if at not in found]
        if left:
            kept[name] = left
            problem = _toldInWords(left)
    return GivenBack(node, slices, planes, kept, problem)


def _toldInWords(indices: Sequence[int]) -> str:
    text = _(
        "The masks were generated with what you drew on {slices}: these stay as they are. The next Update draws it."
    )
    return text.format(slices=slices_in_words(indices))


def _tagOfCorrection(taken: PaintedSlice, plane: bytes | None) -> int:
    """The tag that came with what was painted, if the slice has it: it speaks against what the machine drew.

    Where nobody knows that, it says what was painted; to find a mask fine tags nothing.
    """
    if plane is not None:
        return ABSENT if plane else PRESENT
    return taken.says if taken.state != "fine" else UNTAGGED
