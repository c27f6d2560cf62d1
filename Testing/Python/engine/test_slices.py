from __future__ import annotations

import numpy as np
import pytest
from held_level import HeldLevel

from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.engine.data.geometry import Geometry, plane_axes
from WeakMedSAMLib.engine.data.volumes import open_stored, write_nrrd
from WeakMedSAMLib.engine.features.embed import VolumeFeatures
from WeakMedSAMLib.engine.features.preprocess import CHEST, SOFT_TISSUE, Frame, Intensity
from WeakMedSAMLib.engine.features.slices import VolumeSlices, framed_cohort
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


@pytest.mark.parametrize("axis", ["i", "j", "k"])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, -1), (1, -1, 1)])
def test_places_are_the_patients_however_voxels_are_ordered(axis, flips):
    spacing, size = (2.0, 1.5, 3.0), (24, 32, 16)
    axes = np.diag(flips) * spacing
    order = ["ijk".index(axis), *plane_axes(axis)]
    rows, columns = (size[one] for one in order[1:])
    frame = Frame(rows, columns, spacing[order[1]], spacing[order[2]], 64)
    image = frame.to_frame(np.full((size[order[0]], rows, columns), 200, np.float32)).astype(np.uint8)
    levels = {"cam": HeldLevel(np.zeros((len(image), 1, 32, 32), np.float32))}
    supervision = Supervision(np.full((len(image), 1), UNTAGGED, np.int8))
    volume = VolumeSlices(
        "000", "p", supervision, VolumeFeatures("", levels, image), frame, Intensity("given", 0, 1), axes[:, order]
    )
    places = frame.from_frame(volume.places)
    assert np.abs(places[order[0]]).max() == 0
    for along, patient in enumerate(order[1:]):
        line = places[patient].mean(1 - along)
        assert (np.sign(np.diff(line)) == flips[patient]).all()
        assert sorted((round(float(line[0])), round(float(line[-1])))) == [-1, 1]
