"""Complexity: parameters and operations against small modules that are counted by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from WeakMedSAMLib.engine.backbones.base import BackboneInfo, LevelInfo
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.methods.published.settings import PAPER
from WeakMedSAMLib.studies import preset_costs
from WeakMedSAMLib.studies.complexity import _network_operations, _seconds
from WeakMedSAMLib.studies.complexity_report import page
from WeakMedSAMLib.studies.counting import operations, parameters, trainable
from WeakMedSAMLib.studies.preset_costs import (
    _fast_work,
    _published_work,
    _trained,
    operation_parts,
    second_parts,
    trained_parts,
)


def test_parameters_are_counted_all_and_those_that_are_trained():
    network = nn.Sequential(nn.Conv2d(3, 8, 5), nn.BatchNorm2d(8), nn.Linear(10, 4, bias=False))
    network[0].requires_grad_(False)
    assert parameters(network) == (3 * 25 + 1) * 8 + 16 + 40
    assert trainable(network) == 16 + 40


def test_a_convolution_is_two_operations_for_each_weight_and_pixel():
    layer = nn.Conv2d(3, 8, 5, padding=2)
    assert operations(layer, torch.zeros(2, 3, 16, 20)) == 2 * 2 * 8 * 3 * 25 * 16 * 20
    grouped = nn.Conv2d(8, 8, 3, padding=1, groups=8, stride=2)
    assert operations(grouped, torch.zeros(1, 8, 16, 16)) == 2 * 8 * 9 * 8 * 8


def test_attention_is_the_matrix_products_that_it_is_made_of():
    tokens, width = 50, 32
    attention = nn.MultiheadAttention(width, 4, batch_first=True).eval()
    inputs = torch.zeros(1, tokens, width)
    projections, products = 4 * 2 * tokens * width * width, 2 * 2 * tokens * tokens * width
    assert operations(lambda: attention(inputs, inputs, inputs, need_weights=False)) == projections + products
    heads = torch.zeros(1, 4, tokens, width // 4)
    assert operations(nn.functional.scaled_dot_product_attention, heads, heads, heads) == products


def test_counting_needs_shapes_only():
    layer = nn.Conv2d(1, 4, 3, padding=1)
    expected = operations(layer, torch.zeros(1, 1, 64, 64))
    assert operations(layer.to("meta"), torch.empty(1, 1, 64, 64, device="meta")) == expected == 2 * 4 * 9 * 64 * 64


class TinyEncoder(nn.Module):
    """An encoder of one layer, with a neck."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, 16, 4, stride=4)
        self.neck = nn.Conv2d(16, 8, 1)

    def forward(self, images):
        return self.patches(images)


class TinyNetwork(nn.Module):
    """Encoder and a decoder that multiplies the neck's map by a token made of the box."""

    def __init__(self):
        super().__init__()
        self.image_encoder = TinyEncoder()
        self.token = nn.Linear(4, 8)

    def masks(self, image, boxes):
        return torch.einsum("nc,chw->nhw", self.token(boxes), image[0]), boxes.sum(1)


INFO = BackboneInfo(
    name="tiny",
    input_size=64,
    levels={"last": LevelInfo(16, 16)},
    cam_level="last",
    cam_cells=16,
    decode_level="last",
    prompts=frozenset(),
    weights=None,
)


def test_stages_of_a_backbone_are_counted_apart():
    found = _network_operations(TinyNetwork().to("meta"), INFO)
    assert found == {
        "encoder": 2 * 16 * 16 * 256,
        "neck": 2 * 8 * 16 * 256,
        "decoder": 2 * 4 * 8 + 2 * 8 * 256,
    }


def test_presets_train_their_own_networks_and_the_published_one_the_adapters_too():
    fast, paper = (trained_parts(INFO, adapted)["paper" if adapted else "fast"] for adapted in (0, 1000))
    assert fast["classifier"] == 2 * (64 * 32 + 32 * 1 + 32 * 1) * 16 * 16
    heads = 16 * (1 + 1 + PAPER.sub_classes)
    assert paper["classifier"] == 2 * heads * 16 * 16
    without = trained_parts(INFO, 0)["paper"]["trained"]
    assert paper["trained"] == without + 1000
    assert without > heads
    assert 0 < fast["network"] < paper["network"]


