"""Places in the public record: how a revision names what it changes, what may be changed, and the record that follows.

A path is made of the keys of trial.toml with dots between them; places in a list count from 0: `central_contact.0.name`,
`brief_summary.ja`, `related_link`. The new value is plain JSON of the kind that stands there, be it a single text, a whole table
or a whole list. The place after the last of a list takes a new one; null takes one out of a list or empties what may be empty.

Whether a change fits is the protocol model's own word: the changed record is read by it like a folder's.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

from pydantic import TypeAdapter, ValidationError

from oligami.protocol.model.record import TrialFile
from oligami.protocol.problems import find_near_miss, list_words, shorten
from oligami.protocol.text import Reason, Text

_Step: TypeAlias = str | int

#: What of trial.toml is no part of the public record: rules of the trial, and what the software alone asks for.
NOT_PUBLIC: Final = frozenset(("arm", "origin", "open_point", "consent_document", "time_zone"))
_NOT_PUBLIC_BELOW: Final = frozenset(("identification.id",))
#: Statuses that the journal cannot know of itself; all others follow from it (`registry.status`).
SAID_STATUSES: Final = ("COMPLETED", "TERMINATED", "WITHDRAWN")
#: Recruitment of a site in the registry's words.
LOCATION_STATUSES: Final = (
    "RECRUITING",
    "NOT_YET_RECRUITING",
    "ACTIVE_NOT_RECRUITING",
    "COMPLETED",
    "ENROLLING_BY_INVITATION",
    "SUSPENDED",
    "TERMINATED",
    "WITHDRAWN",
    "AVAILABLE",
)


@dataclass(frozen=True, slots=True)
class _Unfit(Exception):
    """A change cannot be made at its path."""

    rule: str
    text: Text


def check_changes(record: TrialFile, changes: Mapping[str, Any]) -> tuple[Reason, ...]:
    """Return all that speaks against changes of a public record; none if they fit.

    Args:
        record: the record as it stands.
        changes: new values by path.
    """
    plain = _to_plain(record)
    reasons: list[Reason] = []
    for path in _in_order(changes):
        for above in changes:
            if path.startswith(f"{above}."):
                text = Text(
                    f"{_show(path)} lies within {_show(above)}; change one of the two",
                    f"{_show(path)} は {_show(above)} に含まれます。どちらか一方にしてください",
                )
                reasons.append(Reason("record.path_twice", text))
        try:
            _put(plain, path, changes[path])
        except _Unfit as unfit:
            reasons.append(Reason(unfit.rule, unfit.text))
    if reasons:
        return tuple(reasons)
    try:
        changed = _to_record(plain)
    except ValidationError as error:
        return tuple(dict.fromkeys(_reason(detail, changes) for detail in error.errors(include_url=False)))
    except (ValueError, TypeError):  # NaN, or what JSON cannot say
        text = Text("A new value cannot be written as JSON", "JSON として書けない値があります")
        return (Reason("record.value", text),)
    return tuple(_against_words(record, changed, changes))


def apply_changes(record: TrialFile, changes: Mapping[str, Any]) -> TrialFile:
    """Return the record with the changes made; with any of them unfit (a journal may be older than the check), unchanged."""
    if check_changes(record, changes):
        return record
    plain = _to_plain(record)
    for path in _in_order(changes):
        _put(plain, path, changes[path])
    return _to_record(plain)


def part_of(path: str) -> str:
    """Return the part of the record a path lies in: its first key."""
    return path.split(".", 1)[0]


def carry_over(changes: Iterable[Mapping[str, Any]], before: TrialFile, after: TrialFile) -> tuple[Mapping[str, Any], ...]:
    """Return the changes that still stand when a new version of the protocol brings its own record.

    Where the new folder's record says something else than the old one's, the new folder counts: it was written knowing the
    changes. A part of the record that both folders write alike keeps what was changed in it.
    """
    same = {key for key in _keys() if getattr(before, key) == getattr(after, key)}
    left = ({path: value for path, value in each.items() if part_of(path) in same} for each in changes)
    return tuple(each for each in left if each)


def revise(record: TrialFile, revisions: Iterable[Mapping[str, Any]]) -> TrialFile:
    """Return the record after these revisions, one after the other."""
    for changes in revisions:
        record = apply_changes(record, changes)
    return record


# ---------------------------------------------------------------- the record as plain JSON


@cache
def _adapter() -> TypeAdapter[TrialFile]:
    return TypeAdapter(TrialFile)


@cache
def _keys() -> tuple[str, ...]:
    return tuple(key for key in TrialFile.__dataclass_fields__ if key not in NOT_PUBLIC)


def _to_plain(record: TrialFile) -> dict[str, Any]:
    plain: dict[str, Any] = _adapter().dump_python(record, mode="json")
    return plain


def public_part(record: TrialFile) -> dict[str, Any]:
    """Return what is public of trial.toml as plain JSON, by the keys that paths are made of."""
    return {key: value for key, value in _without_origin(_to_plain(record)).items() if key in _keys()}


def _without_origin(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_origin(each) for key, each in value.items() if key != "origin"}
        case list():
            return [_without_origin(each) for each in value]
        case _:
            return value


def _to_record(plain: Mapping[str, Any]) -> TrialFile:
    # Strict, and as JSON: a text never becomes a number, while lists and dates are still understood.
    return _adapter().validate_json(json.dumps(plain, allow_nan=False), strict=True)


def _in_order(changes: Mapping[str, Any]) -> list[str]:
    """Return the paths in the order they are made: from the first place of a list to the last, then removals backwards."""

    def place(path: str) -> list[tuple[int, str]]:
        return [(int(step), "") if _is_place(step) else (-1, step) for step in path.split(".")]

    paths = sorted(changes, key=place)
    kept = [path for path in paths if changes[path] is not None]
    return kept + [path for path in reversed(paths) if changes[path] is None]


def _is_place(step: str) -> bool:
    return step.isascii() and step.isdigit() and len(step) <= 6


def _show(path: str) -> str:
    return shorten(path) or '""'


def _put(plain: dict[str, Any], path: str, value: Any) -> None:
    """Put a new value at its path, in place."""
    steps = path.split(".")
    if steps[0] in NOT_PUBLIC or path in _NOT_PUBLIC_BELOW or "origin" in steps:
        raise _Unfit(
            "record.not_public",
            Text(
                f"{_show(path)} is no part of the public record; a new version of the protocol changes it",
                f"{_show(path)} は公開登録情報の項目ではありません。変更にはプロトコールの新しい版が必要です",
            ),
        )
    home: Any = plain
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        key = _find(home, step, steps[:number], last=last)
        if not last:
            home = home[key]
        elif isinstance(home, list) and isinstance(key, int):
            if value is None:
                del home[key : key + 1]
            elif key == len(home):
                home.append(value)
            else:
                home[key] = value
        else:
            home[key] = _with_origin(value, home[key])


def _with_origin(value: Any, before: Any) -> Any:
    """Leave a whole table its mark of origin, which is not for a revision to say."""
    if isinstance(value, Mapping) and isinstance(before, Mapping) and "origin" in before:
        return {**value, "origin": before["origin"]}
    return value


def _find(home: Any, step: str, before: list[str], *, last: bool) -> _Step:
    """Return the key or place that a step of a path names."""
    place = ".".join(before)
    path = f"{place}.{step}" if place else step
    if isinstance(home, dict):
        keys = [key for key in home if key != "origin" and (before or key not in NOT_PUBLIC)]
        if step in keys:
            return step
        near = find_near_miss(step, keys)
        listed = list_words(keys, most=30)
        hint = Text(f"; did you mean {near}?", f"（もしかして: {near}）") if near else Text("", "")
        within = (
            Text(f"{_show(place)} has", f"{_show(place)} には") if place else Text("The public record has", "公開登録情報には")
        )
        raise _Unfit(
            "record.path_unknown",
            Text(
                f"{within.en} no {_show(step)}{hint.en}; there are: {listed.en}",
                f"{within.ja} {_show(step)} がありません{hint.ja}。あるのは: {listed.ja}",
            ),
        )
    if isinstance(home, list):
        most = len(home) if last else len(home) - 1
        if _is_place(step) and int(step) <= most:
            return int(step)
        text = Text(
            f"{_show(path)}: {_show(place)} is a list of {len(home)}; places count from 0, and {len(home)} takes a new one",
            f"{_show(path)}: {_show(place)} は {len(home)} 件の一覧です（位置は 0 から数え、{len(home)} で追加します）",
        )
        raise _Unfit("record.path_unknown", text)
    what = Text("nothing yet; give it as a whole", "未記入です（全体を指定してください）")
    if home is not None:
        what = Text("a single value; the path goes too far", "単一の値です（パスが長すぎます）")
    raise _Unfit(
        "record.path_unknown",
        Text(f"{_show(path)}: at {_show(place)} stands {what.en}", f"{_show(path)}: {_show(place)} は{what.ja}"),
    )


# ---------------------------------------------------------------- values that do not fit

_EXPECTED: Final[Mapping[str, Text]] = {
    "string_type": Text("a text", "文字列"),
    "int_type": Text("a whole number", "整数"),
    "int_from_float": Text("a whole number", "整数"),
    "bool_type": Text("true or false", "true または false"),
    "tuple_type": Text("a list", "一覧"),
    "date_type": Text("a date like 2024-01-31", "2024-01-31 のような日付"),
    "date_parsing": Text("a date like 2024-01-31", "2024-01-31 のような日付"),
    "date_from_datetime_parsing": Text("a date like 2024-01-31", "2024-01-31 のような日付"),
    "date_from_datetime_inexact": Text("a date like 2024-01-31", "2024-01-31 のような日付"),
    "dataclass_type": Text("a table with keys", "キーをもつ表"),
    "missing": Text("a value; it may not be left out", "値（省略できません）"),
    "missing_argument": Text("a value; it may not be left out", "値（省略できません）"),
    "missing_keyword_only_argument": Text("a value; it may not be left out", "値（省略できません）"),
    "unexpected_keyword_argument": Text("no such key", "このキーは使えません"),
}


def _reason(detail: Any, changes: Mapping[str, Any]) -> Reason:
    """Return the model's complaint as a sentence; never the value itself."""
    path = ".".join(str(step) for step in detail["loc"])
    kind = detail["type"]
    expected = _EXPECTED.get(kind, Text("another kind of value", "別の種類の値"))
    if kind == "unexpected_keyword_argument":
        return Reason(
            "record.path_unknown",
            Text(f"{_show(path)}: the record has no such key here", f"{_show(path)}: ここにこのキーはありません"),
        )
    near = next((each for each in changes if path == each or path.startswith(f"{each}.")), None)
    rule = "record.value" if near is not None else "record.needed"
    return Reason(rule, Text(f"{_show(path)}: expected {expected.en}", f"{_show(path)}: {expected.ja}が必要です"))


