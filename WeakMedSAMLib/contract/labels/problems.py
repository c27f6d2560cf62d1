"""What stands in the way of learning from labels, as one thing that can be said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Problem:
    """One thing that stops a run (``"error"``) or makes its masks worse (``"warning"``), and the way out.

    `values` are those in the message by name, plain JSON.
    """

    severity: Literal["error", "warning"]
    code: str
    message: str
    hint: str
    values: Mapping[str, Any] = field(default_factory=dict)
