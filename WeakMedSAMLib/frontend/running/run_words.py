"""How a run ended, in words for the panel."""

from __future__ import annotations

import math
from collections.abc import Sequence

from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.engine_words import wordsOf
from WeakMedSAMLib.frontend.base.local_time import clockTime
from WeakMedSAMLib.frontend.running.estimates import timeInWords
from WeakMedSAMLib.frontend.running.probe_client import placeInWords
from WeakMedSAMLib.frontend.running.run_trace import Outcome
from WeakMedSAMLib.frontend.scene.run_records import UNDER_WAY, RunRecord

_LONGEST_LIST = 6


def outcomeTitle(outcome: Outcome, classes: int = 1) -> str:
    """Say in a line how a run of so many classes ended; in words and with a sign, never by colour alone."""
    time = clockTime(outcome.ended)
    if outcome.status == "cancelled":
        return _("Cancelled at {time}").format(time=time)
    if outcome.status != "finished":
        return _("✗ The run failed at {time}").format(time=time)
    volumes = len(outcome.volumeIds)
    if not volumes:
        return _("✗ The run has ended, but there are no masks")
    text = _("✓ Finished {time}: {masks} in {volumes}")
    return text.format(time=time, masks=_masksInWords(volumes * classes), volumes=_volumesInWords(volumes))


def outcomeText(outcome: Outcome, place: str = "") -> str:
    """Say what happened, what to do, and what the worker warned of; it ran on `place`."""
    if outcome.status != "finished":
        code = codeInWords(outcome.code) if outcome.code else ""
        return "\n".join(filter(None, (outcome.message, outcome.hint, code)))
    return "\n\n".join(filter(None, (tookInWords(outcome, place), notesInWords(outcome))))


def tookInWords(outcome: Outcome, place: str = "") -> str:
    """Say how long a run took, and what comes next."""
    text = _("It took {time} on {device}. Look at every mask in section 5.")
    return text.format(time=timeInWords(outcome.seconds), device=place or placeInWords(outcome.device))


def notesInWords(outcome: Outcome) -> str:
    """Return what the worker warned of, a line each; empty if of nothing."""
    lines = _notes(outcome)
    shown = [f"• {line}" for line in lines[:_LONGEST_LIST]]
    if len(lines) > _LONGEST_LIST:
        shown.append(_("• and {count} more; see the log").format(count=len(lines) - _LONGEST_LIST))
    return "\n".join([_("Worth knowing:"), *shown]) if shown else ""


def notesInShort(outcome: Outcome) -> str:
    """Say that there are notes, in a line; empty without any."""
    count = len(_notes(outcome))
    if not count:
        return ""
    text = _("⚠ 1 note on this run: see Details") if count == 1 else _("⚠ {count} notes on this run: see Details")
    return text.format(count=count)


def timeLeftInWords(seconds: float | None) -> str:
    """Return the time that is left as shortly as can be; empty if it is not known."""
    if seconds is None:
        return ""
    minutes = math.ceil(seconds / 60)
    if minutes <= 1:
        return _("about 1 min left")
    if minutes < 60:
        return _("{count} min left").format(count=minutes)
    return _("{hours} h {minutes} min left").format(hours=minutes // 60, minutes=minutes % 60)


def lastRunInWords(records: Sequence[RunRecord]) -> str:
    """Return how the last run of a scene ended, and when; empty without one that has ended."""
    ended = [record for record in records if record.status not in UNDER_WAY]
    if not ended:
        return ""
    words = {"finished": _("finished {time}"), "cancelled": _("cancelled {time}"), "failed": _("failed {time}")}
    seconds = ended[-1].settings.get("seconds")
    time = clockTime(ended[-1].created, seconds if isinstance(seconds, (int, float)) else 0.0)
    return words.get(ended[-1].status, "{time}").format(time=time).strip()


def codeInWords(code: str) -> str:
    """Return the code of an error as it stands below its message, for a report."""
    return _("(code: {code})").format(code=code)


def _notes(outcome: Outcome) -> list[str]:
    said = map(wordsOf, outcome.warnings)
    return list(dict.fromkeys(" ".join(parts).strip() for parts in said))


def _masksInWords(count: int) -> str:
    return _("1 mask") if count == 1 else _("{count} masks").format(count=count)


def _volumesInWords(count: int) -> str:
    return _("1 volume") if count == 1 else _("{count} volumes").format(count=count)
