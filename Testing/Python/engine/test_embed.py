from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Progress, Warning_
from WeakMedSAMLib.engine.backbones.base import BackboneInfo, LevelInfo, PromptKind
from WeakMedSAMLib.engine.backbones.weights import manifest
from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.embed import EmbedInput, embed_volume, feature_key
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity, to_unit

SIZE, SLICES = 16, 7


class Pooling:
    """A backbone of one line: three multiples of the average-pooled slice. It lacks memory for more than `room`."""

    batch_size = 4
    device = torch.device("cpu")
    dtype = torch.float32
    info = BackboneInfo(
        name="pooling",
        input_size=SIZE,
        levels={"cam": LevelInfo(3, 4), "fine": LevelInfo(1, 8)},
        cam_level="cam",
        decode_levels=("cam",),
        prompts=frozenset({PromptKind.BOX}),
        weights=manifest()[0],
    )

    def __init__(self, room=100, error=None):
        self.room, self.error = room, error or torch.cuda.OutOfMemoryError("CUDA out of memory")
        self.batches = []

    def embed(self, slices):
        self.batches.append(len(slices))
        if len(slices) > self.room:
            raise self.error
        assert slices.shape[1:] == (1, SIZE, SIZE)
        cam = torch.nn.functional.avg_pool2d(slices, 4) * torch.tensor([1.0, -2.0, 3.0])[:, None, None]
        return {"cam": cam.half(), "fine": torch.nn.functional.avg_pool2d(slices, 2).half()}


@pytest.fixture
def cache(tmp_path):
    with FeatureCache(tmp_path / "features") as cache:
        yield cache


@pytest.fixture
def volume():
    """Seven slices of 12 x 16 pixels; counts how often it is loaded."""
    stack = np.random.default_rng(0).normal(100, 50, (SLICES, 12, 16)).astype(np.float32)

    def load():
        load.count += 1
        return stack

    load.count = 0
    return EmbedInput(load, SLICES, "ab" * 32, "k", Frame(12, 16, 1.0, 1.0, SIZE), Intensity("percentile", 0, 200))


def run(volume, backbone, cache, levels=("cam", "fine"), report=lambda event: None):
    return embed_volume(volume, backbone, cache, levels, report)


def test_every_slice_gets_its_own_features(volume, cache):
    got = run(volume, Pooling(), cache)
    images = volume.frame.to_frame(to_unit(volume.load_stack(), volume.intensity))
    expected = Pooling().embed(torch.from_numpy(images)[:, None])
    assert got.n_slices == SLICES
    for name, level in got.levels.items():
        assert np.array_equal(level, expected[name].numpy())
    assert np.array_equal(got.image, np.rint(images * 255).astype(np.uint8))
    assert got.image.max() == 255


def test_a_hit_equals_a_miss_bit_for_bit_and_computes_nothing(volume, cache):
    missed = run(volume, Pooling(), cache)
    idle = Pooling()
    hit = run(volume, idle, cache)
    assert idle.batches == []
    assert volume.load_stack.count == 1
    for name in missed.levels:
        assert missed.levels[name].tobytes() == hit.levels[name].tobytes()
        assert not hit.levels[name].flags.writeable
    assert missed.image.tobytes() == hit.image.tobytes()


def test_memory_is_that_of_a_batch(volume, cache):
    backbone = Pooling()
    run(volume, backbone, cache)
    assert backbone.batches == [4, 3]


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_slices_along_any_axis(axis, volume, cache):
    array = np.random.default_rng(1).uniform(0, 200, (5, 6, 9)).astype(np.float32)
    stack = slice_stack(array, axis)
    volume = dataclasses.replace(
        volume,
        load_stack=lambda: stack,
        n_slices=len(stack),
        axis=axis,
        frame=Frame(*stack.shape[1:], 1.0, 2.0, SIZE),
    )
    got = run(volume, Pooling(), cache)
    whole = volume.frame.to_frame(to_unit(np.ascontiguousarray(stack), volume.intensity))
    assert np.array_equal(got.image, np.rint(whole * 255).astype(np.uint8))


