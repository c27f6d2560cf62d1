"""The description of a run (``run.json``)."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, TypeAlias

from WeakMedSAMLib.contract.labels.labelled_volume import NUMBERINGS, Numbering

from .classes import ClassTable
from .errors import UserError
from .fields import build, require_fit, require_name, require_object, type_hints
from .files import read_json, write_json
from .run_folder import RunFolder, check_id, require_inside
from .stages import FAST

__all__ = [
    "RUN_VERSION",
    "IntensityChoice",
    "RunDescription",
    "RunFolder",
    "RunSettings",
    "RunVolume",
    "load_run",
    "save_run",
]

# Version 1 did not say how slices are counted, version 2 not of which volumes they can be counted in one way only.
RUN_VERSION = 3

IntensityChoice: TypeAlias = Literal["auto", "percentile"] | tuple[float, float]


@dataclass(frozen=True)
class RunVolume:
    """One volume of a run.

    Attributes
    ----------
    id : str
        Three to nine digits, given by the program.
    file : str
        Relative to the run folder, with ``/``.
    name : str
        As the user calls it; never part of a path.
    sha256 : str or None
        `identity.content_hash` of the voxels; None if it is not known yet.
    source : str
        Where it came from, for the user to read. Never opened.
    patient : str or None
        Volumes of one patient have the same text here; None is a patient of its own.
    notes : dict of str to str
        What was noticed when it was read from its source: code -> sentence. It was told then, and is kept here.
    numbering : {"slicer", "file"}
        In which order the file in the run folder has the k planes of the source: as 3D Slicer shows the loaded source,
        or as the source's own file. Slice numbers in the run folder count that order, whichever it is.
    one_order : bool
        Whether both are the same order, as of every right-handed source. False where it is not known.
    """

    id: str
    file: str
    name: str
    sha256: str | None = None
    source: str = ""
    patient: str | None = None
    notes: dict[str, str] = field(default_factory=dict)
    numbering: Numbering = "file"
    one_order: bool = False

    def __post_init__(self) -> None:
        check_id(self.id)
        require_inside(self.file)
        require_name(self.name, "A volume name")
        if self.patient is not None:
            require_name(self.patient, "A patient")
        if self.sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            message = f"Volume {self.id} has the sha256 {self.sha256!r}."
            raise UserError("bad_run", message, "It has 64 lower-case hexadecimal digits.")
        if self.numbering not in NUMBERINGS:
            message = f"Volume {self.id} has the numbering {self.numbering!r}."
            raise UserError("bad_run", message, f"It is {' or '.join(NUMBERINGS)}.")


@dataclass(frozen=True)
class RunSettings:
    """What the user chose for a run.

    Attributes
    ----------
    preset : str
        Name of a preset of the method.
    backbone : str
        Name of a registered backbone.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    seed : int
        0..2**32 - 1. The same seed gives the same result on the same machine.
    subclasses : int or None
        Number of sub-classes a class; None for the preset's: ``fast`` chooses it from the data, others have a number.
    intensity : str or pair of float
        ``"auto"``, ``"percentile"``, or the lowest and highest intensity shown.
    model : str or None
        Folder of a trained model to apply or to start from. The one path that may lie outside the run folder.
    train : bool
        False to apply `model` only.
    update : bool
        Where nothing is trained: let what readers corrected move a copy of `model` before it is applied.
    overrides : dict
        Method setting -> value, in place of the preset's.

    Raises
    ------
    UserError
        ``bad_setting``.
    """

    preset: str = FAST
    backbone: str = "litemedsam"
    device: str = "auto"
    seed: int = 0
    subclasses: int | None = None
    intensity: IntensityChoice = "auto"
    model: str | None = None
    train: bool = True
    update: bool = False
    overrides: dict[str, float | str | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entry in fields(self):
            require_fit(getattr(self, entry.name), type_hints(RunSettings)[entry.name], f"The setting {entry.name!r}")
        if not 0 <= self.seed < 2**32:
            raise _bad_setting("seed", self.seed, "Use 0 to 4294967295.")
        if self.subclasses is not None and self.subclasses < 1:
            raise _bad_setting("subclasses", self.subclasses, "Use 1 or more, or leave it out for the preset's own.")
        if not isinstance(self.intensity, str):
            object.__setattr__(self, "intensity", _checked_range(*self.intensity))
        if not self.train and not self.model:
            raise _bad_setting("train", self.train, "To apply a model without training, name it in 'model'.")
        if self.update and self.train:
            raise _bad_setting("update", self.update, "An update goes on from a model: set 'train' to false.")

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        intensity = self.intensity if isinstance(self.intensity, str) else list(self.intensity)
        plain = {**asdict(self), "intensity": intensity}
        if not self.update:
            del plain["update"]  # most runs are none, and what does not know the setting reads them too
        return plain


@dataclass(frozen=True, kw_only=True)
class RunDescription:
    """What ``run.json`` holds: all that a worker needs besides the volumes and the labels.

    Attributes
    ----------
    volumes : list of RunVolume
        With ids and files of their own.
    classes : ClassTable
    settings : RunSettings
    run_id : str
        Opaque, unique.
    created : str
        UTC, ISO 8601.
    versions : dict
        Program -> version, of who wrote it.
    schema_version : int
        Of the file that it was read from; the newest is written.

    Raises
    ------
    UserError
        ``bad_run``.
    """

    volumes: list[RunVolume]
    classes: ClassTable
    settings: RunSettings = field(default_factory=RunSettings)
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))
    versions: dict[str, Any] = field(default_factory=dict)
    schema_version: int = RUN_VERSION

    def __post_init__(self) -> None:
        # It goes into headers of results, where a line end would begin another field.
        require_name(self.run_id, "The id of the run")
        for attribute in ("id", "file"):
            values = [getattr(volume, attribute) for volume in self.volumes]
            if len(set(values)) < len(values):
                raise UserError("bad_run", f"Two volumes of the run have the same {attribute}.", "Make each different.")

    def to_json(self) -> dict[str, Any]:
        """Return the description as plain data."""
        return {
            "schema": "weakmedsam-run",
            "schema_version": RUN_VERSION,
            "run_id": self.run_id,
            "created": self.created,
            "versions": self.versions,
            "settings": self.settings.to_json(),
            "classes": self.classes.to_json(),
            "volumes": [asdict(volume) for volume in self.volumes],
        }

    @classmethod
    def from_json(cls, data: Any) -> RunDescription:
        """Make a description from plain data; raises as `load_run`."""
        _require_version(data)
        data = require_object(data, "the run description", ("schema", *(entry.name for entry in fields(cls))))
        data.pop("schema", None)
        makers: dict[str, Callable[[Any], Any]] = {
            "volumes": _volumes_from_json,
            "classes": ClassTable.from_json,
            "settings": lambda settings: build(RunSettings, settings, "the settings"),
        }
        for name in ("volumes", "classes"):
            if name not in data:
                raise UserError("bad_run", f"The run description has no {name!r}.", "Add it.")
        for entry in fields(cls):
            if entry.name in data and entry.name not in makers:
                require_fit(data[entry.name], type_hints(cls)[entry.name], f"{entry.name!r} of the run description")
        return cls(**{name: makers[name](value) if name in makers else value for name, value in data.items()})


def load_run(folder: Path | str) -> RunDescription:
    """Read the run description of a run folder.

    Raises
    ------
    UserError
        What `files.read_json` and `ClassTable` raise, ``bad_run``, ``bad_field``, ``bad_name``, ``bad_setting``,
        ``path_escapes`` or ``run_too_new``; the message names the file.
    """
    places = RunFolder(Path(folder))
    data = read_json(places.run)
    try:
        run = RunDescription.from_json(data)
        for volume in run.volumes:
            places.volume(volume)
    except UserError as error:
        raise UserError(error.code, f"{places.run}: {error.message}", error.hint, error.values) from None
    return run


def save_run(folder: Path | str, run: RunDescription) -> None:
    """Write the run description, making the run folder if need be (mode 0700); `UserError` ``cannot_write``."""
    places = RunFolder(Path(folder)).create()
    write_json(places.run, run.to_json())


def _volumes_from_json(data: Any) -> list[RunVolume]:
    require_fit(data, list[Any], "'volumes' of the run description")
    return [build(RunVolume, entry, f"volume {number}") for number, entry in enumerate(data)]


def _require_version(data: Any) -> None:
    version: Any = data.get("schema_version") if isinstance(data, dict) else None
    require_fit(version, int, "'schema_version' of the run description")
    if version > RUN_VERSION:
        message = f"The run was written by a newer version (schema {version}, known is {RUN_VERSION})."
        raise UserError("run_too_new", message, "Update WeakMedSAM.", values={"version": version})
    if version < 1 or data.get("schema", "weakmedsam-run") != "weakmedsam-run":
        raise UserError("bad_run", "It is not a WeakMedSAM run description.", "Choose a run folder.")


def _bad_setting(name: str, value: Any, hint: str) -> UserError:
    return UserError("bad_setting", f"The setting {name!r} is {value!r}.", hint, values={"name": name, "value": value})


def _checked_range(low: float, high: float) -> tuple[float, float]:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise _bad_setting("intensity", [low, high], "Give the lowest and then the highest intensity.")
    return float(low), float(high)
