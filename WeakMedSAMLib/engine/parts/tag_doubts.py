"""Tags of slices that models contradict which did not see the patient: which ones, and what seems to be wrong.

After confident learning (Northcutt, Jiang and Chuang, Journal of Artificial Intelligence Research 2021): a tag is
doubted where models are sure enough of the other answer. One that none of the slices beside it has is less likely.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import mannwhitneyu

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.spans import spans_of
from WeakMedSAMLib.contract.quality import ALONE, GOES_ON, MISSED, RANGE, RANGE_END, SWAPPED

_BESIDE = np.array([0.25, 0.25, 0.0, 0.25, 0.25])  # slices on both sides
_ALONE = 1.0  # deviations of the logits that it is worth if all of them have another tag
_LEAST = 1.0  # deviations that the other answer must be more likely
_LEAST_AUROC = 0.75  # of models, below which they do not know the class
_MOSTLY = 0.6  # of a range: from there on all of it is doubted


def doubts(tags: list[np.ndarray], logits: list[np.ndarray]) -> list[np.ndarray]:
    """How much tags are doubted.

    Parameters
    ----------
    tags : list of numpy.ndarray
        By volume, int8 S x C.
    logits : list of numpy.ndarray
        By volume, S x C, by models that did not see its patient, 0 where either answer is as likely; NaN where there
        is no such model.

    Returns
    -------
    list of numpy.ndarray
        By volume, S x C, float32: how much more likely the other answer is, in deviations of the logits of the class;
        NaN where nothing was said.
    """
    found = [np.full(own.shape, np.nan, np.float32) for own in tags]
    for column in range(tags[0].shape[1]):
        every = np.concatenate([own[:, column] for own in logits])
        spread = float(np.nanstd(every)) if np.isfinite(every).any() else 0.0
        if spread > 0:
            for result, said, own in zip(found, tags, logits, strict=True):
                result[:, column] = _against(said[:, column], own[:, column] / spread)
    return found


def doubted(
    tags: list[np.ndarray], logits: list[np.ndarray], confirmed: Sequence[np.ndarray] | None = None
) -> list[list[dict[int, str]]]:
    """Which tags are doubted, and why.

    Parameters
    ----------
    tags, logits
        As of `doubts`.
    confirmed : sequence of numpy.ndarray, optional
        By volume, int8 S x C: tags that a reader confirmed; `UNTAGGED` elsewhere.

    Returns
    -------
    list of list of dict
        By volume and class: slice -> why its tag is doubted, a code of `contract.quality`.
    """
    against = doubts(tags, logits)
    known = np.array([_know(*pair) for pair in zip(np.concatenate(tags).T, np.concatenate(logits).T, strict=True)])
    against = [np.where(known, own, np.nan) for own in against]
    if confirmed is not None:
        pairs = zip(against, tags, confirmed, strict=True)
        against = [np.where(own == right, np.nan, each) for each, own, right in pairs]
    result = []
    for said, own, all_seen in zip(tags, against, logits, strict=True):
        seen = np.where(
            known & np.isfinite(all_seen), all_seen, -np.inf
        )  # no class that they do not know is one that is meant
        marked = np.stack([_marked(said[:, c], own[:, c]) for c in range(said.shape[1])], 1)
        result.append([_reasons(said, marked, seen, column) for column in range(said.shape[1])])
    return result


def _against(said: np.ndarray, logits: np.ndarray) -> np.ndarray:
    sign = np.where(said == PRESENT, 1.0, -1.0)
    sign[said == UNTAGGED] = np.nan
    beside = np.convolve(np.pad(np.nan_to_num(sign), len(_BESIDE) // 2, mode="edge"), _BESIDE, mode="valid")
    # That they have the same tag says nothing: a whole range may be wrong.
    return -sign * logits + _ALONE * np.maximum(-sign * beside, 0)


def _know(said: np.ndarray, logits: np.ndarray) -> bool:
    """Whether models tell by and large what is said of patients whom they did not see: else they doubt nothing.

    The area under the curve that tells slices tagged present from those tagged absent is `_LEAST_AUROC` or more.
    """
    present, absent = (logits[(said == tag) & np.isfinite(logits)] for tag in (PRESENT, ABSENT))
    if not len(present) or not len(absent):
        return False
    return bool(mannwhitneyu(present, absent).statistic >= _LEAST_AUROC * len(present) * len(absent))


def _marked(said: np.ndarray, against: np.ndarray) -> np.ndarray:
    """Slices that are doubted: those beyond the limit, and beside them those of the same tag that are less likely."""
    values = np.nan_to_num(against, nan=-np.inf)
    found = np.zeros(said.shape, bool)
    for tag in (PRESENT, ABSENT):
        for first, last in _runs((said == tag) & (values > 0)):
            found[first : last + 1] = values[first : last + 1].max() > _LEAST
    return found


def _reasons(tags: np.ndarray, marked: np.ndarray, logits: np.ndarray, column: int) -> dict[int, str]:
    said, found = tags[:, column], {}
    for first, last in _runs(said == PRESENT):
        own = [index for index in range(first, last + 1) if marked[index, column]]
        whole = len(own) >= _MOSTLY * (last - first + 1)
        swapped = whole and _is_other(tags, logits, column, first, last)
        for index in own:
            at_end = index in (first, last) or all(marked[one, column] for one in _to_end(index, first, last))
            code = (
                SWAPPED if swapped else ALONE if first == last else RANGE if whole else RANGE_END if at_end else ALONE
            )
            found[index] = code
    for first, last in _runs((said == ABSENT) & marked[:, column]):
        beside = [one for one in (first - 1, last + 1) if 0 <= one < len(said)]
        is_end = any(said[one] == PRESENT for one in beside)
        found |= dict.fromkeys(range(first, last + 1), GOES_ON if is_end else MISSED)
    return found


def _is_other(tags: np.ndarray, logits: np.ndarray, column: int, first: int, last: int) -> bool:
    """Whether another class that is tagged absent on these slices is seen there."""
    part = slice(first, last + 1)
    others = [c for c in range(tags.shape[1]) if c != column and (tags[part, c] == ABSENT).mean() >= _MOSTLY]
    return any(np.nanmean(logits[part, other]) > 0 for other in others)


def _to_end(index: int, first: int, last: int) -> range:
    """The slices between one and the nearer end of its range."""
    return range(first, index) if index - first <= last - index else range(index + 1, last + 1)


def _runs(row: np.ndarray) -> list[tuple[int, int]]:
    """First and last of each stretch that is true."""
    return [(span.first, span.last) for span in spans_of(row.astype(np.int8), 1)]