def test_progress_ends_with_all_slices(volume, cache):
    events = []
    run(volume, Pooling(), cache, report=events.append)
    assert events == [Progress("embed", 4, 7), Progress("embed", 7, 7)]
    events.clear()
    run(volume, Pooling(), cache, report=events.append)
    assert events == [Progress("embed", 7, 7)]


def test_cancelling_between_batches_leaves_no_entry_and_no_harm(volume, cache):
    class Stop(Exception):
        pass

    def stop(event):
        raise Stop

    backbone = Pooling()
    with pytest.raises(Stop):
        run(volume, backbone, cache, report=stop)
    assert backbone.batches == [4]
    assert cache.entry(feature_key(volume, backbone, ("cam", "fine"))) is None
    assert cache.size() < 1000
    assert run(volume, Pooling(), cache).n_slices == SLICES


@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError("full"), RuntimeError("MPS backend out of memory (1)")])
def test_out_of_memory_halves_the_batch_once(volume, cache, error, tmp_path):
    tight = Pooling(room=2, error=error)
    got = run(volume, tight, cache)
    assert tight.batches == [4, 2, 2, 2, 1]
    with FeatureCache(tmp_path / "other") as other:
        assert np.array_equal(got.levels["cam"], run(volume, Pooling(), other).levels["cam"])


def test_out_of_memory_twice_is_an_error_with_a_way_out(volume, cache):
    tight = Pooling(room=1)
    with pytest.raises(UserError) as caught:
        run(volume, tight, cache)
    assert caught.value.code == "gpu_out_of_memory"
    assert "--device cpu" in caught.value.hint
    assert tight.batches == [4, 2]
    assert cache.entry(feature_key(volume, tight, ("cam", "fine"))) is None


def test_another_error_is_not_taken_for_it(volume, cache):
    with pytest.raises(RuntimeError, match="wrong shape"):
        run(volume, Pooling(room=0, error=RuntimeError("wrong shape")), cache)


def test_a_volume_of_another_length_is_not_embedded(volume, cache):
    with pytest.raises(ValueError, match="7 slices, not 8"):
        run(dataclasses.replace(volume, n_slices=8), Pooling(), cache)


def test_the_key_depends_on_all_that_the_features_depend_on(volume):
    def changed(**changes):
        return feature_key(dataclasses.replace(volume, **changes), Pooling(), ("cam",))

    def backbone(**changes):
        other = Pooling()
        for name, value in changes.items():
            setattr(other, name, value)
        return feature_key(volume, other, ("cam",))

    info, weights = Pooling.info, Pooling.info.weights
    keys = [
        changed(),
        changed(content_sha256="cd" * 32),
        changed(axis="j"),
        changed(frame=Frame(12, 16, 1.0, 1.5, SIZE)),
        changed(intensity=Intensity("percentile", 0, 201)),
        feature_key(volume, Pooling(), ("cam", "fine")),
        backbone(dtype=torch.bfloat16),
        backbone(device=torch.device("cuda:1")),
        backbone(info=dataclasses.replace(info, version=2)),
        backbone(info=dataclasses.replace(info, name="other")),
        backbone(info=dataclasses.replace(info, weights=dataclasses.replace(weights, sha256="0" * 64))),
    ]
    assert len(set(keys)) == len(keys)
    assert changed(intensity=Intensity("ct_window", 0, 200, "another reason")) == changed()
    assert feature_key(volume, Pooling(), ("cam", "fine")) == feature_key(volume, Pooling(), ("fine", "cam"))


def test_exceeding_the_cap_is_told_once(volume, tmp_path):
    events = []
    with FeatureCache(tmp_path / "small", max_bytes=10) as cache:
        run(volume, Pooling(), cache, report=events.append)
        run(dataclasses.replace(volume, axis="j"), Pooling(), cache, report=events.append)
    warnings = [event for event in events if isinstance(event, Warning_)]
    assert [warning.code for warning in warnings] == ["cache_limit_exceeded"]
    assert warnings[0].message
    assert warnings[0].hint
