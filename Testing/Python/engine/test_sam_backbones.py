"""SAM, SAMUS and EfficientSAM at small sizes, with random weights."""

from __future__ import annotations

import importlib
import sys

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Done
from WeakMedSAMLib.engine.backbones import registry, weights
from WeakMedSAMLib.engine.backbones.efficientsam import build_efficientsam
from WeakMedSAMLib.engine.backbones.efficientsam.network import EfficientNetwork, EfficientSize
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.backbones.sam.vit import SamSize, sam_network
from WeakMedSAMLib.engine.backbones.samus.backbone import build_samus
from WeakMedSAMLib.engine.runs.worker import run_folder

TORCH_THREADS = 1  # networks this small are no faster on several cores, and far slower where those are busy

NAMES = ("sam_vit_b", "samus", "efficientsam_ti")
QUICK = {"classifier_steps": 4, "segmenter_steps": 4, "pam_slices": 4, "novelty_references": 100, "rounds": 1}


@pytest.fixture(scope="module", params=NAMES)
def backbone(request, small):
    return small.build(request.param)


@pytest.fixture(scope="module")
def slices():
    return torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def boxes():
    """Boxes with the slice that each belongs to, in no order."""
    corners = [[4, 5, 20, 30], [0, 0, 9, 9], [8, 8, 30, 20], [1, 2, 31, 31]]
    return torch.tensor(corners, dtype=torch.float32), torch.tensor([2, 0, 2, 1])


def parameters_of(module):
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def changed(module, before):
    return {name for name, value in module.state_dict().items() if not torch.equal(value, before[name])}


def one_step(module, loss):
    """One step of training on the loss that a function gives."""
    trained = [value for value in module.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-2)
    loss().backward()
    optimizer.step()


def test_levels_are_as_announced(backbone, slices):
    features, info = backbone.embed(slices), backbone.info
    assert {name: tuple(level.shape) for name, level in features.items()} == {
        name: (3, *level.shape) for name, level in info.levels.items()
    }
    assert all(level.dtype == torch.float16 and level.is_contiguous() for level in features.values())
    assert {info.cam_level, *info.decode_levels} <= set(info.levels)
    assert {prompt.value for prompt in info.prompts} == {"point", "box"}
    alone = backbone.embed(slices[1:2])
    assert all(torch.allclose(features[name][1:2], alone[name], atol=2e-3) for name in features)


def test_bfloat16_is_near(backbone, slices):
    exact = backbone.embed(slices)["neck"].float()
    rough = backbone.to(torch.device("cpu"), torch.bfloat16).embed(slices)["neck"].float()
    backbone.to(torch.device("cpu"), torch.float32)
    assert 0 < ((rough - exact).norm() / exact.norm()).item() < 0.05


@pytest.mark.parametrize("kind", ["boxes", "points"])
def test_many_prompts_equal_single_ones(backbone, slices, boxes, kind):
    corners, rows = boxes
    prompts = corners if kind == "boxes" else corners[:, :2] + 3
    decode = backbone.decode if kind == "boxes" else backbone.decode_points
    features = backbone.embed(slices)
    logits, quality = decode(features, prompts, rows)
    assert logits.shape == (4, 32, 32)
    for number, row in enumerate(rows):
        alone = decode({"neck": features["neck"][row][None]}, prompts[number : number + 1])
        assert torch.allclose(logits[number], alone[0][0], atol=1e-4)
        assert torch.allclose(quality[number], alone[1][0], atol=1e-4)
    assert not torch.allclose(logits[0], logits[2], atol=1e-3)
    assert decode(features, prompts[:0], rows[:0])[0].shape == (0, 32, 32)


def test_a_step_of_training_changes_adapters_and_nothing_else(backbone, slices):
    frozen, features = parameters_of(backbone._network), backbone.embed(slices)
    encoder = backbone.adaptable_encoder().train()
    before = parameters_of(encoder)
    assert encoder(slices).shape == (3, encoder.channels, encoder.size, encoder.size)
    one_step(encoder, lambda: encoder(slices).square().mean())
    adapters = encoder.adapter_state().keys()
    assert changed(encoder, before) == {f"encoder.{name}" for name in adapters}
    assert any(name.startswith("blocks.5.") for name in adapters)
    assert not any(name.startswith(("neck.", "patch_embed.", "blocks.0.")) for name in adapters)
    assert changed(backbone._network, frozen) == set()
    assert not any(value.requires_grad for value in backbone._network.parameters())
    after = backbone.embed(slices)
    assert all(torch.equal(features[name], after[name]) for name in features)


def test_adapters_are_kept_and_put_back(backbone, slices, tmp_path):
    encoder = backbone.adaptable_encoder()
    one_step(encoder, lambda: encoder(slices).square().mean())
    torch.save(encoder.adapter_state(), tmp_path / "adapters.pt")
    state = torch.load(tmp_path / "adapters.pt", weights_only=True)
    fresh = backbone.adaptable_encoder()
    with torch.no_grad():
        assert not torch.equal(fresh(slices), encoder(slices))
        fresh.load_adapter_state(state)
        assert torch.equal(fresh(slices), encoder(slices))
    state["more"] = state.pop("blocks.5.norm1.bias")
    with pytest.raises(UserError, match=r"missing: blocks.5.norm1.bias; unknown: more") as caught:
        fresh.load_adapter_state(state)
    assert caught.value.code == "adapters_do_not_fit"


