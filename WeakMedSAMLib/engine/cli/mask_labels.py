"""Labels of a volume from a mask in a file, of the kinds that are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.mask_painting import SHOWN_ALONE, Chosen, put_painted
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.cli.show import tell_notes
from WeakMedSAMLib.engine.data.geometry import in_plane_spacing, slice_stack
from WeakMedSAMLib.engine.data.mask_marks import boxes_around, largest_slice, point_within
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, tags_from_masks, unknown_of
from WeakMedSAMLib.engine.data.segmentations import MaskFile, read_mask
from WeakMedSAMLib.engine.data.volumes import read_volume, volume_name

if TYPE_CHECKING:
    from WeakMedSAMLib.contract.events import Event

KINDS = ("tags", "boxes", "points", "painted", "scan_tags")


@dataclass(frozen=True)
class Rules:
    """How labels are made of a mask.

    Attributes
    ----------
    kinds : frozenset of str
        Of `KINDS`.
    axis : str
        Of the slices.
    min_pixels : int
        From so many on a slice is tagged present.
    stride : int
        Only every so-manieth slice is tagged, and painted.
    slices : tuple of int or {"shown"}, optional
        The slices that are painted, in place of every so-manieth.
    """

    kinds: frozenset[str]
    axis: str
    min_pixels: int
    stride: int
    slices: Chosen | None = None


def parse_kinds(text: str) -> frozenset[str]:
    """Read kinds such as ``"tags,boxes"``; `UserError` ``bad_kinds``."""
    found = frozenset(part.strip() for part in text.split(","))
    strange = sorted(found - {*KINDS})
    if strange:
        raise UserError("bad_kinds", f"{strange[0]!r} is no kind of label.", f"Use some of {','.join(KINDS)}.")
    return found


def parse_painted_slices(text: str) -> Chosen:
    """Read slices such as ``"3,8-10"``, or ``"shown"``; `UserError` ``bad_slices``."""
    return (
        SHOWN_ALONE if text.strip() == SHOWN_ALONE else parse_slices(text, f"Write them like 3,8-10, or {SHOWN_ALONE}.")
    )


def parse_slices(text: str, hint: str = "Write them like 3,8-10.") -> tuple[int, ...]:
    """Read slices such as ``"3,8-10"``; `UserError` ``bad_slices`` with this hint."""
    found: list[int] = []
    for part in text.split(","):
        span = re.fullmatch(r"\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?", part)
        first, last = (int(span[1]), int(span[2] or span[1])) if span else (1, 0)
        if last < first:
            raise UserError("bad_slices", f"{part.strip()!r} is no slice and no range.", hint)
        found += range(first, last + 1)
    return tuple(sorted(set(found)))


def labels_from_mask(
    mask: Path,
    volume_path: Path | None,
    classes: Sequence[MaskClass],
    rules: Rules,
    show: Callable[[Event], None],
) -> tuple[Path, VolumeLabels, frozenset[int]]:
    """Return the mask, the labels made from it, and the values in it; raises as reading and placing masks do."""
    drawn = read_mask(mask)
    if volume_path is None:
        name, sha256, placed = volume_name(mask), None, drawn.on_its_scan()
    else:
        volume = read_volume(volume_path)
        tell_notes(volume, show)
        name, sha256, placed = volume.name, volume.sha256, drawn.on(volume.geometry, volume_path)
    tell_notes(placed, show)
    masks = {entry.name: placed.mask(entry) for entry in classes}
    labels = tags_from_masks(name, sha256, masks, rules.axis, rules.min_pixels, rules.stride)
    labels = replace(labels, size=placed.geometry.size, states=labels.states if "tags" in rules.kinds else {})
    _put_marks(labels, {name: mask for name, mask in masks.items() if mask.any()}, placed, rules)
    if {"painted", "scan_tags"} & {*rules.kinds}:
        _put_known(labels, masks, unknown_of(placed, classes), rules)
    return mask, labels, frozenset(drawn.values)


def _put_marks(labels: VolumeLabels, masks: dict[str, np.ndarray], placed: MaskFile, rules: Rules) -> None:
    boxes, points = [], []
    for name, mask in masks.items():
        index = largest_slice(mask, rules.axis)
        if index is not None:
            boxes += boxes_around(name, mask, rules.axis, index)
            points.append(point_within(name, mask, rules.axis, index, in_plane_spacing(placed.geometry, rules.axis)))
    BOXES.put(labels, boxes if "boxes" in rules.kinds else ())
    POINTS.put(labels, points if "points" in rules.kinds else ())


def _put_known(labels: VolumeLabels, masks: dict[str, np.ndarray], unknown: np.ndarray, rules: Rules) -> None:
    """Put what the mask says pixel by pixel, and of the whole scan, where it is not unknown."""
    if "painted" in rules.kinds:
        every = range(0, labels.n_slices or 0, rules.stride)
        put_painted(labels, masks, dict.fromkeys(masks, unknown), every if rules.slices is None else rules.slices)
    if "scan_tags" in rules.kinds:
        _put_scan_tags(labels, masks, bool(unknown.any()), rules)


def _put_scan_tags(labels: VolumeLabels, masks: dict[str, np.ndarray], is_partly_unknown: bool, rules: Rules) -> None:
    """Say whether the scan shows each class: on a slice where it would be tagged present, or nowhere at all.

    Of a class that has fewer pixels everywhere, or might lie where a label map is unknown, nothing is said.
    """
    pixels = {name: np.count_nonzero(slice_stack(mask, rules.axis), axis=(1, 2)) for name, mask in masks.items()}
    shown = {name: True for name, each in pixels.items() if each.max() >= rules.min_pixels}
    lacking = {name: False for name, each in pixels.items() if not each.any() and not is_partly_unknown}
    SCAN_TAGS.put(labels, {**shown, **lacking})
