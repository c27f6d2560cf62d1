"""Long names in short lines: the former name of `panel_parts.elided`."""

from __future__ import annotations

from WeakMedSAMLib.frontend.base.panel_parts import elided as shortened

__all__ = ["shortened"]
