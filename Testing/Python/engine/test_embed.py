from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Progress, Warning_
from WeakMedSAMLib.engine.backbones.base import BackboneInfo, LevelInfo, PromptKind
from WeakMedSAMLib.engine.backbones.weights import manifest
from WeakMedSAMLib.engine.base.array_store import ArrayStore
from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.embed import Embedder, EmbedInput, feature_key
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
        levels={"last": LevelInfo(3, 4), "fine": LevelInfo(1, 8)},
        cam_level="last",
        cam_cells=2,
        decode_level="last",
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
        last = torch.nn.functional.avg_pool2d(slices, 4) * torch.tensor([1.0, -2.0, 3.0])[:, None, None] + 7
        return {"last": last.half(), "fine": torch.nn.functional.avg_pool2d(slices, 2).half()}


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
    return EmbedInput(load, SLICES, "ab" * 32, "k", Frame(12, 16, 1.0, 1.0, SIZE), Intensity("percentile", 0, 200), 5.0)


def run(volume, backbone, cache, report=lambda event: None):
    return Embedder(backbone, cache).embed(volume, report)


def values(features):
    """All slices of every level."""
    return {name: level.read(range(features.n_slices)) for name, level in features.levels.items()}


def test_every_slice_gets_its_own_features(volume, cache):
    got = run(volume, Pooling(), cache)
    images = np.rint(volume.frame.to_frame(to_unit(volume.load_stack(), volume.intensity)) * 255)
    expected = Pooling().embed(torch.from_numpy(images / 255)[:, None].float())
    assert got.n_slices == SLICES
    for name, level in expected.items():
        widest = (level.amax((2, 3), keepdim=True) - level.amin((2, 3), keepdim=True)).float() / 15
        assert got.levels[name].shape == level.shape
        assert ((values(got)[name] - level).abs() <= 0.51 * widest + 1e-3).all()
    assert torch.allclose(values(got)["cam"], torch.nn.functional.avg_pool2d(values(got)["last"], 2))
    assert np.array_equal(got.image, images.astype(np.uint8))
    assert got.image.max() == 255


def test_of_slices_of_air_one_is_encoded(volume, cache):
    stack = np.array(volume.load_stack())
    stack[[0, 2, 6]] = 3.0
    backbone = Pooling()
    got = run(dataclasses.replace(volume, load_stack=lambda: stack), backbone, cache)
    assert sum(backbone.batches) == SLICES - 2
    full = values(run(volume, Pooling(), cache))
    for name, level in values(got).items():
        assert torch.equal(level[[1, 3, 4, 5]], full[name][[1, 3, 4, 5]])
        assert torch.equal(level[0], level[2])
        assert torch.equal(level[0], level[6])
    assert values(got)["last"][0, 1].mean() == pytest.approx(7 - 2 * 3 / 200 * 12 / 16, abs=0.01)


def smooth_stack(odd=None):
    """Nine slices that change evenly from one to the next; one may show something of its own."""
    generator = np.random.default_rng(3)
    first, last = generator.uniform(40, 160, (2, 12, 16))
    stack = first + np.linspace(0, 1, 9)[:, None, None] * (last - first)
    if odd is not None:
        stack[odd, 4:8, 4:8] += 60
    return np.clip(stack, 0, 200).astype(np.float32)


@pytest.mark.parametrize(("odd", "encoded"), [(None, 5), (3, 6), (4, 7)])
def test_of_thin_slices_those_between_are_not_encoded(volume, cache, odd, encoded):
    stack, backbone = smooth_stack(odd), Pooling()
    thin = dataclasses.replace(volume, load_stack=lambda: stack, n_slices=9, slice_mm=0.9)
    events = []
    got = run(thin, backbone, cache, events.append)
    assert sum(backbone.batches) == encoded
    assert events[-1] == Progress("embed", 9, 9)
    full = run(dataclasses.replace(thin, slice_mm=3.0), Pooling(), cache)
    assert torch.allclose(values(got)["last"], values(full)["last"], atol=0.1)
    assert torch.equal(got.levels["last"].read([8, 5, 2]), values(got)["last"][[8, 5, 2]])
    assert np.array_equal(got.image, full.image)


