"""Import torchvision beside a torch that lacks torchvision's compiled operators."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

_MISSING_OPERATOR = "operator torchvision::nms does not exist"
_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}

# torch.library drops the definitions when the object goes, so it is kept for the life of the process.
_library: object | None = None


def import_torchvision() -> ModuleType:
    """Import torchvision, repairing the one fault of a CPU-only torch beside a CUDA build of torchvision.

    The plain import is tried first. Only if it raises exactly "operator torchvision::nms does not exist" are the two
    schemas that torchvision expects at import defined, and the import is tried again. They are never defined
    beforehand: beside a working torchvision a second definition aborts the process.

    Returns
    -------
    ModuleType
        The imported torchvision.

    Raises
    ------
    ImportError, RuntimeError
        Whatever else the import raises is passed on unchanged.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if str(error) != _MISSING_OPERATOR:
            raise
    _forget_torchvision()
    _define_schemas()
    return importlib.import_module("torchvision")


def _forget_torchvision() -> None:
    """Drop the half-imported modules, so that the next import starts afresh."""
    for name in [name for name in sys.modules if name == "torchvision" or name.startswith("torchvision.")]:
        del sys.modules[name]


def _define_schemas() -> None:
    """Define the operators' schemas once in this process; they have no implementation and are never called here."""
    global _library
    if _library is not None:
        return
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for schema in _SCHEMAS.values():
        library.define(schema)
    _library = library
