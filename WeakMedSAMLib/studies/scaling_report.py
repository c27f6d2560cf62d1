"""The report on scaling as a section of the page on complexity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from WeakMedSAMLib.studies.tables import table

HEADING = "## How it grows\n"

_NOTES = """Written by `weakmedsam benchmark complexity --scaling --write-docs docs`: whole runs of preset `fast` on
volumes made by rule, smooth blobs in a body on noise, with every slice tagged as the truth has it. One size grows and
the others stay; every run has an empty cache and a process of its own. *encode* is the encoder with its cache, *masks*
the masks of all slices with their files, *learn* all between. *p* is the exponent of `seconds ~ a n^p`, by least
squares of the logarithms, with its standard error; in brackets p between the two largest sizes alone. A share that does
not grow (the start of PyTorch, weights, training steps that are as many for all) makes p small, and p between the
largest sizes is nearer to what holds beyond them. Memory is the peak private memory of the process, PyTorch included;
*beyond* is what it is above that of the process with the backbone loaded; modules that learning imports are in it.
"""

_SECONDS, _MEMORY = ("seconds", "encode", "learn", "masks"), ("peak_mb", "beyond_mb")
_NAMES = {"slices": "slices a volume", "volumes": "volumes", "classes": "classes", "edge": "pixels along an edge"}


def section(report: dict[str, Any]) -> str:
    """The section as Markdown, with its heading."""
    return "\n".join([HEADING, _NOTES, _circumstances(report), _exponents(report), _runs(report)])


def _circumstances(report: dict[str, Any]) -> str:
    base, machine = report["base"], report["machine"]
    changed = ", ".join(f"{name} {value}" for name, value in report["overrides"].items())
    fixed = ", ".join(f"{_NAMES[name]} {value}" for name, value in base.items())
    lines = [
        f"Fixed while others grow: {fixed}.",
        f"Backbone {report['backbone']}, weights: {report['weights']}, on {report['device']}, {report['precision']};",
        f"{machine['processor']}, {machine['cores']} cores, torch {report['versions']['torch']}.",
        *([f"Settings changed: {changed}."] if changed else []),
    ]
    return "\n".join(lines) + "\n"


def _exponents(report: dict[str, Any]) -> str:
    head = ("what grows", "sizes", "p of seconds", "of encode", "of learn", "of masks", "of peak memory", "of beyond")
    rows = [
        (
            _NAMES[name],
            ", ".join(str(run["n"]) for run in grown["runs"]),
            *(_exponent(grown["fits"][figure]) for figure in (*_SECONDS, *_MEMORY)),
        )
        for name, grown in report["grown"].items()
    ]
    return table(head, rows)


def _exponent(fit: Mapping[str, float | None] | None) -> str:
    if fit is None:
        return "-"
    error = "" if fit["error"] is None else f" ± {fit['error']:.2f}"
    return f"{fit['exponent']:.2f}{error} ({fit['last']:.2f})"


def _runs(report: dict[str, Any]) -> str:
    head = ("what grows", "n", "seconds", "encode", "learn", "masks", "peak MB", "beyond MB")
    rows = [
        (
            _NAMES[name],
            str(run["n"]),
            *(f"{run[figure]:.2f}" for figure in _SECONDS),
            *(f"{run[figure]:.0f}" for figure in _MEMORY),
        )
        for name, grown in report["grown"].items()
        for run in grown["runs"]
    ]
    return table(head, rows)
