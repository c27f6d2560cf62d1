"""Files that are either the old one or the new one, never half of one, and folders that only their owner can read."""

from __future__ import annotations

import codecs
import json
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from .errors import UserError

MAX_TEXT_BYTES = 64 * 2**20
_LONGEST_KEPT_SUFFIX = 8
_TEMPORARY = ".tmp-"
_NUMBERS_ON_LINES = re.compile(r"\[\n\s+[-+.\deE]+(,\n\s+[-+.\deE]+)*\n\s+\]")


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Write a file so that a cut-off at any moment leaves either the old file or the new one.

    The body writes to the temporary sibling that it is given. When the body ends normally, the sibling is fsynced and
    renamed onto `path`; when it raises (an interrupt included), the sibling is removed and `path` is as it was.

    Parameters
    ----------
    path : Path
        The file to write. Its folder must exist. A symbolic link is replaced, not followed.

    Yields
    ------
    Path
        A name in the same folder with the same last suffixes (``.seg.nrrd``), so that writers that pick their format
        from the name still do.

    Raises
    ------
    UserError
        ``cannot_write`` if the folder is missing or read-only, the disk is full, or the file is held by a program.
    """
    with replacing_all([Path(path)]) as (temporary,):
        yield temporary


@contextmanager
def replacing_all(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Write files that belong together: as `replacing`, and none is renamed before all are written and fsynced.

    They are renamed in the order given. All lie in one folder.
    """
    temporaries = [path.with_name(_temporary_name(path)) for path in paths]
    try:
        for path in paths:
            _require_folder(path)
        yield temporaries
        for temporary in temporaries:
            _sync(temporary)
        for path, temporary in zip(paths, temporaries, strict=True):
            os.replace(temporary, path)
        sync_folder(paths[0].parent)
    except OSError as error:
        if not _is_about(error, (*temporaries, *paths, paths[0].parent)):
            raise
        _refuse_write(_meant(error, paths, temporaries), error)
    finally:
        for temporary in temporaries:
            # What cannot be removed (the folder itself is gone or locked) must not hide the error that is under way.
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _meant(error: OSError, paths: Sequence[Path], temporaries: Sequence[Path]) -> Path:
    """The file whose name, or temporary name, an error carries; the first one if it carries none."""
    names = dict(zip(map(str, temporaries), paths, strict=True)) | {str(path): path for path in paths}
    return names.get(str(error.filename), paths[0])


def remove_leftovers(folder: Path | str) -> int:
    """Remove what a process that was killed left half-written below a folder; returns the number of files.

    Only for folders in which nobody else writes now. What cannot be removed stays.
    """
    removed = 0
    for path in Path(folder).rglob(f"{_TEMPORARY}*"):
        with suppress(OSError):
            path.unlink()
            removed += 1
    return removed


def is_leftover(name: str) -> bool:
    """Say whether a file of this name is what a process that was killed left half-written."""
    return name.startswith(_TEMPORARY)


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write `data` to `path` atomically. Raises `UserError` ``cannot_write``."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` to `path` atomically as UTF-8, line ends untouched. Raises `UserError` ``cannot_write``."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path | str, data: Any) -> None:
    """Write plain data to `path` atomically as indented UTF-8 JSON.

    Raises
    ------
    UserError
        ``cannot_write``.
    ValueError
        If `data` holds NaN or infinity, which JSON does not have.
    """
    write_text(path, json_text(data))


def json_text(data: Any) -> str:
    """Return plain data as `write_json` writes it; ValueError for NaN and infinity."""
    text = json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # Undecodable file names come as lone surrogates, which only the escaped form can carry.
        text = json.dumps(data, indent=2, allow_nan=False)
    # A range or a colour on one line, for people who edit the file. Text in JSON has no line ends, so none is changed.
    return _NUMBERS_ON_LINES.sub(lambda match: "[" + " ".join(match.group()[1:-1].split()) + "]", text) + "\n"


