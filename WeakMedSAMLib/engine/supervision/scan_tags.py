"""What scan tags mean for learning: a class is on no slice of a volume, or on some that nobody has named."""

from __future__ import annotations

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.contract.labels.scan_tags import KIND
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.supervision.supervision import Supervision


def supervise(labels: VolumeLabels, classes: ClassTable) -> Supervision:
    """Return what the scan tags of a settled volume say; `UserError` ``unknown_class``."""
    presence = np.full((labels.n_slices or 0, len(classes)), UNTAGGED, np.int8)
    for name, row in KIND.states(labels).items():
        presence[:, classes.index(name)] = row
    return Supervision(
        presence, bags=tuple(classes.index(name) for name in KIND.shows(labels) if KIND.is_open(labels, name))
    )
