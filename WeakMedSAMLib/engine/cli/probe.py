"""``weakmedsam probe``: what this machine offers."""

from __future__ import annotations

import json

import click

from WeakMedSAMLib.contract.worker_arguments import PROBE
from WeakMedSAMLib.engine.cli.options import device_option


@click.command(PROBE, short_help="Say what this machine offers and lacks.")
@click.option("--speed", is_flag=True, help="Also measure the seconds that a slice takes.")
@device_option
def probe(speed: bool, device: str) -> None:
    """Print as JSON what this machine offers: Python, torch, devices, memory, backbones, weights; and what is missing.

    \b
    Example:
      weakmedsam probe --speed
    """
    from WeakMedSAMLib.engine.runs.probe import probe as probe_machine

    click.echo(json.dumps(probe_machine(speed, device).to_json(), indent=2, ensure_ascii=True))
