"""Settings of the method, and the presets that fill them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from WeakMedSAMLib.contract.errors import UserError


@dataclass(frozen=True)
class MethodSettings:
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
    guidance : float
        How strongly novelty steers which cells of a present slice are pooled.
    pam : bool
        Sharpen maps by prompt affinity mining; without it pseudo-masks are thresholded maps.
    pam_slices : int
        Present slices of each class, drawn evenly from all patients, for which pseudo-masks are made.
    pam_radius : int
        Radius of the affinity stencil in cells of the 64 x 64 walk grid.
    pam_beta : float
        Sharpness of the affinity.
    pam_steps : int
        Steps of the random walk.
    pam_z : float
        Weight of each neighbouring slice in the walk, relative to a perfectly similar in-plane neighbour.
    segmenter_steps : int
        Training steps of the segmentation network in the first round; six tenths of them in each further one.
    rounds : int
        Rounds of self-training; from the second on, the network learns from its own refined masks.
    box_refinement : bool
        Let the backbone's mask decoder redraw the components of the masks.
    z_consistency : bool
        Smooth maps along the slice axis and drop pieces that hang together with nothing.
    """

    seed: int = 0
    projection_dim: int = 64
    novelty_references: int = 3000
    novelty_neighbours: int = 5
    novelty_brightness: float = 1.5
    sub_classes: int = 0
    sub_class_weight: float = 0.5
    classifier_steps: int = 300
    guidance: float = 3.0
    pam: bool = True
    pam_slices: int = 1000
    pam_radius: int = 5
    pam_beta: float = 6.0
    pam_steps: int = 6
    pam_z: float = 2.0
    segmenter_steps: int = 300
    rounds: int = 2
    box_refinement: bool = True
    z_consistency: bool = True


# Settings that cannot be 0; six tenths of the network's steps must be left for further rounds.
_LEAST = {
    "projection_dim": 1,
    "novelty_references": 1,
    "novelty_neighbours": 1,
    "classifier_steps": 1,
    "pam_slices": 1,
    "pam_radius": 1,
    "segmenter_steps": 2,
}

PRESETS: Mapping[str, MethodSettings] = {"fast": MethodSettings()}


def method_settings(preset: str, overrides: Mapping[str, Any] | None = None) -> MethodSettings:
    """Settings of a preset, with some replaced.

    Raises
    ------
    UserError
        ``unknown_preset``, ``unknown_setting``, ``bad_setting``.
    """
    if preset not in PRESETS:
        raise UserError("unknown_preset", f"There is no preset {preset!r}.", f"Choose one of: {', '.join(PRESETS)}.")
    settings = PRESETS[preset]
    known = {field.name for field in fields(MethodSettings)}
    renamed = {"sub_classes" if name == "subclasses" else name: value for name, value in (overrides or {}).items()}
    for name, value in renamed.items():
        if name not in known:
            raise UserError(
                "unknown_setting", f"There is no setting {name!r}.", f"Known are: {', '.join(sorted(known))}."
            )
        _check(name, value, getattr(settings, name))
    return replace(settings, **{name: type(getattr(settings, name))(value) for name, value in renamed.items()})


def _check(name: str, value: Any, default: Any) -> None:
    least = _LEAST.get(name, 0)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = isinstance(value, bool) if isinstance(default, bool) else number and least <= value < math.inf
    if isinstance(default, int) and not isinstance(default, bool) and fits:
        fits = float(value).is_integer()
    if not fits:
        kind = "true or false" if isinstance(default, bool) else f"a {type(default).__name__} of {least} or more"
        raise UserError(
            "bad_setting", f"The setting {name} cannot be {value!r}.", f"It takes {kind}, such as {default}."
        )
