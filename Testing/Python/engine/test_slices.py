from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.volumes import open_stored, write_nrrd
from WeakMedSAMLib.engine.features.preprocess import CHEST, SOFT_TISSUE, Intensity
from WeakMedSAMLib.engine.features.slices import framed_cohort
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume
from WeakMedSAMLib.engine.supervision.supervision import Supervision


def written(folder, name, array, intensity="auto"):
    path = folder / f"{name}.nrrd"
    geometry = Geometry((0.0,) * 3, (1.0,) * 3, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), array.shape[::-1])
    write_nrrd(path, array, geometry)
    return CohortVolume(
        name,
        name,
        open_stored(path),
        "k",
        Supervision(np.full((len(array), 1), UNTAGGED, np.int8)),
        intensity,
        name,
        "",
    )


@pytest.fixture
def scans(tmp_path):
    """A chest and an MR scan for which nothing was asked, and a chest with a range of its own."""
    rng = np.random.default_rng(0)
    chest = np.where(rng.random((6, 40, 40)) < 0.5, -1000, 40)
    chest[(chest > 0) & (rng.random(chest.shape) < 0.4)] = -800
    head = np.where(rng.random((6, 40, 40)) < 0.6, 0, 500 + 100 * rng.random((6, 40, 40)))
    asked = written(tmp_path, "asked", chest.astype(np.int16), (-300.0, 300.0))
    return [written(tmp_path, "chest", chest.astype(np.int16)), written(tmp_path, "head", head.astype(np.int16)), asked]


def ranges(scans, window):
    return [(one.intensity.low, one.intensity.high) for one in framed_cohort(scans, 32, window)]


def test_ct_is_seen_as_the_model_saw_it_unless_something_else_is_asked_for(scans):
    alone = ranges(scans, None)
    learned = ranges(scans, Intensity("ct_window", *SOFT_TISSUE))
    assert alone[0] == CHEST
    assert learned[0] == SOFT_TISSUE
    assert learned[1:] == alone[1:]
    assert learned[2] == (-300.0, 300.0)
