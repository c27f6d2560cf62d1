"""SAMUS's parts against naive oracles, how it begins, and that all networks take the published files' tensors."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from WeakMedSAMLib.engine.backbones.efficientsam.network import VIT_S, VIT_TI, EfficientNetwork
from WeakMedSAMLib.engine.backbones.sam.vit import VIT_B, VIT_H, VIT_L, SamSize, sam_network
from WeakMedSAMLib.engine.backbones.samus import backbone as samus
from WeakMedSAMLib.engine.backbones.samus import build_samus
from WeakMedSAMLib.engine.backbones.samus.backbone import samus_network, samus_trained
from WeakMedSAMLib.engine.backbones.samus.encoder import (
    CrossBranchAttention,
    CrossBranchBlock,
    PositionAdapter,
    SamusEncoder,
    resized_positions,
)

TORCH_THREADS = 1  # networks this small are no faster on several cores, and far slower where those are busy

SAM_SIZES = {"sam_vit_b": VIT_B, "sam_vit_l": VIT_L, "sam_vit_h": VIT_H}
EFFICIENT_SIZES = {"efficientsam_ti": VIT_TI, "efficientsam_s": VIT_S}
SIZE = SamSize(16, 6, 2, (1, 3, 5), frame=32, image=64, patch=8, window=3, prompt_channels=32)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def naive_attention(attention, tokens, seen):
    """Token by token, head by head, as in the definition of attention."""
    batch, height, width, channels = tokens.shape
    depth = channels // attention.heads
    result = torch.zeros(batch, height * width, channels)
    for b in range(batch):
        queries = attention.q(tokens[b]).view(-1, channels)
        keys, values = (layer(seen[b]).view(-1, channels) for layer in (attention.k, attention.v))
        for head in range(attention.heads):
            part = slice(head * depth, (head + 1) * depth)
            for place in range(height * width):
                scores = torch.stack([queries[place, part] @ key for key in keys[:, part]]) / depth**0.5
                weights = scores.exp() / scores.exp().sum()
                result[b, place, part] = sum(w * value for w, value in zip(weights, values[:, part], strict=True))
    return attention.proj(result).view(tokens.shape)


@torch.no_grad()
def test_cross_branch_attention_equals_the_definition():
    attention = CrossBranchAttention(12, heads=3)
    tokens, seen = torch.randn(2, 3, 4, 12), torch.randn(2, 3, 4, 12)
    assert torch.allclose(attention(tokens, seen), naive_attention(attention, tokens, seen), atol=1e-6)


@torch.no_grad()
def test_a_global_block_adds_what_the_cnn_sees():
    block = CrossBranchBlock(SIZE, cells=8, window=0)
    nn.init.normal_(block.attn.rel_pos_h)
    tokens, seen = torch.randn(1, 8, 8, 16), torch.randn(1, 16, 8, 8)
    placed = block.norm1(tokens)
    placed = placed + naive_attention(block.Space_Adapter, placed, seen.permute(0, 2, 3, 1))
    attended = tokens + block.attn(placed)
    hidden = nn.functional.gelu(block.MLP_Adapter.D_fc1(block.norm2(attended)))
    expected = attended + block.mlp(block.norm2(attended)) + 0.5 * block.MLP_Adapter.D_fc2(hidden)
    result, refined = block(tokens, seen)
    assert torch.allclose(result, expected, atol=1e-5)
    assert torch.equal(refined, block.refine_Adapter(seen))


@torch.no_grad()
def test_a_block_of_windows_is_sams_own():
    block = CrossBranchBlock(SIZE, cells=8, window=3)
    tokens, seen = torch.randn(1, 8, 8, 16), torch.randn(1, 16, 8, 8)
    result, same = block(tokens, seen)
    assert same is seen
    assert not any("Adapter" in name for name, _ in block.named_parameters())
    far = tokens.clone()
    far[:, 7, 7] += 100  # another window than that of the first token
    assert torch.equal(block(far, seen)[0][:, :3, :3], result[:, :3, :3])


@torch.no_grad()
def test_the_cnn_reaches_the_last_map():
    encoder = SamusEncoder(SIZE, 32)
    images = torch.rand(1, 1, 32, 32)
    whole = encoder(images)
    assert whole.shape == (1, 16, 8, 8)
    nn.init.zeros_(encoder.blocks[5].refine_Adapter.conv[1].weight)
    nn.init.zeros_(encoder.blocks[5].refine_Adapter.conv[1].bias)
    without = encoder(images)
    assert not torch.allclose(whole, without)


def test_tokens_overlap_by_half():
    """A pixel reaches the patches that its place lies in, two along each axis."""
    encoder = SamusEncoder(SIZE, 32)
    enlarged = torch.zeros(1, 3, encoder._enlarged, encoder._enlarged)
    assert encoder._enlarged == 36
    enlarged[..., 18, 18] = 1
    reached = (encoder.patch_embed(enlarged) - encoder.patch_embed(0 * enlarged)).abs().sum(-1)[0] > 0
    assert reached.nonzero().tolist() == [[3, 3], [3, 4], [4, 3], [4, 4]]


def test_the_position_adapter_halves_as_often_as_needed():
    assert PositionAdapter(4, halvings=2)(torch.rand(1, 4, 16, 16)).shape == (1, 4, 4, 4)


def shortened(values, length):
    """Rows between those of a tensor, as many as asked, each in the middle of its share of the length."""
    middles = (np.arange(length) + 0.5) * len(values) / length - 0.5
    columns = [np.interp(middles, np.arange(len(values)), column) for column in values.numpy().T]
    return torch.from_numpy(np.stack(columns, 1)).float()


def test_it_begins_as_sam_with_positions_of_fewer_tokens():
    """As with the published sizes, SAM has 16 tokens along an edge here, and SAMUS 8."""
    backbone = build_samus(None, True, replace(SIZE, image=128))
    for name, value in backbone._network.named_parameters():
        if ".rel_pos_" in name or name.endswith("pos_embed"):  # which are zeros before they are trained
            nn.init.normal_(value)
    sam, begun = backbone._network.state_dict(), backbone._begun().state_dict()
    resized = {f"image_encoder.blocks.{block}.attn.rel_pos_{x}" for block in SIZE.global_blocks for x in "hw"}
    assert {name for name, value in sam.items() if begun[name].shape != value.shape} == resized
    for name, value in sam.items():
        if name in resized:
            assert (value.shape, begun[name].shape) == ((31, 8), (15, 8))
            assert torch.allclose(begun[name], shortened(value, 15), atol=1e-5), name
        else:
            assert torch.equal(begun[name], value), name


def test_relative_positions_keep_their_course_when_shortened():
    ramp = torch.arange(-63.0, 64)[:, None].repeat(1, 4)
    own = {"blocks.2.attn.rel_pos_h": torch.zeros(63, 4), "blocks.0.attn.rel_pos_h": torch.zeros(27, 4)}
    state = {"blocks.2.attn.rel_pos_h": ramp, "blocks.0.attn.rel_pos_h": ramp[:27], "pos_embed": ramp}
    resized = resized_positions(state, own)
    short = resized["blocks.2.attn.rel_pos_h"]
    assert short.shape == (63, 4)
    assert torch.allclose(short[31], torch.zeros(4), atol=1e-5)
    assert torch.allclose(short[1:] - short[:-1], torch.full((62, 4), 127 / 63), atol=1e-4)
    assert resized["blocks.0.attn.rel_pos_h"] is state["blocks.0.attn.rel_pos_h"]
    assert resized["pos_embed"] is ramp


def shapes(network):
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


@pytest.mark.parametrize("name", ["sam_vit_b", "sam_vit_l", "sam_vit_h"])
def test_sams_tensors_are_those_of_its_own_package(name):
    from segment_anything import sam_model_registry  # only now: it needs the shim for torchvision

    with torch.device("meta"):
        published = sam_model_registry[name.removeprefix("sam_")]()
        ours = sam_network(SAM_SIZES[name])
    assert shapes(ours) == shapes(published)


def kinds(names):
    """Names with numbers left out, and how often each occurs."""
    return Counter(re.sub(r"\.\d+", ".#", name) for name in names)


def test_samus_tensors_are_those_of_the_published_code():
    """SAM's, and these: https://github.com/wanghr64/WeakMedSAM/blob/main/samus/modeling/image_encoder.py"""
    with torch.device("meta"):
        sam, ours = shapes(sam_network(samus.SIZE)), shapes(samus_network(samus.SIZE))
    assert sam.keys() <= ours.keys()
    assert len(ours) == 393
    new = {name.removeprefix("image_encoder."): shape for name, shape in ours.items() if name not in sam}
    assert kinds(new) == {
        "cnn_embed.inc.conv.#.weight": 2, "cnn_embed.inc.conv.#.bias": 1,
        "cnn_embed.downs.#.maxpool_conv.#.weight": 6, "cnn_embed.downs.#.maxpool_conv.#.bias": 3,
        "post_pos_embed.downs.#.maxpool_conv.#.weight": 2, "post_pos_embed.downs.#.maxpool_conv.#.bias": 1,
        "input_Adapter.D_fc1.weight": 1, "input_Adapter.D_fc1.bias": 1,
        "input_Adapter.D_fc2.weight": 1, "input_Adapter.D_fc2.bias": 1,
        **{f"blocks.#.MLP_Adapter.D_fc{n}.{part}": 4 for n in (1, 2) for part in ("weight", "bias")},
        **{f"blocks.#.Space_Adapter.{x}.{part}": 4 for x in ("q", "k", "v", "proj") for part in ("weight", "bias")},
        "blocks.#.refine_Adapter.conv.#.weight": 8, "blocks.#.refine_Adapter.conv.#.bias": 4,
    }  # fmt: skip
    assert {name.split(".")[1] for name in new if name.startswith("blocks.")} == {"2", "5", "8", "11"}
    assert new["cnn_embed.inc.conv.0.weight"] == (64, 3, 3, 3)
    assert new["cnn_embed.downs.2.maxpool_conv.1.weight"] == (768, 256, 3, 3)
    assert new["post_pos_embed.downs.0.maxpool_conv.1.weight"] == (768, 768, 3, 3)
    assert new["blocks.2.MLP_Adapter.D_fc1.weight"] == (192, 768)
    other = {name: shape for name, shape in sam.items() if ours[name] != shape}
    assert {re.sub(r"\d+", "#", name) for name in other} == {f"image_encoder.blocks.#.attn.rel_pos_{x}" for x in "hw"}
    assert len(other) == 8
    assert {ours[name] for name in other} == {(63, 64)}


