"""Faults inside of a run that its process outlives: memory, numbers, empty maps, a clock set back.

After each the run goes on and ends as the one that nothing disturbed. See docs/RELIABILITY.md.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time

import numpy as np
import pytest
import torch
from faults.tiny_bench import KEPT
from faults.tiny_run import CLASSES, SHOWN, STAGES, TinyBackbone, outputs

from WeakMedSAMLib.contract.events import Stage, Warning_
from WeakMedSAMLib.engine.methods.fast.novelty import novelty
from WeakMedSAMLib.engine.methods.fast.pam import pseudo_masks
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter
from WeakMedSAMLib.engine.runs import worker

MORE_THAN_ANY_MEMORY = 1 << 46


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
        assert not (stage == "segmenter" and quality["confidence"]), "what is drawn is a guess"
        for value, name in enumerate(CLASSES, 1):
            first, last = SHOWN[name][number]
            bare = [index for index in range(first, last + 1) if not (labels[index] == value).any()]
            assert quality["classes"][name]["present_without_mask"] == bare
    assert all(np.isfinite(array).all() for name, array in made.items() if name.startswith("model/"))


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
