from __future__ import annotations

import json

import pytest
import torch

from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.methods.fast.group_norm import GroupNorm
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter
from WeakMedSAMLib.engine.methods.published.dense import dense_affinity, published_walk, row_stochastic_walk
from WeakMedSAMLib.engine.parts.affinity import random_walk, stencil_affinity
from WeakMedSAMLib.studies import encode_per_prompt
from WeakMedSAMLib.studies.network_costs import _merge_plainly, _plain, packed_levels
from WeakMedSAMLib.studies.speed import grid_boxes, measure_speed, walk_difference
from WeakMedSAMLib.studies.speed_report import speed_table

TORCH_THREADS = 1  # one slice is soon done, and other tests run beside


@pytest.fixture(scope="module")
def report():
    pytest.importorskip("slicerio", reason="the scan of the demonstration is not installed")
    return measure_speed(1, "cpu", prompts=4)


@pytest.fixture
def masks():
    return torch.rand(3, 9, 7, generator=torch.Generator().manual_seed(3))


@pytest.mark.soak
def test_ways_agree_on_a_real_slice(report):
    assert report["equal"]
    assert report["masks_max_difference"] <= 1e-4
    assert 0 < report["walk_max_difference"] <= 1e-4  # exactly 0 would mean that something was compared with itself


@pytest.mark.soak
def test_stencil_takes_a_fiftieth_of_the_memory(report):
    assert report["reference"]["affinity_bytes"] == 64 * 2**20
    assert report["ours"]["affinity_bytes"] == 69 * 64 * 64 * 4
    assert report["memory_ratio"] >= 50


@pytest.mark.soak
def test_report_is_json_and_its_table_tells_the_figures(report):
    assert json.loads(json.dumps(report)) == report
    table = speed_table(report)
    assert f"{report['speed_ratio']:g} x" in table
    assert "64.00" in table
    assert "1.08" in table
    assert "Results are equal" in table
    assert "weakmedsam benchmark answers" in table
    assert f"{report['encoder']['speed_up_eager_fp32']:g} x as fast as the published one in float32" in table


@pytest.mark.soak
def test_encoders_are_timed(report):
    encoder = report["encoder"]
    assert min(encoder[name] for name in ("ours", "eager", "eager_fp32")) > 0
    assert encoder["speed_up_eager_fp32"] == pytest.approx(encoder["eager_fp32"] / encoder["ours"], abs=0.01)


@pytest.mark.soak
def test_a_slice_takes_a_quarter_in_the_cache_and_is_read_much_sooner_than_encoded(report):
    cache = report["cache"]
    assert cache["bytes"] <= 1.5e6
    assert cache["half_precision_bytes"] / cache["bytes"] == pytest.approx(4, rel=0.1)
    assert cache["ratio"] >= 20
    assert f"{cache['ratio']:g} x as long" in speed_table(report)


@pytest.mark.soak
def test_a_training_step_of_the_network_is_timed_both_ways(report):
    network = report["network"]
    assert network["ratio"] == pytest.approx(network["plain_step"] / network["step"], rel=0.02)
    assert f"{network['step']:.3f} s a training step" in speed_table(report)


def test_the_network_of_plain_layers_draws_the_same():
    torch.manual_seed(0)
    info, device = build_backbone("litemedsam", untrained=True).info, torch.device("cpu")
    maps = {name: torch.randn(2, *level.shape) for name, level in info.levels.items()}
    levels = packed_levels(info, maps)
    network = Segmenter({name: level.channels for name, level in info.levels.items()}, 1)
    ours = network.merged([(levels, 0), (levels, 1)], torch.float32)
    plain = _merge_plainly(network, levels, [0, 1], torch.float32, device)
    assert torch.allclose(ours, plain, atol=1e-3)
    other, image = _plain(network), torch.rand(2, network.image_channels, 256, 256)
    assert not any(isinstance(layer, GroupNorm) for layer in other.modules())
    assert torch.allclose(other.masks(plain, image), network.masks(ours, image), atol=1e-2)


@pytest.mark.soak
@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_masks_encoded_once_or_for_each_prompt_are_equal_and_a_difference_is_seen(report, monkeypatch, shift):
    original = encode_per_prompt.logits_by_prompt
    shifted = lambda *given: (logits + shift for logits in original(*given))  # noqa: E731
    monkeypatch.setattr(encode_per_prompt, "logits_by_prompt", shifted)
    monkeypatch.setattr(encode_per_prompt, "PROMPTS", 4)
    measured = encode_per_prompt.measure_encode_per_prompt("litemedsam", "cpu", slices=1)
    assert measured["equal"] is (shift == 0)
    assert (measured["slices"], measured["prompts"]) == (1, 4)
    seconds = measured["seconds_per_slice"]
    assert seconds["per prompt"] > seconds["once"] > 0
    assert measured["ratio"] == pytest.approx(seconds["per prompt"] / seconds["once"], abs=0.1)


@pytest.mark.soak
def test_table_tells_that_results_differ(report):
    assert "NOT EQUAL" in speed_table({**report, "equal": False})


@pytest.mark.soak
def test_times_of_parts_add_up(report):
    for side in ("ours", "reference", "reference_eager"):
        seconds = report[side]["seconds_per_slice"]
        assert sum(seconds.values()) - seconds["total"] == pytest.approx(seconds["total"], abs=1e-3)


def test_walk_difference_sees_a_change_of_masks(masks, monkeypatch):
    start = masks.mean(0)
    assert walk_difference(masks, start) < 1e-5
    flipped = lambda given, *rest: stencil_affinity(given.flip(1), *rest)  # noqa: E731
    monkeypatch.setattr("WeakMedSAMLib.studies.speed.stencil_affinity", flipped)
    assert walk_difference(masks, start) > 1e-3


def test_dense_walk_keeps_a_constant_map_and_the_published_one_does_not(masks):
    affinity = dense_affinity(masks, torch.full((3,), 1 / 3), 3, 4.0)
    constant = torch.full(masks.shape[1:], 0.7)
    assert torch.allclose(row_stochastic_walk(constant, affinity, 4), constant, atol=1e-6)
    assert (published_walk(constant, affinity, 1) - constant).abs().max() > 0.1


def test_dense_affinity_holds_the_numbers_of_the_stencil(masks):
    weights = torch.tensor([0.2, 0.3, 0.5])
    dense = dense_affinity(masks, weights, 3, 4.0)
    stencil = stencil_affinity(masks[None], weights[None], 3, 4.0)
    assert torch.allclose(dense, dense.T)
    assert torch.allclose(dense.sum(1), stencil.sum(1).flatten(), atol=1e-5)
    peak = torch.zeros(masks.shape[1:])
    peak[0, 6] = 1.0  # a corner: the border is where the two could differ
    walked = random_walk(peak[None], stencil, 3, 2)[0]
    assert torch.allclose(walked, row_stochastic_walk(peak, dense, 2), atol=1e-6)


def test_grid_boxes_tile_the_foreground():
    image = torch.zeros(40, 60)
    image[10:31, 20:41] = 1.0
    boxes = grid_boxes(image, 16)
    assert boxes.shape == (16, 4)
    assert boxes[0].tolist() == [20, 10, 25, 15]
    assert boxes[-1].tolist() == [35, 25, 40, 30]
    with pytest.raises(ValueError, match="square"):
        grid_boxes(image, 6)