def test_a_volume_of_air_is_embedded(volume, cache):
    nothing = dataclasses.replace(volume, load_stack=lambda: np.zeros((SLICES, 12, 16), np.float32))
    backbone, events = Pooling(), []
    got = run(nothing, backbone, cache, events.append)
    assert torch.equal(got.levels["last"].read(range(SLICES)), torch.full((SLICES, 3, 4, 4), 7.0))
    assert backbone.batches == [1]
    assert events == [Progress("embed", SLICES, SLICES)]


def test_a_hit_equals_a_miss_bit_for_bit_and_computes_nothing(volume, cache):
    missed = run(volume, Pooling(), cache)
    idle = Pooling()
    hit = run(volume, idle, cache)
    assert idle.batches == []
    assert volume.load_stack.count == 1
    for name, level in values(missed).items():
        assert torch.equal(level, values(hit)[name])
    assert not hit.levels["last"].codes.flags.writeable
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


def test_what_was_encoded_before_it_was_cancelled_is_not_encoded_again(volume, cache, tmp_path):
    class Stop(Exception):
        pass

    def stop(event):
        raise Stop

    backbone = Pooling()
    with pytest.raises(Stop):
        run(volume, backbone, cache, report=stop)
    assert backbone.batches == [4]
    assert cache.entry(feature_key(volume, backbone)) is None
    events = []
    found = run(volume, backbone, cache, events.append)
    assert backbone.batches == [4, 3]
    assert events == [Progress("embed", 7, 7)]
    with FeatureCache(tmp_path / "other") as other:
        assert all(torch.equal(values(found)[n], level) for n, level in values(run(volume, Pooling(), other)).items())
    assert [path.name for path in cache.root.iterdir() if len(path.name) == 64] == [found.key], "no part is left"


def test_what_another_process_encoded_before_is_taken_and_the_more_of_both_is_kept(volume, cache):
    """The resident worker prepares slices, stays, and a run that goes on from them is cancelled later than it was."""

    class Stop(Exception):
        pass

    def stop(event):
        raise Stop

    backbone, resident = Pooling(), FeatureCache(cache.root)
    with resident:
        steps = Embedder(backbone, resident).encode(volume)
        while next(steps) != 1:
            pass
        steps.close()
        assert backbone.batches == [1]
        with pytest.raises(Stop):
            run(volume, backbone, cache, report=stop)
        assert backbone.batches == [1, 4]
        found = run(volume, backbone, cache)
        assert backbone.batches == [1, 4, 2]
        assert [path.name for path in cache.root.iterdir() if len(path.name) == 64] == [found.key], "no part is left"


def test_what_was_encoded_before_an_error_is_not_encoded_again(volume, cache):
    class Failing(Pooling):
        def embed(self, slices):
            if self.batches:
                raise UserError("not_finite", "A level is not finite.")
            return super().embed(slices)

    failing, backbone = Failing(), Pooling()
    with pytest.raises(UserError):
        run(volume, failing, cache)
    run(volume, backbone, cache)
    assert (failing.batches, backbone.batches) == ([4], [3])


@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError("full"), RuntimeError("MPS backend out of memory (1)")])
def test_out_of_memory_halves_the_batch_once(volume, cache, error, tmp_path):
    tight = Pooling(room=2, error=error)
    got = run(volume, tight, cache)
    assert tight.batches == [4, 2, 2, 2, 1]
    with FeatureCache(tmp_path / "other") as other:
        assert torch.equal(values(got)["last"], values(run(volume, Pooling(), other))["last"])


