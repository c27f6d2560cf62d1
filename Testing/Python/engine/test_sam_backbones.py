"""SAM, SAMUS and EfficientSAM at small sizes, with random weights."""

from __future__ import annotations

import hashlib
import importlib
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Done
from WeakMedSAMLib.engine import backbones
from WeakMedSAMLib.engine.backbones import registry, weights
from WeakMedSAMLib.engine.backbones.efficientsam import build_efficientsam
from WeakMedSAMLib.engine.backbones.efficientsam.network import EfficientNetwork, EfficientSize
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.backbones.sam.vit import SamSize, sam_network
from WeakMedSAMLib.engine.backbones.samus import build_samus
from WeakMedSAMLib.engine.backbones.weights_download import download_weights
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
    assert {info.cam_level, info.decode_level} <= set(info.levels)
    assert {prompt.value for prompt in info.prompts} == {"point", "box"}
    alone = backbone.embed(slices[1:2])
    assert all(torch.allclose(features[name][1:2], alone[name], atol=2e-3) for name in features)


def test_bfloat16_is_near(backbone, slices):
    exact = backbone.embed(slices)["last"].float()
    rough = backbone.to(torch.device("cpu"), torch.bfloat16).embed(slices)["last"].float()
    backbone.to(torch.device("cpu"), torch.float32)
    assert 0 < ((rough - exact).norm() / exact.norm()).item() < 0.05


@pytest.mark.parametrize("kind", ["boxes", "points"])
def test_many_prompts_equal_single_ones(backbone, slices, boxes, kind):
    corners, rows = boxes
    prompts = corners if kind == "boxes" else corners[:, :2] + 3
    decode = backbone.decode if kind == "boxes" else backbone.decode_points
    features = backbone.embed(slices)["last"]
    logits, quality = decode(features, prompts, rows)
    assert logits.shape == (4, 32, 32)
    for number, row in enumerate(rows):
        alone = decode(features[row][None], prompts[number : number + 1])
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
        last = encoder(slices)
    logits, _quality = backbone.decode(last, *boxes)
    assert logits.shape == (4, 32, 32)
    if backbone.info.name != "samus":  # whose encoder is another one even before it is trained
        assert torch.allclose(logits, backbone.decode(backbone.embed(slices)["last"], *boxes)[0], atol=2e-2)


def test_the_promptable_network_learns_from_masks(backbone, slices, boxes):
    frozen = parameters_of(backbone._network)
    network = backbone.promptable_network().train()
    before, corners, rows = parameters_of(network), *boxes
    logits = network(slices, corners, rows)
    if backbone.info.name != "samus":
        assert torch.allclose(logits, backbone.decode(backbone.embed(slices)["last"], *boxes)[0], atol=2e-2)
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


TOY = """
from WeakMedSAMLib.engine.backbones.base import PromptKind, WeightsInfo
from WeakMedSAMLib.engine.backbones.registry import register

@register("toy", WeightsInfo(**{published!r}))
def build_toy(weights_folder=None, random_weights=False):
    from WeakMedSAMLib.engine.backbones.sam import build_sam
    from WeakMedSAMLib.engine.backbones.sam.vit import SamSize
    return build_sam("toy", SamSize(**{size!r}), weights_folder, random_weights)
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A family of one backbone in a folder of its own, whose weights are published in a file beside it."""
    size = {"channels": 16, "blocks": 2, "heads": 2, "global_blocks": (), "frame": 64, "image": 64, "patch": 1}
    size |= {"window": 8, "prompt_channels": 32}
    file = tmp_path / "published" / "toy.pth"
    file.parent.mkdir()
    torch.save(sam_network(SamSize(**size)).state_dict(), file)
    published = {"file": file.name, "size": file.stat().st_size, "source": "here", "licence": "none", "pretraining": ""}
    published |= {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "url": file.as_uri()}
    family = tmp_path / "families" / "toy_family" / "__init__.py"
    family.parent.mkdir(parents=True)
    family.write_text(TOY.format(published=published, size=size))
    monkeypatch.setattr(backbones, "__path__", [*backbones.__path__, str(family.parents[1])])
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    monkeypatch.setattr(weights, "default_folder", lambda: tmp_path / "weights")
    importlib.invalidate_caches()
    yield family.parents[1]
    sys.modules.pop("WeakMedSAMLib.engine.backbones.toy_family", None)


def test_a_backbone_is_one_folder(toy, make):
    """Written as `__init__` of its family, listed, downloaded, checked, and run from volumes to masks."""
    assert "toy" in registry.available()
    assert not next(state for state in weights.list_weights() if state.info.backbone == "toy").usable
    download_weights("toy", weights.default_folder())
    assert next(state for state in weights.list_weights(check=True) if state.info.backbone == "toy").usable
    assert build_backbone("toy").info.weights == weights.weights_for("toy")
    run_quickly(make(backbone="toy", overrides=QUICK), build_backbone)


def test_listing_a_new_backbone_needs_no_torch(toy):
    code = (
        "import sys; from WeakMedSAMLib.engine import backbones; from WeakMedSAMLib.engine.backbones import registry;"
        f"backbones.__path__.append({str(toy)!r}); print('toy' in registry.available(), 'torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.split() == ["True", "False"]


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
