"""The command ``weakmedsam``."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from types import FrameType

import click

from WeakMedSAMLib import __version__
from WeakMedSAMLib.engine.cli.outcome import log_unforeseen, outcome
from WeakMedSAMLib.engine.runs.session import Terminated

# Each is a module here that holds a command of its name.
_COMMANDS = (
    *("apply", "cache", "demo", "evaluate", "next", "probe", "resident"),
    *("run", "segment", "tags", "update", "weights"),
)
# Under this name an installed package, the wheel of the engine itself too, says which further commands it has.
ENTRY_POINTS = "weakmedsam.commands"


class LazyCommands(click.Group):
    """Commands whose modules are imported where one is called or its help is shown.

    Further ones are found by what installed packages say of themselves; one whose module is not there is left out: an
    extension of 3D Slicer has no studies, even beside an installed wheel.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *_COMMANDS, *(point.name for point in _further())})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None if there is none."""
        if cmd_name in _COMMANDS:
            command: click.Command = getattr(importlib.import_module(f"{__package__}.{cmd_name}"), cmd_name)
            return command
        return super().get_command(ctx, cmd_name) or _load(cmd_name)


def _further() -> Sequence[EntryPoint]:
    return tuple(entry_points(group=ENTRY_POINTS))


def _load(name: str) -> click.Command | None:
    for point in _further():
        if point.name == name:
            try:
                command: click.Command = point.load()
            except ModuleNotFoundError as error:
                if not f"{point.module}.".startswith(f"{error.name}."):
                    raise
            else:
                return command
    return None


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="weakmedsam")
def cli() -> None:
    """Masks of medical volumes from slice tags alone.

    Say for slices whether they show a class; training and inference run on this computer, and nothing leaves it.
    Research use only.

    \b
    Example:
      weakmedsam segment --volume scan1.nrrd --volume scan2.nrrd --tags tags.json --out masks

    Exit codes: 0 done, 1 the program failed, 2 something to put right, 3 cancelled.
    """


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    sys.excepthook = log_unforeseen
    # A request to end is treated like Ctrl-C: the run closes its files and can be resumed.
    signal.signal(signal.SIGTERM, _terminate)
    # Before PyTorch is loaded, which splits its work over the cores thousands of times a second: a core that waits for
    # another one sleeps. Busily waiting, it keeps that one's work from going on where other programs run, too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(outcome(cli, arguments))
