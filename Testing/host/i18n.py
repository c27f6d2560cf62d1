"""slicer.i18n: English only; what may not be translated well (a text made at run time) is refused."""

from __future__ import annotations

import types


def tr(text: str) -> str:
    """Return the text; lupdate only finds literal texts, so an empty or formatted one is a mistake."""
    if not isinstance(text, str) or not text:
        raise TypeError("slicer.i18n.tr needs a text")
    TRANSLATED.add(text)
    return text


def translate(context: str, text: str) -> str:
    """Return the text."""
    del context
    return text


def getContext(sourceFile: str) -> str:
    """Return the name under which the texts of a source file are kept."""
    return sourceFile.rsplit("/", 1)[-1].removesuffix(".py")


TRANSLATED: set[str] = set()


def make() -> types.ModuleType:
    """Return the module."""
    module = types.ModuleType("slicer.i18n", __doc__)
    module.tr, module.translate, module.getContext = tr, translate, getContext
    return module
