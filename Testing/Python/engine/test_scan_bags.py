"""Scans of which no more is known than that they show a class: on which slices, alone and beside tagged ones."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME, QUICK, make_scans

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.scan_tags import KIND
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.results import LABELS
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.base.state import StageStore
from WeakMedSAMLib.engine.data.volumes import read_labels
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.scan_bags import tag_bags
from WeakMedSAMLib.engine.methods.fast.settings import FAST
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.engine.supervision.supervision import Supervision, supervise

SLICES, DIM, CELLS = 12, 8, 16
SHOWN = (slice(3, 7), slice(5, 10), slice(2, 5), slice(6, 9))


def cohort(*presence):
    """Volumes whose cells are noise, and something of one look on SHOWN; tags by volume, or None for a bag."""
    volumes, cells = [], []
    for number, (tags, shown) in enumerate(zip(presence, SHOWN, strict=False)):
        random = np.random.default_rng(number)
        projected = random.normal(0, 1, (SLICES, DIM, CELLS, CELLS)).astype(np.float16)
        projected[shown, 0, 4:7, 4:7] += 6
        rows = np.full((SLICES, 1), UNTAGGED, np.int8) if tags is None else tags[:, None].astype(np.int8)
        said = Supervision(rows, bags=(0,) if tags is None else ())
        volumes.append(VolumeSlices(f"{number:03d}", f"p{number}", said, None, None, None))
        cells.append(SimpleNamespace(projected=projected))
    return volumes, cells


def truth(number):
    row = np.full(SLICES, ABSENT)
    row[SHOWN[number]] = PRESENT
    return row


@pytest.fixture
def run_on(tmp_path):
    context = SimpleNamespace(store=StageStore(tmp_path), report=lambda event: None)
    return lambda volumes, cells: tag_bags(volumes, cells, FAST, context, "key")


def test_slices_of_a_bag_are_found_by_what_tagged_volumes_taught(run_on):
    volumes, cells = cohort(truth(0), truth(1), None)
    found = run_on(volumes, cells)
    assert [one is before for one, before in zip(found, volumes, strict=True)] == [True, True, False]
    row = found[2].tags[:, 0]
    assert row[3] == PRESENT
    sure = row != UNTAGGED
    assert (row[sure] == truth(2)[sure]).all()
    assert sure.sum() > SLICES // 2
    assert found[2].supervision.bags == (0,)


def test_scans_that_lack_the_class_are_enough_beside_those_that_show_it(run_on):
    nothing = np.full(SLICES, ABSENT)
    volumes, cells = cohort(nothing, None, None, None)
    cells[0].projected[SHOWN[0], 0, 4:7, 4:7] -= 6
    found = run_on(volumes, cells)
    for number in (1, 2, 3):
        shown = found[number].tags[:, 0] == PRESENT
        assert shown.any()
        assert not shown[truth(number) == ABSENT].any()


def test_what_is_tagged_of_a_bag_stays_and_one_slice_is_always_present(run_on):
    volumes, cells = cohort(truth(0), truth(1), None)
    half = np.where(np.arange(SLICES) < 4, np.full(SLICES, ABSENT), np.full(SLICES, UNTAGGED))[:, None].astype(np.int8)
    volumes[2] = VolumeSlices("002", "p2", Supervision(half, bags=(0,)), None, None, None)
    cells[2].projected[SHOWN[2], 0, 4:7, 4:7] -= 6  # it shows nothing at all
    _, _, found = run_on(volumes, cells)
    assert (found.tags[:4, 0] == ABSENT).all()
    assert (found.tags[4:, 0] == PRESENT).sum() >= 1


def test_without_bags_nothing_is_done_and_what_was_found_is_kept(run_on):
    volumes, cells = cohort(truth(0), truth(1))
    found = run_on(volumes, cells)
    assert all(one is before for one, before in zip(found, volumes, strict=True))
    volumes, cells = cohort(truth(0), truth(1), None)
    first = run_on(volumes, cells)
    unread = [SimpleNamespace(projected=np.zeros((1, DIM, 1, 1)))] * 3
    again = run_on(volumes, unread)
    assert np.array_equal(first[2].tags, again[2].tags)


def test_scan_tags_say_what_is_known_of_slices_and_what_is_not():
    labels = VolumeLabels("a", n_slices=3)
    KIND.put(labels, {"ball": False, "rod": True})
    said = supervise(labels, ClassTable.from_names(["ball", "rod"]))
    assert said.presence.tolist() == [[ABSENT, UNTAGGED]] * 3
    assert said.bags == (1,)
    assert said.is_said
    labels.set("rod", 1, PRESENT)
    assert supervise(labels, ClassTable.from_names(["ball", "rod"])).bags == ()


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    return make_scans(tmp_path_factory.mktemp("scans"))


def masks(scans, out, volumes):
    settings = RunSettings(device="cpu", backbone=NAME, overrides=QUICK)
    places = make_run(out / "run", scans, CohortLabels(ClassTable.from_names(["ball", "rod"]), volumes), settings)
    with one_thread():
        run_folder(places.path, cache_root=out / "cache")
    return [read_labels(folder / LABELS)[0] for folder in sorted(places.path.glob("results/*"))]


def test_a_run_mixes_them_with_slice_tags_and_leaves_empty_what_is_not_there(scans, tmp_path):
    tagged, tag = VolumeLabels("scan 0", n_slices=7), VolumeLabels("scan 1", n_slices=7)
    tagged.tag_range("ball", 2, 4)
    tagged.tag_range("rod", 3, 5)
    KIND.put(tag, {"ball": True, "rod": False})
    first, second = masks(scans, tmp_path, [tagged, tag])
    assert (first == 1).any(axis=(1, 2))[2:5].all()
    assert (second == 1).any()
    assert not (second == 2).any()
