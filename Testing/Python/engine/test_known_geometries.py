"""Whole runs in which known pixels are exact to the voxel, however a volume lies; and of labels, what a run reads."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME, QUICK

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.results import LABELS
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.engine.data.volumes import read_volume
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN, UNKNOWN

TABLE = ClassTable.from_names(["ball", "rod"])
SIZE = (22, 30, 8)  # i, j, k
# Turned by a third of a right angle around two axes.
_TURN = np.linalg.qr(np.array([[0.85, -0.4, 0.3], [0.4, 0.9, 0.1], [-0.3, 0.05, 0.95]]))[0]
_ACROSS = np.linalg.det(_TURN) * _TURN
GEOMETRIES = {
    "oblique": (_ACROSS, (1.5, 1.5, 3.0)),
    "left-handed": (np.diag([1.0, 1.0, -1.0]), (1.5, 1.5, 3.0)),
    "left-handed and oblique": (_ACROSS @ np.diag([1.0, 1.0, -1.0]), (1.0, 1.2, 3.0)),
    "wide pixels": (np.diag([-1.0, -1.0, 1.0]), (2.5, 0.7, 3.0)),
    "high pixels, axes in another order": (np.eye(3)[[2, 0, 1]], (0.6, 1.9, 1.0)),
}


def write_scan(path, direction, spacing, seed):
    """A body with a bright ball and a rod less bright, in the order of the file."""
    k, j, i = np.mgrid[: SIZE[2], : SIZE[1], : SIZE[0]]
    array = np.random.default_rng(seed).normal(100, 15, k.shape)
    array += 400 * ((k - 3) ** 2 * 4 + (j - 12) ** 2 + (i - 8) ** 2 < 36)
    array += 250 * ((abs(j - 22) < 3) & (abs(i - 12) < 5))
    image = sitk.GetImageFromArray(array.astype(np.int16))
    image.SetOrigin((7.0, -3.0, 11.0))
    image.SetSpacing(spacing)
    image.SetDirection(np.asarray(direction).ravel().tolist())
    sitk.WriteImage(image, str(path))


def known_of(axis, seed):
    """Labels of every kind that knows pixels, and what they say of these: C x k x j x i, as Slicer shows the volume."""
    random = np.random.default_rng(seed)
    labels = VolumeLabels(f"scan {seed}", None, axis, SIZE["ijk".index(axis)], "slicer", SIZE)
    said = np.full((2, *SIZE[::-1]), UNKNOWN, np.uint8)
    stacks = [slice_stack(one, axis) for one in said]
    shape = stacks[0].shape[1:]
    drawn = random.random(shape) < 0.3
    PAINTED.put(labels, "ball", 2, "drawn", drawn)
    stacks[0][2], stacks[1][2][drawn] = drawn, NOT_SHOWN
    strokes = np.full(shape, UNKNOWN, np.uint8)
    strokes[1:4, 2], strokes[5, 1:6] = SHOWN, NOT_SHOWN
    PAINTED.put(labels, "rod", 4, "scribbled", strokes)
    stacks[1][4] = strokes
    stacks[0][4][strokes == SHOWN] = NOT_SHOWN
    nothing = np.full(shape, UNKNOWN, np.uint8)
    nothing[0, ::2] = NOT_SHOWN
    PAINTED.put(labels, "ball", 6, "scribbled", nothing)
    stacks[0][6] = nothing
    _put_marks(labels, said, axis)
    labels.tag_range("ball", 1, 4)
    return labels, said


def _put_marks(labels, said, axis):
    """A complete box of the one class on slice 5, and two points of the other on it, one of which says not here."""
    at = "ijk".index(axis)
    first, last, here, away = [3, 4, 2], [9, 11, 5], [12, 2, 1], [1, 15, 6]
    for voxel in (first, last, here, away):
        voxel[at] = 5
    BOXES.put(labels, [Box("rod", tuple(first), tuple(last), complete=True)])
    POINTS.put(labels, [Point("ball", tuple(here)), Point("ball", tuple(away), shows=False)])
    slice_stack(said[1], axis)[5] = NOT_SHOWN
    inside = tuple(slice(low, high + 1) for low, high in zip(first[::-1], last[::-1], strict=True))
    said[1][inside] = UNKNOWN
    said[0][tuple(here[::-1])], said[1][tuple(here[::-1])] = SHOWN, NOT_SHOWN
    said[0][tuple(away[::-1])] = NOT_SHOWN


@pytest.mark.parametrize(
    ("axis", "names"),
    [
        ("k", ("left-handed and oblique", "wide pixels")),
        pytest.param("k", tuple(GEOMETRIES), marks=pytest.mark.soak),
        pytest.param("j", tuple(GEOMETRIES), marks=pytest.mark.soak),
    ],
)
def test_known_pixels_are_exact_to_the_voxel_however_the_volume_lies(tmp_path, axis, names):
    paths, known = [], []
    for seed, (direction, spacing) in enumerate(GEOMETRIES[name] for name in names):
        paths.append(tmp_path / f"scan {seed}.nrrd")
        write_scan(paths[-1], direction, spacing, seed)
        known.append(known_of(axis, seed))
    settings = RunSettings(device="cpu", backbone=NAME, overrides=QUICK)
    places = make_run(tmp_path / "run", paths, CohortLabels(TABLE, [labels for labels, _ in known]), settings)
    with one_thread():
        run_folder(places.path, cache_root=tmp_path / "cache")
    for path, (_, said), folder in zip(paths, known, sorted(places.path.glob("results/*")), strict=True):
        scan, found = sitk.ReadImage(str(path)), sitk.ReadImage(str(folder / LABELS))
        is_turned = np.linalg.det(np.reshape(scan.GetDirection(), (3, 3))) < 0
        for column, value in ((0, 1), (1, 2)):
            places_of = np.argwhere(said[column] != UNKNOWN)
            assert len(places_of) > 100
            shown = said[column][tuple(places_of.T)] == SHOWN
            assert shown.any()
            # As the file has them: Slicer counts the planes of a left-handed volume from the other end.
            in_file = [(int(i), int(j), SIZE[2] - 1 - int(k) if is_turned else int(k)) for k, j, i in places_of]
            at = [found.TransformPhysicalPointToIndex(scan.TransformIndexToPhysicalPoint(one)) for one in in_file]
            assert np.array_equal([found[one] == value for one in at], shown), path.name


# What lies outside of what a reader gave


def shapes():
    """A mask with two classes on some slices, the largest of each on one."""
    mask = np.zeros(SIZE[::-1], np.uint8)
    for index, half in ((1, 3), (2, 5), (3, 6), (4, 4)):
        mask[index, 12 - half : 13 + half, 8 - half : 9 + half] = 1
    mask[3:6, 21:27, 4:12] = 2
    mask[4, 20:28, 3:13] = 2
    return mask


def hollow(mask):
    """The same slices, the same largest one and the same outlines; other pixels within them."""
    changed = mask.copy()
    changed[3, 9:12, 6:8] = 0
    changed[4, 22:24, 6:9] = 0
    return changed


def smaller_elsewhere(mask):
    """Other pixels on all slices but the largest ones."""
    changed = mask.copy()
    changed[1, 9:12] = changed[2, 7:9] = changed[5, 21:23] = 0
    return changed


def moved(mask):
    """All elsewhere, and of another shape."""
    changed = np.zeros_like(mask)
    changed[2:5, 1:9, 10:16], changed[6, 10:16, 1:9] = 1, 2
    return changed


def everything_beside_slice_3(mask):
    changed = mask.copy()
    changed[[0, 1, 2, 4, 5]] = mask[[5, 4, 0, 2, 1]]
    return changed


EVERY_KIND = [
    ("tags", (), hollow, moved),
    ("boxes", (), hollow, moved),
    ("points", (), smaller_elsewhere, moved),
    ("scan_tags", (), moved, lambda mask: np.where(mask == 1, 0, mask)),
    ("painted", ("--slices", 3), everything_beside_slice_3, hollow),
    ("painted", ("--stride", 3), lambda mask: _without(mask, (1, 2, 4, 5)), hollow),
    ("tags,boxes", (), smaller_elsewhere, moved),
]


def _without(mask, slices):
    changed = mask.copy()
    changed[list(slices), 13:, :] = 0
    return changed


def read_by_a_run(call, folder, scan, mask, kinds, more):
    """All that the folder of a run holds of a scan and its labels, by file."""
    folder.mkdir()
    volume = read_volume(scan)
    image = volume.geometry.image(mask)
    sitk.WriteImage(image, str(folder / "mask.nrrd"))
    words = ("tags", "from-mask", "--mask", folder / "mask.nrrd", "--volume", scan, "--labels", "ball=1,rod=2")
    code, _, err = call(*words, "--kinds", kinds, "--out", folder / "made.json", *more)
    if code and "holds nothing of" not in err:
        raise AssertionError(err)
    if code:
        return None
    labels = read_label_file(folder / "made.json")
    places = make_run(folder / "run", [scan], labels, RunSettings(device="cpu", backbone=NAME, overrides=QUICK))
    found = {}
    for path in sorted(places.path.rglob("*")):
        if path.is_file() and path.name != "run.json":
            found[str(path.relative_to(places.path))] = path.read_bytes()
    described = json.loads((places.path / "run.json").read_text())
    return found, described["volumes"], described["settings"]


@pytest.mark.parametrize(("kinds", "more", "outside", "inside"), EVERY_KIND)
def test_what_lies_outside_of_what_was_given_is_nowhere_in_what_a_run_reads(
    call, tmp_path, kinds, more, outside, inside
):
    scan, mask = tmp_path / "scan.nrrd", shapes()
    write_scan(scan, *GEOMETRIES["left-handed"], 0)
    assert not np.array_equal(outside(mask), mask)
    given, same, other = (
        read_by_a_run(call, tmp_path / name, scan, one, kinds, more)
        for name, one in (("a", mask), ("b", outside(mask)), ("c", inside(mask)))
    )
    assert given == same
    assert given != other
