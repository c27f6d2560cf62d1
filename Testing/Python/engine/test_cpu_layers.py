"""The layers of the encoder for processors, each against the plain layer that it stands for."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.engine.backbones.tinyvit import cpu_encoder as cpu_tinyvit
from WeakMedSAMLib.engine.backbones.tinyvit.cpu_layers import FrozenConv, FrozenLinear, has_fused_gelu


def test_fused_layers_are_not_used_where_they_fail(monkeypatch):
    has_fused_gelu.cache_clear()
    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", lambda *arguments: arguments[0] * 0, False)
    assert not has_fused_gelu(torch.float32)
    has_fused_gelu.cache_clear()
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not has_fused_gelu(torch.float32)
    has_fused_gelu.cache_clear()


def test_frozen_layers_equal_the_layers_they_come_from():
    torch.manual_seed(0)
    conv, linear = nn.Conv2d(6, 8, 3, 2, 1, groups=2), nn.Linear(6, 9)
    images = torch.randn(2, 6, 10, 12).contiguous(memory_format=torch.channels_last)
    tokens = torch.randn(2, 5, 6)
    frozen_conv = FrozenConv(conv, torch.float32)
    frozen_linear = FrozenLinear(linear.weight, linear.bias, torch.float32)
    with torch.no_grad():
        assert torch.allclose(frozen_conv(images), conv(images), atol=1e-5)
        assert torch.allclose(frozen_conv.gelu(images), F.gelu(conv(images)), atol=1e-5)
        assert torch.allclose(frozen_linear(tokens), linear(tokens), atol=1e-5)
        assert torch.allclose(frozen_linear.gelu(tokens), F.gelu(linear(tokens)), atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_strips_join_without_a_seam(monkeypatch, stride):
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 6, 3, stride, 1)
    maps = torch.randn(2, 4, 40, 24).contiguous(memory_format=torch.channels_last)
    monkeypatch.setattr(cpu_tinyvit, "_STRIP_BYTES", 8 * 2 * 6 * 24 * 4)
    heights = []

    def step(strip):
        heights.append(strip.shape[2])
        return conv(strip)

    with torch.no_grad():
        joined = cpu_tinyvit._in_strips(step, maps, widest=6, channels=6, stride=stride)
        assert len(heights) == 5
        assert torch.allclose(joined, conv(maps), atol=1e-5)


def test_windows_go_back_to_where_they_came_from():
    into, back = cpu_tinyvit._window_order(9, 10, 4)
    tokens = torch.arange(91)
    assert into.numel() == 12 * 12
    assert torch.equal(tokens[into][back], tokens[:90])
    assert (into == 90).sum() == 12 * 12 - 90
    assert into[:16].view(4, 4)[1, 2] == 12
