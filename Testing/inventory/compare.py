"""The committed lists, and how they are compared or, by `make inventory`, written anew."""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent


def check(name: str, lines: list[str]) -> None:
    """Compare a list with the committed one; write it where the environment has INVENTORY=write."""
    path = HERE / f"{name}.txt"
    if os.environ.get("INVENTORY") == "write":
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    lost, new = [line for line in known if line not in lines], [line for line in lines if line not in known]
    said = "\n".join([*(f"- {line}" for line in lost), *(f"+ {line}" for line in new)])
    assert lines == known, f"{path.name}: explain each difference in the commit, then `make inventory`:\n{said}"
