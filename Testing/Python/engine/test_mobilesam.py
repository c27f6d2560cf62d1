"""MobileSAM with random weights against the parts that it is published with: its frame, prompts, file and copies."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones.sam_network import as_photographs
from WeakMedSAMLib.engine.backbones.tinyvit import build_mobilesam
from WeakMedSAMLib.engine.backbones.tinyvit.published import FoldedEncoder
from WeakMedSAMLib.engine.backbones.weights import weights_for
from WeakMedSAMLib.engine.base.torchvision_shim import import_torchvision

import_torchvision()  # segment-anything imports it
from segment_anything.modeling import MaskDecoder, PromptEncoder, TwoWayTransformer  # noqa: E402

TORCH_THREADS = 2  # the same number of threads whatever the machine

NEAR = 1e-3  # of mask logits: features are kept in 16 bits

# The file holds a classifier of photographs beside the network, shaped so.
CLASSIFIER = {"head.weight": (1000, 320), "head.bias": (1000,), "norm_head.weight": (320,), "norm_head.bias": (320,)}


@pytest.fixture(scope="module")
def backbone():
    """With random batch normalisations, too: as PyTorch makes them they change nothing, folded in or left out."""
    backbone = build_mobilesam(random_weights=True)
    torch.manual_seed(7)
    for module in backbone._network.image_encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value, low in ((module.weight, 0.7), (module.running_var, 0.7), (module.bias, -0.2)):
                value.data.uniform_(low, low + 0.4)
            module.running_mean.uniform_(-0.2, 0.2)
    return backbone.to(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def image():
    """One slice of 512 x 512 pixels, smooth and with edges."""
    rough = torch.rand(1, 1, 20, 20, generator=torch.Generator().manual_seed(3))
    smooth = F.interpolate(rough, (512, 512), mode="bicubic").clamp(0, 1)
    smooth[..., 100:300, 220:400] *= 0.3
    return smooth


@pytest.fixture(scope="module")
def features(backbone, image):
    return backbone.embed(image)


@pytest.fixture(scope="module")
def drawn_by_sam(backbone, features, published_masks):
    """What prompt encoder and mask decoder of SAM's authors draw for prompts in pixels of 1024 x 1024, at 512 x 512."""
    prompts = PromptEncoder(256, (64, 64), (1024, 1024), mask_in_chans=16)
    masks = MaskDecoder(transformer_dim=256, transformer=TwoWayTransformer(2, 256, 8, 2048))
    prompts.load_state_dict(backbone._network.prompt_encoder.state_dict())
    masks.load_state_dict(backbone._network.mask_decoder.state_dict())
    with torch.no_grad():
        neck = backbone._network.image_encoder.neck(features["last"].float())
    sam = SimpleNamespace(prompt_encoder=prompts.eval(), mask_decoder=masks.eval())

    def drawn(**asked):
        logits, quality = published_masks(sam, neck, **asked)
        return F.interpolate(logits[:, None], (512, 512), mode="bilinear", align_corners=False)[:, 0], quality

    return drawn


def relative(got, expected):
    return ((got.float() - expected.float()).norm() / expected.float().norm()).item()


def test_levels_are_as_announced(backbone, features):
    info = backbone.info
    assert {name: tuple(level.shape[1:]) for name, level in features.items()} == {
        name: level.shape for name, level in info.levels.items()
    }
    assert {prompt.value for prompt in info.prompts} == {"point", "box"}
    assert info.input_size == 512


def test_a_slice_is_seen_as_sam_sees_photographs(backbone, image, features):
    """Colours of 0 to 255 at 1024 x 1024 pixels, less SAM's mean, by its deviation."""
    colours = 255 * F.interpolate(image, (1024, 1024), mode="bilinear", align_corners=False).repeat(1, 3, 1, 1)
    for channel, (mean, deviation) in enumerate([(123.675, 58.395), (116.28, 57.12), (103.53, 57.375)]):
        colours[:, channel] = (colours[:, channel] - mean) / deviation
    with torch.no_grad():
        neck = backbone._network.image_encoder(colours)
        ours = backbone._network.image_encoder.neck(features["last"].float())
    assert relative(ours, neck) < 1e-3
    eager = backbone.eager_embed(image)
    assert all(relative(features[name], eager[name]) < 1e-3 for name in features)


