"""``weakmedsam cache``: the feature cache."""

from __future__ import annotations

from pathlib import Path

import click

from WeakMedSAMLib.engine.cli.options import cache_option


@click.group(short_help="Size and removal of kept features.")
def cache() -> None:
    """Features of volumes that are kept between runs; they hold patient images.

    \b
    Example:
      weakmedsam cache size
    """


@cache.command()
@cache_option
def size(cache_root: Path | None) -> None:
    """Say how large the cache is and where it lies.

    \b
    Example:
      weakmedsam cache size
    """
    from WeakMedSAMLib.engine.features.cache import FeatureCache

    with FeatureCache(cache_root) as features:
        click.echo(f"{features.size() / 1e9:.2f} GB of at most {features.max_bytes / 1e9:.0f} GB in {features.root}")


@cache.command()
@cache_option
def clear(cache_root: Path | None) -> None:
    """Remove everything that no running process uses.

    \b
    Example:
      weakmedsam cache clear
    """
    from WeakMedSAMLib.engine.features.cache import FeatureCache

    with FeatureCache(cache_root) as features:
        click.echo(f"Freed {features.clear() / 1e9:.2f} GB in {features.root}")
