"""The resident worker: volumes that it encodes while it is asked nothing else."""

from __future__ import annotations

import queue
from dataclasses import replace

import numpy as np
import pytest
import torch
from faults.resident_bench import BALL, CountingBackbone, embed_all
from faults.tiny_run import NAME, make_scans, make_tiny_run

from WeakMedSAMLib.contract.resident import (
    Bye,
    Close,
    Encode,
    Encoded,
    Encoding,
    Failed,
    Mask,
    Open,
    Ping,
    Pong,
    Predict,
    Stop,
    Stopped,
    Superseded,
)
from WeakMedSAMLib.contract.resident_lines import encode_request
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.volumes import open_stored, write_volume
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.preprocess import choose_intensity
from WeakMedSAMLib.engine.features.slices import embed_cohort
from WeakMedSAMLib.engine.runs import resident
from WeakMedSAMLib.engine.runs.resident import ResidentOptions, serve
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume
from WeakMedSAMLib.engine.supervision.supervision import Supervision


@pytest.fixture
def run_worker(folder, tmp_path, backbone):
    """run_worker(request, ..., after={n: requests}): its answers; the n-th slice that is encoded brings more.

    Its input is closed once as many requests as there are have their last answer.
    """

    def run_worker(*asked, after=None, places=folder, idle_s=600.0):
        lines, told, embed, counts = queue.Queue(), [], type(backbone).embed, [0]
        left = [len(asked) + sum(map(len, (after or {}).values()))]

        def take(slices):
            counts[0] += 1
            for one in (after or {}).get(counts[0], ()):
                lines.put(encode_request(one))
            return embed(backbone, slices)

        def tell(answer):
            told.append(answer)
            left[0] -= not isinstance(answer, Encoding) and getattr(answer, "id", None) is not None
            if not left[0] and idle_s == 600.0:
                lines.put(None)

        backbone.embed = take
        for one in asked:
            lines.put(encode_request(one))
        given = ResidentOptions(places, cache_root=tmp_path / "cache", device="cpu", backbone=NAME, idle_s=idle_s)
        serve(lines, tell, given, lambda _name: backbone)
        del backbone.embed
        return told[1:]

    return run_worker


