"""Files that come with the module: .ui files, requirements, icons."""

from __future__ import annotations

from pathlib import Path

import WeakMedSAMLib

_ROOT = Path(WeakMedSAMLib.__file__).resolve().parents[1]


def resource(*parts: str) -> str:
    """Return the path of a file in the module's Resources folder.

    In a built extension the library lies in the module's folder; in a source checkout beside it.
    """
    for folder in (_ROOT / "Resources", _ROOT / "WeakMedSAM" / "Resources"):
        path = folder.joinpath(*parts)
        if path.exists():
            return str(path)
    raise FileNotFoundError(f"{'/'.join(parts)} is not among the module's resources in {_ROOT}")
