"""LiteMedSAM against the published network: features, boxes, points, and copies that are trained."""

from __future__ import annotations

import gc
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from WeakMedSAMLib.engine.backbones.base import PromptKind
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.backbones.tinyvit import backbone as tinyvit_backbone
from WeakMedSAMLib.engine.backbones.tinyvit import cpu_layers
from WeakMedSAMLib.engine.backbones.tinyvit.cpu_encoder import CpuTinyViT
from WeakMedSAMLib.engine.backbones.tinyvit.published import FoldedEncoder
from WeakMedSAMLib.engine.base.device import precision_for
from WeakMedSAMLib.engine.data.volumes import read_labels, read_volume
from WeakMedSAMLib.engine.features.preprocess import Frame, choose_intensity, to_unit

TORCH_THREADS = 2  # the same number of threads whatever the machine

CPU = torch.device("cpu")
DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "lgg_flair"


@pytest.fixture(scope="module")
def backbone():
    return build_backbone("litemedsam")


@pytest.fixture(scope="module")
def network(backbone):
    """The published network, for comparison."""
    return backbone._network


@pytest.fixture(scope="module")
def slices():
    """Two 256 x 256 images with edges, gradients, texture and an empty border."""
    rows, columns = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    noise = torch.rand(256, 256, generator=torch.Generator().manual_seed(0))
    disc = ((rows - 120) ** 2 + (columns - 140) ** 2 < 70**2).float()
    first = disc * (0.5 + 0.3 * torch.sin(columns / 9)) + 0.1 * noise * disc
    second = ((rows % 64 < 40) & (columns < 200)).float() * rows / 256
    return torch.stack([first, second])[:, None]


@pytest.fixture(scope="module")
def features(backbone, slices):
    backbone.to(CPU, torch.float32)
    return backbone.embed(slices)


@pytest.fixture(scope="module")
def published(network, slices):
    """What the stages of the published encoder give for the first slice, what its neck takes, overheard."""
    encoder, heard = network.image_encoder, []
    hooks = [stage.register_forward_hook(lambda _module, _args, out: heard.append(out)) for stage in encoder.layers]
    hooks.append(encoder.neck.register_forward_pre_hook(lambda _module, args: heard.append(args[0])))
    with torch.no_grad():
        encoder(slices[:1].expand(-1, 3, -1, -1))
    for hook in hooks:
        hook.remove()
    first, second, _third, _fourth, before_neck = heard
    first, second = first.transpose(1, 2).view(1, 128, 128, 128), second.transpose(1, 2).view(1, 160, 64, 64)
    return first, second, before_neck


@pytest.fixture
def boxes():
    """Boxes with the slice that each belongs to, in no order."""
    corners = [[70, 50, 210, 190], [0, 0, 199, 40], [100, 90, 160, 150], [0, 64, 199, 104], [10, 10, 250, 250]]
    return torch.tensor(corners, dtype=torch.float32), torch.tensor([0, 1, 0, 1, 0])


def neck_of(network, features, row):
    """What the published neck makes of the last level of a slice."""
    with torch.no_grad():
        return network.image_encoder.neck(features["last"][row : row + 1].float())


def relative(got, expected):
    return ((got.float() - expected.float()).norm() / expected.float().norm()).item()


def test_levels_are_as_announced(backbone, features):
    info = backbone.info
    assert {name: tuple(level.shape[1:]) for name, level in features.items()} == {
        name: level.shape for name, level in info.levels.items()
    }
    assert all(level.dtype == torch.float16 and level.is_contiguous() for level in features.values())
    assert info.cam_level in info.levels
    assert info.decode_level in info.levels
    assert info.prompts == {PromptKind.BOX}
    assert info.licence == "Apache-2.0"
    assert "pre-trained" in info.pretraining


def test_float32_equals_the_published_encoder(features, published):
    first, second, last = published
    expected = {"stage0": F.avg_pool2d(first, 2), "stage1": second, "last": last}
    for name, level in features.items():
        assert torch.allclose(level[:1].float(), expected[name], rtol=2e-3, atol=2e-3)
        assert relative(level[:1], expected[name]) < 3e-4


