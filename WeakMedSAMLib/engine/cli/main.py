"""The command ``weakmedsam``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

from WeakMedSAMLib import __version__
from WeakMedSAMLib.engine.cli.apply import apply
from WeakMedSAMLib.engine.cli.cache import cache
from WeakMedSAMLib.engine.cli.demo import demo
from WeakMedSAMLib.engine.cli.evaluate import evaluate
from WeakMedSAMLib.engine.cli.outcome import log_unforeseen, outcome
from WeakMedSAMLib.engine.cli.probe import probe
from WeakMedSAMLib.engine.cli.run import run
from WeakMedSAMLib.engine.cli.segment import segment
from WeakMedSAMLib.engine.cli.tags import tags
from WeakMedSAMLib.engine.cli.weights import weights
from WeakMedSAMLib.engine.runs.session import Terminated
from WeakMedSAMLib.studies.commands import benchmark


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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


for _command in (run, segment, apply, tags, evaluate, probe, weights, demo, benchmark, cache):
    cli.add_command(_command)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    sys.excepthook = log_unforeseen
    # A request to end is treated like Ctrl-C: the run closes its files and can be resumed.
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(outcome(cli, arguments))
