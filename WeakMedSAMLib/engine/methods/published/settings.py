"""Settings of the published method: the `paper` preset has its defects fixed, the `reference` preset keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from WeakMedSAMLib.engine.base.setting_checks import Limits, bad_setting

NAME = "published"  # of the method, as its models have it


class Defect(str, Enum):
    """What the published implementation (github.com/wanghr64/WeakMedSAM) does wrong; each is a switch, normally off.

    Attributes
    ----------
    GRID_IN_CORNER
        Point prompts at int((i + .5) * g) pixels: with g = 4 all sixteen lie in the first 15 of 256.
    ENCODE_PER_PROMPT
        The image encoder runs once for each prompt; masks are the same, only slower.
    SUMMED_LOGITS
        Mask logits are added up to one channel, so that it is lost which mask a pixel is in.
    DENSE_AFFINITY
        The affinity is held as a dense matrix of all pairs; values are the same, it only takes more memory.
    TRANSPOSED_WALK
        The transition matrix is normalised on the wrong side, with min-max scaling between steps.
    PREDICTED_GATE
        The predicted class, not the tag, decides which slices get a mask.
    NO_RELU
        Class activation maps are min-max scaled as they are, so that negative evidence becomes positive.
    FIRST_CLASS_ONLY
        Only the first class reaches the output.
    CARELESS_CROPS
        Random crops keep the tag "present" where they may have cut the class away; grey values may saturate.
    PEAK_BEFORE_BLUR
        Maps have a peak of 1 before they are smoothed, not after, so that small pieces fall below the threshold.
    MASK_SCALE
        Masks are resampled bilinearly as 0..255 and counted from the smallest value on, so that they grow.
    ADAPTED_MASKS
        Prompted masks come from the encoder that the training of the classifier has moved.
    TEST_IN_CLUSTERING
        Patients left out for validation take part in the clustering of sub-classes.
    """

    GRID_IN_CORNER = "grid_in_corner"
    ENCODE_PER_PROMPT = "encode_per_prompt"
    SUMMED_LOGITS = "summed_logits"
    DENSE_AFFINITY = "dense_affinity"
    TRANSPOSED_WALK = "transposed_walk"
    PREDICTED_GATE = "predicted_gate"
    NO_RELU = "no_relu"
    FIRST_CLASS_ONLY = "first_class_only"
    CARELESS_CROPS = "careless_crops"
    PEAK_BEFORE_BLUR = "peak_before_blur"
    MASK_SCALE = "mask_scale"
    ADAPTED_MASKS = "adapted_masks"
    TEST_IN_CLUSTERING = "test_in_clustering"

    def __repr__(self) -> str:
        return repr(self.value)


_LIMITS = Limits(
    choices={
        "encoder": ("adapted", "frozen"),
        "extractor": ("auto", "resnet18", "backbone"),
        "head": ("linear", "conv"),
        "pooling": ("average", "top-k", "log-sum-exp"),
        "crops": ("body", "none"),
        "prompts": ("auto", "points", "boxes"),
        "prompt_placing": ("grid", "map"),
        "mask_weighting": ("quality", "equal"),
        "network": ("unet", "unet-2.5d"),
    },
    least={
        "epochs": 1,
        "batch": 1,
        "micro_batch": 1,
        "grid": 1,
        "pam_radius": 1,
        "network_width": 1,
        "network_epochs": 1,
        "network_batch": 1,
    },
    most={"validation_share": 0.5, "jitter": 0.9, "threshold": 1.0, "ignore_band": 0.5},
    odd=("blur",),
)


@dataclass(frozen=True)
class PublishedSettings:
    """Every choice of the published method.

    Attributes
    ----------
    seed : int
        Of everything random.
    encoder : {"adapted", "frozen"}
        Train the backbone's adapters, or only the heads, on cached features.
    extractor : {"auto", "resnet18", "backbone"}
        Whose features sub-classes are clustered by; "auto" is ResNet-18 where its weights are on this computer.
    sub_classes : int
        Sub-classes of each class (K); 0 chooses them from the data, 1 turns sub-class exploration off.
    sub_class_weight : float
        Weight of the sub-class loss beside the primary loss.
    head : {"linear", "conv"}
        One 1 x 1 convolution, as published, or 3 x 3 with 128 channels before it.
    pooling : {"average", "top-k", "log-sum-exp"}
        How the logits of cells become the logit of a slice.
    epochs, batch : int
        Passes over the tagged slices, and slices in a step of the optimiser.
    micro_batch : int
        Slices that are on the device at once; gradients of a batch are added up.
    learning_rate, weight_decay : float
        Of AdamW, with a OneCycle schedule, for adapters and their heads.
    frozen_learning_rate : float
        For heads on a frozen encoder, where nothing else moves.
    validation_share : float
        Share of the tagged patients left out to say when to stop; 0 leaves none out.
    patience : int
        Epochs without a better loss on the patients left out before training ends; 0 goes on to the last epoch.
    crops : {"body", "none"}
        Random scaling, shift and rotation that keep the whole body in view, or none.
    flips : bool
        Left-right flips; turn off where classes differ by side only.
    jitter : float
        Strength of random brightness and contrast.
    prompts : {"auto", "points", "boxes"}
        What the mask decoder is asked with; "auto" is points where the backbone answers them.
    prompt_placing : {"grid", "map"}
        Prompts on a grid over the body, or where the class activation map is.
    grid : int
        Prompts along one edge of the grid.
    mask_weighting : {"quality", "equal"}
        Weigh masks by predicted quality and stability, or all alike.
    pam_radius : int
        Radius of the affinity stencil in cells of the 64 x 64 walk grid.
    pam_beta : float
        Sharpness of the affinity.
    pam_steps : int
        Steps of the random walk; 0 is no walk.
    pam_z : float
        Weight of each neighbouring slice in the walk; 0 walks within slices, as published.
    blur : int
        Edge of the Gaussian kernel that smooths the map after the walk, in pixels, odd; 0 is no blur.
    threshold : float
        Of the refined map, in (0, 1): above it is the mask.
    network : {"unet", "unet-2.5d"}
        The final segmentation network; 2.5-D sees the two neighbouring slices as well.
    network_width : int
        Channels of its first level; 64 as published, and up to eight times as many further down.
    network_epochs, network_batch : int
        Of its training; of few slices batches are smaller, so that an epoch has about twenty steps.
    network_learning_rate, network_weight_decay : float
        Of AdamW, with a OneCycle schedule.
    background_weight : float
        Weight of background pixels in the loss, beside 1 for those of a class.
    ignore_band : float
        Half width of the band around `threshold` within which pseudo-masks teach nothing; 0 as published.
    tuning : bool
        Refine mask decoder and adapters on confident pseudo-masks.
    defects : tuple of Defect
        Which defects of the published implementation are kept; names are taken, too.
    """

    seed: int = 0
    encoder: str = "adapted"
    extractor: str = "auto"
    sub_classes: int = 8
    sub_class_weight: float = 0.5
    head: str = "linear"
    pooling: str = "average"
    epochs: int = 10
    batch: int = 24
    micro_batch: int = 8
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    frozen_learning_rate: float = 2e-3
    validation_share: float = 0.2
    patience: int = 3
    crops: str = "body"
    flips: bool = True
    jitter: float = 0.5
    prompts: str = "auto"
    prompt_placing: str = "grid"
    grid: int = 4
    mask_weighting: str = "quality"
    pam_radius: int = 5
    pam_beta: float = 4.0
    pam_steps: int = 4
    pam_z: float = 0.0
    blur: int = 21
    threshold: float = 0.5
    network: str = "unet"
    network_width: int = 64
    network_epochs: int = 10
    network_batch: int = 128
    network_learning_rate: float = 1e-4
    network_weight_decay: float = 0.1
    background_weight: float = 10.0
    ignore_band: float = 0.1
    tuning: bool = False
    defects: tuple[Defect, ...] = ()

    def __post_init__(self) -> None:
        """Check every value.

        Raises
        ------
        UserError
            ``bad_setting``.
        """
        object.__setattr__(self, "defects", _known_defects(self.defects))
        _LIMITS.check(self)

    def has(self, defect: Defect) -> bool:
        """Whether a defect of the published implementation is to be kept."""
        return defect in self.defects


def _known_defects(names: Iterable[str]) -> tuple[Defect, ...]:
    """Names of defects as their switches, in the order of the table, each once.

    They may be one text: names with commas between them, ``all`` or ``none``.
    """
    if isinstance(names, str) and names in ("all", "none"):
        return tuple(Defect) if names == "all" else ()
    named = [part.strip() for part in names.split(",")] if isinstance(names, str) else list(names)
    known = {defect.value: defect for defect in Defect}
    unknown = [name for name in named if name not in known]
    if unknown:
        raise bad_setting("defects", unknown[0], f"names out of: {', '.join(known)}")
    return tuple(defect for defect in Defect if defect in named)


# The published method with its defects fixed, and as published.
PAPER = PublishedSettings()
# As published: no patient stops the training, masks count alike, every pixel teaches.
REFERENCE = PublishedSettings(patience=0, mask_weighting="equal", ignore_band=0.0, defects=tuple(Defect))
