"""``weakmedsam weights``: the pre-trained weights of the backbones."""

from __future__ import annotations

from pathlib import Path

import click

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.cli.options import PLACE


@click.group(short_help="List, check, import weights.")
def weights() -> None:
    """Pre-trained weights: where they come from, and whether they are the published ones. Nothing is downloaded.

    \b
    Example:
      weakmedsam weights list
    """


@weights.command(name="list")
def list_() -> None:
    """List the weights that are known, and where they were found.

    \b
    Example:
      weakmedsam weights list
    """
    from WeakMedSAMLib.engine.backbones.weights import list_weights

    for state in list_weights():
        info = state.info
        place = f"{state.origin}: {state.path}" if state.usable else f"not usable: {state.problem} {state.hint}"
        click.echo(f"{info.backbone}  {info.file}  {info.size / 1e6:.1f} MB  {info.licence}\n  {place}")
        click.echo(f"  source: {info.source}\n  {info.pretraining}")


@weights.command()
def check() -> None:
    """Read every weights file and compare its SHA-256 with the published one.

    \b
    Example:
      weakmedsam weights check
    """
    from WeakMedSAMLib.engine.backbones.weights import list_weights

    states = list_weights(check=True)
    for state in states:
        click.echo(f"{state.info.backbone}  {'ok' if state.usable else 'NOT USABLE'}  {state.path or ''}")
    for state in states:
        if not state.usable:
            raise UserError("weights_not_usable", state.problem, state.hint)


@weights.command(name="import")
@click.argument("file", type=PLACE)
def import_(file: Path) -> None:
    """Take a weights FILE that was brought here by hand, if it is one of the published ones.

    \b
    Example:
      weakmedsam weights import Downloads/lite_medsam.pth
    """
    from WeakMedSAMLib.engine.backbones.weights import import_weights

    state = import_weights(file)
    click.echo(f"{state.info.backbone}: {state.path}")