def test_the_reference_encodes_anew_for_each_of_sixteen_prompts():
    parts = {"encoder": 100, "neck": 10, "decoder": 5}
    presets = {"fast": {"classifier": 1, "network": 7}, "paper": {"classifier": 2, "network": 20}}
    adapted = {"encoder": 40, "neck": 4, "decoder": 2}
    found = operation_parts({"operations": parts, "adapted_operations": adapted, "presets": presets}).by_preset()
    assert found["fast"] == {"pseudo-mask": 110 + 1 + 15, "mask": 110 + 1 + 7}
    assert found["paper"] == {"pseudo-mask": 42 + 110 + 80, "mask": 40}
    assert found["reference"]["pseudo-mask"] == 42 + 16 * 46


TRAINING = {
    "fast": {"seconds": {"classifier": 0.001, "network": 0.01, "step": 0.04}, "peak_mb": 700.0},
    "paper": {"seconds": {"classifier": 0.6, "network": 0.2, "step": 2.5}, "peak_mb": 1900.4},
}


def test_seconds_are_added_up_as_operations_are():
    found = second_parts({"seconds": {"slice": 0.5, "prompt": 0.02}, "training": TRAINING}).by_preset()
    assert found["fast"] == pytest.approx({"pseudo-mask": 0.501 + 0.06, "mask": 0.501 + 0.01})
    assert found["paper"] == pytest.approx({"pseudo-mask": 0.6 + 0.5 + 0.32, "mask": 0.4})
    assert found["reference"] == pytest.approx({"pseudo-mask": 0.6 + 16 * 0.62, "mask": 0.4})


@pytest.mark.parametrize("make", [_fast_work, _published_work])
def test_what_is_timed_in_training_is_trained(make, monkeypatch):
    monkeypatch.setattr(preset_costs, "PAPER", replace(PAPER, network_width=4))
    backbone = build_backbone("litemedsam", untrained=True)
    for work in make(backbone):
        before = {name: value.clone() for name, value in work.network.named_parameters() if value.requires_grad}
        assert _trained(work, backbone.device) > 0
        after = dict(work.network.named_parameters())
        moved = [name for name, value in before.items() if not torch.equal(value, after[name])]
        assert len(moved) > len(before) / 2


class TinyBackbone:
    """Counts what it is asked for."""

    info = INFO
    device, batch_size = torch.device("cpu"), 2

    def __init__(self):
        self.embedded, self.prompts = [], []

    def embed(self, images):
        self.embedded.append(len(images))
        return {"last": images.new_zeros(len(images), 16, 16, 16)}

    def decode(self, features, boxes, rows):
        self.prompts.append(len(boxes))
        return boxes.new_zeros(len(boxes), 64, 64), boxes[:, 0]


def test_time_is_of_all_slices_and_prompts_after_one_that_is_not_counted():
    backbone = TinyBackbone()
    seconds = _seconds(backbone, 5)
    assert backbone.embedded == [1, 2, 2, 1]
    assert backbone.prompts == [1, 16]
    assert 0 <= seconds["slice"] < 1
    assert 0 <= seconds["prompt"] < 1


def test_the_page_holds_every_backbone_and_preset():
    measured = {
        "backbone": "tiny",
        "weights": "random",
        "input_size": 64,
        "device": "cpu",
        "precision": "float32",
        "parameters": {"total": 2_500_000, "encoder": 2_000_000, "adapters": 300_000},
        "operations": {"encoder": 12_000_000_000, "neck": 10**9, "decoder": 2 * 10**9},
        "adapted_operations": {"encoder": 12_000_000_000, "neck": 10**9, "decoder": 2 * 10**9},
        "presets": trained_parts(INFO, 300_000),
        "seconds": {"slice": 0.5, "prompt": 0.02},
        "peak_mb": 812.4,
        "training": TRAINING,
    }
    machine = SimpleNamespace(processor="a processor", cores=2)
    text = page({"machine": vars(machine), "versions": {"torch": "2"}, "slices": 2, "backbones": [measured]})
    assert "| tiny | 64 | 2.5 | 0.3 | 12 | 1 | 2 | 0.500 | 0.020 | 812 | cpu, float32 | random |" in text
    lines = text.splitlines()
    fast, paper, reference = (
        next(line for line in lines if f"| tiny | {preset} |" in line) for preset in ("fast", "paper", "reference")
    )
    assert fast.endswith("| 0.561 | 0.511 | 0.04 | 812 |")
    assert paper.endswith("| 1.42 | 0.4 | 2.5 | 1900 |")
    assert reference.endswith("| 10.5 | 0.4 | 2.5 | 1900 |")
