"""``weakmedsam resident``: what 3D Slicer asks about single slices."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable
from typing import Any

import click

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.resident import IDLE_SECONDS, Answer, Failed
from WeakMedSAMLib.contract.resident_lines import encode_answer
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.contract.worker_arguments import BACKBONE, IDLE, PARENT, REMOVE, RESIDENT
from WeakMedSAMLib.engine.cli.options import FOLDER, cache_option, device_option
from WeakMedSAMLib.engine.cli.outcome import require_engine

_IDLE = "End after so many seconds without a request."


@click.command(RESIDENT, short_help="Answer boxes and points on single slices, line by line.")
@click.argument("folder", type=FOLDER)
@click.option(REMOVE, "removes", is_flag=True, help="FOLDER was made for this: remove it, with all in it, at the end.")
@click.option(BACKBONE, default=RunSettings.backbone, show_default=True, help="The network that answers.")
@click.option(
    IDLE, "idle_s", type=click.FloatRange(0, min_open=True), default=IDLE_SECONDS, show_default=True, help=_IDLE
)
@click.option(PARENT, type=int, metavar="PID", help="End when the process with this id is gone.")
@device_option
@cache_option
def resident(parent: int | None, **options: Any) -> None:
    """Read requests as JSON lines on stdin and answer each on stdout, until stdin is closed.

    FOLDER holds copies of volumes as NRRD files. Features are taken from the cache where they are; a slice without
    them is encoded when it is asked about. The request "encode" puts those of a whole volume there.

    \b
    Example:
      {"ask":"open","version":1,"id":1,"volume":"a","file":"a.nrrd","sha256":"..."}
      {"ask":"predict","version":1,"id":2,"volume":"a","slice":12,"boxes":[[[80,140],[60,120]]]}
    """
    output = sys.stdout

    def tell(answer: Answer) -> None:
        output.write(encode_answer(answer) + "\n")
        output.flush()

    # Whatever a library prints is log. Nobody is told anything once whoever asked is gone.
    with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(BrokenPipeError):
        logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
        _serve(tell, parent, options)


def _serve(tell: Callable[[Answer], None], parent: int | None, options: dict[str, Any]) -> None:
    try:
        require_engine()
    except UserError as error:
        tell(Failed.of(error))
        raise
    from WeakMedSAMLib.engine.runs.resident import ResidentOptions, read_lines, serve

    serve(read_lines(sys.stdin.fileno(), parent), tell, ResidentOptions(**options))
