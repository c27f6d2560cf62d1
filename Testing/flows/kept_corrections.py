"""Corrections as the editor needs them: kept by class and slice, without a look at voxels."""

# ruff: noqa: N802, N803 - as the protocol has them

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.results.segment_tags import CLASS_TAG, tagOf


class KeptCorrections:
    """Stands for the corrections of a volume; `said` is what was asked of it."""

    def __init__(self, size=(50, 40, 20), axis="k", class_names=("Läsion", "organ")):
        self.changed = Callbacks()
        self.kept = {name: {} for name in class_names}
        self.pending = 0
        self.said = []
        self._labels = VolumeLabels("CT", axis=axis, size=size, n_slices=size["ijk".index(axis)])

    def put(self, class_name, index, state):
        """As if a reader had drawn."""
        self.kept[class_name][index] = state
        self.pending += 1
        self.changed()

    def teaches(self, segmentationNode, segmentId):
        segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
        return tagOf(segment, CLASS_TAG) if segment is not None else ""

    def unmasked(self):
        return None, "There are no masks."

    @property
    def axis(self):
        return self._labels.axis

    def stateOf(self, className, index):
        return self.kept.get(className, {}).get(index, "machine")

    def states(self, className):
        return dict(self.kept.get(className, {}))

    def markFine(self, index, isFine):
        self.said.append(("fine", index, isFine))
        for found in self.kept.values():
            found[index] = "fine" if isFine else found.pop(index, None)
        self.changed()

    def callRight(self, index):
        self.said.append(("right", index))
        for found in self.kept.values():
            if found.get(index) == "touched":
                found[index] = "drawn"
        self.changed()

    def giveBack(self, first, last, classNames=None):
        self.said.append(("back", first, last, classNames))
        for name in classNames or list(self.kept):
            self.kept[name] = {at: one for at, one in self.kept[name].items() if not first <= at <= last}
        self.changed()

    def putScribbles(self, className, scribbles, before=None):
        for index, (shows, not_) in scribbles.items():
            self.said.append(("scribbles", className, index, int(shows.sum()), int(not_.sum())))
            pixels = np.full(shows.shape, 255, np.uint8)
            pixels[not_], pixels[shows] = 0, 1
            PAINTED.put(self._labels, className, index, "scribbled", pixels)
            self.pending += 1
        self.changed()

    def draw(self, className, index, mask, overwrites=()):
        self.said.append(("draw", className, index, int(mask.sum()), sorted(overwrites)))
        self.put(className, index, "drawn")

    def labels(self):
        return self._labels

    def noteUpdated(self):
        self.pending = 0
        self.changed()

    @contextmanager
    def writing(self):
        yield
