"""What stands in the way of learning from labels, as one thing that can be said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Problem:
    """One thing that stops a run (``"error"``) or makes its masks worse (``"warning"``), and the way out."""

    severity: Literal["error", "warning"]
    code: str
    message: str
    hint: str
