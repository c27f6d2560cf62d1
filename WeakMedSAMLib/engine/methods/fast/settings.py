"""Settings of the default method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from WeakMedSAMLib.contract import stages
from WeakMedSAMLib.engine.base.setting_checks import Limits

if TYPE_CHECKING:
    import numpy as np

NAME = "fast"  # of the method, as its models have it

# Six tenths of the network's steps must be left for further rounds.
_LIMITS = Limits(
    choices={
        "pooling": ("top-k", "average", "log-sum-exp"),
        "pam_prompts": ("auto", "boxes", "points"),
        "pam_placing": ("map", "grid"),
        "pam_weighting": ("quality-fit", "quality", "equal"),
    },
    least={
        "projection_dim": 1,
        "novelty_references": 1,
        "novelty_neighbours": 1,
        "classifier_steps": 1,
        "map_smoothing": 0,
        "map_exponent": 0,
        "pam_slices": 1,
        "pam_grid": 1,
        "pam_radius": 1,
        "segmenter_steps": 2,
        "update_steps": 0,
    },
)


@dataclass(frozen=True)
class FastSettings:
    """Every choice of the method.

    Attributes
    ----------
    seed : int
        Of everything random.
    projection_dim : int
        Principal components kept of the CAM level.
    novelty_references, novelty_neighbours : int
        Cells of the volume's own absent slices that a cell is compared with (and twice as many of all others'), and
        nearest ones averaged.
    novelty_brightness : float
        Weight of the grey value beside the features.
    sub_classes : int
        Sub-classes of each class (K); 0 chooses them from the data, 1 turns sub-class exploration off.
    sub_class_weight : float
        Weight of the sub-class loss beside the primary loss (0.5 in the paper).
    classifier_steps : int
        Training steps of the classifier at most; fewer if patients left out say so.
    pooling : str
        How cell logits become the logit of a slice: ``"top-k"``, ``"average"`` or ``"log-sum-exp"``; see
        `pooling.pool_cells`.
    guidance : float
        How strongly novelty steers which cells of a present slice are pooled.
    map_smoothing : float
        Standard deviation of the Gaussian that smooths maps, as a share of the length on which a class is tagged; 0 for
        none.
    map_exponent : float
        Power that smoothed maps are raised to for pseudo-masks, so that they are cut at 0.35 of their peak, where they
        would be at a half with 1.
    objects : bool
        Take objects that the decoder sees, and that are on the slices of a class and on no others, as if they had been
        given; not without `handing_on`.
    pam : bool
        Sharpen maps by prompt affinity mining; without it pseudo-masks are thresholded maps.
    pam_slices : int
        Present slices of each class, drawn evenly from all patients, for which pseudo-masks are made.
    pam_prompts : str
        ``"boxes"``, ``"points"``, or ``"auto"`` for boxes where the backbone answers them, and points elsewhere.
    pam_placing : str
        Where prompts lie: ``"map"`` around its pieces, or ``"grid"`` evenly over what is not background.
    pam_grid : int
        Prompts along each edge of that grid.
    pam_weighting : str
        How masks count: ``"quality-fit"`` by predicted IoU and fit to the map, ``"quality"`` by predicted IoU and
        stability, each mask once, or ``"equal"``.
    pam_radius : int
        Radius of the affinity stencil in cells of the 64 x 64 walk grid.
    pam_beta : float
        Sharpness of the affinity.
    pam_steps : int
        Steps of the random walk.
    pam_z : float
        Weight of each neighbouring slice in the walk, relative to a perfectly similar in-plane neighbour.
    tightness : bool
        Let masks fill the boxes that they were drawn for.
    handing_on : bool
        Hand masks of boxes and points on along the slice axis; without it only their own slices get them.
    handing_mm : float
        How far a mask is handed on at once, mm; slices on the way get theirs from the same one. 0 for slice by slice.
    handing_anew : bool
        Hand them on once more after each round, and for the result, by what the network sees; not without `handing_on`.
    random_walker : bool
        Let grey values speak of masks that are handed on.
    surest_slice : bool
        In volumes where a class was not shown by boxes or points, hand its mask on from the slice that is surest; not
        without `handing_on`.
    known_cells_weight : float
        Weight of cells of which it is known what they show, beside the loss of whole slices.
    guess_weight : float
        How much a pseudo-mask guessed from tags counts beside what boxes and points show of the class, on its slice
        and for the network.
    segmenter_steps : int
        Training steps of the segmentation network in the first round; six tenths of them in each further one.
    places : bool
        Show the network where in the body each pixel lies; without it learns slices mirrored left to right, too.
    update_steps : int
        Training steps of the network by which corrections move it; 0 puts them in and hands them on alone.
    rounds : int
        Rounds of self-training; from the second on, the network learns from its own refined masks.
    box_refinement : bool
        Take for masks what the backbone's mask decoder draws for their components.
    grey_edges : bool
        Draw edges of masks, where they are not sure, between what the network draws and what grey values say.
    z_consistency : bool
        Drop pieces of masks that hang together with nothing, and smooth along the slice axis what the decoder draws.
    """

    seed: int = 0
    projection_dim: int = 64
    novelty_references: int = 3000
    novelty_neighbours: int = 5
    novelty_brightness: float = 1.5
    sub_classes: int = 0
    sub_class_weight: float = 0.5
    classifier_steps: int = 300
    pooling: str = "top-k"
    guidance: float = 3.0
    map_smoothing: float = 0.045
    map_exponent: float = 0.66
    objects: bool = True
    pam: bool = True
    pam_slices: int = stages.MASKED_SLICES
    pam_prompts: str = "auto"
    pam_placing: str = "map"
    pam_grid: int = 4
    pam_weighting: str = "quality-fit"
    pam_radius: int = 5
    pam_beta: float = 6.0
    pam_steps: int = 6
    pam_z: float = 2.0
    tightness: bool = True
    handing_on: bool = True
    handing_mm: float = 10.0
    handing_anew: bool = True
    random_walker: bool = True
    surest_slice: bool = True
    known_cells_weight: float = 1.0
    guess_weight: float = 0.3
    segmenter_steps: int = stages.SEGMENTER_STEPS
    places: bool = True
    update_steps: int = stages.UPDATE_STEPS
    rounds: int = stages.ROUNDS
    box_refinement: bool = False
    grey_edges: bool = True
    z_consistency: bool = True

    def __post_init__(self) -> None:
        """Check every value.

        Raises
        ------
        UserError
            ``bad_setting``.
        """
        _LIMITS.check(self)

    def weigh(self, trust: np.ndarray) -> np.ndarray:
        """How much pseudo-masks count of classes that boxes or points show somewhere, by `trust`."""
        return self.guess_weight + (1 - self.guess_weight) * trust

    @property
    def finds_objects(self) -> bool:
        """Whether objects that fit the tags of a class are taken for it."""
        return self.handing_on and self.objects

    @property
    def of_handing(self) -> tuple[bool, bool, float, bool]:
        """What handing masks on reads."""
        return self.tightness, self.handing_on, self.handing_mm, self.random_walker

    @property
    def hands_on_anew(self) -> bool:
        """Whether boxes and points are handed on by what the network sees."""
        return self.handing_on and self.handing_anew

    @property
    def hands_on_surest(self) -> bool:
        """Whether masks are handed on from the surest slice."""
        return self.handing_on and self.surest_slice


# What drawing masks reads, and training does not; and what a model that is only applied reads.
READ_BY_MASKS_ALONE = ("box_refinement", "grey_edges", "z_consistency", "update_steps")
READ_WHEN_APPLIED = (
    *READ_BY_MASKS_ALONE,
    "tightness",
    "handing_on",
    "handing_mm",
    "handing_anew",
    "random_walker",
    "surest_slice",
)
FAST = FastSettings()
