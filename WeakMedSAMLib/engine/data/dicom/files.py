"""Every file below a folder: an image, known to be none, or an error that names it."""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom.uid import UID, MediaStorageDirectoryStorage

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.dicom.header import Header, is_image, read_header
from WeakMedSAMLib.engine.data.dicom.said import Ear
from WeakMedSAMLib.engine.data.dicom.tags import COPY_HINT, damaged
from WeakMedSAMLib.engine.data.file_checks import require_utf8
from WeakMedSAMLib.engine.data.notes import Note

_DIRECTORY = "dicomdir"
_NAMES = (_DIRECTORY, "thumbs.db", "desktop.ini", "lockfile", "version", "license", "readme", "changelog", "checksums")
_SUFFIXES = (
    ".txt", ".md", ".rtf", ".log", ".csv", ".tsv", ".xml", ".xsl", ".json", ".yml", ".yaml", ".ini", ".inf", ".cfg",
    ".htm", ".html", ".css", ".js", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".jpg", ".jpeg", ".png", ".gif", ".bmp",
    ".ico", ".tif", ".tiff", ".avi", ".mp4", ".exe", ".dll", ".jar", ".bat", ".sh", ".py", ".app", ".lnk", ".url",
    ".hlp", ".chm", ".svg", ".ttf", ".otf", ".woff", ".wav", ".mp3", ".mpg", ".mov", ".wmv", ".ppt", ".pptx", ".odt",
    ".ocx", ".sys", ".so", ".dylib", ".class", ".msi", ".cab", ".manifest", ".config", ".db", ".tar", ".7z", ".rar",
    ".mgz", ".mgh", ".npy", ".npz", ".mat", ".pkl", ".h5", ".stl", ".obj", ".ply", ".vtk", ".vtp",
    ".zip", ".md5", ".sha256", ".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".mrb", ".mrml", ".bval", ".bvec",
)  # fmt: skip
_IMAGE_SUFFIXES = (".dcm", ".dicom", ".ima", ".img", ".dc3")
_MAGIC_AT, _MAGIC = 128, b"DICM"
_START = 512
_TEXT = frozenset(range(32, 127)) | {9, 10, 12, 13} | frozenset(range(128, 256))
_STANDARD = "1.2.840.10008."
_MOST_NAMED = 5


@dataclass(frozen=True)
class Found:
    """Headers of the images below a folder, and notes of what else lies there."""

    images: tuple[Header, ...]
    notes: tuple[Note, ...]


def find_images(folder: Path, ear: Ear) -> Found:
    """Look at every file below a folder.

    Raises
    ------
    UserError
        ``dicom_damaged``, ``dicom_unknown_file`` with the name of the file; ``dicom_no_images``.
    """
    images: list[Header] = []
    without_pixels: list[Path] = []
    others: list[Path] = []
    unknown: list[Path] = []
    for file in _files_below(folder):
        ear.file = file
        start = _start(file)
        if not _is_dicom(start):
            (others if _is_known(file.relative_to(folder), start) else unknown).append(file)
        elif header := _image(file):
            images.append(header)
        else:
            without_pixels.append(file)
    _refuse_unknown(folder, unknown, anything=bool(images or without_pixels))
    if not images:
        raise UserError(
            "dicom_no_images",
            f"The folder {folder} holds no DICOM images.",
            "Give the folder that holds the files of one series itself, or a .nrrd, .nii, .nii.gz or .mha file.",
        )
    return Found(tuple(images), tuple(_passed_over(folder, without_pixels, others)))


def _files_below(folder: Path) -> Iterator[Path]:
    """Files in a folder and its subfolders, by name; links are followed, each folder is seen once."""
    require_utf8(folder)
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, onerror=_refuse_folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        for name in sorted(names):
            file = Path(place) / name
            require_utf8(file)
            yield file


def _refuse_folder(error: OSError) -> None:
    raise damaged(Path(str(error.filename)), f"it cannot be listed ({error.strerror})") from error


