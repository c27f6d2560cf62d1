"""The report on waiting as a table for a terminal, and as the page ``answers.md``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.files import write_text
from WeakMedSAMLib.contract.stages import EMBED, HANDING, MASKS, UPDATE
from WeakMedSAMLib.studies.tables import table

PAGE = "answers.md"
_PARTS = (
    ("begin", "until it begins: process, libraries, network, run folder"),
    (EMBED, "reading features"),
    (HANDING, "handing drawn masks on"),
    (UPDATE, "training steps"),
    (MASKS, "drawing all masks, and writing them"),
    ("end", "the rest"),
)
_HEAD = """# How long a reader waits

Written by `weakmedsam benchmark answers --write-docs docs`. The worker is the process that 3D Slicer keeps for boxes,
points and updates, asked as Slicer asks it. An update counts from the request until its results lie in the run folder;
*from nothing* includes the start of the process. What the window does itself, writing the run folder and putting masks
into the scene, is not in it: `python Testing/flows/update_clicks.py` measures that ([figures](figures.md)).
Features of the slices are in the cache, as after *Generate*. A tenth of the slices that
show a class is drawn. *Work* is what all cores together spent on it: where other programs ran meanwhile, it says more
than the time that passed.
"""


def answers_table(report: dict[str, Any]) -> str:
    """A few lines that say what `answers.measure_answers` found."""
    updates = report["updates"].values()
    rows = [("", *(_classes(count) for count in report["updates"]))]
    rows += [("update, resident (s)", *(f"{one['resident']['seconds']:.1f}" for one in updates))]
    for name, title in _PARTS:
        rows.append((f"  {title}", *(_part(one["resident"], name) for one in updates)))
    rows += [("update, from nothing (s)", *(f"{one['cold']['seconds']:.1f}" for one in updates))]
    rows += [("work of all cores, resident (s)", *(_whole(one["resident"]["work"]) for one in updates))]
    rows += [("cancelled after (s)", *(f"{one['cancel']:.1f}" for one in updates))]
    rows += [("longest silence (s)", *(_part(one["resident"]) for one in updates))]
    for key, title in (("peak", "memory at its peak (MB)"), ("idle", "  idle after updates")):
        rows.append((title, *(_whole(one["memory"][key]) for one in updates)))
    lines = ["".join((row[0].ljust(62), *(cell.rjust(12) for cell in row[1:]))).rstrip() for row in rows]
    return "\n".join([*lines, "", *_notes(report)])


def write_page(report: dict[str, Any], folder: Path) -> Path:
    """Write ``answers.md`` into a folder; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / PAGE, page(report))
    return folder / PAGE


def page(report: dict[str, Any]) -> str:
    """The page as Markdown."""
    updates = report["updates"].values()
    rows: list[tuple[str, ...]]
    rows = [("an update, resident", *(f"**{one['resident']['seconds']:.1f} s**" for one in updates))]
    rows += [(title, *(f"{_part(one['resident'], name)} s" for one in updates)) for name, title in _PARTS]
    rows += [("an update, from nothing", *(f"**{one['cold']['seconds']:.1f} s**" for one in updates))]
    rows += [(title, *(f"{_part(one['cold'], name)} s" for one in updates)) for name, title in _PARTS]
    for kind, title in (("resident", "work, resident"), ("cold", "work, from nothing")):
        rows.append((title, *(_work(one[kind]["work"], report["threads"]) for one in updates)))
    rows += [("until a cancelled one has ended", *(f"{one['cancel']:.1f} s" for one in updates))]
    rows += [("longest time without progress", *(f"{_part(one['resident'])} s" for one in updates))]
    for key, title in (("peak", "memory at its peak"), ("idle", "idle after updates")):
        rows.append((title, *(f"{_whole(one['memory'][key])} MB" for one in updates)))
    head = ("", *(_classes(count) for count in report["updates"]))
    return "\n".join([_HEAD, table(head, rows), *(f"- {note}" for note in _notes(report)), ""])


def _notes(report: dict[str, Any]) -> list[str]:
    boxes, machine = report["boxes"], report["machine"]
    drawn = ", ".join(f"{one['drawn']} of {one['shown']}" for one in report["updates"].values())
    gone = [one["gone"]["seconds"] for one in (*report["updates"].values(), boxes)]
    return [
        f"A box: {boxes['cached']:.2f} s where features are there (slowest {boxes['cached_slowest']:.2f}), "
        f"{boxes['encoded']:.2f} s where the slice is encoded first (slowest {boxes['encoded_slowest']:.2f}), "
        f"{boxes['from_nothing']:.1f} s from the start of the process on, which is ready "
        f"after {boxes['ready']:.1f} s. Memory: {_whole(boxes['memory']['ready'])} MB once it is ready, "
        f"{_whole(boxes['memory']['idle'])} MB after boxes alone.",
        f"Memory is the worker's share of what is mapped (PSS). It ends without requests: {max(gone):.1f} s after the "
        f"last answer at the latest, where {report['idle_s']:g} s are set; then nothing of it is left.",
        f"Drawn slices: {drawn} that show a class.",
        f"{report['slices']} slices of {report['edge']} x {report['edge']}, resampled from {report['scan']}, the "
        f"chest CT of the demonstration; {report['backbone']}, {report['device']}, {machine['processor']}, "
        f"{machine['cores']} cores, {_load(report)}{report['threads']} threads, torch {report['versions']['torch']}.",
    ]


def _load(report: dict[str, Any]) -> str:
    """How busy the machine was before, where the system says it."""
    return "" if report["load"] is None else f"a load of {report['load']:.1f} by other programs, "


def _classes(count: str) -> str:
    return "1 class" if count == "1" else f"{count} classes"


def _part(update: dict[str, Any], name: str = "") -> str:
    if not name:
        return f"{update['longest_silence']:.1f}"
    return f"{update['stages'].get(name, 0.0):.1f}"


def _work(seconds: float | None, threads: int) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s, {seconds / threads:.1f} s of {threads} free cores"


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
