"""Where the weights of the backbones come from, and that they are the right ones.

Weights come from an installed package or from a file that the user imported; nothing is ever fetched from a network.
Size and SHA-256 are checked at every load, and only tensors are unpickled.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import pickle
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import platformdirs

from WeakMedSAMLib.contract.errors import UserError

if TYPE_CHECKING:
    import torch

_CHUNK = 1 << 20


@dataclass(frozen=True)
class WeightsInfo:
    """One entry of the manifest ``weights.json``."""

    backbone: str
    file: str
    size: int
    sha256: str
    package: str
    resource: str
    source: str
    licence: str
    pretraining: str


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


@lru_cache(maxsize=1)
def manifest() -> tuple[WeightsInfo, ...]:
    """All weights that are known, as packaged in ``weights.json``."""
    text = resources.files(__package__).joinpath("weights.json").read_text(encoding="utf-8")
    return tuple(WeightsInfo(**entry) for entry in json.loads(text)["weights"])


def weights_for(backbone: str) -> WeightsInfo:
    """The manifest's entry for a backbone.

    Raises
    ------
    UserError
        ``unknown_backbone``.
    """
    for info in manifest():
        if info.backbone == backbone:
            return info
    known = ", ".join(info.backbone for info in manifest())
    raise UserError("unknown_backbone", f"No weights are known for {backbone!r}.", f"Known backbones: {known}.")


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
    spec = importlib.util.find_spec(info.package)
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
    return [_state(info, folder, check) for info in manifest()]


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
    info = weights_for(backbone)
    path, origin = _located(info, folder)
    with _opened(path) as handle:
        _verify(handle, path, info, origin)
    return path


def import_weights(source: Path, folder: Path | None = None) -> WeightsState:
    """Copy a weights file into the user's data folder if it is one that is known, whatever its name.

    Raises
    ------
    UserError
        ``weights_unknown`` where size and hash fit no known weights; ``weights_unreadable``; ``cannot_write``.
    """
    source = Path(source)
    with _opened(source) as handle:
        size, digest = _measure(handle)
        info = next((one for one in manifest() if (one.size, one.sha256) == (size, digest)), None)
        if info is None:
            raise _unknown_file(source, size, digest)
        handle.seek(0)
        target = (folder or default_folder()) / info.file
        _copy_checked(handle, target, info)
    return WeightsState(info, target, "imported")


def load_weights(backbone: str, folder: Path | None = None) -> dict[str, torch.Tensor]:
    """Load the checked tensors of a backbone's weights onto the CPU.

    Raises
    ------
    UserError
        As :func:`check_weights`; ``weights_unsafe`` if the file holds anything but tensors.
    """
    import torch

    info = weights_for(backbone)
    path, origin = _located(info, folder)
    with _opened(path) as handle:
        _verify(handle, path, info, origin)
        handle.seek(0)  # the same open file is loaded that was checked
        try:
            state = torch.load(handle, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise UserError(
                "weights_unsafe",
                f"The weights file {path} holds more than tensors or cannot be read ({reason}).",
                _way_out(info, origin),
            ) from error
    return _tensors(state, path, info, origin)


def _tensors(state: Any, path: Path, info: WeightsInfo, origin: str) -> dict[str, torch.Tensor]:
    import torch

    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError("weights_unsafe", f"The weights file {path} is not a table of tensors.", _way_out(info, origin))
    return state


def _state(info: WeightsInfo, folder: Path | None, check: bool) -> WeightsState:
    try:
        path, origin = _located(info, folder)
    except UserError as error:
        return WeightsState(info, None, None, error.message, error.hint)
    try:
        with _opened(path) as handle:
            if check:
                _verify(handle, path, info, origin)
            else:
                _verify_size(path, os.fstat(handle.fileno()).st_size, info, origin)
    except UserError as error:
        return WeightsState(info, path, origin, error.message, error.hint)
    return WeightsState(info, path, origin)


def _located(info: WeightsInfo, folder: Path | None) -> tuple[Path, str]:
    found = locate(info, folder)
    if found is None:
        raise UserError(
            "weights_missing",
            f"The weights of {info.backbone} ({info.file}) are not on this machine.",
            f"Install the package ({info.source}) or import the file: weakmedsam weights import FILE.",
        )
    return found


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise UserError(
            "weights_unreadable",
            f"The weights file {path} cannot be read: {error.strerror or error}.",
            "Check that the file is there and may be read.",
        ) from error


def _measure(handle: BinaryIO) -> tuple[int, str]:
    """Size and SHA-256 of an open file."""
    digest, size = hashlib.sha256(), 0
    while chunk := handle.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def _verify(handle: BinaryIO, path: Path, info: WeightsInfo, origin: str) -> None:
    _verify_size(path, os.fstat(handle.fileno()).st_size, info, origin)
    _size, digest = _measure(handle)
    if digest != info.sha256:
        raise UserError(
            "weights_differ",
            f"The weights file {path} is not the published one: SHA-256 {digest}, expected {info.sha256}.",
            _way_out(info, origin),
        )


def _verify_size(path: Path, size: int, info: WeightsInfo, origin: str) -> None:
    if size != info.size:
        raise UserError(
            "weights_differ",
            f"The weights file {path} has {size} bytes, expected {info.size} (SHA-256 {info.sha256}).",
            _way_out(info, origin),
        )


def _way_out(info: WeightsInfo, origin: str) -> str:
    repair = "Delete that file" if origin == "imported" else f"Reinstall the package ({info.source})"
    return f"{repair}, or import the right file: weakmedsam weights import FILE."


def _unknown_file(source: Path, size: int, digest: str) -> UserError:
    known = "; ".join(f"{one.file} for {one.backbone}: {one.size} bytes, SHA-256 {one.sha256}" for one in manifest())
    return UserError(
        "weights_unknown",
        f"{source} ({size} bytes, SHA-256 {digest}) is not a weights file that is known here.",
        f"Known: {known}.",
    )


def _copy_checked(handle: BinaryIO, target: Path, info: WeightsInfo) -> None:
    """Copy to a temporary sibling, check what arrived, and rename it onto the target."""
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".import-", dir=target.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "w+b") as copy:
            shutil.copyfileobj(handle, copy, _CHUNK)
            copy.flush()
            os.fsync(copy.fileno())
            copy.seek(0)
            _verify(copy, temporary, info, "imported")
        os.replace(temporary, target)
    except OSError as error:
        raise UserError(
            "cannot_write",
            f"The weights cannot be written to {target}: {error.strerror or error}.",
            "Free some space there or make the folder writable.",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
