"""What the worker needs and Slicer does not bring along: what is missing of it, without importing any of it."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Iterable
from typing import Any

from packaging.requirements import Requirement
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.resources import resource

# Lower bounds as in pyproject.toml. They come through the PyTorch extension, which picks the build for the GPU.
TORCH = ("torch", ">=2.2")
TORCHVISION = ("torchvision", ">=0.17")

# What Slicer ships (SuperBuild/External_python-*.cmake); none of it may be replaced by an installation.
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


def missing() -> list[str]:
    """Return the names of the packages that are absent or too old; some milliseconds, nothing is imported."""
    return [requirement.name for requirement in missingRequirements()]


def missingRequirements() -> list[Requirement]:
    """Return what is absent or too old, with lower bounds; torch and torchvision first."""
    torch = [Requirement(name + bound) for name, bound in (TORCH, TORCHVISION)]
    return [requirement for requirement in (*torch, *_listed()) if not _isThere(requirement)]


def isTorchMissing() -> bool:
    """Say whether torch or torchvision is absent or too old."""
    return any(not _isThere(Requirement(name + bound)) for name, bound in (TORCH, TORCHVISION))


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
    """Return the arguments for light-the-torch, as the PyTorch extension itself gives them.

    Its `installTorch` is not called, since it would stop Slicer until everything is downloaded, and import torch into
    Slicer's own process.

    Raises
    ------
    UserError
        ``no_pytorch_extension``.
    """
    problem = torchExtensionProblem()
    if problem:
        raise UserError("no_pytorch_extension", _("The PyTorch extension is missing."), problem)
    logic = importlib.import_module("PyTorchUtils").PyTorchUtilsLogic
    return logic._getPipInstallArguments(None, TORCH[1], TORCHVISION[1])


def constraints(alsoKept: Iterable[str] = ()) -> str:
    """Return the text of a constraints file for pip that keeps what Slicer ships, and `alsoKept`, as it is.

    A package that is there without a version that pip can see, such as Slicer's own VTK, is given a bound that nothing
    meets: pip then stops instead of installing another one over it.
    """
    lines = []
    for name in (*SHIPPED, *alsoKept):
        version = _version(name)
        if version is not None:
            lines.append(f"{name}=={version}")
        elif _isImportable(name.replace("-", "_")):
            lines.append(f"{name}<0")
    return "\n".join(lines) + "\n"


def _listed() -> list[Requirement]:
    return packagingModule().load_requirements(resource("requirements.txt"))


def _isThere(requirement: Requirement) -> bool:
    # It looks at what pip has written down of the installed packages, and imports none of them.
    return bool(packagingModule().pip_check(requirement))


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