@pytest.mark.soak
def test_bfloat16_is_no_further_from_float32_than_the_published_encoder_is(backbone, features, slices):
    backbone.to(CPU, torch.bfloat16)
    fast, eager = backbone.embed(slices[:1]), backbone.eager_embed(slices[:1])
    backbone.to(CPU, torch.float32)
    for name, level in features.items():
        assert relative(fast[name], level[:1]) < max(0.02, 1.2 * relative(eager[name], level[:1]))


def test_a_slice_depends_neither_on_its_batch_nor_on_the_time(backbone, features, slices):
    alone = backbone.to(CPU, torch.float32).embed(slices[1:])
    assert all(torch.equal(features[name][1:], alone[name]) for name in features)


@pytest.mark.skipif(precision_for(CPU) is not torch.bfloat16, reason="this processor has no bfloat16")
def test_nor_does_it_in_bfloat16(backbone, slices):
    backbone.to(CPU, torch.bfloat16)
    together, alone = backbone.embed(slices), backbone.embed(slices[1:])
    backbone.to(CPU, torch.float32)
    assert all(torch.equal(together[name][1:], alone[name]) for name in together)


def test_the_encoder_for_gpus_equals_the_published_one(network, features, slices):
    with torch.no_grad():
        outputs = FoldedEncoder(network.image_encoder, torch.float32)(slices[:1].expand(-1, 3, -1, -1))
    assert relative(outputs[1], features["stage1"][:1]) < 1e-3
    assert relative(outputs[3], features["last"][:1]) < 1e-3


def test_plain_layers_do_where_fused_ones_are_missing(network, features, slices, monkeypatch):
    monkeypatch.setattr(cpu_layers, "has_fused_gelu", lambda dtype: False)
    encoder = CpuTinyViT(network.image_encoder, torch.float32)
    monkeypatch.setattr(cpu_layers.torch.ops.mkldnn, "_linear_pointwise", None, False)
    with torch.no_grad():
        outputs = encoder(slices[:1].expand(-1, 3, -1, -1))
    assert relative(outputs[3], features["last"][:1]) < 1e-3


def test_many_boxes_equal_looped_single_ones_of_the_published_decoder(
    backbone, network, features, boxes, published_masks
):
    backbone.to(CPU, torch.float32)
    corners, rows = boxes
    logits, quality = backbone.decode(features["last"], corners, rows)
    assert logits.shape == (5, 256, 256)
    assert quality.shape == (5,)
    for number, row in enumerate(rows):
        neck, box = neck_of(network, features, row), corners[number : number + 1]
        expected, expected_quality = published_masks(network, neck, boxes=box)
        assert torch.allclose(logits[number], expected[0], rtol=0, atol=1e-4)
        assert torch.allclose(quality[number], expected_quality[0], rtol=0, atol=1e-4)


def test_boxes_need_no_rows_where_each_has_its_slice(backbone, features, boxes):
    corners, rows = boxes
    repeated = features["last"][rows]
    given, derived = backbone.decode(features["last"], corners, rows), backbone.decode(repeated, corners)
    assert all(torch.equal(a, b) for a, b in zip(given, derived, strict=True))


def test_boxes_may_be_many_few_or_none(backbone, features, boxes, monkeypatch):
    corners, rows = boxes
    together = backbone.decode(features["last"], corners, rows)[0]
    monkeypatch.setattr(tinyvit_backbone, "_SLICES_AT_ONCE", 1)
    assert torch.equal(backbone.decode(features["last"], corners, rows)[0], together)
    monkeypatch.setattr(backbone, "_group", 2)  # as on a GPU
    assert torch.allclose(backbone.decode(features["last"], corners, rows)[0], together, rtol=0, atol=1e-4)
    logits, quality = backbone.decode(features["last"], corners[:0], rows[:0])
    assert logits.shape == (0, 256, 256)
    assert quality.shape == (0,)


