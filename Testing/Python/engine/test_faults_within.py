"""Faults inside of a run that its process outlives: memory, numbers, empty maps, damaged files, a clock set back.

After each the run goes on and ends as the one that nothing disturbed. See docs/RELIABILITY.md.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from faults.tiny_run import CLASSES, SHOWN, STAGES, TinyBackbone, different, make_scans, make_tiny_run, outputs

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Done, Error, Stage, Warning_, parse_line
from WeakMedSAMLib.contract.runs import RunFolder
from WeakMedSAMLib.engine import worker
from WeakMedSAMLib.engine.novelty import novelty
from WeakMedSAMLib.engine.pam import pseudo_masks
from WeakMedSAMLib.engine.sce import SliceClassifier
from WeakMedSAMLib.engine.segmenter import Segmenter

MORE_THAN_ANY_MEMORY = 1 << 46
KEPT = ("projection", "classifier", "pseudo-masks", "segmenter-1", "segmenter-2")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Arrays are so small that threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A run folder that is ready to run, and a copy of it with its cache after an undisturbed run."""
    folder = tmp_path_factory.mktemp("within")
    source = make_tiny_run(folder / "out", make_scans(folder))
    finished = RunFolder(shutil.copytree(source.path, folder / "finished"))
    worker.run_folder(finished.path, cache_root=folder / "cache")
    return SimpleNamespace(source=source, finished=finished, cache=folder / "cache", outputs=outputs(finished))


class Run:
    """A run folder with its cache."""

    def __init__(self, places, cache, bench):
        self.places, self.cache, self.bench, self.events = places, cache, bench, []

    def go(self):
        """Run it; returns what each stage did."""
        self.events.clear()
        worker.run_folder(self.places.path, report=self.events.append, cache_root=self.cache)
        return {event.stage: event.state for event in self.events if isinstance(event, Stage)}

    def fails(self):
        """Run it into an error for the user, that is told as an event too; returns the error."""
        tags = self.places.tags.read_bytes()
        with pytest.raises(UserError) as caught:
            self.go()
        error = caught.value
        assert error.hint
        assert [event.code for event in self.events if isinstance(event, Error)] == [error.code]
        assert [event.status for event in self.events if isinstance(event, Done)] == ["failed"]
        assert self.places.tags.read_bytes() == tags
        return error

    def ends_as_the_undisturbed_one(self):
        """Run it again, without a fault; returns what each stage did."""
        told = self.go()
        assert different(outputs(self.places), self.bench.outputs) == []
        return told


@pytest.fixture
def fresh(bench, tmp_path):
    """A run that has not begun, but for the features of its scans."""
    place = RunFolder(shutil.copytree(bench.source.path, tmp_path / "run"))
    return Run(place, shutil.copytree(bench.cache, tmp_path / "cache"), bench)


@pytest.fixture
def finished(bench, tmp_path):
    """A run that has ended well."""
    place = RunFolder(shutil.copytree(bench.finished.path, tmp_path / "run"))
    return Run(place, shutil.copytree(bench.cache, tmp_path / "cache"), bench)


def empty(folder):
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def gpu_memory(*_, **__):
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def main_memory(*_, **__):
    """Really ask PyTorch for more than there can be."""
    return torch.empty(MORE_THAN_ANY_MEMORY)


def numpy_memory(*_, **__):
    return np.empty(4 * MORE_THAN_ANY_MEMORY)


def apple_memory(*_, **__):
    raise RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB)")


def from_call(number, function, fault):
    """The function, which from its n-th call on does something else."""
    calls = []

    def call(*arguments, **named):
        calls.append(1)
        return (function if len(calls) < number else fault)(*arguments, **named)

    return call


def replaced(monkeypatch, function, other):
    """Put another function in the place of one, in every file of the engine that imported it."""
    places = [m for name, m in list(sys.modules.items()) if name.startswith("WeakMedSAMLib.engine.")]
    found = [m for m in places if getattr(m, function.__name__, None) is function]
    assert len(found) > 1
    for module in found:
        monkeypatch.setattr(module, function.__name__, other)


def break_stage(monkeypatch, stage, fault):
    """Make the device's work of a stage fail: embedding, training of either network, prompts."""
    if stage == "embed":
        monkeypatch.setattr(TinyBackbone, "embed", fault)
    elif stage == "classifier":
        monkeypatch.setattr(SliceClassifier, "forward", from_call(5, SliceClassifier.forward, fault))
    elif stage == "segmenter-1":
        monkeypatch.setattr(Segmenter, "masks", from_call(2, Segmenter.masks, fault))
    else:
        monkeypatch.setattr(TinyBackbone, "decode", fault)


GPU, MAIN = ("gpu_out_of_memory", "cpu"), ("out_of_memory", "fewer volumes")


