"""How a run ended, in words for the panel."""

from __future__ import annotations

from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.engine_words import wordsOf
from WeakMedSAMLib.frontend.running.estimates import timeInWords
from WeakMedSAMLib.frontend.running.run_trace import Outcome

_LONGEST_LIST = 6


def outcomeTitle(outcome: Outcome) -> str:
    """Say in a line how a run ended; in words and with a sign, never by colour alone."""
    if outcome.status == "finished":
        count = len(outcome.volumeIds)
        if not count:
            return _("✗ The run has ended, but there are no masks")
        text = _("✓ Masks of 1 volume are ready") if count == 1 else _("✓ Masks of {count} volumes are ready")
        return text.format(count=count)
    return _("Cancelled") if outcome.status == "cancelled" else _("✗ The run has failed")


def outcomeText(outcome: Outcome) -> str:
    """Say what happened, what to do, and what the worker warned of."""
    if outcome.status == "finished":
        took = _("It took {time} on {device}. Look at every mask in section 5, Review.")
        head = took.format(time=timeInWords(outcome.seconds), device=outcome.device)
    else:
        code = codeInWords(outcome.code) if outcome.code else ""
        head = "\n".join(filter(None, (outcome.message, outcome.hint, code)))
    return "\n".join([head, *_warnings(outcome)]) if outcome.status == "finished" else head


def codeInWords(code: str) -> str:
    """Return the code of an error as it stands below its message, for a report."""
    return _("(code: {code})").format(code=code)


def _warnings(outcome: Outcome) -> list[str]:
    said = map(wordsOf, outcome.warnings)
    lines = list(dict.fromkeys(" ".join(parts).strip() for parts in said))
    shown = [f"• {line}" for line in lines[:_LONGEST_LIST]]
    if len(lines) > _LONGEST_LIST:
        shown.append(_("• and {count} more; see the log").format(count=len(lines) - _LONGEST_LIST))
    return ["", _("Worth knowing:"), *shown] if shown else []
