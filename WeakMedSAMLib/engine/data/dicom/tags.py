"""Values of DICOM elements, or an error that names the file and the element."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from WeakMedSAMLib.contract.errors import UserError

# What pydicom raises for damaged files, beside whatever Python does with the wrong kind of value.
FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
COPY_HINT = "Copy the whole series again from the archive."


def damaged(file: Path, why: str) -> UserError:
    """Error that names a file of a series which cannot be used; ``dicom_damaged``."""
    return UserError("dicom_damaged", f"{file} is damaged or not complete: {why}.", COPY_HINT, {"file": str(file)})


def value(dataset: Dataset, keyword: str | int, file: Path) -> Any:
    """Value of an element; None where it is missing or empty.

    Raises
    ------
    UserError
        ``dicom_damaged``: it holds something else than it may.
    """
    try:
        found = dataset[keyword].value if keyword in dataset else None
    except FAULTS as error:
        raise damaged(file, f"its {keyword} cannot be read ({error})") from error
    empty = found is None or (isinstance(found, (str, bytes, Sequence)) and len(found) == 0)
    return None if empty else found


def text(dataset: Dataset, keyword: str | int, file: Path) -> str:
    """Value of an element as text; several values are joined by a backslash, as in the file."""
    found = value(dataset, keyword, file)
    if found is None:
        return ""
    parts = found if isinstance(found, Sequence) and not isinstance(found, (str, bytes)) else [found]
    decoded = (part.decode("latin-1") if isinstance(part, bytes) else str(part) for part in parts)
    return "\\".join(part.strip(" \0") for part in decoded)


def numbers(dataset: Dataset, keyword: str | int, file: Path, count: int) -> np.ndarray | None:
    """`count` finite numbers; None where the element is missing or empty.

    Raises
    ------
    UserError
        ``dicom_damaged``: other than so many numbers.
    """
    found = value(dataset, keyword, file)
    if found is None:
        return None
    try:
        array = np.array(found, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        array = np.array([])
    if array.size != count or not np.isfinite(array).all():
        raise damaged(file, f"its {keyword} is {text(dataset, keyword, file)[:60]!r}")
    return array


def number(dataset: Dataset, keyword: str | int, file: Path) -> float | None:
    """One finite number; None where the element is missing or empty. Raises as `numbers`."""
    found = numbers(dataset, keyword, file, 1)
    return None if found is None else float(found[0])


def whole(dataset: Dataset, keyword: str, file: Path, default: int | None = None) -> int:
    """One whole number, which must be there unless there is a default. Raises as `numbers`."""
    found = number(dataset, keyword, file)
    if found is None and default is not None:
        return default
    if found is None or found != int(found):
        raise damaged(file, f"it has no {keyword}" if found is None else f"its {keyword} is {found:g}")
    return int(found)