def test_masks_in_bfloat16_are_those_in_float32(backbone, features, boxes):
    corners, rows = boxes
    corners, rows = corners[:4], rows[:4]  # the last box holds no one thing
    backbone.to(CPU, torch.float32)
    exact = backbone.decode(features["last"], corners, rows)[0] > 0
    rough = backbone.to(CPU, torch.bfloat16).decode(features["last"], corners, rows)[0] > 0
    backbone.to(CPU, torch.float32)
    dice = 2 * (exact & rough).sum((1, 2)) / (exact.sum((1, 2)) + rough.sum((1, 2)))
    assert dice.min() > 0.95
    assert dice.mean() > 0.985


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared scans are not here")
def test_a_box_around_a_lesion_gives_the_lesion(backbone):
    image = sorted(DATA.glob("*_image.nii.gz"))[0]
    volume, (mask, _geometry) = read_volume(image), read_labels(str(image).replace("_image", "_mask"))
    index = int(mask.sum((1, 2)).argmax())
    truth = mask[index] > 0
    rows, columns = np.nonzero(truth)
    frame = Frame(*truth.shape, 1.0, 1.0)
    scaled = frame.to_frame(to_unit(volume.array[index : index + 1], choose_intensity(volume.array)))
    backbone.to(CPU, precision_for(CPU))
    scale = 256 / max(truth.shape)
    box = torch.tensor([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]) * scale
    logits, quality = backbone.decode(backbone.embed(torch.from_numpy(scaled)[:, None])["last"], box)
    backbone.to(CPU, torch.float32)
    found = frame.from_frame(logits.numpy())[0] > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.85
    assert quality[0] > 0.8


def test_points_equal_those_of_the_published_decoder(backbone, network, features, published_masks):
    backbone.to(CPU, torch.float32)
    points, rows = torch.tensor([[140.0, 120.0], [60.0, 80.0]]), torch.tensor([1, 0])
    logits, quality = backbone.decode_points(features["last"], points, rows)
    for number, row in enumerate(rows):
        neck, point = neck_of(network, features, row), points[number : number + 1]
        expected, expected_quality = published_masks(network, neck, points=point)
        assert torch.allclose(logits[number], expected[0], rtol=0, atol=1e-4)
        assert torch.allclose(quality[number], expected_quality[0], rtol=0, atol=1e-4)


@pytest.mark.soak
def test_a_copy_is_trained_and_the_backbone_stays(backbone, network, features, slices):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    encoder = backbone.adaptable_encoder()
    with torch.no_grad():
        assert relative(encoder(slices[:1]), features["last"][:1]) < 1e-3
    adapters = encoder.adapter_state()
    assert all(name.startswith("layers.3.") for name in adapters)
    optimizer = torch.optim.AdamW([value for value in encoder.parameters() if value.requires_grad], lr=1e-2)
    encoder.train()
    statistics = {name: value.clone() for name, value in encoder.named_buffers() if "running" in name}
    encoder(slices[:1]).square().mean().backward()
    optimizer.step()
    encoder.eval()
    assert all(torch.equal(value, statistics[name]) for name, value in encoder.named_buffers() if "running" in name)
    assert all(not torch.equal(value, adapters[name]) for name, value in encoder.adapter_state().items())
    encoder.load_adapter_state(adapters)
    with torch.no_grad():
        assert relative(encoder(slices[:1]), features["last"][:1]) < 1e-3
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_promptable_copy_draws_what_the_backbone_draws(backbone, features, slices, boxes):
    backbone.to(CPU, torch.float32)
    corners = boxes[0][:1]
    drawn = backbone.promptable_network()(slices[:1], corners, torch.tensor([0]))
    drawn.mean().backward()
    assert relative(drawn.detach(), backbone.decode(features["last"], corners, torch.tensor([0]))[0]) < 1e-2


def test_nothing_is_trained(backbone, features, boxes):
    assert not any(parameter.requires_grad for parameter in backbone._network.parameters())
    logits, _quality = backbone.decode(features["last"], *boxes)
    weight = torch.ones((), requires_grad=True)
    (logits.mean() * weight).backward()  # results may take part in training
    assert weight.grad is not None


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads")
def test_backbones_share_their_threads(backbone):
    backbone.to(CPU, torch.float32)
    gc.collect()
    before = threading.active_count()
    backbone.to(CPU, torch.bfloat16)
    backbone.to(CPU, torch.float32)
    assert threading.active_count() == before
