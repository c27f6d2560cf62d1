"""The places in a run folder, all of them, and the guard that nothing in a file leads out of it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from .errors import UserError
from .fields import require_name
from .files import is_leftover, private_folder

_ID = re.compile(r"[0-9]{3,9}")
_VOLUMES, _STATE, _RESULTS, _MODEL, _PREVIEWS = "volumes", "state", "results", "model", "previews"
_UPDATES = "updates"
_RUN, _TAGS, _EVENTS, _LOG = "run.json", "tags.json", "events.jsonl", "log.txt"
_CANCEL, _LOCK, PROBE = "cancel", ".lock", ".writable"
_SUB_CLASSES, _SUB_CLASS_PICTURE = "sub_classes.json", "sub_classes.png"
# Folder of the pixels of painted labels, beside a label file; that of a run is one.
LABEL_PIXELS = "labels"
# All that a run folder holds of ours, of older versions too: whoever deletes a run goes by it. Patients are in most.
RUN_PARTS = (
    *(_VOLUMES, _STATE, _RESULTS, _MODEL, _PREVIEWS, _UPDATES, LABEL_PIXELS),
    *(_RUN, _TAGS, _EVENTS, _LOG, _CANCEL, _LOCK, PROBE, _SUB_CLASSES, _SUB_CLASS_PICTURE),
)


class StoredVolume(Protocol):
    """A volume of a run, as far as its place goes."""

    @property
    def file(self) -> str:
        """Relative to the run folder, with ``/``."""
        ...


@dataclass(frozen=True)
class RunFolder:
    """The names of the places in a run folder. Only numbers that the program gave become part of a path."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))

    @property
    def volumes(self) -> Path:
        """Folder of the volumes, ``NNN.nrrd``."""
        return self.path / _VOLUMES

    @property
    def tags(self) -> Path:
        """The labels of the volumes."""
        return self.path / _TAGS

    @property
    def label_pixels(self) -> Path:
        """Folder of the pixels of painted labels; there only with such labels."""
        return self.path / LABEL_PIXELS

    @property
    def run(self) -> Path:
        """The run description."""
        return self.path / _RUN

    @property
    def events(self) -> Path:
        """All event lines so far."""
        return self.path / _EVENTS

    @property
    def state(self) -> Path:
        """Folder of stage outputs, from which a run resumes."""
        return self.path / _STATE

    @property
    def model(self) -> Path:
        """Folder of the trained model."""
        return self.path / _MODEL

    @property
    def previews(self) -> Path:
        """Folder of the pictures of an example slice, one a stage."""
        return self.path / _PREVIEWS

    @property
    def updates(self) -> Path:
        """Folder of the run folders of updates of these masks, so that they are deleted along with the run."""
        return self.path / _UPDATES

    @property
    def log(self) -> Path:
        """Log text."""
        return self.path / _LOG

    @property
    def cancel(self) -> Path:
        """A file of this name asks the worker to stop."""
        return self.path / _CANCEL

    @property
    def lock(self) -> Path:
        """Held by the worker that is at work in the folder."""
        return self.path / _LOCK

    @property
    def sub_classes(self) -> Path:
        """What was found of sub-classes, as data."""
        return self.path / _SUB_CLASSES

    @property
    def sub_class_picture(self) -> Path:
        """Example slices of every sub-class, as a picture."""
        return self.path / _SUB_CLASS_PICTURE

    def results(self, volume_id: str) -> Path:
        """Folder of the results of one volume; `UserError` ``bad_run`` if `volume_id` is no id."""
        return self.path / _RESULTS / check_id(volume_id)

    def volume(self, volume: StoredVolume) -> Path:
        """File of one volume, which need not be there.

        Raises
        ------
        UserError
            ``path_escapes`` if the file lies elsewhere, by a symbolic link for instance.
        """
        file = self.path / volume.file
        if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(self.path)):
            raise _escapes(volume.file)
        return file

    def create(self) -> RunFolder:
        """Make the folder and those of volumes and state (mode 0700); `UserError` ``cannot_write``."""
        for folder in (self.path, self.volumes, self.state):
            private_folder(folder)
        return self


def is_part(name: str) -> bool:
    """Say whether an entry of a run folder is the program's own, what a killed process left half-written included."""
    return name in RUN_PARTS or is_leftover(name)


def volume_id(number: int) -> str:
    """Return the id of the volume with this number, from 0: three digits, and more from the thousandth on."""
    return f"{number:03d}"


def volume_file(volume_id: str) -> str:
    """Return where a run folder keeps the copy of a volume, relative to it."""
    return f"{_VOLUMES}/{check_id(volume_id)}.nrrd"


def check_id(volume_id: str) -> str:
    """Return `volume_id` if it is three to nine digits; `UserError` ``bad_run`` else."""
    if not isinstance(volume_id, str) or not _ID.fullmatch(volume_id):
        raise UserError("bad_run", f"{volume_id!r} is not a volume id.", "An id is three to nine digits, such as 000.")
    return volume_id


def require_inside(file: str) -> None:
    """Raise `UserError` ``path_escapes`` unless a relative path with ``/`` stays in the folder on every system."""
    require_name(file, "A volume file")
    parts = PurePosixPath(file).parts
    if "\\" in file or ":" in file or ".." in parts or file.startswith("/") or not parts:
        raise _escapes(file)


def _escapes(file: str) -> UserError:
    hint = "Volumes lie inside the run folder, such as volumes/000.nrrd."
    return UserError("path_escapes", f"The file {file!r} is not inside the run folder.", hint, values={"file": file})
