"""What a reader's gestures cost in seconds: every price once, with its source or the word that it is an assumption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from WeakMedSAMLib.studies.tables import table

# Keystroke-level model: to think what to do, to point, to press a key or a button, to move a hand to the keyboard.
_MIND, _POINT, _KEY, _HOME = 1.35, 1.1, 0.28, 0.4
_KLM = "Keystroke-level model (Card, Moran and Newell, CACM 1980)"
_KLM_PIECE_CM = 0.56
# Drawing with a mouse by the same model: 0.9 s for each straight piece and 0.16 s for each cm.
_DRAWN_CM = 0.9 / _KLM_PIECE_CM + 0.16
SCREEN_CM = 20.0  # that the longer side of a slice fills: an assumption


@dataclass(frozen=True)
class Price:
    """What one gesture costs.

    Attributes
    ----------
    seconds : float
        For one unit.
    unit : str
        Of what.
    source : str
        Where the figure is from.
    by_hand : bool
        Whether it is halved and doubled along with the others; what the machine takes is measured.
    """

    seconds: float
    unit: str
    source: str
    by_hand: bool = True


PRICES: Mapping[str, Price] = {
    "open": Price(5.0, "volume opened, until the reader knows where he is", "assumption"),
    "scroll": Price(
        0.5,
        "slice passed, on the way to another one or looking for a class",
        "the faster of the one to two images a second up to which radiologists miss little (Gur et al., "
        "Radiology 1994)",
    ),
    "review": Price(1.0, "slice looked at before a mask is *Reviewed*", "the slower of the same two rates"),
    "class": Price(_MIND + _KEY, "change of class, by its key", f"{_KLM}: M + K"),
    "range-end": Price(_MIND + _KEY, "start or end of a range, by its key", f"{_KLM}: M + K"),
    "scan-tag": Price(
        1.0,
        "class said of a whole scan that was looked through",
        "one second a class and image (Bearman et al., ECCV 2016)",
    ),
    "side": Price(
        _MIND + _HOME + 2 * (_POINT + _KEY), "side of a class, once for all volumes", f"{_KLM}: M + H + 2 (P + K)"
    ),
    "point": Price(2.4, "point", "first point of an image (Bearman et al., ECCV 2016)"),
    "box": Price(
        (_MIND + _KEY) + 3 * (_MIND + _POINT + _KEY),
        "box by two corners, one of which is put right once",
        f"{_KLM}: M + K, and three times M + P + K. Not the 25.5 s (median) to 34.5 s that boxes of ImageNet took (Su "
        "et al., AAAI workshop 2012): crowd workers, trained and checked for tight boxes of photographs",
    ),
    "scribble": Price(10.9, "scribble", "squiggle on a class (Bearman et al., ECCV 2016)"),
    "outline": Price(
        _DRAWN_CM,
        f"cm of contour on a screen on which the longer side of a slice fills {SCREEN_CM:g} cm",
        f"{_KLM}: 0.9 s a straight piece, here of {_KLM_PIECE_CM} cm, and 0.16 s a cm; that a slice fills so much is "
        "an assumption. A contour of 30 to 45 cm takes 53 to 80 s, as outlines of objects in photographs do (54 s: "
        "Jain and Grauman, ICCV 2013; 79 s: Lin et al., ECCV 2014)",
    ),
    "erase": Price(_MIND + _POINT + _KEY, "piece of a mask taken away by a click", f"{_KLM}: M + P + K"),
    "fine": Price(_MIND + _KEY, "slice found to be right, by a key", f"{_KLM}: M + K"),
    "answer": Price(_MIND + _KEY, "doubted tag found right or wrong, by its key", f"{_KLM}: M + K"),
    "handed-on": Price(
        _DRAWN_CM, "cm of contour that an update made wrong on a slice that was not corrected", "as an outline"
    ),
    "button": Price(
        _MIND + _POINT + _KEY, "*Generate*, *Update*, *Go* or an effect, by a button", f"{_KLM}: M + P + K"
    ),
    "wait": Price(
        21.1,
        "update of a volume that the reader waits for",
        "measured, four classes ([answers](answers.md)); for *Generate*, which takes minutes, nobody waits",
        by_hand=False,
    ),
}
EXTREME_CLICKING = 7.0  # seconds a box: Papadopoulos et al., ICCV 2017
# Name -> by what prices of the hand are multiplied, and prices in place of those of the table.
PRICE_SETS: Mapping[str, tuple[float, Mapping[str, float]]] = {
    "as in the table": (1.0, {}),
    "half": (0.5, {}),
    "double": (2.0, {}),
    "boxes by extreme clicking": (1.0, {"box": EXTREME_CLICKING}),
}
AS_PRICED = "as in the table"


def seconds_of(amounts: Mapping[str, float], prices: str = AS_PRICED) -> float:
    """What gestures cost together, in seconds.

    Parameters
    ----------
    amounts : mapping
        Gesture -> how many units of it.
    prices : str
        One of `PRICE_SETS`.
    """
    factor, others = PRICE_SETS[prices]
    return sum(
        amount * others.get(name, PRICES[name].seconds) * (factor if PRICES[name].by_hand else 1.0)
        for name, amount in amounts.items()
    )


def prices_table() -> str:
    """All prices, for the documentation."""
    rows = [(f"`{name}`", f"{one.seconds:.2f}", one.unit, one.source) for name, one in PRICES.items()]
    return table(("gesture", "s", "for each", "source"), rows)
