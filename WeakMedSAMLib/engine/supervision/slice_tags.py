"""What slice tags mean for learning: just what they say of slices."""

from __future__ import annotations

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.supervision.supervision import Supervision


def supervise(labels: VolumeLabels, classes: ClassTable) -> Supervision:
    """Return the tags that were said of slices themselves, of a settled volume; `UserError` ``unknown_class``."""
    presence = labels.matrix(classes)
    for column, name in enumerate(classes.names):
        presence[:, column] = labels.stated(name)
    return Supervision(presence)
