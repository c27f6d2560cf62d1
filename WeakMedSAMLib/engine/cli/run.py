"""``weakmedsam run``: what 3D Slicer starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Done, Error, Event, Warning_, with_name
from WeakMedSAMLib.contract.runs import load_run
from WeakMedSAMLib.contract.worker_arguments import DEVICE, PARENT, RUN
from WeakMedSAMLib.engine.cli.options import PLACE, cache_option, events_option
from WeakMedSAMLib.engine.cli.outcome import require_engine
from WeakMedSAMLib.engine.cli.show import listener

if TYPE_CHECKING:
    from WeakMedSAMLib.engine.runs.worker import RunSummary


@click.command(RUN, short_help="Run a run folder, or go on with it.")
@click.argument("folder", type=PLACE)
@click.option(DEVICE, help="In place of the device that the run asks for: auto, cuda, cuda:1, mps, cpu.")
@click.option(PARENT, type=int, metavar="PID", help="End when the process with this id is gone.")
@cache_option
@events_option
def run(folder: Path, device: str | None, parent: int | None, cache_root: Path | None, events: bool) -> None:
    """Run what the run folder FOLDER describes, or go on with it where it was cut off.

    A file named `cancel` in FOLDER stops it between two batches.

    \b
    Example:
      weakmedsam run masks/run-0123456789ab --events
    """
    perform(folder, device, parent, cache_root, events)


def perform(
    folder: Path,
    device: str | None = None,
    parent: int | None = None,
    cache_root: Path | None = None,
    events: bool = False,
) -> RunSummary:
    """Run a folder and show it; with ``events``, whatever ends it is an event too, however early it ends."""
    names = {} if events else _names(folder)
    told = _LastWord(_naming(listener(events), names))
    try:
        require_engine()
        from WeakMedSAMLib.engine.runs.worker import run_folder

        return run_folder(folder, device, parent, told, cache_root)
    except UserError as error:
        if events and not told.is_over:
            told(Error.of(error, error.volume))
            told(Done(status="failed"))
        named = with_name(Error.of(error, error.volume), names)
        raise UserError(named.code, named.message, named.hint, named.values) from error


def _names(folder: Path) -> dict[str, str]:
    """Id of each volume of a run, and its name; none where the run cannot be read, which is said elsewhere."""
    try:
        return {volume.id: volume.name for volume in load_run(folder).volumes}
    except UserError:
        return {}


def _naming(hand_on: Callable[[Event], None], names: Mapping[str, str]) -> Callable[[Event], None]:
    """Names in place of ids: events hold none, as they may be names of patients; a terminal may."""

    def show(event: Event) -> None:
        hand_on(with_name(event, names) if isinstance(event, Warning_) else event)

    return show


class _LastWord:
    """Hands events on and knows whether the last one has come."""

    def __init__(self, hand_on: Callable[[Event], None]) -> None:
        self._hand_on = hand_on
        self.is_over = False

    def __call__(self, event: Event) -> None:
        self.is_over = isinstance(event, Done)
        self._hand_on(event)