@pytest.mark.parametrize(
    ("stage", "fault", "code", "way_out"),
    [
        *((stage, gpu_memory, *GPU) for stage in ("embed", "classifier", "pseudo-masks", "segmenter-1")),
        ("segmenter-1", apple_memory, *GPU),
        ("embed", main_memory, *MAIN),
        ("segmenter-1", main_memory, *MAIN),
        ("pseudo-masks", numpy_memory, *MAIN),
    ],
)
def test_memory_that_runs_out_in_a_stage(fresh, monkeypatch, stage, fault, code, way_out):
    if stage == "embed":
        empty(fresh.cache)
    with monkeypatch.context() as broken:
        break_stage(broken, stage, fault)
        error = fresh.fails()
    assert error.code == code
    assert way_out in error.hint
    assert not list(fresh.cache.glob(".users/*/writing-*"))
    if fault is gpu_memory:
        told = fresh.ends_as_the_undisturbed_one()
        before = KEPT[: KEPT.index(stage)] if stage in KEPT else ()
        assert [told[earlier] for earlier in before] == ["reused"] * len(before)


def test_a_batch_that_does_not_fit_into_the_gpu_is_halved(fresh, monkeypatch):
    empty(fresh.cache)
    whole, sizes = TinyBackbone.embed, []

    def embed(backbone, slices):
        sizes.append(len(slices))
        return gpu_memory() if len(slices) > 1 else whole(backbone, slices)

    monkeypatch.setattr(TinyBackbone, "embed", embed)
    fresh.ends_as_the_undisturbed_one()
    assert sizes[:3] == [3, 1, 1]


@pytest.mark.parametrize("stage", ["embed", "classifier", "segmenter-1"])
def test_numbers_that_are_none_end_the_run_and_are_not_kept(finished, monkeypatch, stage):
    empty(finished.places.state)
    if stage == "embed":
        empty(finished.cache)
    kept = {path: path.read_bytes() for path in [*finished.places.model.iterdir(), *results(finished)]}
    with monkeypatch.context() as broken:
        if stage == "embed":
            whole = TinyBackbone.embed
            embed = lambda self, slices: {name: level * np.nan for name, level in whole(self, slices).items()}  # noqa: E731
            broken.setattr(TinyBackbone, "embed", embed)
        elif stage == "classifier":
            whole = SliceClassifier.forward
            broken.setattr(SliceClassifier, "forward", lambda self, x: tuple(y * np.nan for y in whole(self, x)))
        else:
            whole = Segmenter.masks
            broken.setattr(Segmenter, "masks", lambda self, *x: whole(self, *x) * np.nan)
        error = finished.fails()
    assert error.code == "not_finite"
    assert stage in error.message
    for path in [*finished.places.state.rglob("*.npy"), *finished.cache.rglob("*.npy")]:
        array = np.load(path)
        assert array.dtype.kind != "f" or np.isfinite(array).all(), path
    assert kept == {path: path.read_bytes() for path in kept}
    finished.ends_as_the_undisturbed_one()


def results(run):
    return [path for path in run.places.path.glob("results/*/*") if path.is_file()]


def nothing_novel(cells, present, *_, **__):
    return np.zeros((len(present), *cells.body.shape[1:]), np.float32)


def empty_masks(*arguments, **named):
    return np.zeros_like(pseudo_masks(*arguments, **named))


def make_empty(monkeypatch, stage):
    """Make a stage find nothing at all."""
    if stage == "novelty":
        replaced(monkeypatch, novelty, nothing_novel)
    elif stage == "classifier":
        whole = SliceClassifier.forward
        monkeypatch.setattr(SliceClassifier, "forward", lambda self, x: tuple(y * 0 for y in whole(self, x)))
    elif stage == "pseudo-masks":
        replaced(monkeypatch, pseudo_masks, empty_masks)
    elif stage == "decoder":
        whole = TinyBackbone.decode
        decode = lambda self, *a, **k: (whole(self, *a, **k)[0] * 0 - 20, torch.zeros(len(a[1])))  # noqa: E731
        monkeypatch.setattr(TinyBackbone, "decode", decode)
    else:
        whole = Segmenter.masks
        monkeypatch.setattr(Segmenter, "masks", lambda self, *a: whole(self, *a) * 0 - 20)


@pytest.mark.parametrize("stage", ["novelty", "classifier", "pseudo-masks", "decoder", "segmenter"])
def test_a_stage_that_finds_nothing_ends_in_results_that_say_so(fresh, monkeypatch, stage):
    make_empty(monkeypatch, stage)
    fresh.go()
    assert fresh.events[-1].status == "ok"
    assert "low_confidence" in {event.code for event in fresh.events if isinstance(event, Warning_)}
    made = outputs(fresh.places)
    for number, volume in enumerate(("000", "001")):
        labels, quality = made[f"{volume}/labels.nrrd"], json.loads(made[f"{volume}/quality.json"])
        assert labels.shape == fresh.bench.outputs[f"{volume}/labels.nrrd"].shape
        assert quality["low_confidence"]
        assert not (stage == "segmenter" and labels.any())
        for value, name in enumerate(CLASSES, 1):
            first, last = SHOWN[name][number]
            bare = [index for index in range(first, last + 1) if not (labels[index] == value).any()]
            assert quality["classes"][name]["present_without_mask"] == bare
    assert all(np.isfinite(array).all() for name, array in made.items() if name.startswith("model/"))


def flip(path, place=0.6):
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 0x10
    path.write_bytes(bytes(content))


