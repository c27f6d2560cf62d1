"""``weakmedsam weights``: the pre-trained weights of the backbones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.cli.options import PLACE

if TYPE_CHECKING:
    from WeakMedSAMLib.engine.backbones.weights import WeightsState


@click.group(short_help="List, check, import, download, remove weights.")
def weights() -> None:
    """Pre-trained weights: where they come from, and whether they are the published ones.

    Only `weakmedsam weights download` uses the network.

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
        click.echo(f"{info.backbone}  {info.file}  {info.size_in_words}  {info.licence}\n  {place}")
        click.echo(f"  source: {info.source}\n  {info.pretraining}")


@weights.command()
@click.argument("backbone", nargs=-1)
def check(backbone: tuple[str, ...]) -> None:
    """Read weights files and compare their SHA-256 with the published one.

    Without a BACKBONE all files that are here are checked; a backbone that is named must be here.

    \b
    Example:
      weakmedsam weights check litemedsam
    """
    from WeakMedSAMLib.engine.backbones.weights import list_weights, weights_for

    for name in backbone:
        weights_for(name)
    states = [state for state in list_weights(check=True) if not backbone or state.info.backbone in backbone]
    for state in states:
        word = "ok" if state.usable else "NOT USABLE" if state.path else "not here"
        click.echo(f"{state.info.backbone}  {word}  {state.path or ''}")
    for state in states:
        if state.problem and (state.path or backbone):
            raise UserError("weights_not_usable", state.problem, state.hint)


@weights.command(name="import")
@click.argument("file", type=PLACE)
def import_(file: Path) -> None:
    """Take a weights FILE, or those of a folder, that were brought here by hand, if they are published ones.

    \b
    Example:
      weakmedsam weights import Downloads/sam_vit_b_01ec64.pth
    """
    from WeakMedSAMLib.engine.backbones.weights_files import import_folder, import_weights

    for state in import_folder(file) if file.is_dir() else [import_weights(file)]:
        _tell(state)


@weights.command()
@click.argument("backbone")
def download(backbone: str) -> None:
    """Download the published weights of a BACKBONE. A download that was cut off goes on when repeated.

    \b
    Example:
      weakmedsam weights download sam_vit_b
    """
    from WeakMedSAMLib.engine.backbones.weights_download import download_weights

    shown = -1

    def report(done: int, total: int | None) -> None:
        nonlocal shown
        step = done // 10**8 if not total else 20 * done // total
        if step > shown:
            shown = step
            click.echo(f"{done / 1e6:.0f} MB" + (f" of {total / 1e6:.0f} MB" if total else ""), err=True)

    _tell(download_weights(backbone, report=report))


@weights.command()
@click.argument("backbone")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(backbone: str, yes: bool) -> None:
    """Delete the imported or downloaded weights of a BACKBONE; says first how large they are.

    \b
    Example:
      weakmedsam weights remove sam_vit_b
    """
    from WeakMedSAMLib.engine.backbones.weights_files import imported_file, remove_weights

    path, size, users = imported_file(backbone)
    click.echo(f"{path}  {size / 1e6:.1f} MB  used by {', '.join(users)}")
    if yes or click.confirm("Delete this file?"):
        click.echo(f"Freed {remove_weights(backbone) / 1e6:.1f} MB")


def _tell(state: WeightsState) -> None:
    """Where the weights are, and their hash where nobody published one."""
    from WeakMedSAMLib.engine.backbones.weights import manifest

    users = [info for info in manifest() if info.file == state.info.file]
    click.echo(f"{', '.join(info.backbone for info in users)}: {state.path}")
    if any(info.sha256 is None for info in users):
        click.echo(
            f"  No hash is published. SHA-256 {state.info.sha256} is noted, and every change from now on is seen."
        )
