"""What the published classifier is trained on: images, or cached features, of slices with their tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published.augment import augment_images, flip_features
from WeakMedSAMLib.engine.methods.published.classifier import AdaptedClassifier
from WeakMedSAMLib.engine.methods.published.tagged import TaggedCohort


@dataclass(frozen=True)
class Batch:
    """Slices of one step.

    Attributes
    ----------
    inputs : Tensor
        Images B x 1 x S x S in [0, 1], or features B x C' x m x m.
    tags : Tensor
        B x C.
    sub_tags : Tensor
        B x (1 + sum of K).
    """

    inputs: torch.Tensor
    tags: torch.Tensor
    sub_tags: torch.Tensor

    def split(self, size: int) -> list[Batch]:
        """The same in parts of `size` slices at most."""
        parts = zip(self.inputs.split(size), self.tags.split(size), self.sub_tags.split(size), strict=True)
        return [Batch(*part) for part in parts]


@dataclass(frozen=True)
class Examples:
    """All slices with a tag, as the classifier takes them.

    Attributes
    ----------
    volumes : sequence of VolumeSlices
        The cohort.
    tagged : TaggedCohort
        Its N slices with a tag.
    sub_tags : numpy.ndarray
        int8 N x (1 + sum of K); see `sub_classes.sub_class_tags`.
    """

    volumes: Sequence[VolumeSlices]
    tagged: TaggedCohort
    sub_tags: np.ndarray

    def batch(
        self, rows: np.ndarray, classifier: AdaptedClassifier, random: np.random.Generator | None = None
    ) -> Batch:
        """These of the N slices on the classifier's device; augmented if a generator is given."""
        device = classifier.device
        inputs = torch.cat([self.inputs(int(row), classifier) for row in rows]).to(device)
        if random is not None:
            change = augment_images if classifier.adapted else flip_features
            inputs = change(inputs, classifier.settings, random)
        tags, sub_tags = (torch.from_numpy(all_[rows]).to(device) for all_ in (self.tagged.tags, self.sub_tags))
        return Batch(inputs, tags, sub_tags)

    def inputs(self, row: int, classifier: AdaptedClassifier) -> torch.Tensor:
        """What goes into the classifier for one of the slices: 1 x C' x m x m."""
        volume, index = self.tagged.slices[row]
        return classifier.inputs(self.volumes[volume], np.array([index]))


def measure_features(classifier: AdaptedClassifier, examples: Examples) -> None:
    """Standardise the cached features by the slices that are trained on, read one at a time."""
    sums = squares = torch.zeros(classifier.encoder.channels, dtype=torch.float64)
    cells = 0
    for row in np.flatnonzero(~examples.tagged.left_out):
        one = examples.inputs(int(row), classifier)[0].flatten(1).double()
        sums, squares, cells = sums + one.sum(1), squares + (one**2).sum(1), cells + one.shape[1]
    classifier.encoder.measure(sums, squares, cells)