def truncate(path, place=0.5):
    os.truncate(path, int(place * path.stat().st_size))


def entries(run):
    return sorted(path for path in run.cache.iterdir() if len(path.name) == 64)


def largest(folder):
    return max(folder.glob("*.npy"), key=lambda path: path.stat().st_size)


def foreign_features(run):
    """Put the features of the other scan, whole and sound, in the place of those of this one."""
    one, other = entries(run)
    shutil.rmtree(one)
    shutil.copytree(other, one)


@pytest.mark.parametrize(
    "damage",
    [
        lambda run: flip(largest(entries(run)[0])),
        lambda run: truncate(largest(entries(run)[0])),
        lambda run: flip(entries(run)[0] / "meta.json", 0.3),
        lambda run: truncate(entries(run)[0] / "meta.json"),
        foreign_features,
    ],
    ids=["a bit", "half", "a bit of the list", "half the list", "of another scan"],
)
def test_damaged_features_are_computed_again(finished, damage):
    damage(finished)
    finished.ends_as_the_undisturbed_one()
    assert len(entries(finished)) == 2


def entry_of(run, stage):
    (entry,) = (path for path in (run.places.state / stage).iterdir() if path.is_dir())
    return entry


def foreign_state(run, stage):
    """Put the output of another stage, whole and sound, in its place."""
    entry = entry_of(run, stage)
    shutil.rmtree(entry)
    shutil.copytree(entry_of(run, "projection" if stage != "projection" else "classifier"), entry)


def flip_array(run, stage):
    flip(largest(entry_of(run, stage)))


def truncate_array(run, stage):
    truncate(largest(entry_of(run, stage)))


def flip_list(run, stage):
    flip(entry_of(run, stage) / "meta.json")


@pytest.mark.parametrize(
    ("stage", "damage"),
    [
        *((stage, foreign_state) for stage in KEPT),
        *(("projection", damage) for damage in (flip_array, truncate_array, flip_list)),
        *(("classifier", damage) for damage in (flip_array, flip_list)),
        ("segmenter-2", flip_array),
    ],
)
def test_a_damaged_checkpoint_is_made_again(finished, stage, damage):
    damage(finished, stage)
    told = finished.ends_as_the_undisturbed_one()
    assert told[stage] == "finished"
    assert all(told[other] == "reused" for other in KEPT if other != stage)


def test_a_damaged_file_of_events_hinders_nothing_and_new_events_can_be_read(finished):
    torn = b'\x00\xff garbage\n{"event":"progress","stage":"emb'
    finished.places.events.write_bytes(torn)
    finished.ends_as_the_undisturbed_one()
    content = finished.places.events.read_bytes()
    assert content.startswith(torn + b"\n")
    assert [parse_line(line) for line in content[len(torn) + 1 :].splitlines()] == finished.events


def test_a_folder_in_the_place_of_the_file_of_events_is_named(finished):
    finished.places.events.unlink()
    finished.places.events.mkdir()
    with pytest.raises(UserError, match="events") as caught:
        finished.go()
    assert caught.value.code == "cannot_write"
    assert caught.value.hint
    finished.places.events.rmdir()
    finished.ends_as_the_undisturbed_one()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (lambda data: data[: len(data) // 2], "bad_json"),
        (lambda data: b"", "bad_json"),
        (lambda data: b"\xff\xfe" + data, "not_utf8"),
        (lambda data: b'{"schema": "of another program", "schema_version": 1}', "bad_run"),
        (lambda data: data.replace(b'"schema_version": 1', b'"schema_version": 2'), "run_too_new"),
    ],
    ids=["half", "empty", "binary", "foreign", "newer"],
)
def test_a_damaged_run_description_is_refused_and_costs_nothing_else(finished, content, code):
    written = finished.places.run.read_bytes()
    finished.places.run.write_bytes(content(written))
    error = finished.fails()
    assert error.code == code
    assert "run.json" in error.message
    assert different(outputs(finished.places), finished.bench.outputs) == []
    finished.places.run.write_bytes(written)
    told = finished.ends_as_the_undisturbed_one()
    assert all(told[stage] == "reused" for stage in KEPT)


def test_a_clock_that_is_set_back_during_a_run(fresh, monkeypatch):
    begun = time.time()
    now = iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: begun - 3600.0 * next(now))
    stopped = []

    def stop(event):
        if isinstance(event, Stage) and (event.stage, event.state) == ("segmenter-1", "finished"):
            stopped.append(event)
            raise KeyboardInterrupt

    with pytest.raises(worker.Cancelled):
        worker.run_folder(fresh.places.path, report=stop, cache_root=fresh.cache)
    assert stopped
    # All that was written so far now lies in the future.
    for path in [*fresh.places.path.rglob("*"), *fresh.cache.rglob("*")]:
        os.utime(path, (begun + 86400, begun + 86400))
    told = fresh.ends_as_the_undisturbed_one()
    assert told["segmenter-1"] == "reused"
    assert all(0 <= event.seconds < 600 for event in fresh.events if isinstance(event, Stage) and event.seconds)
    assert set(told) == set(STAGES)
