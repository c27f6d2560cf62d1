"""Group normalisation: the slopes of its own backward pass are PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from WeakMedSAMLib.engine.methods.fast.group_norm import GroupNorm

LAYOUTS = {"channels last": torch.channels_last, "as they come": torch.contiguous_format}


def slopes(kind, images, upwards):
    """Output, and slopes by images, weight and bias."""
    torch.manual_seed(1)
    layer = kind(4, images.shape[1])
    with torch.no_grad():
        layer.weight.normal_(1, 0.5)
        layer.bias.normal_()
    images = images.clone().requires_grad_()
    found = layer(images)
    return [found.detach(), *torch.autograd.grad(found, (images, layer.weight, layer.bias), upwards)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("dtype", "off"), [(torch.float32, 1e-5), (torch.bfloat16, 0.01)])
@pytest.mark.parametrize("shape", [(2, 8, 16, 16), (1, 12, 5, 7)])
def test_slopes_are_those_of_pytorch(shape, dtype, off, layout):
    torch.manual_seed(0)
    images, upwards = (scale * torch.randn(shape) + shift for scale, shift in ((3, 1), (1, 0.2)))
    images, upwards = (x.to(dtype, memory_format=LAYOUTS[layout]) for x in (images, upwards))
    # In float64 there is no doubt which is right.
    wanted = slopes(lambda *sizes: nn.GroupNorm(*sizes).double(), images.double(), upwards.double())
    found = slopes(GroupNorm, images, upwards)
    for one, other in zip(wanted, found, strict=True):
        assert (one - other).norm() < off * one.norm()
    assert found[1].dtype == dtype


def test_nothing_is_learned_where_no_slope_is_asked_for():
    images = torch.randn(1, 8, 4, 4)
    assert torch.equal(GroupNorm(4, 8)(images), nn.GroupNorm(4, 8)(images))
