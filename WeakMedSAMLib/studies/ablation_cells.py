"""The cells of the ablation: which choice of the method is changed in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from WeakMedSAMLib.engine.methods.published.settings import Defect
from WeakMedSAMLib.studies.names import fitting

DEFAULT = "default"
RUN, BOUND, MASKS, TIMING = "run", "bound", "masks", "timing"


@dataclass(frozen=True)
class Cell:
    """One row of the ablation.

    Attributes
    ----------
    name : str
        Of its file, and on the command line.
    group : str
        Rows of one question.
    title : str
        What is done, in words.
    preset : str
        Of the runs.
    overrides : mapping
        Method setting -> value, in place of the preset's.
    base : str
        Cell whose finished stages are taken over where their keys allow.
    kind : str
        ``"run"``; ``"bound"``, whose segmentation network learns true masks; ``"masks"``, the published method's
        pseudo-masks as results; ``"timing"``, which is no run.
    final : bool
        Whether it is a row of the final table, for which three seeds are run.
    against : str
        Cell that its difference is to.
    """

    name: str
    group: str
    title: str
    preset: str = "fast"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    base: str = DEFAULT
    kind: str = RUN
    final: bool = False
    against: str = DEFAULT


def _fast(name: str, group: str, title: str, final: bool = False, against: str = DEFAULT, **overrides: Any) -> Cell:
    return Cell(name, group, title, overrides=overrides, final=final, against=against)


# Self-training redraws masks by the same decoder, and hides what PAM does.
_PAM_ALONE = "PAM, without the other uses of the backbone's masks"
_OURS = (
    Cell(DEFAULT, "ours", "the default", base="", final=True),
    _fast("pooling-average", "pooling", "average over all cells", pooling="average"),
    _fast("pooling-log-sum-exp", "pooling", "log-sum-exp", pooling="log-sum-exp"),
    _fast("sce-off", "sub-classes (SCE)", "off (K = 1)", sub_classes=1, final=True),
    _fast("sce-2", "sub-classes (SCE)", "K = 2", sub_classes=2),
    _fast("sce-4", "sub-classes (SCE)", "K = 4", sub_classes=4),
    _fast("sce-8", "sub-classes (SCE)", "K = 8, as published", sub_classes=8, final=True),
    _fast("map-smoothing-off", "map", "not smoothed", map_smoothing=0.0),
    _fast("map-exponent-off", "map", "cut at a half of its peak", map_exponent=1.0),
    _fast("objects-off", "objects along the slices", "off", objects=False),
    _fast("pam-off", "prompt affinity (PAM)", "off: the thresholded map", pam=False, final=True),
    _fast(
        "pam-reference",
        "prompt affinity (PAM)",
        "as published: 4 x 4 grid, equal weights, beta 4, 4 steps, within slices",
        pam_placing="grid",
        pam_weighting="equal",
        pam_beta=4.0,
        pam_steps=4,
        pam_z=0.0,
        final=True,
    ),
    _fast("pam-no-walk", "prompt affinity (PAM)", "prompts, no walk", pam_steps=0),
    _fast("pam-within-slices", "prompt affinity (PAM)", "walk within slices only", pam_z=0.0),
    _fast(
        "pam-alone",
        _PAM_ALONE,
        "on; no self-training",
        rounds=1,
        final=True,
    ),
    _fast(
        "pam-alone-no-walk",
        _PAM_ALONE,
        "prompts, no walk",
        final=True,
        against="pam-alone",
        rounds=1,
        pam_steps=0,
    ),
    _fast(
        "pam-alone-off",
        _PAM_ALONE,
        "off as well: no mask of the backbone",
        final=True,
        against="pam-alone",
        rounds=1,
        pam=False,
    ),
    _fast("self-training-off", "self-training", "off (one round)", rounds=1, final=True),
    _fast("box-refinement-on", "box refinement", "on", box_refinement=True, final=True),
    _fast("grey-edges-off", "edges by grey values", "off", grey_edges=False, final=True),
    _fast("z-consistency-off", "z-consistency", "off", z_consistency=False, final=True),
    _fast("places-off", "places in the body", "not shown to the network, which learns mirrored slices", places=False),
    Cell("bound", "full supervision", "the same network on true masks", kind=BOUND, final=True),
)

# Defects of the published code that change no mask here. Encoding per prompt and the dense matrix give the same
# numbers; one class has nothing to lose by FIRST_CLASS_ONLY; a frozen encoder sees no crops and has no adapted masks.
_WITHOUT_EFFECT = (
    Defect.ENCODE_PER_PROMPT,
    Defect.DENSE_AFFINITY,
    Defect.FIRST_CLASS_ONLY,
    Defect.CARELESS_CROPS,
    Defect.ADAPTED_MASKS,
)
_SHOWN_DEFECTS = tuple(defect for defect in Defect if defect not in _WITHOUT_EFFECT)
# The published U-Net is four times as wide and sees ten epochs of many more slices at a tenth of this learning rate: on
# a CPU, and on few scans, it would learn for hours and still too little.
_SMALLER = {"network_width": 16, "network_epochs": 3, "network_batch": 8, "network_learning_rate": 1e-3}
_BEST = {"head": "conv", "pooling": "average", "prompts": "boxes"}
_MASKS_GROUP, _NETWORK_GROUP = "reference recipe, its pseudo-masks", "reference recipe, its network"
_BALANCED_GROUP = "its network, where background weighs as much as the class"
REFERENCE_GROUPS = (_MASKS_GROUP, _NETWORK_GROUP, _BALANCED_GROUP)
_FIRST_OF = {_MASKS_GROUP: "reference-masks", _NETWORK_GROUP: "reference", _BALANCED_GROUP: "reference-balanced"}


def _reference(
    name: str, title: str, kept: Sequence[Defect], group: str = _MASKS_GROUP, final: bool = False, **choices: Any
) -> Cell:
    kind, first, base = MASKS if group == _MASKS_GROUP else RUN, _FIRST_OF[group], _FIRST_OF[_MASKS_GROUP]
    defects = ",".join(defect.value for defect in kept) or "none"
    chosen = {"encoder": "frozen", "defects": defects, **(_SMALLER if kind == RUN else {}), **_BEST, **choices}
    against = DEFAULT if name == first else first
    return Cell(name, group, title, "reference", chosen, "" if name == base else base, kind, final, against)


def _kept(*fixed: Defect) -> list[Defect]:
    return [defect for defect in _SHOWN_DEFECTS if defect not in fixed]


def _fixed(defect: Defect) -> Cell:
    """A cell with one defect less."""
    words = defect.value.replace("_", " ")
    best = defect is Defect.NO_RELU  # of all variants: what our default is compared with
    name, title = f"reference-fixed-{words.replace(' ', '-')}", f"best variant, {words} fixed"
    return _reference(name, title, _kept(defect), final=best)


def _balanced(name: str, title: str, kept: Sequence[Defect]) -> Cell:
    """Ten times the weight on background, as published, and so little training leave a network that draws nothing."""
    return _reference(name, title, kept, _BALANCED_GROUP, background_weight=1.0)


_REFERENCE = (
    _reference("reference-masks", "best variant: conv head, average pooling, boxes", _SHOWN_DEFECTS, final=True),
    _reference("reference-linear", "linear head, boxes", _SHOWN_DEFECTS, head="linear"),
    _reference("reference-points", "linear head, points", _SHOWN_DEFECTS, head="linear", prompts="points"),
    *(_fixed(defect) for defect in _SHOWN_DEFECTS if defect is not Defect.MASK_SCALE),
    _reference("reference-masks-all-fixed", "best variant, all of them fixed", (), final=True),
    _reference("reference", "best variant: conv head, average pooling, boxes", _SHOWN_DEFECTS, _NETWORK_GROUP),
    _balanced("reference-balanced", "best variant, no relu fixed", _kept(Defect.NO_RELU)),
    _balanced(
        "reference-fixed-mask-scale",
        "best variant, no relu and mask scale fixed",
        _kept(Defect.NO_RELU, Defect.MASK_SCALE),
    ),
    _balanced("reference-all-fixed", "best variant, all of them fixed", ()),
)
_TIMING = (
    Cell("encode-per-prompt", "time", "the encoder once per prompt, on 20 slices", base="", kind=TIMING),
)  # fmt: skip

GRID: tuple[Cell, ...] = (*_OURS, *_REFERENCE, *_TIMING)


def chosen_cells(pattern: str | None = None, final: bool = False, grid: Sequence[Cell] = GRID) -> list[Cell]:
    """The cells whose name fits one of some patterns such as ``sce-*,default``; all without a pattern.

    Raises
    ------
    UserError
        ``no_such_cell``.
    """
    return [cell for cell in fitting(grid, pattern or "*", "cell of the ablation") if cell.final or not final]
