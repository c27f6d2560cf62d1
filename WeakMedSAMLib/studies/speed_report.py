"""The report on speed as a table for a terminal."""

from __future__ import annotations

from typing import Any

_COLUMNS = (("published way", "reference"), ("the same, eager", "reference_eager"), ("here", "ours"))


def speed_table(report: dict[str, Any]) -> str:
    """A few lines that say what `speed.measure_speed` found."""
    rows = [("", *(title for title, _ in _COLUMNS))]
    rows.append(("seconds a slice", *(f"{_side(report, key)['total']:.3f}" for _, key in _COLUMNS)))
    rows.append(("  as many times as here", f"{report['speed_ratio']:g} x", f"{report['speed_ratio_eager']:g} x", ""))
    rows.append(("  mining alone", f"{report['speed_ratio_mining']:g} x", "", ""))
    rows.append(("MiB of affinity a slice", *(f"{report[key]['affinity_bytes'] / 2**20:.2f}" for _, key in _COLUMNS)))
    rows.append(("  as many times as here", f"{report['memory_ratio']:g} x", f"{report['memory_ratio']:g} x", ""))
    lines = ["".join((row[0].ljust(25), *(cell.rjust(17) for cell in row[1:]))).rstrip() for row in rows]
    return "\n".join([*lines, "", *_notes(report)])


def _side(report: dict[str, Any], key: str) -> dict[str, float]:
    return report[key]["seconds_per_slice"]


def _notes(report: dict[str, Any]) -> list[str]:
    ours = ", ".join(f"{name} {seconds:.3f}" for name, seconds in _side(report, "ours").items() if name != "total")
    encoder, cache, network = report["encoder"], report["cache"], report["network"]
    return [
        f"Encoder: {encoder['ours']:.3f} s a slice, {encoder['speed_up_eager_fp32']:g} x as fast as the published one "
        f"in float32, {encoder['speed_up_eager']:g} x as fast as it is in {report['precision']}.",
        f"Here: {ours} s.",
        f"Cache: {cache['bytes'] / 1e6:.2f} MB a slice, {cache['half_precision_bytes'] / 1e6:.2f} in half precision. "
        f"Reading a slice takes {cache['read'] * 1000:.1f} ms, encoding it {cache['ratio']:g} x as long.",
        f"Segmentation network: {network['step']:.3f} s a training step, {network['ratio']:g} x as fast as by "
        "layers of PyTorch on unpacked features.",
        "Mining alone: without the one pass through the encoder that the class map takes in either way.",
        "Eager: the encoder as published, without what speeds it up here.",
        f"Results are {'equal' if report['equal'] else 'NOT EQUAL'}: masks differ by at most "
        f"{report['masks_max_difference']:.1e}, walks by {report['walk_max_difference']:.1e}.",
        f"{report['slices']} slices of {report['scan']}, {report['prompts']} prompts each, {report['precision']}, "
        f"{report['device']}, {report['processor']}, {report['threads']} threads.",
        "What an update and a box take, and the memory of their worker: weakmedsam benchmark answers.",
    ]
