"""What runs on an NVIDIA GPU gives what it gives on the CPU, and says so where its memory is short; by `make gpu`."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.base.device import precision_for
from WeakMedSAMLib.engine.base.precision import network_dtype
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.embed import Embedder, EmbedInput
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter
from WeakMedSAMLib.studies.network_costs import packed_levels

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU, or a PyTorch that has no CUDA")

GPU, CPU = torch.device("cuda"), torch.device("cpu")
BACKBONE = "litemedsam"


@pytest.fixture(scope="module")
def images():
    return torch.rand(4, 1, 256, 256, generator=torch.Generator().manual_seed(0))


def built(device):
    return build_backbone(BACKBONE, untrained=True).to(device, precision_for(device))


def difference(found, wanted):
    """Mean difference of two tensors, of the mean of the second."""
    found, wanted = found.float().cpu(), wanted.float().cpu()
    return float((found - wanted).abs().mean() / wanted.abs().mean())


def test_features_and_masks_are_those_of_the_cpu(images):
    gpu, cpu = built(GPU), build_backbone(BACKBONE, untrained=True).to(CPU, torch.float32)
    found, wanted = gpu.embed(images), cpu.embed(images)
    for name in wanted:
        assert difference(found[name], wanted[name]) < 0.1
    boxes, rows = torch.tensor([[40.0, 40.0, 200.0, 180.0]] * 2), torch.tensor([0, 3])
    masks = [one.decode(wanted["last"], boxes, rows)[0].sigmoid() for one in (gpu, cpu)]
    assert difference(*masks) < 0.05


def test_the_network_sees_and_learns_as_on_the_cpu(images):
    info = built(CPU).info
    levels = packed_levels(info, {name: torch.randn(2, *level.shape) for name, level in info.levels.items()})
    torch.manual_seed(0)
    network = Segmenter({name: level.channels for name, level in info.levels.items()}, 2, placed=False)
    outcomes = []
    for device in (CPU, GPU):
        network.zero_grad()
        network.to(device)
        dtype = torch.float32 if device == CPU else network_dtype(device)
        merged = network.merged([(levels, 0), (levels, 1)], dtype)
        with torch.autocast("cuda", torch.bfloat16, enabled=device == GPU):
            logits = network.masks(merged, images[:2].to(device)).float()
        logits.square().mean().backward()
        outcomes.append([logits.detach(), *(part.grad.clone() for part in network.parameters())])
    for wanted, found in zip(*outcomes, strict=True):
        assert difference(found, wanted) < 0.2


def test_where_memory_is_short_it_says_so_with_a_way_out(tmp_path):
    slices = 64
    stack = np.random.default_rng(0).random((slices, 256, 256)).astype(np.float32)
    frame, intensity = Frame(256, 256, 1.0, 1.0, 256), Intensity("given", 0.0, 1.0)
    volume = EmbedInput(lambda: stack, slices, "0" * 64, "k", frame, intensity, 10.0)
    backbone = built(GPU)
    torch.cuda.empty_cache()
    room = torch.cuda.memory_reserved() + (64 << 20)
    torch.cuda.set_per_process_memory_fraction(room / torch.cuda.get_device_properties(GPU).total_memory)
    try:
        with FeatureCache(tmp_path) as cache, pytest.raises(UserError) as caught:
            Embedder(backbone, cache).embed(volume, lambda event: None)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert caught.value.code == "gpu_out_of_memory"
    assert "--device cpu" in caught.value.hint
    assert not list(tmp_path.glob("*/meta.json"))
