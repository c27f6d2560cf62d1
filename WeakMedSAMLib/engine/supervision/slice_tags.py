"""What slice tags mean for learning: just what they say."""

from __future__ import annotations

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.supervision.supervision import Supervision


def supervise(labels: VolumeLabels, classes: ClassTable) -> Supervision:
    """Return the slice tags of a settled volume; `UserError` ``unknown_class``."""
    return Supervision(labels.matrix(classes))