def read_text(path: Path | str, max_bytes: int = MAX_TEXT_BYTES, utf16: bool = False) -> str:
    """Read a UTF-8 text file, with or without a byte-order mark, line ends untouched.

    With `utf16` such text is read too, if its mark says that it is: Excel and PowerShell write it.

    Raises
    ------
    UserError
        ``file_missing``, ``cannot_read``, ``file_too_large`` (more than `max_bytes`) or ``not_utf8``.
    """
    path = Path(path)
    data = _read_bounded(path, max_bytes)
    wide = utf16 and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            "not_utf8",
            f"{path} is not {'UTF-16' if wide else 'UTF-8'} text (byte {error.start}).",
            "Save it as UTF-8; in a spreadsheet choose 'CSV UTF-8'.",
            values={"file": str(path)},
        ) from None


def read_json(path: Path | str, max_bytes: int = MAX_TEXT_BYTES) -> Any:
    """Read a JSON file.

    Stricter than `json.load`: a key that occurs twice in one object, NaN and infinity are errors, since each of
    them would lose or change what the user wrote without a word.

    Raises
    ------
    UserError
        As `read_text`, and ``bad_json`` with the place of the fault.
    """
    text = read_text(path, max_bytes)
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as error:
        reason = str(error)
    raise UserError(
        "bad_json",
        f"{path} is not valid JSON: {reason}.",
        "Correct the file, or export it again.",
        values={"file": str(path), "reason": reason},
    )


def private_folder(path: Path | str) -> Path:
    """Make a folder (and its parents) that only its owner can enter (mode 0700), and return it.

    A folder that exists is closed to others if it is empty. One with something in it is left as it is, since it may be
    a shared one that the user chose; private folders inside it stay private. On Windows the folder inherits the access
    rules of its parent.

    Raises
    ------
    UserError
        ``cannot_write`` if it cannot be made.
    """
    path = Path(path)
    try:
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not any(path.iterdir()):
            path.chmod(0o700)
    except OSError as error:
        _refuse_write(path, error)
    return path


def _temporary_name(path: Path) -> str:
    suffixes = [suffix for suffix in path.suffixes[-2:] if len(suffix) <= _LONGEST_KEPT_SUFFIX]
    return f"{_TEMPORARY}{secrets.token_hex(6)}{''.join(suffixes)}"


def _require_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise FileNotFoundError(2, "the folder does not exist", str(path.parent / path.name))
    if path.is_dir():
        raise IsADirectoryError(21, "it is a folder", str(path))


def _sync(path: Path) -> None:
    # Windows can flush a handle only if it is open for writing.
    with path.open("r+b") as stream:
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Write the names in a folder through to the disk, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems refuse to fsync a folder; the file itself is safe by then.
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def _is_about(error: OSError, places: tuple[Path, ...]) -> bool:
    """Say whether an error belongs to this write; a full disk carries no file name, another file's error does."""
    return not isinstance(error.filename, (str, bytes)) or Path(os.fsdecode(error.filename)) in places


def cannot_write(path: Path, error: OSError) -> UserError:
    """The error of a file that could not be written, and why."""
    reason = error.strerror or str(error)
    hint = "Choose a folder that exists, that you may write to and that has free space, and close programs that use it."
    values = {"file": str(path), "reason": reason}
    return UserError("cannot_write", f"Cannot write {path}: {reason}.", hint, values=values)


def _refuse_write(path: Path, error: OSError) -> NoReturn:
    raise cannot_write(path, error) from error


def _read_bounded(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except FileNotFoundError:
        raise UserError(
            "file_missing", f"{path} does not exist.", "Check the name and the folder.", values={"file": str(path)}
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            "cannot_read",
            f"Cannot read {path}: {reason}.",
            "Check that it is a readable file.",
            values={"file": str(path), "reason": reason},
        ) from error
    if len(data) > max_bytes:
        raise UserError(
            "file_too_large",
            f"{path} is larger than {max_bytes} bytes.",
            "It is not a file of this kind, or must be split.",
            values={"file": str(path), "bytes": max_bytes},
        )
    return data


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {twice!r} occurs twice in one object")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
