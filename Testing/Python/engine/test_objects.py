"""Objects whose extent fits the tags of a class, in whole runs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME, QUICK, SHOWN, make_scans

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.methods.fast import objects
from WeakMedSAMLib.engine.methods.fast.given import GivenMasks
from WeakMedSAMLib.engine.methods.fast.object_search import EvidenceMaps
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.object_choice import Look
from WeakMedSAMLib.engine.parts.object_tracks import Seen, Track
from WeakMedSAMLib.engine.parts.pseudo_masks import UNKNOWN
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder

BALL = Box("ball", (8, 10, 3), (16, 18, 3), complete=True)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    return make_scans(tmp_path_factory.mktemp("scans"))


def labels(number, boxes=()):
    volume = VolumeLabels(f"scan {number}", n_slices=7, size=(36, 40, 7))
    for name, slices in SHOWN.items():
        volume.tag_range(name, *slices[number])
    BOXES.put(volume, boxes)
    return volume


@pytest.fixture
def start(scans, tmp_path):
    """start(boxes=(), **overrides): a run of two scans, with boxes in the first."""

    def start(boxes=(), **overrides):
        settings = RunSettings(device="cpu", backbone=NAME, overrides={**QUICK, "objects": True, **overrides})
        table = ClassTable.from_names([*SHOWN])
        places = make_run(tmp_path, scans, CohortLabels(table, [labels(0, boxes), labels(1)]), settings)
        return lambda: run(places, tmp_path / "cache")

    return start


def run(places, cache):
    with one_thread():
        run_folder(places.path, cache_root=cache)
    return places


def tagged_track(volume, column, mask):
    """An object on the slices of a class, and on no others."""
    at, shown = np.arange(volume.n_slices), volume.present(column)
    seen = Seen((80.0, 80.0, 119.0, 119.0), mask, 1.0)
    return Track(seen, int(shown[0]), at, np.isin(at, shown).astype(np.float32), dict.fromkeys(shown.tolist(), mask))


@pytest.fixture
def looked_for(monkeypatch):
    """Columns that objects were looked for, volume by volume; finds the same one, wherever it is asked for."""
    asked = []
    mask = np.zeros((TARGET, TARGET), bool)
    mask[40:60, 40:60] = True

    def tracks(maps, columns, *_rest):
        asked.append(list(columns))
        return [tagged_track(maps.volume, column, mask) for column in columns]

    monkeypatch.setattr(objects, "tracks_in", tracks)
    return asked


def test_objects_are_kept_and_count_on_the_slices_of_their_class(start, looked_for):
    go = start()
    places = go()
    assert looked_for == [[0, 1], [0, 1]]
    (folder,) = places.state.glob("objects-000/*")
    indices, trust = (np.load(folder / f"{name}.npy") for name in ("indices", "trust"))
    # Of two classes whose objects lie in the same place one has it.
    (column,) = np.flatnonzero(trust.max(0) > 0)
    first, last = [*SHOWN.values()][column][0]
    assert first in indices
    assert set(indices.tolist()) <= set(range(first, last + 1))
    go()
    assert len(looked_for) == 2


def test_a_class_that_a_reader_has_shown_in_a_volume_is_looked_for_in_others_alone(start, looked_for):
    start([BALL])()
    assert looked_for == [[1], [0, 1]]


def test_an_object_that_a_reader_showed_to_be_another_class_is_not_taken(start, looked_for, monkeypatch):
    monkeypatch.setattr(objects, "_is_any", lambda _track, others: bool(others))
    places = start([BALL])()
    assert looked_for == [[1], [0, 1]]
    assert [path.name for path in places.state.glob("objects-*")] == ["objects-001"]


def test_of_what_is_given_the_masks_of_each_class_are_known():
    masks = {1: np.zeros((TARGET, TARGET), bool)}
    masks[1][:40, :40] = True
    probability = np.full((1, 2, TARGET, TARGET), UNKNOWN, np.uint8)
    probability[0, 1] = np.where(masks[1], 254, 0)
    shown = objects._shown(GivenMasks(np.array([1]), probability, np.array([[0, 0.8]], np.float32)))
    assert list(shown) == [1]
    assert np.array_equal(shown[1][1], masks[1])
    there = Track(Seen((0.0, 0.0, 9.0, 9.0), masks[1], 1.0), 1, np.arange(3), np.array([0, 1, 0]), masks)
    elsewhere = Track(Seen((0.0, 0.0, 9.0, 9.0), masks[1], 1.0), 1, np.arange(3), np.zeros(3), {1: ~masks[1]})
    assert [objects._is_any(track, [*shown.values()]) for track in (there, elsewhere)] == [True, False]
    assert not objects._is_any(there, [])


@pytest.mark.parametrize("setting", ["objects", "handing_on"])
def test_without_it_nothing_is_looked_for(start, looked_for, setting):
    places = start(**{setting: False})()
    assert looked_for == []
    assert not list(places.state.glob("objects-*"))


def test_an_object_beyond_the_side_of_a_class_fits_less():
    mask = np.zeros((TARGET, TARGET), bool)
    mask[10:20, :20], kept = True, np.zeros((TARGET, TARGET), np.float32)
    kept[:, 15:] = 1
    tags = np.array([[0], [1], [1], [0]], np.int8)
    volume = SimpleNamespace(tags=tags, kept_to_side=lambda masks, indices, column: masks * kept)
    trust = np.array([0, 1, 1, 0], np.float32)
    track = Track(Seen((0.0, 0.0, 9.0, 9.0), mask, 1.0), 1, np.arange(4), trust, {1: mask, 2: mask})
    assert objects._fit(track, volume, 0) == pytest.approx(0.25)


def test_what_is_given_and_what_is_found_are_put_together_class_by_class():
    def masks(indices, column, value):
        probability = np.full((len(indices), 2, 4, 4), UNKNOWN, np.uint8)
        trust = np.zeros((len(indices), 2), np.float32)
        probability[:, column], trust[:, column] = value, 0.5
        return GivenMasks(np.array(indices), probability, trust)

    both = masks([2, 3], 0, 100).joined(masks([3, 5], 1, 200))
    assert both.indices.tolist() == [2, 3, 5]
    assert both.probability[:, :, 0, 0].tolist() == [[100, UNKNOWN], [100, 200], [UNKNOWN, 200]]
    assert both.trust.tolist() == [[0.5, 0], [0.5, 0.5], [0, 0.5]]


def test_of_two_pieces_of_a_class_either_counts_and_what_neither_knows_stays_unknown():
    def masks(indices, values):
        probability = np.array(values, np.uint8)[:, None, None]
        return GivenMasks(np.array(indices), probability, np.full((len(indices), 1), 0.5, np.float32))

    one = masks([2, 3], [[9] * 5, [200, 0, UNKNOWN, UNKNOWN, 10]])
    both = one.joined(masks([3], [[20, 10, 200, 10, UNKNOWN]]))
    assert both.indices.tolist() == [2, 3]
    assert both.probability[:, 0, 0].tolist() == [[9] * 5, [200, 10, 200, UNKNOWN, UNKNOWN]]


def test_what_is_left_is_looked_for_where_something_looks_like_it_in_others(start, monkeypatch):
    asked = []

    def tracks(maps, columns, *_rest):
        asked.append((columns, maps.by_class[0] is None))
        # Of two classes in one place one has it; what is left is found elsewhere.
        mask = np.zeros((TARGET, TARGET), bool)
        mask[40:60, 40 : 60 if len(columns) > 1 else 43] = True
        return [tagged_track(maps.volume, column, mask) for column in columns]

    monkeypatch.setattr(objects, "tracks_in", tracks)
    look = Look(np.ones(1), 1.0, np.array([0.5, 0.5]), 0.3)
    monkeypatch.setattr(objects, "looks_of", lambda *_: [look, look])
    monkeypatch.setattr(Look, "map_of", lambda self, cells: np.ones(cells.shape[1:], np.float32))
    monkeypatch.setattr(Look, "likeness", lambda self, looks, places: np.ones(len(looks)))
    go = start()
    places = go()
    assert asked[:2] == [([0, 1], False)] * 2
    (left, no_ball), (other, _) = asked[2:]
    assert len(left) == len(other) == 1
    assert no_ball == (left == [1])
    for number in ("000", "001"):
        first, then = (trusted(places.state, f"{name}-{number}") for name in ("objects", "objects-alike"))
        assert len(first) == 1
        assert then == [0, 1]
    go()
    assert len(asked) == 4


def trusted(state, name):
    """Columns of the classes of which something is given in what was kept under a name."""
    (folder,) = state.glob(f"{name}/*")
    return np.flatnonzero(np.load(folder / "trust.npy").any(0)).tolist()


def test_each_piece_of_a_class_is_handed_on_by_itself_and_trusted_by_how_well_it_fits(start, monkeypatch):
    def tracks(maps, columns, *_rest):
        volume, (left, right) = maps.volume, np.zeros((2, TARGET, TARGET), bool)
        left[:, :40], right[:, 80:] = True, True
        return [tagged_track(volume, 0, mask) for mask in (left, right)]

    calls = []

    def hand_on(volume, backbone, settings, marks, step, prepared):
        calls.append([box.column for box in marks.boxes])
        masks = np.full((1, 2, TARGET, TARGET), UNKNOWN, np.uint8)
        masks[0, 0] = 200
        return GivenMasks(volume.present(0)[:1], masks, np.array([[0.8, 0]], np.float32))

    monkeypatch.setattr(objects, "tracks_in", tracks)
    monkeypatch.setattr(objects, "hand_on", hand_on)
    monkeypatch.setattr(objects, "_fit", lambda track, volume, column: 0.8 if column == 0 else 0.0)
    monkeypatch.setattr(EvidenceMaps, "within", lambda self, track, column: 1.0)
    places = start()()
    assert calls == [[0]] * 4
    (folder,) = places.state.glob("objects-000/*")
    assert np.load(folder / "trust.npy") == pytest.approx(np.array([[0.8 * 0.75, 0]]))


@pytest.mark.parametrize(("fit_then", "taken"), [(0.9, "alike"), (0.0, "rest")])
def test_what_is_hardly_trusted_is_looked_for_once_more_and_stays_if_nothing_better_is_found(
    start, monkeypatch, fit_then, taken
):
    turns = []

    def tracks(maps, columns, *_rest):
        mask = np.zeros((TARGET, TARGET), bool)
        mask[40:60, 40:60] = True
        turns.append(columns)
        track = tagged_track(maps.volume, 0, mask)
        fits[track] = 0.55 if len(columns) > 1 else fit_then
        return [track]

    fits = {}
    look = Look(np.ones(1), 1.0, np.array([0.5, 0.5]), 0.3)
    monkeypatch.setattr(objects, "tracks_in", tracks)
    monkeypatch.setattr(objects, "_fit", lambda track, _volume, column: fits[track] if column == 0 else 0.0)
    monkeypatch.setattr(objects, "looks_of", lambda *_: [look, None])
    monkeypatch.setattr(objects, "_TRUSTED", 0.4)  # 0.55 is trusted by 0.36
    monkeypatch.setattr(Look, "map_of", lambda self, cells: np.ones(cells.shape[1:], np.float32))
    monkeypatch.setattr(Look, "likeness", lambda self, looks, places: np.ones(len(looks)))
    places = start()()
    assert turns == [[0, 1], [0, 1], [0], [0]]
    assert {path.name for path in places.state.glob("objects-*")} == {f"objects-{taken}-000", f"objects-{taken}-001"}