def test_what_is_trained_is_what_the_published_code_trains():
    trained = samus_trained(samus.SIZE)
    with torch.device("meta"):
        names = [name for name, _ in samus_network(samus.SIZE).image_encoder.named_parameters()]
    chosen = {name for name in names if trained(name)}
    assert len(chosen) == 139
    assert {"cnn_embed.inc.conv.0.weight", "blocks.2.attn.rel_pos_h", "blocks.8.attn.qkv.weight"} <= chosen
    assert not {"blocks.2.attn.qkv.weight", "blocks.7.mlp.lin1.weight", "neck.0.weight", "pos_embed"} & chosen
    assert not {"patch_embed.proj.weight", "blocks.0.attn.rel_pos_h", "blocks.1.attn.rel_pos_h"} & chosen


@pytest.mark.parametrize(("name", "wide"), [("efficientsam_ti", 192), ("efficientsam_s", 384)])
def test_efficientsams_tensors_are_those_of_the_published_code(name, wide):
    """https://github.com/yformer/EfficientSAM/tree/main/efficient_sam"""
    with torch.device("meta"):
        ours = shapes(EfficientNetwork(EFFICIENT_SIZES[name]))
    assert len(ours) == 278
    block = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
    attention = ("self_attn", "cross_attn_token_to_image", "cross_attn_image_to_token")
    for start, parts in {
        "image_encoder.blocks.11.": block,
        "mask_decoder.transformer.layers.1.": [f"{a}.{x}_proj" for a in attention for x in ("q", "k", "v", "out")],
        "mask_decoder.transformer.layers.0.": ("norm1", "norm2", "norm3", "norm4", "mlp.layers.0.0", "mlp.fc"),
        "mask_decoder.": ("final_output_upscaling_layers.0.1", "final_output_upscaling_layers.1.0",
                          "output_hypernetworks_mlps.3.layers.1.0", "output_hypernetworks_mlps.3.fc",
                          "iou_prediction_head.layers.1.0", "iou_prediction_head.fc"),
    }.items():  # fmt: skip
        for part in parts:
            assert {f"{start}{part}.weight", f"{start}{part}.bias"} <= ours.keys()
    assert ours["image_encoder.pos_embed"] == (1, 197, wide)
    assert ours["image_encoder.patch_embed.proj.weight"] == (wide, 3, 16, 16)
    assert ours["image_encoder.neck.0.weight"] == (256, wide, 1, 1)
    assert ours["prompt_encoder.bbox_top_left_embeddings.weight"] == (1, 256)
    assert ours["mask_decoder.transformer.layers.0.mlp.layers.0.0.weight"] == (2048, 256)
    assert ours["mask_decoder.mask_tokens.weight"] == (4, 256)
