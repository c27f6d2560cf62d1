"""What the worker needs and Slicer does not bring along: what is missing of it, without importing any of it."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.resources import resource

# What Slicer ships (SuperBuild/External_python-*.cmake); an installation keeps it as it is (see `constraints`).
SHIPPED = (
    "numpy",
    "scipy",
    "SimpleITK",
    "vtk",
    "pip",
    "setuptools",
    "wheel",
    "packaging",
    "pyparsing",
    "six",
    "pillow",
    "pydicom",
    "dicomweb-client",
    "dcmqi",
    "highdicom",
    "pyjpegls",
    "retrying",
    "typing_extensions",
    "certifi",
    "idna",
    "charset-normalizer",
    "urllib3",
    "requests",
    "chardet",
    "couchdb",
    "gitdb",
    "smmap",
    "GitPython",
    "cryptography",
    "PyJWT",
    "wrapt",
    "Deprecated",
    "pycparser",
    "cffi",
    "PyNaCl",
    "python-dateutil",
    "PyGithub",
)


@dataclass(frozen=True)
class Needed:
    """A package that the worker needs: its name, and the bound of its version, such as ``">=1.3"``."""

    name: str
    bound: str

    def __str__(self) -> str:
        return self.name + self.bound


# Lower bounds as in pyproject.toml: the first built for NumPy 2, which Slicer has. light-the-torch, the installer of
# the PyTorch extension, picks the build for the GPU.
TORCH, TORCHVISION = _TORCH_PACKAGES = (Needed("torch", ">=2.3"), Needed("torchvision", ">=0.18"))


def findMissing() -> list[str]:
    """Return the names of the packages that are absent or too old; some milliseconds, nothing is imported.

    Raises
    ------
    UserError
        ``slicer_too_old``.
    """
    return [needed.name for needed in findMissingRequirements()]


def findMissingRequirements() -> list[Needed]:
    """Return what is absent or too old, with lower bounds; torch and torchvision first. Raises as `findMissing`."""
    return [needed for needed in (*_TORCH_PACKAGES, *_readRequirements()) if not _isThere(needed)]


def isTorchMissing() -> bool:
    """Say whether torch or torchvision is absent or too old."""
    return not all(_isThere(needed) for needed in _TORCH_PACKAGES)


def torchExtensionProblem() -> str:
    """Say what to do to get the PyTorch extension; empty if it is there, or if torch is."""
    if not isTorchMissing() or importlib.util.find_spec("PyTorchUtils") is not None:
        return ""
    return _(
        "The PyTorch extension of Slicer is needed to install PyTorch. Open the Extensions Manager (View menu), "
        "install 'PyTorch' and restart Slicer. Without network access use 'Install from a folder'."
    )


def packagingModule() -> Any:
    """Return `slicer.packaging`; `UserError` ``slicer_too_old`` where this Slicer does not have it."""
    try:
        return importlib.import_module("slicer.packaging")
    except ImportError as error:
        message = _("This Slicer cannot install Python packages for extensions.")
        raise UserError("slicer_too_old", message, _("Use 3D Slicer 5.12 or newer.")) from error


def torchArguments() -> list[str]:
    """Return the arguments for light-the-torch, the same that the PyTorch extension gives it.

    Its `installTorch` is not called, since it would stop Slicer until everything is downloaded, and import torch into
    Slicer's own process; what it builds its arguments with is private to it.

    Raises
    ------
    UserError
        ``no_pytorch_extension``.
    """
    problem = torchExtensionProblem()
    if problem:
        raise UserError("no_pytorch_extension", _("The PyTorch extension is missing."), problem)
    return ["install", *map(str, _TORCH_PACKAGES)]


def constraints(alsoKept: Iterable[str] = (), notKept: Iterable[str] = ()) -> str:
    """Return the text of a constraints file for pip that keeps what Slicer ships, and `alsoKept`, but not `notKept`.

    A package that is there without a version that pip can see, such as Slicer's own VTK, is given a bound that nothing
    meets: pip then stops instead of installing another one over it.
    """
    lines, free = [], set(notKept)
    for name in (each for each in (*SHIPPED, *alsoKept) if each not in free):
        version = _version(name)
        if version is not None:
            lines.append(f"{name}=={version}")
        elif _isImportable(name.replace("-", "_")):
            lines.append(f"{name}<0")
    return "\n".join(lines) + "\n"


def _readRequirements() -> list[Needed]:
    found = packagingModule().load_requirements(resource("requirements.txt"))
    return [Needed(requirement.name, str(requirement.specifier)) for requirement in found]


def _isThere(needed: Needed) -> bool:
    # It looks at what pip has written down of the installed packages, and imports none of them.
    return bool(packagingModule().pip_check(str(needed)))


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _isImportable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ValueError:
        # It is loaded, by something that does not say from where.
        return True
