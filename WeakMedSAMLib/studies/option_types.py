"""Kinds of values that options of benchmarks take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from WeakMedSAMLib.engine.cli.options import EXISTING, set_option


class SplitType(click.ParamType):
    """A share between 0 and 1, or an existing file or folder."""

    name = "SHARE|FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | Path:
        """Read the option's text."""
        try:
            return float(value)
        except ValueError:
            return EXISTING.convert(value, param, ctx)


class NumbersType(click.ParamType):
    """Whole numbers such as ``1,2,4``.

    Parameters
    ----------
    least : int
        That each may be.
    """

    name = "N,N,..."

    def __init__(self, least: int = 1) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Read the option's text."""
        if not isinstance(value, str):
            return value
        parts = value.split(",")
        if not all(part.strip().isdigit() and int(part) >= self._least for part in parts):
            self.fail(f"{value!r} is not a list of numbers such as 1,2,4", param, ctx)
        return tuple(int(part) for part in parts)


def scans_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a benchmark that runs all scans of a folder: which of its scans, and by what."""
    axes = click.Choice(["i", "j", "k"])
    for option in (
        set_option,
        click.option("--backbone", default="litemedsam", show_default=True, help="Backbone of the runs."),
        click.option("--preset", default="fast", show_default=True, help="Preset of the method."),
        click.option("--axis", type=axes, default="k", show_default=True, help="Slice axis."),
        click.option(
            "--stride", type=click.IntRange(1), default=1, show_default=True, help="Use every so-manieth slice only."
        ),
        click.option("--cases", type=click.IntRange(1), help="Only the first so many."),
        click.option("--layout", default="auto", show_default=True, help="As for accuracy."),
    ):
        command = option(command)
    return command
