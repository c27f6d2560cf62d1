"""How far the masks of one volume can be trusted (``quality.json``): as the engine says and the window shows it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.labels.labelled_volume import AXES, Numbering

from .errors import UserError
from .files import read_json

# Codes of advice. The last line is of files of before, where one class was spoken of and slices were only counted; the
# first of its codes is that of a proposal, too.
TAG_MORE_VOLUMES, TAG_ABSENT_SLICES, CHECK_SLICES = "tag_more_volumes", "tag_absent_slices", "check_slices"
TOO_SMALL, TOO_LARGE = "mask_too_small", "mask_too_large"
PLACE_UNSURE, EDGE_UNSURE = "place_unsure", "edge_unsure"
# What is doubted of a class of low confidence: where it is, since network and pseudo-mask do not mean the same thing;
# how far it reaches; where it is, of which no label of the volume says anything.
PLACE_DOUBTED, EXTENT_DOUBTED, PLACE_UNSAID = CLASS_DOUBTS = ("place_doubted", "extent_doubted", "place_unsaid")
# Why a tag is doubted that says present: the range seems to end before; one slice that is not like the others; a range
# as a whole, perhaps of another volume; one that is of another class. And why of one that says absent: a range seems to
# go on; something was not tagged.
RANGE_END, ALONE, RANGE, SWAPPED = "range_end", "alone", "range", "swapped"
GOES_ON, MISSED = "goes_on", "missed"
TAG_DOUBTS = (RANGE_END, ALONE, RANGE, SWAPPED, GOES_ON, MISSED)


@dataclass(frozen=True)
class Advice:
    """What would help most.

    Attributes
    ----------
    code : str
        Empty in files of version 0.1, which had the sentence alone.
    message : str
        In English.
    values : mapping
        Those in the message by name.
    """

    code: str
    message: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hint(self) -> str:
        """None: advice is the way out itself."""
        return ""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"code": self.code, "message": self.message, "values": dict(self.values)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Advice:
        """Make it from plain data; what is missing or odd is left at nothing."""
        values = data.get("values")
        found = dict(values) if isinstance(values, Mapping) else {}
        return cls(str(data.get("code") or ""), str(data.get("message") or ""), found)


@dataclass(frozen=True)
class ClassQuality:
    """What is known of one class on the S slices of one volume.

    Attributes
    ----------
    confidence : float or None
        0..1; None where the class is neither tagged present nor found.
    slices : int
        Number of slices with a mask.
    present_without_mask : list of int
        Slices that are tagged present and got no mask.
    volume_ml : float
        Of the mask as generated.
    slice_confidence : list of float
        S: 0..1.
    slice_probability : list of float
        S: that the slice shows the class, by the classifier; empty where nobody said.
    tagged : list of int or None
        Slices of which a tag says whether they show the class; None in files of before.
    doubted : dict
        Slice -> why its tag is doubted, out of `TAG_DOUBTS`, by models that did not see the patient.
    pixels : list of int
        S: of the mask as generated; empty in files of before.
    place_unsure : bool or None
        Whether it is doubtful that network and pseudo-mask mean the same thing, so that a box would help; None of a
        method that boxes do not help, and in files of before.
    unsure_of : str
        What is doubted where the confidence is low, out of `CLASS_DOUBTS`; empty elsewhere, and in files of before.
    unsure_on : list of int
        The slices with low confidence that show the class or are tagged present, where it is.
    """

    confidence: float | None = None
    slices: int = 0
    present_without_mask: list[int] = field(default_factory=list)
    volume_ml: float = 0.0
    slice_confidence: list[float] = field(default_factory=list)
    slice_probability: list[float] = field(default_factory=list)
    tagged: list[int] | None = None
    doubted: dict[int, str] = field(default_factory=dict)
    pixels: list[int] = field(default_factory=list)
    place_unsure: bool | None = None
    unsure_of: str = ""
    unsure_on: list[int] = field(default_factory=list)

    def turned(self) -> ClassQuality:
        """Return the same with slices counted from the other end."""
        last = len(self.slice_confidence) - 1
        missing = sorted(last - index for index in self.present_without_mask)
        return replace(
            self,
            present_without_mask=missing,
            slice_confidence=self.slice_confidence[::-1],
            slice_probability=self.slice_probability[::-1],
            tagged=None if self.tagged is None else sorted(last - index for index in self.tagged),
            doubted={last - index: why for index, why in self.doubted.items()},
            pixels=self.pixels[::-1],
            unsure_on=sorted(last - index for index in self.unsure_on),
        )

    @classmethod
    def from_json(cls, data: Any) -> ClassQuality:
        """Make it from plain data; what is missing or odd is left at nothing."""
        data = data if isinstance(data, Mapping) else {}
        return cls(
            confidence=_number(data.get("confidence")),
            slices=int(_number(data.get("slices")) or 0),
            present_without_mask=[int(index) for index in _numbers(data.get("present_without_mask"))],
            volume_ml=_number(data.get("volume_ml")) or 0.0,
            slice_confidence=_numbers(data.get("slice_confidence")),
            slice_probability=_numbers(data.get("slice_probability")),
            tagged=[int(index) for index in _numbers(data["tagged"])] if isinstance(data.get("tagged"), list) else None,
            doubted=_doubted(data.get("doubted")),
            pixels=[int(count) for count in _numbers(data.get("pixels"))],
            place_unsure=data["place_unsure"] if isinstance(data.get("place_unsure"), bool) else None,
            unsure_of=data["unsure_of"] if data.get("unsure_of") in CLASS_DOUBTS else "",
            unsure_on=[int(index) for index in _numbers(data.get("unsure_on")) if index >= 0],
        )


@dataclass(frozen=True)
class Quality:
    """What ``quality.json`` holds.

    Attributes
    ----------
    confidence : float or None
        Of the least sure class, 0..1.
    low_confidence : bool
        Whether the user should be warned.
    advice : Advice or None
        What would help beside what is to be done about single classes, see `class_doubts`; None where nothing would.
    slice_confidence : list of float
        Of the least sure class on each slice.
    classes : dict
        Class name -> quality.
    patients : int
        That the model learned from.
    intensity : dict
        How grey values were chosen, as the engine says it.
    axis : {"i", "j", "k"}
        That slices are counted along.
    numbering : {"slicer", "file"}
        How they are counted; see `runs.RunVolume`.
    """

    confidence: float | None = None
    low_confidence: bool = False
    advice: Advice | None = None
    slice_confidence: list[float] = field(default_factory=list)
    classes: dict[str, ClassQuality] = field(default_factory=dict)
    patients: int = 0
    intensity: dict[str, Any] = field(default_factory=dict)
    axis: str = "k"
    numbering: Numbering = "file"

    def with_doubted(self, doubted: Mapping[str, Mapping[int, str]]) -> Quality:
        """Return the same with the tags of its classes that are doubted, see `ClassQuality.doubted`."""
        classes = {name: replace(one, doubted=dict(doubted.get(name, {}))) for name, one in self.classes.items()}
        return replace(self, classes=classes)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; advice as a sentence, as version 0.1 reads it, with code and values beside it."""
        advice: dict[str, Any] = {"advice": ""}
        if self.advice is not None:
            told = self.advice
            advice = {"advice": told.message, "advice_code": told.code, "advice_values": dict(told.values)}
        return {
            "confidence": self.confidence,
            "low_confidence": self.low_confidence,
            **advice,
            "slice_confidence": self.slice_confidence,
            "classes": {name: asdict(quality) for name, quality in self.classes.items()},
            "patients": self.patients,
            "intensity": self.intensity,
            "axis": self.axis,
            "numbering": self.numbering,
        }

    @classmethod
    def from_json(cls, data: Any) -> Quality:
        """Make it from plain data; what is missing or odd is left at nothing.

        Raises
        ------
        ValueError
            If it is no JSON object, or does not say along which axis slices are counted.
        """
        if not isinstance(data, Mapping) or data.get("axis") not in AXES:
            raise ValueError("no quality of masks")
        classes, intensity = data.get("classes"), data.get("intensity")
        return cls(
            confidence=_number(data.get("confidence")),
            low_confidence=bool(data.get("low_confidence")),
            advice=_advice(data),
            slice_confidence=_numbers(data.get("slice_confidence")),
            classes={str(name): ClassQuality.from_json(entry) for name, entry in _items(classes)},
            patients=int(_number(data.get("patients")) or 0),
            intensity=dict(intensity) if isinstance(intensity, Mapping) else {},
            axis=data["axis"],
            numbering="slicer" if data.get("numbering") == "slicer" else "file",
        )


def read_quality(path: Path) -> Quality:
    """Read a ``quality.json`` of this version or of 0.1; `UserError` ``bad_result``, and what `read_json` raises."""
    data = read_json(path)
    try:
        return Quality.from_json(data)
    except ValueError:
        hint = "Generate the masks again."
        raise UserError("bad_result", f"{path} cannot be read.", hint, {"file": str(path)}) from None


def _advice(data: Mapping[str, Any]) -> Advice | None:
    parts = {"code": data.get("advice_code"), "message": data.get("advice"), "values": data.get("advice_values")}
    return Advice.from_json(parts) if parts["message"] else None


def _doubted(data: Any) -> dict[int, str]:
    return {int(index): why for index, why in _items(data) if str(index).isdecimal() and why in TAG_DOUBTS}


def _items(data: Any) -> list[tuple[Any, Any]]:
    return list(data.items()) if isinstance(data, Mapping) else []


def _number(value: Any) -> float | None:
    # JSON has numbers that no float holds: 1e999 is read as infinity.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    return float(value) if is_number else None


def _numbers(values: Any) -> list[float]:
    if not isinstance(values, list):
        return []
    return [number if number is not None else 0.0 for number in map(_number, values)]
