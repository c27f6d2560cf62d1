"""How a command or a worker ends, as its exit code says it."""

from __future__ import annotations

OK = 0
INTERNAL = 1  # the program failed; details are in a log file
USER_ERROR = 2  # something that the user can put right
CANCELLED = 3
