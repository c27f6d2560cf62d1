"""Which objects of a volume are followed, from where, and when a class is looked for no further."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from WeakMedSAMLib.engine.base.reporting import nobody
from WeakMedSAMLib.engine.methods.fast import object_search
from WeakMedSAMLib.engine.methods.fast.object_search import tracks_in
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.object_tracks import Seen, Track

COUNT = 12
PLACES = len(object_search._PLACES)


def search_mask():
    mask = np.zeros((TARGET, TARGET), bool)
    mask[20:40, 30:60] = True
    return mask


@pytest.fixture
def search(monkeypatch):
    """search(fits): tracks of one class; `fits` has the fit of what is followed from a slice. `places`, `followed`.

    All are one object, unless `masks` has another one of what is followed from a slice.
    """
    places, followed, masks = [], [], {}
    mask = search_mask()
    seen = Seen((30.0, 20.0, 59.0, 39.0), mask, 0.9)

    def boxes(columns, place, size):
        places.append((list(columns), place))
        index = round(place * (COUNT - 1))
        return {index: np.zeros((1, 4), np.float32)} if columns else {}

    def follow(new, index, _slices, _handing):
        followed.extend(index for _one in new)
        shown = range(max(index - 4, 0), min(index + 5, COUNT))
        drawn = masks.get(index, mask)
        return [Track(one, index, np.arange(COUNT), np.ones(COUNT), dict.fromkeys(shown, drawn)) for one in new]

    for name in ("prepared_in", "handing_in"):
        monkeypatch.setattr(object_search, name, lambda *_given, **_named: None)
    monkeypatch.setattr(object_search, "stride_in", lambda *_given: 1)
    monkeypatch.setattr(object_search, "objects_at", lambda *_given: [seen])
    monkeypatch.setattr(object_search, "is_followed", lambda *_given: False)
    monkeypatch.setattr(object_search, "follow", follow)
    volume = SimpleNamespace(tags=np.ones((COUNT, 1), np.int8))
    context = SimpleNamespace(backbone=SimpleNamespace(info=SimpleNamespace(input_size=TARGET)))

    def search(fits):
        maps = SimpleNamespace(volume=volume, boxes=boxes)
        return tracks_in(maps, [0], lambda track, _column: fits.get(track.start, 0.0), None, context, nobody)

    return SimpleNamespace(search=search, places=places, followed=followed, masks=masks)


def test_one_that_fits_well_ends_the_search(search):
    assert [track.start for track in search.search({6: 0.9})] == [6]
    assert [columns for columns, _place in search.places] == [[0], *[[]] * (PLACES - 1)]


@pytest.mark.parametrize("fit", [0.5, 0.69])
def test_of_what_nothing_fits_well_the_best_is_followed_once_more_from_elsewhere(search, fit):
    # From slice 6 it is on 2 to 10. One of many tries may fit a little better by chance.
    found = search.search({6: fit, 3: 0.4, 2: 0.7, 4: 0.65})
    assert search.followed == [6, 3, 8, 2, 4, 8, 10]
    assert [track.start for track in found] == [6, 3, 8, 2]
    assert found[3].seen.box == (30.0, 20.0, 59.0, 39.0)


@pytest.mark.parametrize(("fit", "again"), [(0.65, [0, 2, 5, 7]), (0.55, [])])
def test_what_fits_elsewhere_is_followed_once_more_too_if_it_may_be_meant(search, fit, again):
    # One lung was found, and a part of the other one, from slice 3 on 0 to 7.
    search.masks[3] = np.roll(search_mask(), 60, axis=1)
    search.search({6: 0.75, 3: fit, 8: 0.7})
    assert search.followed == [6, 3, 8, 2, 4, 8, 10, *again]


def test_what_does_not_fit_at_all_is_followed_once(search):
    search.search({6: 0.1})
    assert search.followed == [6, 3, 8]