@pytest.mark.soak
def test_the_encoder_for_gpus_and_bfloat16_are_near(backbone, image, features):
    with torch.no_grad():
        folded = FoldedEncoder(backbone._network.image_encoder, torch.float32)(as_photographs(image, 1024))
    assert relative(folded[3], features["last"]) < 1e-3
    rough = backbone.to(torch.device("cpu"), torch.bfloat16).embed(image)
    backbone.to(torch.device("cpu"), torch.float32)
    assert relative(rough["last"], features["last"]) < 0.03


def test_a_slice_does_not_depend_on_its_batch(backbone, image, features):
    together = backbone.embed(torch.cat([image.flip(-1), image]))
    assert all(torch.equal(level[1:], features[name]) for name, level in together.items())


def test_boxes_are_in_pixels_of_the_slice(backbone, features, drawn_by_sam):
    boxes = torch.tensor([[220.0, 100, 400, 300], [10, 20, 90, 500]])
    expected, quality = drawn_by_sam(boxes=boxes * 2)
    drawn, predicted = backbone.decode(features["last"], boxes, torch.tensor([0, 0]))
    assert drawn.shape == (2, 512, 512)
    assert torch.allclose(drawn, expected, rtol=0, atol=NEAR)
    assert torch.allclose(predicted, quality, rtol=0, atol=1e-4)
    in_other_pixels, _quality = drawn_by_sam(boxes=boxes)
    assert not torch.allclose(drawn, in_other_pixels, rtol=0, atol=NEAR)


def test_points_are_in_pixels_of_the_slice(backbone, features, drawn_by_sam):
    points = torch.tensor([[300.0, 200], [40, 40]])
    expected, quality = drawn_by_sam(points=points * 2)
    drawn, predicted = backbone.decode_points(features["last"], points, torch.tensor([0, 0]))
    assert torch.allclose(drawn, expected, rtol=0, atol=NEAR)
    assert torch.allclose(predicted, quality, rtol=0, atol=1e-4)
    in_other_pixels, _quality = drawn_by_sam(points=points)
    assert not torch.allclose(drawn, in_other_pixels, rtol=0, atol=NEAR)


def test_copies_see_and_draw_the_same_and_leave_the_backbone_alone(backbone, image, features):
    before = {name: value.clone() for name, value in backbone._network.state_dict().items()}
    encoder, promptable = backbone.adaptable_encoder().train(), backbone.promptable_network()
    box, row = torch.tensor([[220.0, 100, 400, 300]]), torch.tensor([0])
    with torch.no_grad():
        drawn = promptable(image, box, row)
    assert torch.allclose(drawn, backbone.decode(features["last"], box, row)[0], rtol=0, atol=NEAR)
    assert not torch.allclose(drawn, backbone.decode(features["last"], box / 2, row)[0], rtol=0, atol=NEAR)
    seen = encoder(image)
    assert relative(seen.detach(), features["last"]) < 1e-3
    seen.square().mean().backward()
    torch.optim.AdamW([value for value in encoder.parameters() if value.requires_grad], lr=1e-2).step()
    assert all(name.startswith("layers.3.") for name in encoder.adapter_state())
    assert all(torch.equal(value, before[name]) for name, value in backbone._network.state_dict().items())


def test_the_published_file_is_loaded_without_its_classifier(backbone, image, features, publish):
    state = backbone._network.state_dict()  # not the random weights that a backbone is built with
    assert len(state) == 435  # the file has 439 tensors, four of them of the classifier
    layout = {**state, **{f"image_encoder.{name}": torch.zeros(shape) for name, shape in CLASSIFIER.items()}}
    again = build_mobilesam(publish("mobilesam", layout)).embed(image)
    assert all(torch.equal(again[name], level) for name, level in features.items())
    layout["image_encoder.headless"] = layout.pop("image_encoder.neck.0.weight")
    with pytest.raises(UserError, match=r"missing: image_encoder.neck.0.weight; unknown: image_encoder.headless"):
        build_mobilesam(publish("mobilesam", layout))


def test_it_is_said_that_it_never_saw_a_medical_image():
    known = weights_for("mobilesam")
    assert known.licence == "Apache-2.0"
    assert "no medical images" in known.pretraining
    assert known.url.endswith("/weights/mobile_sam.pt")
