"""Reports of a grid of runs, a file each: what is finished is never measured again, what failed says why."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import private_folder, read_json, write_json
from WeakMedSAMLib.engine.base.versions import versions
from WeakMedSAMLib.engine.runs.session import RunFailed
from WeakMedSAMLib.studies.accuracy_report import machine

OK, FAILED = "ok", "failed"


@dataclass(frozen=True)
class Entry:
    """One report of a grid.

    Attributes
    ----------
    name : str
        What is told of it: ``"tags, seed 0"``.
    title : str
        What is told beside where it begins.
    file : Path
        Where it is kept.
    about : mapping
        What is in it before anything is measured; under ``settings`` what makes a report of before another one.
    usual : mapping
        Setting -> value that it had before reports named it.
    """

    name: str
    title: str
    file: Path
    about: Mapping[str, Any]
    usual: Mapping[str, Any] = field(default_factory=dict)


def differences(kept: Mapping[str, Any], asked: Mapping[str, Any], usual: Mapping[str, Any] | None = None) -> list[str]:
    """What settings of before have other values than those asked for, in words: ``"stride is 2, not 1"``.

    What those of before do not name is as it is usually.
    """
    before = {**{name: value for name, value in (usual or {}).items() if name in asked}, **kept}
    names = [name for name in {**asked, **before} if before.get(name) != asked.get(name)]
    return [f"{name} is {_said(before.get(name))}, not {_said(asked.get(name))}" for name in names]


def _said(value: Any) -> str:
    return "none" if value in (None, "") else str(value)


def require_settings(file: Path, settings: Mapping[str, Any], usual: Mapping[str, Any] | None = None) -> None:
    """Refuse to measure in place of a report that is finished and of other settings.

    Raises
    ------
    UserError
        ``other_settings``.
    """
    kept = read_json(file) if file.exists() else {}
    if kept.get("status") == OK and (found := differences(kept.get("settings", {}), settings, usual)):
        raise UserError(
            "other_settings",
            f"{file} is a finished report of other settings: {'; '.join(found)}.",
            "Choose another folder with --out, repeat the settings of the report, or move the file away.",
        )


def require_options(file: Path, options: Mapping[str, Any], usual: Mapping[str, Any] | None = None) -> None:
    """Refuse a folder of reports that was begun with other options; `UserError` ``other_grid``."""
    if found := differences(read_json(file) if file.exists() else options, options, usual):
        raise UserError(
            "other_grid",
            f"{file.parent} holds reports of other options: {'; '.join(found)}.",
            "Choose another folder with --out, or repeat the options that it was begun with.",
        )


def claim(file: Path, options: Mapping[str, Any], usual: Mapping[str, Any] | None = None) -> None:
    """Keep the options of a grid beside its reports; `UserError` ``other_grid`` if these were begun with others."""
    private_folder(file.parent)
    require_options(file, options, usual)
    write_json(file, options)


def kept_reports(out: Path) -> list[dict[str, Any]]:
    """All reports in a folder that holds one a set, failed ones included."""
    return [read_json(path) for path in sorted(Path(out).glob("*/*-seed*.json"))]


def failure(report: Mapping[str, Any]) -> str:
    """How a measurement failed, for a terminal; empty if it did not."""
    return f"failed after {report['seconds']:.0f} s: {report['reason']}" if report["status"] == FAILED else ""


def finished(file: Path, settings: Mapping[str, Any], usual: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """The report of before, if it is finished and of these settings."""
    kept = read_json(file) if file.exists() else {}
    if kept.get("status") != OK or differences(kept.get("settings", {}), settings, usual):
        return None
    return kept


def resumed(
    entry: Entry,
    measure: Callable[[], Mapping[str, Any]],
    told: Callable[[str], None],
    outcome: Callable[[dict[str, Any]], str],
    first: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """The report of an entry: from before if it is finished, else of a measurement now; a line is told of each.

    Parameters
    ----------
    entry : Entry
    measure : callable
        Gives what is measured; `UserError` and `RunFailed` are kept in the report.
    told : callable
        Gets the lines.
    outcome : callable
        Gives the line about a report that was measured now.
    first : callable
        What is done before anything is measured, and not kept in the report if it fails.
    """
    if (kept := finished(entry.file, entry.about["settings"], entry.usual)) is not None:
        told(f"{entry.name}: finished before")
        return kept
    first()
    told(": ".join(filter(None, (entry.name, entry.title))))
    report = measured(entry.file, entry.about, measure)
    told(outcome(report))
    return report


def measured(file: Path, about: Mapping[str, Any], measure: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """The report of a measurement now, with what it is about, written to the file."""
    started = time.monotonic()
    try:
        found = {"status": OK, **measure()}
    except UserError as error:
        found = {"status": FAILED, "code": error.code, "reason": error.message, "hint": error.hint}
    except RunFailed as error:
        found = {"status": FAILED, "code": "internal", "reason": f"{error} ({error.__cause__!r})"}
    seconds = round(time.monotonic() - started, 1)
    report = {**about, **found, "machine": machine(), "versions": versions(), "seconds": seconds}
    write_json(file, report)
    return report
