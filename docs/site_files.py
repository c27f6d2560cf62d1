"""MkDocs hook: the screenshots lie with the extension's resources, and the site shows them from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

_SCREENSHOTS = Path(__file__).parents[1] / "Resources" / "screenshots"


def on_files(files: Files, config: Any) -> Files:
    """Add Resources/screenshots/*.png as screenshots/*.png."""
    for picture in sorted(_SCREENSHOTS.glob("*.png")):
        files.append(File.generated(config, f"screenshots/{picture.name}", abs_src_path=str(picture)))
    return files