def _start(file: Path) -> bytes:
    try:
        if not file.is_file():
            raise damaged(file, "it is a broken link, or no file")
        with file.open("rb") as stream:
            return stream.read(_START)
    except OSError as error:
        raise damaged(file, f"it cannot be read ({error.strerror})") from error


def _is_dicom(start: bytes) -> bool:
    """By the mark of a DICOM file, or without it by a first element of a group that DICOM begins with."""
    if start[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC:
        return True
    if len(start) < 16:
        return False
    group, element, length = struct.unpack_from("<HHL", start)
    explicit = start[4:6].isalpha() and start[4:6].isupper()
    return group in (2, 8) and element < 0x100 and (explicit or length < _START)


def _is_known(file: Path, start: bytes) -> bool:
    """Whether a file that is no DICOM is known by its name, or is text that does not call itself an image.

    Systems leave files beside others under names that begin with a dot.
    """
    name = file.name.lower()
    if (
        any(part.startswith(".") for part in file.parts)
        or name.endswith(_SUFFIXES)
        or name in _NAMES
        or name.partition(".")[0] in _NAMES
    ):
        return True
    return bool(start) and not name.endswith(_IMAGE_SUFFIXES) and _TEXT.issuperset(start)


def _image(file: Path) -> Header | None:
    """Header of an image; None for objects that have no pixels, such as structure sets and reports.

    Raises
    ------
    UserError
        ``dicom_damaged``: it should have pixels and has none, or not all of them.
    """
    if file.name.lower() == _DIRECTORY:
        return None  # a list of files, whole or not
    header = read_header(file)
    if header.pixels is not None:
        return header
    kind = header.kind
    if not kind and header.kind_in_meta == MediaStorageDirectoryStorage:
        return None
    if not kind:
        raise damaged(file, "it ends before it says what it is")
    if is_image(kind) or "Rows" in header.dataset:
        raise damaged(file, "it ends before its pixels, or has none")
    is_unknown = kind.startswith(_STANDARD) and UID(kind).name == kind
    if is_unknown or header.kind_in_meta not in ("", kind):
        raise damaged(file, f"it ends where it says what it is ({kind})")
    return None


def _refuse_unknown(folder: Path, unknown: list[Path], anything: bool) -> None:
    suspects = [file for file in unknown if anything or file.suffix.lower() in _IMAGE_SUFFIXES]
    if not suspects:
        return
    file = suspects[0]
    if file.stat().st_size == 0:
        raise damaged(file, "it is empty")
    if file.suffix.lower() in _IMAGE_SUFFIXES:
        raise damaged(file, "it is not DICOM, or its beginning is lost")
    more = f", as {len(suspects) - 1} more are" if len(suspects) > 1 else ""
    raise UserError(
        "dicom_unknown_file",
        f"{file} is neither a DICOM file nor known to be something else{more}.",
        f"If it is an image of the series, it is damaged: {COPY_HINT[0].lower()}{COPY_HINT[1:]} If not, move it out of "
        f"{folder.name}.",
        {"file": str(file), "count": len(suspects)},
    )


def _passed_over(folder: Path, without_pixels: list[Path], others: list[Path]) -> Iterator[Note]:
    hint = "If one of them belongs to the scan, it is damaged: copy it again."
    for code, files, what in (
        ("dicom_without_pixels", without_pixels, "DICOM without an image"),
        ("dicom_other_files", others, "no DICOM"),
    ):
        if files:
            names = [file.relative_to(folder).as_posix() for file in files]
            message = f"{folder.name}: {_listed(names)} {'is' if len(names) == 1 else 'are'} {what}: passed over."
            yield Note(code, message, hint, {"file": folder.name, "files": names})


def _listed(names: list[str]) -> str:
    if len(names) <= _MOST_NAMED:
        return ", ".join(names)
    kinds = Counter(Path(name).suffix or "no suffix" for name in names)
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(_MOST_NAMED))
    return f"{', '.join(names[:2])} and {len(names) - 2} more ({counted})"
