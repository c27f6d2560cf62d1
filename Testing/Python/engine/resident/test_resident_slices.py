"""The resident worker: which slices it encodes, and which the cache has."""

from __future__ import annotations

import numpy as np
from faults.resident_bench import BALL, dice, embed_all

from WeakMedSAMLib.contract.resident import Open, Predict
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.volumes import open_stored, write_volume
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.preprocess import CHEST, Intensity, choose_intensity
from WeakMedSAMLib.engine.runs.resident_slices import SliceAnswers


def test_a_slice_is_encoded_once(answers, backbone):
    first = answers.predict(Predict(2, "a", 3, (BALL,)))
    again = answers.predict(Predict(3, "a", 3, (BALL,)))
    assert (first.encoded, again.encoded, backbone.encoded) == (True, False, 1)
    assert first.runs == again.runs


def test_few_slices_are_kept(answers, backbone, monkeypatch):
    monkeypatch.setattr("WeakMedSAMLib.engine.runs.resident_slices._MOST_SLICES", 2)
    for index in (0, 1, 2, 1, 2, 0):
        answers.predict(Predict(2, "a", index, (BALL,)))
    assert backbone.encoded == 4


def test_what_a_run_has_encoded_is_used(serve_all, scan, backbone, tmp_path, opening):
    *_, fresh, _bye = serve_all(opening, Predict(2, "a", 3, (BALL,)))
    embed_all(scan, backbone, tmp_path)
    *_, cached, _bye = serve_all(opening, Predict(2, "a", 3, (BALL,)))
    assert (fresh.encoded, cached.encoded, backbone.encoded) == (True, False, 0)
    assert dice(fresh.array(), cached.array()) > 0.95


def test_what_a_run_encodes_meanwhile_is_used(answers, scan, backbone, tmp_path):
    assert answers.predict(Predict(2, "a", 2, (BALL,))).encoded
    embed_all(scan, backbone, tmp_path)
    assert not answers.predict(Predict(3, "a", 3, (BALL,))).encoded
    assert backbone.encoded == 0


def test_ct_encoded_in_the_window_of_its_cohort_is_used(tmp_path, folder, backbone):
    """A cohort that shows lungs gives all of its CT the wide window."""
    array = np.full((6, 40, 36), -1000, np.int16)
    array[:, 5:35, 5:30] = np.random.default_rng(0).integers(-50, 100, (6, 30, 25))
    write_volume(
        folder / "ct.nrrd", array, Geometry((0.0, 0, 0), (1.0, 1, 5), (1.0, 0, 0, 0, 1, 0, 0, 0, 1), (36, 40, 6))
    )
    scan = open_stored(folder / "ct.nrrd")
    assert choose_intensity(scan.array).kind == "ct_window"
    embed_all(scan, backbone, tmp_path, Intensity("ct_window", *CHEST))
    with FeatureCache(tmp_path / "cache") as cache:
        answers = SliceAnswers(backbone, cache, folder)
        answers.open(Open(1, "ct", "ct.nrrd", scan.sha256))
        assert not answers.predict(Predict(2, "ct", 3, (BALL,))).encoded


def test_the_cache_is_not_written_and_given_back(serve_all, scan, opening, backbone, tmp_path):
    serve_all(opening, Predict(2, "a", 3, (BALL,)))
    with FeatureCache(tmp_path / "cache") as cache:
        assert cache.size() == 0
    embed_all(scan, backbone, tmp_path)
    with FeatureCache(tmp_path / "cache") as cache:
        answers = SliceAnswers(backbone, cache, scan.path.parent)
        answers.open(opening)
        assert cache._use.pinned_by_me()
        answers.close("a")
        assert not cache._use.pinned_by_me()