def test_out_of_memory_twice_is_an_error_with_a_way_out(volume, cache):
    tight = Pooling(room=1)
    with pytest.raises(UserError) as caught:
        run(volume, tight, cache)
    assert caught.value.code == "gpu_out_of_memory"
    assert "--device cpu" in caught.value.hint
    assert tight.batches == [4, 2]
    assert cache.entry(feature_key(volume, tight)) is None


def test_another_error_is_not_taken_for_it(volume, cache):
    with pytest.raises(RuntimeError, match="wrong shape"):
        run(volume, Pooling(room=0, error=RuntimeError("wrong shape")), cache)


def test_a_volume_of_another_length_is_not_embedded(volume, cache):
    with pytest.raises(ValueError, match="7 slices, not 8"):
        run(dataclasses.replace(volume, n_slices=8), Pooling(), cache)


def test_the_key_depends_on_all_that_the_features_depend_on(volume):
    def changed(**changes):
        return feature_key(dataclasses.replace(volume, **changes), Pooling())

    def backbone(**changes):
        other = Pooling()
        for name, value in changes.items():
            setattr(other, name, value)
        return feature_key(volume, other)

    info, weights = Pooling.info, Pooling.info.weights
    keys = [
        changed(),
        changed(content_sha256="cd" * 32),
        changed(axis="j"),
        changed(frame=Frame(12, 16, 1.0, 1.5, SIZE)),
        changed(intensity=Intensity("percentile", 0, 201)),
        changed(slice_mm=0.5),
        backbone(dtype=torch.bfloat16),
        backbone(device=torch.device("cuda:1")),
        backbone(info=dataclasses.replace(info, version=2)),
        backbone(info=dataclasses.replace(info, name="other")),
        backbone(info=dataclasses.replace(info, weights=dataclasses.replace(weights, sha256="0" * 64))),
    ]
    assert len(set(keys)) == len(keys)
    assert changed(slice_mm=4.0) == changed()  # thick slices are all encoded
    assert changed(intensity=Intensity("ct_window", 0, 200, "another reason")) == changed()


def test_exceeding_the_cap_is_told_once(volume, tmp_path):
    events = []
    with FeatureCache(tmp_path / "small", max_bytes=10) as cache:
        run(volume, Pooling(), cache, report=events.append)
        run(dataclasses.replace(volume, axis="j"), Pooling(), cache, report=events.append)
    warnings = [event for event in events if isinstance(event, Warning_)]
    assert [warning.code for warning in warnings] == ["cache_limit_exceeded"]
    assert warnings[0].message
    assert warnings[0].hint


def test_features_of_an_earlier_version_are_removed_and_that_is_told_once(volume, cache):
    store, folder = ArrayStore(), cache.root / ("f" * 64)
    folder.mkdir()
    store.finish(folder, folder.name, {"last": np.zeros(100, np.float16)})
    events = []
    Embedder(Pooling(), cache).claim([volume], events.append)
    Embedder(Pooling(), cache).claim([volume], events.append)
    assert [event.code for event in events] == ["outdated_features_removed"]
    assert str(cache.root) in events[0].message
    assert not folder.exists()


def test_no_more_than_some_slices_are_framed_at_once(volume, cache):
    long = np.random.default_rng(0).normal(100, 50, (400, 12, 16)).astype(np.float32)
    frame = Frame(12, 16, 1.0, 1.0, SIZE)
    one = dataclasses.replace(volume, load_stack=lambda: long, n_slices=400, frame=frame)
    sizes = [len(part) for part in one.framed(long)]
    assert max(sizes) == 16
    assert sum(sizes) == 400
    got = run(one, Pooling(), cache)
    assert np.array_equal(got.image, np.concatenate(list(one.framed(long))))


def test_a_level_of_the_name_that_is_taken_is_refused(cache):
    own = Pooling()
    own.info = dataclasses.replace(own.info, levels={"cam": LevelInfo(3, 4)}, cam_level="cam")
    with pytest.raises(ValueError, match="cannot be named 'cam'"):
        Embedder(own, cache)
