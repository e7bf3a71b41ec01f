"""What is wrong with a protocol folder: problems with file, key, finding, expectation and a near miss."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from oligami.protocol.text import LANGUAGES, Language, Text

_LONGEST_SHOWN = 80
_NEAREST = 0.6
_BEGINNING = 3  # letters from which on a beginning stands for the whole word
_SLIPS_OF_A_BEGINNING = 2  # a beginning is no worse than this, however much is missing
_RANKED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault of a protocol folder. `text` says the whole in one sentence, without the file's name."""

    file: str  # relative to the protocol folder, with "/"; the folder's own name for faults of the folder
    key: str  # where in the file: `stage[first].criterion[1R-I5].met`; empty: the file as a whole
    found: Text
    expected: Text
    near_miss: str | None
    text: Text


class ProtocolErrors(ValueError):
    """A protocol cannot be used; `problems` lists everything that is wrong with it, in the order of the files."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(f"{problem.file}: {problem.text.en}" for problem in self.problems))

    def __reduce__(self) -> tuple[type["ProtocolErrors"], tuple[tuple[Problem, ...]]]:
        """Travel between processes with the problems, not with the sentence alone."""
        return (ProtocolErrors, (self.problems,))


def make_problem(
    file: str,
    key: str,
    *,
    found: Text | str,
    expected: Text | str,
    near_miss: str | None = None,
) -> Problem:
    """Word a problem in both languages.

    Args:
        file: the file, relative to the folder.
        key: where in the file.
        found: what stands there; a plain string reads the same in both languages.
        expected: what should stand there.
        near_miss: the word that was probably meant.
    """
    seen = both(found)
    wanted = both(expected)
    hint = Text(f"; did you mean {near_miss}?", f"(もしかして: {near_miss})") if near_miss else Text("", "")
    place = f"{key}: " if key else ""
    return Problem(
        file=file,
        key=key,
        found=seen,
        expected=wanted,
        near_miss=near_miss,
        text=Text(
            f"{place}found {seen.en}, expected {wanted.en}{hint.en}",
            f"{place}{seen.ja} となっていますが、{wanted.ja} が必要です{hint.ja}",
        ),
    )


def both(words: Text | str) -> Text:
    """Return a text; a plain string reads the same in both languages."""
    return words if isinstance(words, Text) else Text(words, words)


def find_near_miss(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `word` was probably meant to be, or None; letter case does not count.

    A candidate must resemble the word or begin with it (`elig` for `eligibility`). Of several the one with the fewest slips
    (letters missing, added, exchanged or swapped) wins, then the longest common beginning, then the nearest number: for `m13`
    it is `m12` and not `m36`.
    """
    if len(word) > _LONGEST_SHOWN:
        return None  # comparing long words costs more than it helps
    said = word.casefold()
    folded = {candidate.casefold(): candidate for candidate in candidates}
    begun = [each for each in folded if len(said) >= _BEGINNING and each.startswith(said)]
    close = difflib.get_close_matches(said, folded, n=_RANKED, cutoff=_NEAREST)
    ranked = sorted(dict.fromkeys([*close, *begun]), key=lambda each: _distance(said, each, begun=each in begun))
    return folded[ranked[0]] if ranked else None


def _distance(word: str, candidate: str, *, begun: bool) -> tuple[int, int, int]:
    """Return how far a candidate lies from a word: slips, minus the letters of the common beginning, distance of numbers."""
    slips = _count_slips(word, candidate)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, candidate, strict=False)))
    numbers = [re.sub(r"[^0-9]", "", each) for each in (word, candidate)]
    apart = abs(int(numbers[0]) - int(numbers[1])) if all(numbers) else 0
    return (min(slips, _SLIPS_OF_A_BEGINNING) if begun else slips, -same, apart)


def _count_slips(one: str, other: str) -> int:
    """Return the edit distance: insertions, deletions, substitutions, and swaps of neighbours, each counted once.

    Source: optimal string alignment, after Damerau (1964), Communications of the ACM 7, 171-176.
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        row = [i]
        for j, its in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def show_value(value: object) -> Text:
    """Show a value of a TOML file shortly and safely: texts in quotes, tables and lists by their size."""
    match value:
        case None:
            return Text("nothing", "値なし")
        case bool():
            return both("true" if value else "false")
        case int() | float():
            # Beyond 64 bits a number is shown by its size: Python refuses to print the very longest ones.
            if isinstance(value, int) and value.bit_length() > 64:
                return Text(f"a whole number of {value.bit_length()} bits", f"{value.bit_length()} ビットの整数")
            return both(repr(value))
        case str():
            return both(f'"{shorten(value)}"')
        case dict():
            return Text(f"a table with {len(value)} keys", f"{len(value)} 個のキーをもつ表")
        case list() | tuple():
            return Text(f"a list of {len(value)}", f"{len(value)} 個のリスト")
        case _:
            return both(shorten(str(value)))


def shorten(words: str) -> str:
    """Return words fit for one line of a message: printable, and cut when long."""
    seen = "".join(character if character.isprintable() else " " for character in words)
    return seen if len(seen) <= _LONGEST_SHOWN else seen[: _LONGEST_SHOWN - 1] + "…"


def list_words(words: Iterable[str], *, most: int = 12) -> Text:
    """List what there is to choose from; after `most` words only how many more there are."""
    every = list(words)
    shown = ", ".join(every[:most])
    more = len(every) - most
    if more <= 0:
        return both(shown)
    return Text(f"{shown} or {more} more", f"{shown} ほか {more} 個")


def group_by_file(problems: Sequence[Problem], language: Language) -> list[tuple[str, list[str]]]:
    """Return the sentences of the problems, file by file in the order of first mention.

    Raises:
        ValueError: the language is not one of ours.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r}: expected one of {', '.join(LANGUAGES)}")
    files: dict[str, list[str]] = {}
    for problem in problems:
        files.setdefault(problem.file, []).append(problem.text[language])
    return list(files.items())