def _against_words(before: TrialFile, record: TrialFile, changes: Mapping[str, Any]) -> Iterable[Reason]:
    """Yield what speaks against values of the right kind: statuses that follow from the journal, words, addresses."""
    touched = {part_of(path) for path in changes}
    if record.identification.id != before.identification.id:
        yield Reason(
            "record.not_public",
            Text(
                "identification.id names the trial itself and stays", "identification.id は試験そのものの名であり変更できません"
            ),
        )
    if record.status.overall != before.status.overall:
        yield from _against_word("status.overall", record.status.overall, SAID_STATUSES, "record.derived")
    if "location" in touched:
        for place, location in enumerate(record.location):
            yield from _against_word(f"location.{place}.status", location.status, LOCATION_STATUSES, "record.word")
            if not location.facility.strip():
                yield _empty(f"location.{place}.facility")
    for name, people in (("central_contact", record.central_contact), ("official", record.official)):
        if name in touched:
            for place, person in enumerate(people):
                if not person.name.strip():
                    yield _empty(f"{name}.{place}.name")
    if "related_link" in touched:
        for place, link in enumerate(record.related_link):
            if not is_address(link.url):
                text = Text(
                    f"related_link.{place}.url: expected an address that begins with https:// or http://",
                    f"related_link.{place}.url: https:// または http:// で始まるアドレスが必要です",
                )
                yield Reason("record.address", text)
    if "design" in touched and record.design.enrollment_count < 0:
        yield Reason(
            "record.value", Text("design.enrollment_count: expected 0 or more", "design.enrollment_count: 0 以上が必要です")
        )
    if "status" in touched and record.status.completion_date < record.status.start_date:
        text = Text(
            "status.completion_date lies before status.start_date", "status.completion_date が status.start_date より前です"
        )
        yield Reason("record.dates", text)


def is_address(url: str) -> bool:
    """Say whether a link leads to a page of the web; anything else (`javascript:`) is never made clickable."""
    return url.startswith(("https://", "http://")) and not any(character.isspace() for character in url)


def _against_word(path: str, word: str, known: tuple[str, ...], rule: str) -> Iterable[Reason]:
    if word in known:
        return
    near = find_near_miss(word, known)
    listed = ", ".join(known)
    hint = Text(f"; did you mean {near}?", f"（もしかして: {near}）") if near else Text("", "")
    if rule == "record.derived":
        yield Reason(
            rule,
            Text(
                f"{path} follows from the journal; only {listed} may be said{hint.en}",
                f"{path} はジャーナルから決まります。指定できるのは {listed} のみです{hint.ja}",
            ),
        )
    else:
        yield Reason(rule, Text(f"{path}: expected one of {listed}{hint.en}", f"{path}: {listed} のいずれかが必要です{hint.ja}"))


def _empty(path: str) -> Reason:
    return Reason("record.value", Text(f"{path}: a name is due", f"{path}: 名称が必要です"))
