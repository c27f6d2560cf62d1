"""Options that several commands have."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from WeakMedSAMLib.contract.labels.labelled_volume import NUMBERINGS
from WeakMedSAMLib.contract.worker_arguments import CACHE, DEVICE, EVENTS
from WeakMedSAMLib.engine.data.part_names import is_part

if TYPE_CHECKING:
    from WeakMedSAMLib.contract.classes import ClassTable

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_SUB_CLASSES = "Sub-classes a class. Otherwise fast chooses them from the data; paper and reference take 8."


class VolumePath(click.Path):
    """A file or folder that is there, or ``folder#part`` for a part of the DICOM series in a folder."""

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the option's text."""
        return Path(value) if is_part(Path(value)) else super().convert(value, param, ctx)


EXISTING = VolumePath(exists=True, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
PLACE = click.Path(path_type=Path)


class IntensityType(click.ParamType):
    """``auto``, ``percentile``, or two numbers such as ``-160,240``."""

    name = "auto|percentile|LOW,HIGH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | tuple[float, float]:
        """Read the option's text."""
        if not isinstance(value, str) or value in ("auto", "percentile"):
            return value
        parts = value.split(",")
        try:
            low, high = (float(part) for part in parts)
        except ValueError:
            self.fail(f"{value!r} is not 'auto', 'percentile' or two numbers such as -160,240", param, ctx)
        return low, high


class SettingType(click.ParamType):
    """``name=value``, the value a JSON one (a number, true) where it can be read as such, else text."""

    name = "NAME=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float | bool | str]:
        """Read the option's text."""
        if not isinstance(value, str):
            return value
        name, equals, text = value.partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not NAME=VALUE, such as rounds=2", param, ctx)
        try:
            read = json.loads(text)
        except ValueError:
            return name, text
        return name, read if isinstance(read, (int, float, bool)) else text


@dataclass(frozen=True)
class MaskReading:
    """How label maps and segmentations among label files are read.

    Attributes
    ----------
    labels : str
        Which label values or segments are which class, as of ``tags from-mask``; empty: segments are the classes of
        their names, and label values those of the classes.
    slices : str
        The slices that count, as ``3,8-10``; empty: every one.
    known : ClassTable, optional
        Classes that there are already.
    """

    labels: str = ""
    slices: str = ""
    known: ClassTable | None = None


EVERYTHING = MaskReading()


def mask_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--labels`` and ``--slices`` of masks among label files, handed on as one `MaskReading` called ``masks``."""

    @wraps(command)
    def with_reading(*arguments: Any, labels: str, slices: str, **options: Any) -> Any:
        return command(*arguments, masks=MaskReading(labels, slices), **options)

    labels_help = "Of a label map or .seg.nrrd among the labels: values or segments by class, as liver=1,cyst=Cyst 2."
    slices_help = "Of such a mask: slices that count as drawn, as 3,8-10; shown for those that show a class."
    with_slices = click.option("--slices", default="", help=slices_help)(with_reading)
    return click.option("--labels", default="", help=labels_help)(with_slices)


def set_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--set``."""
    text = "A setting of the method in place of the preset's, such as rounds=1; repeat for more."
    return click.option("--set", "overrides", type=SettingType(), multiple=True, help=text)(command)


def device_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--device``."""
    text = "auto (CUDA, then MPS, then CPU), cuda, cuda:1, mps or cpu."
    return click.option(DEVICE, default="auto", show_default=True, help=text)(command)


def events_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--events``."""
    text = "Print one JSON object a line for every event, and nothing else, on stdout."
    return click.option(EVENTS, is_flag=True, help=text)(command)


def cache_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--cache``."""
    text = "Folder of the feature cache; the user's cache folder otherwise."
    return click.option(CACHE, "cache_root", type=PLACE, help=text)(command)


def numbering_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--numbering``."""
    text = (
        "How tags count slices along k that say nothing of it and carry no hash: as 3D Slicer's Data Probe shows the "
        "loaded file, or in the file's own order. Needed for left-handed volumes only."
    )
    return click.option("--numbering", type=click.Choice(NUMBERINGS), help=text)(command)


def method_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that become settings of a run."""
    options: list[Decorator] = [
        click.option("--preset", default="fast", show_default=True, help="Preset of the method."),
        set_option,
        device_option,
        click.option("--seed", default=0, show_default=True, help="The same seed gives the same masks."),
        click.option("--subclasses", type=int, help=_SUB_CLASSES),
        click.option(
            "--intensity",
            type=IntensityType(),
            default="auto",
            show_default=True,
            help="How grey values are windowed: auto, percentile, or the lowest and the highest, as -160,240.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
