"""The report on complexity as a page of documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.files import read_text, write_text
from WeakMedSAMLib.studies.preset_costs import operation_parts, second_parts
from WeakMedSAMLib.studies.scaling_report import HEADING, section
from WeakMedSAMLib.studies.tables import table

PAGE = "complexity.md"

_TITLE = "# What backbones and presets cost"

_HEAD = f"""{_TITLE}

Written by `weakmedsam benchmark complexity --write-docs docs`. Operations are counted by `torch.utils.flop_counter`
(matrix products and convolutions; a multiplication with its addition is two); the random walk of prompt affinity mining
is not among them: 64 x 64 cells with 68 neighbours and themselves are 0.57 million operations a step. Peak memory is
that of a process that encodes and prompts, weights, PyTorch and this program included. Parameters, operations, memory
and time do not depend on the weights: where "random" is said, they were not on the computer.
"""

_PRESET_NOTES = """For one class. *Pseudo-mask*: from the slice to what the network learns. *Mask*: from the slice to
the mask of a trained model. `fast` encodes once and draws up to three boxes, its network sees a slice and its mirror
image. `paper` encodes for the class map (adapted) and for the masks (untouched) and draws 16
prompts; `reference` encodes anew for every prompt; the network of both works on the image alone. The encoder of `samus`
above is SAM's, whose features are kept and prompted; the adapted one, SAMUS's own, is in the figures of `paper` and
`reference`. Seconds are added up from parts that were timed one slice at a time; *training* is forward, backward and
AdamW of all that a preset trains, and peak memory is that of a process which holds the untouched backbone and does so
with one slice at once. Several at once take less time and more memory each.
"""


def write_page(report: dict[str, Any], folder: Path) -> Path:
    """Write ``complexity.md`` into a folder, where how it grows stays as it was; returns it."""
    _costs, growth = _parts(folder)
    return _write(folder, page(report), growth)


def write_growth(report: dict[str, Any], folder: Path) -> Path:
    """Write how it grows into ``complexity.md`` in a folder, of which the rest stays as it was; returns it."""
    costs, _growth = _parts(folder)
    return _write(folder, costs or f"{_TITLE}\n", section(report))


def _parts(folder: Path) -> tuple[str, str]:
    """The page of before: what it costs, and how it grows. Either may be empty."""
    text = read_text(folder / PAGE) if (folder / PAGE).exists() else ""
    costs, heading, growth = text.partition(HEADING)
    return costs, heading + growth


def _write(folder: Path, costs: str, growth: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / PAGE, "\n\n".join(part.strip() for part in (costs, growth) if part) + "\n")
    return folder / PAGE


def page(report: dict[str, Any]) -> str:
    """The page as Markdown."""
    machine = report["machine"]
    where = f"{machine['processor']}, {machine['cores']} cores, torch {report['versions']['torch']}"
    seconds = f"Seconds are means over {report['slices']} slice(s), one box a prompt, on {where}.\n"
    return "\n".join([_HEAD, "## Backbones\n", _backbones(report), seconds, "## Presets\n", _presets(report)])


def _backbones(report: dict[str, Any]) -> str:
    head = (
        "backbone", "input", "parameters, million", "adapters, million", "encoder, GFLOP a slice", "neck",
        "decoder, GFLOP a prompt", "s a slice", "s a prompt", "peak MB", "device", "weights",
    )  # fmt: skip
    rows = [
        (
            one["backbone"],
            f"{one['input_size']}",
            _million(one["parameters"]["total"]),
            _million(one["parameters"]["adapters"]),
            _giga(one["operations"]["encoder"]),
            _giga(one["operations"]["neck"]),
            _giga(one["operations"]["decoder"]),
            f"{one['seconds']['slice']:.3f}",
            f"{one['seconds']['prompt']:.3f}",
            f"{one['peak_mb']:.0f}",
            f"{one['device']}, {one['precision']}",
            one["weights"],
        )
        for one in report["backbones"]
    ]
    return table(head, rows)


def _presets(report: dict[str, Any]) -> str:
    head = (
        "backbone", "preset", "trained, million", "network, GFLOP", "pseudo-mask, GFLOP", "mask, GFLOP",
        "pseudo-mask, s", "mask, s", "training, s a slice and epoch", "peak MB",
    )  # fmt: skip
    rows = [
        _preset_row(one, preset, work, seconds)
        for one in report["backbones"]
        for (preset, work), seconds in zip(
            operation_parts(one).by_preset().items(), second_parts(one).by_preset().values(), strict=True
        )
    ]
    return f"{_PRESET_NOTES}\n{table(head, rows)}"


def _preset_row(one: dict[str, Any], preset: str, work: dict[str, float], seconds: dict[str, float]) -> tuple[str, ...]:
    trained = "fast" if preset == "fast" else "paper"
    training = one["training"][trained]
    return (
        one["backbone"],
        preset,
        _million(one["presets"][trained]["trained"]),
        _giga(one["presets"][trained]["network"]),
        _giga(work["pseudo-mask"]),
        _giga(work["mask"]),
        f"{seconds['pseudo-mask']:.3g}",
        f"{seconds['mask']:.3g}",
        f"{training['seconds']['step']:.3g}",
        f"{max(training['peak_mb'], one['peak_mb']):.0f}",
    )


def _million(count: int) -> str:
    return f"{count / 1e6:.3g}"


def _giga(count: float) -> str:
    billions = count / 1e9
    return f"{billions:.3g}" if billions < 100 else f"{billions:.0f}"
