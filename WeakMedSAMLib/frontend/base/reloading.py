"""Reload of the module's files in developer mode."""

from __future__ import annotations

import sys

_PACKAGES = ("WeakMedSAMLib.frontend", "WeakMedSAMLib.contract")


def forgetFrontend() -> list[str]:
    """Forget the loaded files of frontend and contract, so that the next import reads them anew.

    Returns
    -------
    list of str
        Names of the modules that were forgotten.
    """
    names = [name for name in sys.modules if name.startswith(tuple(f"{package}." for package in _PACKAGES))]
    names += [name for name in _PACKAGES if name in sys.modules]
    for name in names:
        del sys.modules[name]
    return names