def test_adapted_features_can_be_decoded(backbone, slices, boxes):
    encoder = backbone.adaptable_encoder().eval()
    with torch.no_grad():
        levels = encoder.decode_levels(encoder(slices))
    logits, _quality = backbone.decode(levels, *boxes)
    assert logits.shape == (4, 32, 32)
    if backbone.info.name != "samus":  # whose encoder is another one even before it is trained
        assert torch.allclose(logits, backbone.decode(backbone.embed(slices), *boxes)[0], atol=2e-2)


def test_the_promptable_network_learns_from_masks(backbone, slices, boxes):
    frozen = parameters_of(backbone._network)
    network = backbone.promptable_network().train()
    before, corners, rows = parameters_of(network), *boxes
    logits = network(slices, corners, rows)
    if backbone.info.name != "samus":
        assert torch.allclose(logits, backbone.decode(backbone.embed(slices), *boxes)[0], atol=2e-2)
    wanted = torch.zeros_like(logits)
    one_step(network, lambda: F.binary_cross_entropy_with_logits(network(slices, corners, rows), wanted))
    moved = {name.split(".")[1] for name in changed(network, before)}
    assert moved == {"image_encoder", "mask_decoder"}
    with torch.no_grad():
        assert network(slices, corners, rows).mean() < logits.mean()
    assert changed(backbone._network, frozen) == set()


def test_random_weights_are_the_same_every_time_and_said_to_be_random(backbone, small):
    again = small.build(backbone.info.name)
    assert changed(again._network, parameters_of(backbone._network)) == set()
    assert backbone.info.weights.sha256 == "untrained"
    assert "Random weights" in backbone.info.pretraining


@pytest.mark.parametrize("name", NAMES)
def test_a_published_file_is_loaded(name, publish, slices, small):
    torch.manual_seed(5)
    network = EfficientNetwork(small.efficient) if name == "efficientsam_ti" else sam_network(small.sam)
    state = network.state_dict()
    folder = publish(name, {"model": state} if name == "efficientsam_ti" else state)
    backbone = small.build(name, folder)
    with torch.no_grad():
        assert torch.equal(backbone.embed(slices)["last"], network.eval().image_encoder(slices).half())
    assert backbone.info.weights.sha256 == weights.manifest()[0].sha256
    state["head.weight"] = state.pop("image_encoder.neck.0.weight")
    state["image_encoder.pos_embed"] = torch.zeros(1, 2, 2, 32)
    publish(name, state)
    with pytest.raises(UserError) as caught:
        small.build(name, folder)
    assert caught.value.code == "weights_do_not_fit"
    for part in (name, "missing: image_encoder.neck.0.weight", "unknown: head.weight", "image_encoder.pos_embed (1 x"):
        assert part in caught.value.message


def test_a_backbone_is_one_file_and_one_line(tmp_path, monkeypatch, make):
    """Written, registered and run from volumes to masks, like any other."""
    (tmp_path / "added_backbone.py").write_text(
        "from WeakMedSAMLib.engine.backbones.registry import register\n"
        "from WeakMedSAMLib.engine.backbones.sam.vit import SamSize, build_sam\n"
        "@register('added')\n"
        "def build_added(weights_folder, untrained):\n"
        "    size = SamSize(16, 2, 2, (), frame=64, image=64, patch=1, window=8, prompt_channels=32)\n"
        "    return build_sam('added', size, weights_folder, untrained)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_builders", dict(registry._builders))
    monkeypatch.setitem(registry._PACKAGED, "added", "added_backbone")
    importlib.invalidate_caches()
    try:
        assert "added" in registry.available()
        run_quickly(make(backbone="added", overrides=QUICK), lambda name: build_backbone(name, untrained=True))
    finally:
        sys.modules.pop("added_backbone", None)


@pytest.mark.parametrize("name", ["samus", "efficientsam_ti"])
def test_the_fast_preset_runs_on_it(name, make):
    sam = SamSize(16, 2, 2, (), frame=64, image=64, patch=1, window=8, prompt_channels=32)
    efficient = EfficientSize(16, 2, blocks=1, frame=64, image=64, patch=1, prompt_channels=32, mlp_channels=64)
    build = {
        "samus": lambda name: build_samus(None, True, sam),
        "efficientsam_ti": lambda name: build_efficientsam(name, efficient, None, True),
    }[name]
    run_quickly(make(backbone=name, overrides=QUICK), build)


def run_quickly(places, build):
    """Run a folder of generated scans; random features give rough masks, which is not the point."""
    events = []
    run_folder(places.path, build=build, report=events.append, cache_root=places.path / "cache")
    assert isinstance(events[-1], Done)
    assert sorted(path.name for path in (places.path / "results").iterdir()) == ["000", "001", "002"]
