"""Where the weights of the backbones come from, and that they are the right ones.

Weights come from an installed package, from a file that the user imported, or from a download that the user asked for
(``weights_files``, ``weights_download``); nothing here opens a connection. Size and SHA-256 are checked at every load
(``weights_loading``). Where no hash was published, that of the file is noted when it is imported, so that a
later change is seen.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import platformdirs

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones.base import WeightsInfo
from WeakMedSAMLib.engine.backbones.registry import published_weights

CHUNK = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class WeightsState:
    """Where a backbone's weights are and whether they are right.

    ``origin`` is ``"imported"``, ``"package"`` or ``None`` (not there); ``problem`` is empty if all is well.
    """

    info: WeightsInfo
    path: Path | None
    origin: str | None
    problem: str = ""
    hint: str = ""

    @property
    def usable(self) -> bool:
        """Whether a run can use these weights."""
        return self.path is not None and not self.problem


def manifest() -> tuple[WeightsInfo, ...]:
    """All weights that are known: those that a package brings first, then by name of their backbone."""
    return tuple(sorted(published_weights(), key=lambda info: (not info.package, info.backbone)))


def weights_for(backbone: str, folder: Path | None = None) -> WeightsInfo:
    """What is known of a backbone's weights; a hash that was not published is the one noted at the import.

    Raises
    ------
    UserError
        ``unknown_backbone``.
    """
    for info in manifest():
        if info.backbone == backbone:
            return replace(info, sha256=info.sha256 or noted_hash((folder or default_folder()) / info.file))
    known = ", ".join(info.backbone for info in manifest())
    raise UserError(
        "unknown_backbone",
        f"No weights are known for {backbone!r}.",
        f"Known backbones: {known}.",
        values={"name": backbone},
    )


def pretraining_of(backbone: str) -> list[str]:
    """What is known of a backbone's pre-training, in at most one sentence; nothing of one that a user added."""
    return [info.pretraining for info in manifest() if info.backbone == backbone]


def note_of(path: Path) -> Path:
    """The file beside imported weights that holds the hash they had."""
    return path.with_name(path.name + ".sha256")


def noted_hash(path: Path) -> str | None:
    """The hash noted when weights were imported; None if there is no note."""
    try:
        text = note_of(path).read_text(encoding="ascii")[:80].strip()
    except (OSError, ValueError):
        return None
    return text if _SHA256.fullmatch(text) else None


def default_folder() -> Path:
    """Folder of imported weights in the user's data folder."""
    return Path(platformdirs.user_data_dir("weakmedsam", appauthor=False)) / "weights"


def locate(info: WeightsInfo, folder: Path | None = None) -> tuple[Path, str] | None:
    """Path and origin of the weights: an imported file first, then the installed package.

    The package is looked up without importing it.
    """
    imported = (folder or default_folder()) / info.file
    if imported.is_file():
        return imported, "imported"
    spec = importlib.util.find_spec(info.package) if info.package else None
    for place in (spec.submodule_search_locations or ()) if spec else ():
        packaged = Path(place) / info.resource
        if packaged.is_file():
            return packaged, "package"
    return None


def list_weights(folder: Path | None = None, check: bool = False) -> list[WeightsState]:
    """State of all known weights.

    Parameters
    ----------
    folder : Path, optional
        Folder of imported weights.
    check : bool
        Read every file and compare its hash; otherwise only its presence and size are looked at.
    """
    return [_state(weights_for(info.backbone, folder), folder, check) for info in manifest()]


def check_weights(backbone: str, folder: Path | None = None) -> Path:
    """Check size and SHA-256 of a backbone's weights.

    Returns
    -------
    Path
        The checked file.

    Raises
    ------
    UserError
        ``weights_missing``, ``weights_differ``, ``weights_unreadable``.
    """
    info = weights_for(backbone, folder)
    path, origin = locate_required(info, folder)
    with opened(path) as handle:
        verify(handle, path, info, origin)
    return path


def _state(info: WeightsInfo, folder: Path | None, check: bool) -> WeightsState:
    try:
        path, origin = locate_required(info, folder)
    except UserError as error:
        return WeightsState(info, None, None, error.message, error.hint)
    try:
        with opened(path) as handle:
            if check:
                verify(handle, path, info, origin)
            else:
                _verify_outside(path, os.fstat(handle.fileno()).st_size, info, origin)
    except UserError as error:
        return WeightsState(info, path, origin, error.message, error.hint)
    return WeightsState(info, path, origin)


def locate_required(info: WeightsInfo, folder: Path | None) -> tuple[Path, str]:
    """Path and origin of weights that must be there.

    Raises
    ------
    UserError
        ``weights_missing``.
    """
    found = locate(info, folder)
    if found is None:
        raise UserError(
            "weights_missing",
            f"The weights of {info.backbone} ({info.file}) are not on this machine.",
            _ways_to_get(info),
            values={"name": info.backbone, "file": info.file},
        )
    return found


def _ways_to_get(info: WeightsInfo) -> str:
    ways = [f"install the package ({info.source})"] if info.package else []
    if info.url:
        ways += [f"get it with: weakmedsam weights download {info.backbone}", f"fetch {info.url} on another computer"]
    words = ", or ".join([*ways, "import the file that you have: weakmedsam weights import FILE."])
    return words[0].upper() + words[1:]


def opened(path: Path) -> BinaryIO:
    """A weights file to read.

    Raises
    ------
    UserError
        ``weights_unreadable``.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise UserError(
            "weights_unreadable",
            f"The weights file {path} cannot be read: {error.strerror or error}.",
            "Check that the file is there and may be read.",
            values={"file": str(path)},
        ) from error


def measure(handle: BinaryIO) -> tuple[int, str]:
    """Size and SHA-256 of what is left of an open file."""
    digest, size = hashlib.sha256(), 0
    while chunk := handle.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def verify(handle: BinaryIO, path: Path, info: WeightsInfo, origin: str) -> None:
    """Check size and hash of an open file.

    Raises
    ------
    UserError
        ``weights_differ``; ``weights_unchecked`` where no hash is known, published or noted.
    """
    _verify_outside(path, os.fstat(handle.fileno()).st_size, info, origin)
    _size, digest = measure(handle)
    if digest != info.sha256:
        raise UserError(
            "weights_differ",
            f"The weights file {path} is not the right one: SHA-256 {digest}, expected {info.sha256}.",
            way_out(info, origin),
            values={"file": str(path)},
        )


def _verify_outside(path: Path, size: int, info: WeightsInfo, origin: str) -> None:
    """What can be checked without reading the file."""
    if info.sha256 is None:
        raise UserError(
            "weights_unchecked",
            f"No hash is known of the weights file {path}: none is published, and it was not imported.",
            f"Move it elsewhere and import it from there: weakmedsam weights import {info.file}",
            values={"file": str(path)},
        )
    if info.size is not None and size != info.size:
        raise UserError(
            "weights_differ",
            f"The weights file {path} has {size} bytes, expected {info.size} (SHA-256 {info.sha256}).",
            way_out(info, origin),
            values={"file": str(path)},
        )


def way_out(info: WeightsInfo, origin: str) -> str:
    """What to do about a file that is not the right one, in words."""
    repair = f"Reinstall the package ({info.source})" if origin == "package" else "Delete that file"
    return f"{repair}, or import the right file: weakmedsam weights import FILE."
