"""What differs between two versions of the public record, field by field, in both languages."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

from oligami.protocol.text import Language, Text
from oligami.registry.fields import Field, every_field
from oligami.registry.record import PublicRecord

#: Where a long text may be cut into sentences: after a full stop of either script, or at a line's end.
_SENTENCE: Final = re.compile(r"[^。.\n]*(?:[。.\n]+\s*|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field that says something else. `old` or `new` is None where the field is not there."""

    path: str
    section: Text
    group: Text | None
    label: Text
    old: Text | None
    new: Text | None


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of a text in comparison: kept, removed or added."""

    kind: Literal["same", "old", "new"]
    text: str


def differences(a: PublicRecord, b: PublicRecord) -> tuple[Difference, ...]:
    """Return the fields in which record `b` differs from record `a`, in the order of the page.

    Things in a list (people, sites, arms) are told apart by their place while the list keeps its length, so that a new
    spelling of a name is one change; else by their names, so that one more at the front does not move all the others.
    """
    by_name = _resized(a, b)
    before, after = _keyed(a, by_name), _keyed(b, by_name)
    found = []
    for key in _merge(list(before), list(after)):
        old, new = before.get(key), after.get(key)
        if old is not None and new is not None and old[2].value == new[2].value and old[2].code == new[2].code:
            continue
        section, group, field = new if new is not None else before[key]
        found.append(
            Difference(
                path=field.path,
                section=section,
                group=group,
                label=field.label,
                old=None if old is None else old[2].value,
                new=None if new is None else new[2].value,
            )
        )
    return tuple(found)


def segments(difference: Difference, language: Language) -> tuple[Segment, ...]:
    """Return old and new wording in one run, cut into sentences, so that only those that changed are marked."""
    old = "" if difference.old is None else difference.old[language]
    new = "" if difference.new is None else difference.new[language]
    one, other = _sentences(old), _sentences(new)
    found: list[Segment] = []
    for kind, i, j, k, m in SequenceMatcher(a=one, b=other, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Segment("same", "".join(one[i:j])))
            continue
        if j > i:
            found.append(Segment("old", "".join(one[i:j])))
        if m > k:
            found.append(Segment("new", "".join(other[k:m])))
    return tuple(found)


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in _SENTENCE.findall(text) if sentence]


def _merge(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Return all keys in the new order, those that went at the place where they stood."""
    merged: list[str] = []
    for kind, i, j, k, m in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        merged += after[k:m] if kind != "delete" else []
        merged += [key for key in before[i:j] if kind != "equal" and key not in merged]
    return list(dict.fromkeys(merged))


def _resized(a: PublicRecord, b: PublicRecord) -> frozenset[str]:
    """Return the lists that do not have as many things in the one record as in the other."""
    one, other = _lengths(a), _lengths(b)
    return frozenset(part for part in one.keys() | other.keys() if one.get(part) != other.get(part))


def _lengths(record: PublicRecord) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for _, group, _ in every_field(record):
        if group.part:
            lengths[group.part] = max(lengths.get(group.part, 0), group.place + 1)
    return lengths


def _keyed(record: PublicRecord, by_name: frozenset[str]) -> dict[str, tuple[Text, Text | None, Field]]:
    """Return the fields by what tells them apart."""
    keyed: dict[str, tuple[Text, Text | None, Field]] = {}
    for section, group, field in every_field(record):
        key = field.path
        if group.part in by_name:
            name = group.title.en if group.title is not None else group.fields[0].value.en
            rest = field.path.removeprefix(f"{group.part}.{group.place}")
            key = f"{group.part}[{name}]{rest}"
        while key in keyed:  # two of one name in a list: the second is told apart by its turn
            key += "'"
        keyed[key] = (section.title, group.title, field)
    return keyed


def told(found: Sequence[Difference], language: Language) -> Iterator[str]:
    """Yield the differences as lines of plain text: where, what was, what is."""
    none = Text("(nothing)", "（なし）")[language]
    for each in found:
        places = dict.fromkeys(text[language] for text in (each.section, each.group, each.label) if text is not None)
        place = " / ".join(places)
        old = none if each.old is None else each.old[language]
        new = none if each.new is None else each.new[language]
        yield f"{place}: {old} → {new}"
