"""Where the feature cache lies unless a place is chosen: one rule for 3D Slicer and for the command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder(system: str = sys.platform) -> Path:
    """Return the usual folder of the feature cache, the one of `platformdirs`, which Slicer's own Python may lack.

    Parameters
    ----------
    system : str
        As `sys.platform` says it.

    Returns
    -------
    Path
        ``%LOCALAPPDATA%\\weakmedsam\\Cache\\features`` on Windows; elsewhere ``weakmedsam/features`` in XDG_CACHE_HOME
        if that is set, else in ``~/Library/Caches`` (macOS) or ``~/.cache``.
    """
    if system == "win32":
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(local) / "weakmedsam" / "Cache" / "features"
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    usual = Path.home() / ("Library/Caches" if system == "darwin" else ".cache")
    return (Path(chosen) if os.path.isabs(chosen) else usual) / "weakmedsam" / "features"
