"""What confirmed tags mean for learning: nothing; they are not doubted."""

from __future__ import annotations

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.confirmed import KIND
from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.supervision.supervision import Supervision


def supervise(labels: VolumeLabels, classes: ClassTable) -> Supervision:
    """Return which tags of a settled volume were confirmed; `UserError` ``unknown_class``."""
    nothing = np.full((labels.n_slices or 0, len(classes)), UNTAGGED, np.int8)
    confirmed = nothing.copy()
    for name, row in KIND.rows(labels).items():
        confirmed[:, classes.index(name)] = row
    return Supervision(nothing, confirmed=confirmed)
