"""What a new version of a protocol changes, in sentences a study chair can read, and which forms that touches.

Two versions are walked side by side through their model, so a key that the model gains later is compared without a line here.
What an amendment must not change is `amend_faults`' errand; what it means for the subjects of a trial, `trial.impact`'s.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, Literal

from oligami.protocol.amend_words import name_key, name_thing
from oligami.protocol.load import FILES
from oligami.protocol.model.common import Origin
from oligami.protocol.model.eligibility import Stage
from oligami.protocol.model.forms import Check, Form, Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.model.record import Arm
from oligami.protocol.model.schedule import Activity
from oligami.protocol.show_marks import describe_origin
from oligami.protocol.show_settings import FILE_TITLES
from oligami.protocol.show_values import describe_value, render
from oligami.protocol.text import LANGUAGES, Language, Text

Kind = Literal["added", "removed", "changed"]
#: `decision`: what is decided for a subject or counted; `data`: what is asked and taken; `wording`: words and the public record.
Importance = Literal["decision", "data", "wording"]
IMPORTANCES: Final[dict[Importance, Text]] = {
    "decision": Text("changes what is decided", "判断が変わる"),
    "data": Text("changes what is asked", "入力が変わる"),
    "wording": Text("changes words only", "文言のみ"),
}
KINDS: Final[dict[Kind, Text]] = {
    "added": Text("added", "追加"),
    "removed": Text("removed", "削除"),
    "changed": Text("changed", "変更"),
}
_WORDS: Final = frozenset(
    (
        "cite",
        "label",
        "message",
        "note",
        "notes",
        "reading",
        "record_text",
        "reference",
        "short_title",
        "text",
        "title",
        "visit_ids",
    )
)
_MOST: Final = 160  # characters of a value in a sentence; old and new stand whole beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that differs between two versions.

    file: such as `forms/entry.toml`. path: the key inside it. form: the form it belongs to, None where none does.
    what: the thing it stands on. key: which of its keys; None where the whole thing came or went. old, new: in words.
    """

    file: str
    path: str
    kind: Kind
    importance: Importance
    form: str | None
    what: Text
    key: Text | None
    old: Text | None
    new: Text | None

    @property
    def sentence(self) -> Text:
        """The difference as one sentence."""
        old, new = _cut(self.old), _cut(self.new)
        if self.key is None:
            value = new if self.kind == "added" else old
            return Text(
                f"{self.what.en} {KINDS[self.kind].en}" + (f": {value.en}" if value.en else ""),
                f"{self.what.ja}の{KINDS[self.kind].ja}" + (f": {value.ja}" if value.ja else ""),
            )
        if not old.ja:
            said = Text(f'was not set, is now "{new.en}"', f"未設定 →「{new.ja}」")
        elif not new.ja:
            said = Text(f'"{old.en}" is set no longer', f"「{old.ja}」→ 設定なし")
        elif old.en == new.en:  # one wording alone was changed: both languages show that one
            said = Text(f'the Japanese "{old.ja}" is now "{new.ja}"', f"「{old.ja}」→「{new.ja}」")
        elif old.ja == new.ja:
            said = Text(f'"{old.en}" is now "{new.en}"', f"英語表記「{old.en}」→「{new.en}」")
        else:
            said = Text(f'"{old.en}" is now "{new.en}"', f"「{old.ja}」→「{new.ja}」")
        return Text(f"{self.what.en} changed, {self.key.en}: {said.en}", f"{self.what.ja}の変更、{self.key.ja}: {said.ja}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedForm:
    """A form that an amendment touches.

    items: the items that came, went, or take other values; checks: the edit checks that did. reworded: only words changed.
    when_due: whether it falls due at other times.
    """

    form: str
    title: Text
    kind: Kind
    items: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    reworded: bool = False
    when_due: bool = False


def differences(old: Protocol, new: Protocol) -> tuple[Difference, ...]:
    """Return everything that differs between two versions, file by file in the order of the folder; the version itself apart."""
    found: list[Difference] = []
    for kind in FILES:
        before, after = getattr(old, kind.field), getattr(new, kind.field)
        walk = _Walk(old, new, kind.name, FILE_TITLES[kind.name.removesuffix(".toml")])
        if isinstance(before, tuple):
            found += walk.lists(before, after, "codelist", None, ())
        else:
            found += walk.things(before, after, "", None, ())
    then, now = ({form.id: form for form in protocol.forms} for protocol in (old, new))
    for form in dict.fromkeys((*now, *then)):
        walk = _Walk(old, new, f"forms/{form}.toml", FILE_TITLES["forms"])
        found += walk.things(then.get(form), now.get(form), "", form, ())
    return tuple(found)


def group_by_file(found: Iterable[Difference]) -> tuple[tuple[str, tuple[Difference, ...]], ...]:
    """Return the differences of each file, in order."""
    groups: dict[str, list[Difference]] = {}
    for each in found:
        groups.setdefault(each.file, []).append(each)
    return tuple((file, tuple(those)) for file, those in groups.items())


def title_of_file(old: Protocol, new: Protocol, file: str) -> Text:
    """Return what a file of the folder is called; that of a form by the form's title."""
    name = file.removesuffix(".toml")
    if not name.startswith("forms/"):
        return FILE_TITLES[name]
    form_id = name.removeprefix("forms/")
    form = next((form for protocol in (new, old) for form in protocol.forms if form.id == form_id), None)
    title = Text(form_id, form_id) if form is None else form.title
    return Text(f"Form: {title.en}", f"調査票: {title.ja}")


def touched_forms(old: Protocol, new: Protocol) -> tuple[TouchedForm, ...]:
    """Return the forms that an amendment touches, in the new version's order; those that went come last."""
    found = differences(old, new)
    then, now = ({form.id: form for form in protocol.forms} for protocol in (old, new))
    lists = {each.path.split("[", 1)[-1].split("]", 1)[0] for each in found if each.file == "codelists.toml"}
    reworded_lists = lists - {
        each.path.split("[", 1)[-1].split("]", 1)[0]
        for each in found
        if each.file == "codelists.toml" and each.importance != "wording"
    }
    due = {each.form for each in found if each.file == "schedule.toml" and each.importance == "decision"}
    touched = []
    for form_id in dict.fromkeys((*now, *then)):
        form = now.get(form_id) or then[form_id]
        own = [each for each in found if each.file == f"forms/{form_id}.toml"]
        whole = next((each for each in own if each.path == "(file)"), None)
        of_lists = [
            item.id for item in form.item if lists.intersection((item.codelist, *(field.codelist for field in item.field)))
        ]
        items = {_inside("item", each.path) for each in own if each.importance != "wording"} - {""}
        items |= {item.id for item in form.item if _uses(item) & (lists - reworded_lists)}
        checks = {_inside("check", each.path) for each in own if each.importance != "wording"} - {""}
        if not own and not of_lists and form_id not in due:
            continue
        touched.append(
            TouchedForm(
                form=form_id,
                title=form.title,
                kind="changed" if whole is None else whole.kind,
                items=tuple(item.id for item in _all_items(then, now, form_id) if item.id in items),
                checks=tuple(sorted(checks)),
                reworded=bool(own or of_lists) and whole is None and not items and not checks,
                when_due=form_id in due,
            )
        )
    return tuple(touched)


def _uses(item: Item) -> set[str]:
    return {name for name in (item.codelist, *(field.codelist for field in item.field)) if name is not None}


def _all_items(then: dict[str, Form], now: dict[str, Form], form: str) -> tuple[Item, ...]:
    """Return the items of both versions of a form, each once."""
    both = (*(now[form].item if form in now else ()), *(then[form].item if form in then else ()))
    return tuple({item.id: item for item in both}.values())


def _inside(list_name: str, path: str) -> str:
    """Return the id of the element of a list that a path leads into; "" if it leads elsewhere."""
    head, _, rest = path.partition("[")
    return rest.partition("]")[0] if head == list_name else ""


# ---------------------------------------------------------------- the walk


class _Walk:
    """Goes through one file of two versions side by side."""

    def __init__(self, old: Protocol, new: Protocol, file: str, title: Text) -> None:
        self.old, self.new, self.file, self.title = old, new, file, title

    def things(self, old: object, new: object, path: str, form: str | None, names: tuple[Text, ...]) -> Iterator[Difference]:
        """Yield what differs between two dataclasses; None is one that is not there."""
        if old is None or new is None:
            thing = new if old is None else old
            if thing is not None:
                yield self._whole(thing, "added" if old is None else "removed", path, form, names)
            return
        for each in fields(old):  # type: ignore[arg-type]
            before, after = getattr(old, each.name), getattr(new, each.name, None)
            if before == after:
                continue
            inner = f"{path}.{each.name}" if path else each.name
            parts = (*before, *after) if isinstance(before, tuple) and isinstance(after, tuple) else ()
            if isinstance(before, tuple) and isinstance(after, tuple) and parts and all(_is_thing(part) for part in parts):
                yield from self.lists(before, after, inner, form, names, owner=new)
            elif _is_thing(before) and _is_thing(after):
                yield from self.things(before, after, inner, form, (*names, name_key(each.name)))
            else:
                yield self._leaf(new, each.name, before, after, inner, form, names)

    def lists(
        self,
        old: Sequence[object],
        new: Sequence[object],
        path: str,
        form: str | None,
        names: tuple[Text, ...],
        owner: object = None,
    ) -> Iterator[Difference]:
        """Yield what differs between two lists of things: by their names where they have any, else by their places."""
        then, now = ([_name(each) for each in those] for those in (old, new))
        if None in then or None in now or len(set(then)) < len(then) or len(set(now)) < len(now):
            if len(old) != len(new):
                yield self._leaf(owner, path.rpartition(".")[2], old, new, path, form, names)
                return
            then = now = list(range(1, len(old) + 1))
        before, after = dict(zip(then, old, strict=True)), dict(zip(now, new, strict=True))
        key = path.rpartition(".")[2]
        for name in dict.fromkeys((*now, *then)):
            one, other = before.get(name), after.get(name)
            if one == other:
                continue
            thing = one if other is None else other
            protocol = self.old if other is None else self.new
            place = f"{path}[{', '.join(map(str, name)) if isinstance(name, tuple) else name}]"
            its_form = thing.form if isinstance(thing, (Activity, Stage)) else form
            # A registration and a form are the place where their parts stand, not part of their names.
            over = names if _stands_alone(thing) else (*names, name_thing(protocol, thing, key))
            yield from self.things(one, other, place, its_form, over if one is not None and other is not None else names)
        kept = [name for name in now if name in before]
        if kept != [name for name in then if name in after]:
            alone = (name_thing(self.new, owner, ""),) if owner is not None and _stands_alone(owner) else ()
            over = (*names, *alone, name_key(key))
            yield self._leaf(None, "order", _order(then), _order(now), f"{path}.order", form, over)

    def _whole(self, thing: object, kind: Kind, path: str, form: str | None, names: tuple[Text, ...]) -> Difference:
        protocol = self.new if kind == "added" else self.old
        name = self.title if not path and not isinstance(thing, Form) else name_thing(protocol, thing, _key_of(path))
        value = _describe(protocol, thing)
        return Difference(
            file=self.file,
            path=path or "(file)",
            kind=kind,
            importance=self._weigh(thing, "", thing),
            form=form,
            what=_join((*names, name)),
            key=None,
            old=value if kind == "removed" else None,
            new=value if kind == "added" else None,
        )

    def _leaf(
        self, owner: object, key: str, old: object, new: object, path: str, form: str | None, names: tuple[Text, ...]
    ) -> Difference:
        alone = owner is not None and _stands_alone(owner)
        named = (*names, name_thing(self.new, owner, "")) if alone else names
        return Difference(
            file=self.file,
            path=path,
            kind="changed",
            importance=self._weigh(owner, key, new if new is not None else old),
            form=form,
            what=_join(named) if named else self.title,
            key=name_key(key),
            old=_as_it_is(old) if isinstance(owner, Check) and key == "level" else _words(old),
            new=_as_it_is(new) if isinstance(owner, Check) and key == "level" else _words(new),
        )

    def _weigh(self, owner: object, key: str, value: object) -> Importance:
        """Say what a change touches. Texts never decide; of the public record only the arms and the consent document do."""
        if key in _WORDS or key.endswith("origin") or isinstance(value, (Text, Origin)) or _all_texts(value):
            return "wording"
        if self.file == "trial.toml":
            return "decision" if key == "consent_document" or isinstance(owner, Arm) else "wording"
        if type(owner).__name__.endswith("Label"):
            return "wording"
        return "data" if self.file.startswith("forms/") or self.file == "codelists.toml" else "decision"


def _is_thing(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, (Text, Origin))


def _stands_alone(thing: object) -> bool:
    return isinstance(thing, (Stage, Form))


def _name(thing: object) -> Hashable:
    """Return by what a thing is known inside its list, or None."""
    for names in (
        ("id",),
        ("code",),
        ("value",),
        ("organ", "metric"),
        ("stage",),
        ("factor",),
        ("nct_id",),
        ("url",),
        ("facility",),
    ):
        words = tuple(getattr(thing, name, None) for name in names)
        if all(isinstance(word, str) for word in words):
            return words[0] if len(words) == 1 else words
    for key in ("name", "label", "record_text"):
        word: Any = getattr(thing, key, None)
        if isinstance(word, (str, Text)):
            return word if isinstance(word, str) else word.en
    return None


def _key_of(path: str) -> str:
    return path.rpartition(".")[2].partition("[")[0]


def _order(names: Iterable[object]) -> str:
    return ", ".join(map(str, names))


def _all_texts(value: object) -> bool:
    return isinstance(value, (tuple, list)) and bool(value) and all(isinstance(each, Text) for each in value)


def _join(names: Sequence[Text]) -> Text:
    return Text(", ".join(name.en for name in names), "、".join(name.ja for name in names))


def _describe(protocol: Protocol, thing: object) -> Text:
    if type(thing).__name__ in ("Code", "DerivedLabel", "ValueLabel"):
        return Text("", "")  # its name says it all
    return Text(describe_value(protocol, thing, "en"), describe_value(protocol, thing, "ja"))


def _words(value: object) -> Text:
    said: dict[Language, str] = {}
    for language in LANGUAGES:
        if isinstance(value, Text):
            words = value[language]
        elif isinstance(value, Origin):
            words = describe_origin(value, language)
        elif isinstance(value, (tuple, list)):
            words = (
                "; ".join(render(each, language) for each in value) if _holds_things(value) else render(tuple(value), language)
            )
        else:
            words = render(value, language)
        said[language] = " ".join(words.split())
    return Text(said["en"], said["ja"])


def _as_it_is(value: object) -> Text:
    """Return a word that both languages use alike: `hard` and `soft` of an edit check mean something else of an organ's limit."""
    return Text(str(value), str(value))


def _holds_things(value: Iterable[object]) -> bool:
    return any(is_dataclass(each) for each in value)


def _cut(text: Text | None) -> Text:
    if text is None:
        return Text("", "")
    return Text(*(words if len(words) <= _MOST else words[: _MOST - 1] + "…" for words in (text.en, text.ja)))
