"""What is wrong with an expression: problems with place, finding, expectation and a near miss."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oligami.protocol.text import Text

MOST_PROBLEMS = 20
"""More problems than this in one expression help nobody and would let hostile input buy time."""

_LONGEST_NEAR_MISS = 80


def near_misses(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `word` was probably meant to be, or None.

    Letter case is ignored. Words beyond 80 characters have no near miss: comparing them costs more than it helps.
    """
    if len(word) > _LONGEST_NEAR_MISS:
        return None
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault of an expression."""

    position: int  # character where it stands, counted from 1
    found: str
    expected: str
    near_miss: str | None
    message: Text  # the whole, fit to show


def make_problem(position: int, found: Text | str, expected: Text, near_miss: str | None = None) -> Problem:
    """Word a problem in both languages.

    Args:
        position: offset in the source, counted from 0 as programs do.
        found: what stands there.
        expected: what should stand there.
        near_miss: the word that was probably meant.
    """
    seen = found if isinstance(found, Text) else Text(found, found)
    hint = Text(f"; did you mean {near_miss}?", f"(もしかして: {near_miss})") if near_miss else Text("", "")
    message = Text(
        f"character {position + 1}: found {seen.en}, expected {expected.en}{hint.en}",
        f"{position + 1} 文字目: {seen.ja} ではなく {expected.ja} が必要です{hint.ja}",
    )
    return Problem(position=position + 1, found=seen.en, expected=expected.en, near_miss=near_miss, message=message)


class ExpressionError(ValueError):
    """An expression cannot be used; every problem that could be found at once is listed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(problem.message.en for problem in self.problems))

    def __reduce__(self) -> tuple[type["ExpressionError"], tuple[tuple[Problem, ...]]]:
        """Travel between processes with the problems, not with the sentence alone."""
        return (ExpressionError, (self.problems,))