def entries(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").iterdir() if len(path.name) == 64)


def in_cohort(scan):
    """A volume of which nothing is said."""
    nothing = Supervision(np.full((scan.geometry.size[2], 1), -1, np.int8))
    return CohortVolume("000", "a", scan, "k", nothing, "auto", "a", scan.sha256)


def levels_in(scan, backbone, tmp_path, at="cache"):
    """Features as a run finds them, of every slice; nothing may be left to encode where there are such."""
    with FeatureCache(tmp_path / at) as cache:
        (found,) = embed_cohort([in_cohort(scan)], backbone, cache, lambda _event: None)
        return {name: level.read(range(7)) for name, level in found.features.levels.items()}


def test_a_run_finds_all_features_and_encodes_nothing(run_worker, tmp_path, backbone):
    """Whole volumes of a run folder, as the worker of the run reads them: the same keys, the same window."""
    places = make_tiny_run(tmp_path / "run", make_scans(tmp_path))
    for path in sorted(places.volumes.iterdir()):
        opening = Open(1, "a", path.name, open_stored(path).sha256)
        told = run_worker(opening, Encode(2, "a"), places=places.volumes)
        assert told[1:-1] == [*(Encoding(2, done, 7) for done in range(1, 8)), Encoded(2)]
    made = backbone.encoded
    run_folder(RunFolder(places.path).path, cache_root=tmp_path / "cache", build=lambda _name: backbone)
    assert (made, backbone.encoded) == (14, 14)


def test_ct_is_encoded_in_the_window_of_its_run(run_worker, folder, tmp_path, backbone):
    """A cohort that shows lungs gives all of its CT the wide window: what is known of one is told with the other."""
    generator, volumes = np.random.default_rng(0), []
    for name, lung in (("belly", 0.0), ("chest", 0.5)):
        array = np.full((6, 40, 36), -1000, np.int16)
        array[:, 5:35, 5:30] = generator.integers(-50, 100, (6, 30, 25))
        array[:, 5 : 5 + int(30 * lung), 5:30] = -700
        geometry = Geometry((0.0, 0, 0), (1.0, 1, 5), (1.0, 0, 0, 0, 1, 0, 0, 0, 1), (36, 40, 6))
        write_volume(folder / f"{name}.nrrd", array, geometry)
        scan = open_stored(folder / f"{name}.nrrd")
        volumes.append(in_cohort(scan))
    belly, chest = (Open(1, one.scan.path.stem, one.scan.path.name, one.sha256) for one in volumes)
    told = run_worker(belly, chest, Encode(3, "belly"), after={6: [Encode(4, "chest")]})
    windows = {one.id: one.window for one in told if isinstance(one, Encoded)}
    assert windows == {4: [-1000.0, 400.0]}, "a newer one takes the place of that under way"
    told = run_worker(belly, Encode(3, "belly", (tuple(windows[4]),)))
    assert told[-2] == Encoded(3, [-160.0, 240.0])
    backbone.encoded = 0
    with FeatureCache(tmp_path / "cache") as cache:
        embed_cohort(volumes, backbone, cache, lambda _event: None)
    assert backbone.encoded == 0


@pytest.mark.parametrize("asked", [Predict(3, "a", 3, (BALL,)), Ping(3)])
def test_it_gives_way_after_a_slice_and_goes_on(run_worker, opening, asked):
    told = run_worker(opening, Encode(2, "a"), after={2: [asked]})
    assert isinstance(told[3], Mask | Pong), "no slice more after the one that was being encoded"
    assert [one.done for one in told if isinstance(one, Encoding)] == [1, 2, 3, 4, 5, 6, 7]
    assert told[-2:] == [Encoded(2), Bye("input_closed")]


def test_boxes_are_answered_by_what_was_encoded(run_worker, opening, backbone):
    run_worker(opening, Encode(2, "a"))
    *_, mask, _bye = run_worker(opening, Predict(2, "a", 3, (BALL,)))
    assert not mask.encoded


def test_an_update_goes_first(run_worker, opening, monkeypatch):
    from WeakMedSAMLib.contract.resident import Update, Updated

    monkeypatch.setattr(resident, "_update", lambda backbone, options, tell, asked: Updated(asked.id, 0.0))
    told = run_worker(opening, Encode(2, "a"), after={3: [Update(3, "somewhere")]})
    assert told[4] == Updated(3, 0.0)
    assert told[-2] == Encoded(2)


def end_by(kind):
    return {"stop": Stop(3), "close": Close(3, "a"), "close all": Close(3), "open anew": None}[kind]


@pytest.mark.parametrize("kind", ["stop", "close", "close all", "open anew"])
def test_what_was_encoded_until_it_was_stopped_is_kept(run_worker, opening, scan, backbone, tmp_path, kind):
    """A run goes on with the next slice, and gets what it would have got."""
    told = run_worker(opening, Encode(2, "a"), after={3: [end_by(kind) or replace(opening, id=3)]})
    failed = next(one for one in told if isinstance(one, Failed))
    assert (failed.id, failed.code) == (2, "cancelled")
    assert backbone.encoded == 3
    if kind == "stop":
        assert Stopped(3) in told
    fresh = levels_in(scan, CountingBackbone(), tmp_path, "other")
    found = levels_in(scan, backbone, tmp_path)
    assert backbone.encoded == 7
    assert all(torch.equal(found[name], level) for name, level in fresh.items())
    assert len(entries(tmp_path)) == 1, "the part is gone once the whole is there"


def test_what_was_encoded_until_the_input_was_closed_is_kept(run_worker, opening, scan, backbone, tmp_path):
    run_worker(opening, Encode(2, "a"), after={2: [Ping(3)], 4: [Ping(4)]})
    assert backbone.encoded == 7
    FeatureCache(tmp_path / "cache").clear()
    told = run_worker(opening, Encode(2, "a"), Encode(3, "a"), after={4: [Encode(4, "a"), Stop(5)]})
    assert [one.id for one in told if isinstance(one, Superseded)] == [2, 3]
    levels_in(scan, backbone, tmp_path)
    assert backbone.encoded == 7 + 7


def test_it_can_be_stopped_again_and_again(run_worker, opening, backbone):
    for _ in range(3):
        run_worker(opening, Encode(2, "a"), after={2: [Stop(3)]})
    told = run_worker(opening, Encode(2, "a"))
    assert [one.done for one in told if isinstance(one, Encoding)] == [7]
    assert backbone.encoded == 7


def test_to_stop_nothing_is_no_error(run_worker):
    assert run_worker(Stop(1))[0] == Stopped(1)


def test_nothing_has_to_go_for_it(run_worker, opening, scan, backbone, tmp_path, monkeypatch):
    """A cache without room for the volume is left as it is, which is said."""
    embed_all(scan, backbone, tmp_path, replace(choose_intensity(scan.array), high=99.0))
    before = entries(tmp_path)
    room = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file())
    monkeypatch.setattr(FeatureCache.__init__, "__defaults__", (None, room + 1000))
    told = run_worker(opening, Encode(2, "a"))
    (failed,) = (one for one in told if isinstance(one, Failed))
    assert (failed.code, failed.values["limit_gb"]) == ("cache_full", round(room / 1e9, 1))
    assert entries(tmp_path) == before
    assert backbone.encoded == 0


def test_a_volume_that_fails_is_said_and_it_goes_on(run_worker, opening, backbone, monkeypatch):
    def fail(self, slices):
        raise ZeroDivisionError("of a slice")

    monkeypatch.setattr(CountingBackbone, "embed", fail)
    told = run_worker(opening, Encode(2, "a"))
    assert [(one.id, one.code) for one in told if isinstance(one, Failed)] == [(2, "resident_failed")]
    assert run_worker(Encode(2, "a"))[0].code == "volume_not_open"


def test_it_ends_when_nobody_has_asked_since(run_worker, opening):
    told = run_worker(opening, Encode(2, "a"), idle_s=0.2)
    assert told[-2:] == [Encoded(2), Bye("idle")]
