"""What happened to a form and to each of its items: who, when, from where, what was, what is, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse

from oligami.journal import entries as e
from oligami.journal.record import Record
from oligami.protocol.compile import CompiledForm
from oligami.protocol.model.forms import Item
from oligami.protocol.text import Language, Text
from oligami.trial import rights
from oligami.web.accounts.models import Account
from oligami.web.casebook.entry import form_of
from oligami.web.casebook.fields import show_value
from oligami.web.pages.here import Here, page

#: The ways by which a record came, as a page says them.
CHANNELS: Final[Mapping[str, Text]] = {
    "web": Text("web", "ウェブ"),
    "telephone": Text("telephone", "電話"),
    "paper": Text("paper", "紙"),
    "import": Text("import", "取込"),
    "simulation": Text("simulation", "模擬"),
}
_ENTERED = Text("Entered", "入力")
_CORRECTED = Text("Corrected", "訂正")
_ACTS: Final[Mapping[type, Text]] = {
    e.QueryRaised: Text("Data query raised", "問合せ"),
    e.QueryAnswered: Text("Data query answered", "問合せへの回答"),
    e.QueryClosed: Text("Data query closed", "問合せの終了"),
    e.FormVerified: Text("Verified against the source", "照合"),
    e.FormSigned: Text("Signed", "署名"),
    e.FormLocked: Text("Locked", "固定"),
    e.FormUnlocked: Text("Unlocked", "固定解除"),
    e.SafetyReported: Text("Expedited report recorded", "緊急報告の記録"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a history. `old` and `new` are in words; both are empty for an act on the form as a whole."""

    seq: int
    at: datetime
    who: str
    role: str
    channel: str
    caller: str
    what: str
    item: str
    label: str
    old: str
    new: str
    why: str


@page("see_history")
def form_history(request: HttpRequest, here: Here, subject: str, form: str, occurrence: int) -> HttpResponse:
    """Show the history of a form, or with `?item=` that of one item."""
    known = here.subject(subject, act="see_history")
    state = known.forms.get((form, occurrence))
    if state is None:
        raise Http404
    compiled = form_of(here.trial.rules_of(state.protocol_version), form)
    wanted = request.GET.get("item", "")
    items = {item.id: item for item in compiled.form.item}
    if wanted and wanted not in items:
        raise Http404
    records = here.desk.journal.of_subject(known.id)
    steps = tuple(read_history(records, compiled, occurrence, here.language, item=wanted))
    context = {
        "subject": known,
        "form": compiled.form,
        "state": state,
        "steps": steps,
        "item": items.get(wanted),
        "items": [(item.id, item.label) for item in compiled.form.item],
    }
    return here.render("casebook/form_history.html", context)


def read_history(
    records: tuple[Record, ...], compiled: CompiledForm, occurrence: int, language: Language, *, item: str = ""
) -> Iterator[Step]:
    """Yield the steps of a form's history in order, of one item if named."""
    names = names_of({record.stamp.author for record in records})
    queries: dict[str, e.QueryRaised] = {}
    form = compiled.form.id
    items = {each.id: each for each in compiled.form.item}
    for record in records:
        entry = record.entry
        if isinstance(entry, e.QueryRaised):
            queries[entry.query] = entry
        about = queries.get(entry.query) if isinstance(entry, e.QueryAnswered | e.QueryClosed) else entry
        if (getattr(about, "form", None), getattr(about, "occurrence", None)) != (form, occurrence):
            continue
        stamp = record.stamp
        role = rights.ROLES[stamp.role].title[language] if stamp.role in rights.ROLES else stamp.role
        common: dict[str, Any] = {
            "seq": record.seq,
            "at": stamp.recorded_at,
            "who": names.get(stamp.author, stamp.author),
            "role": role,
            "channel": CHANNELS.get(stamp.channel, Text(stamp.channel, stamp.channel))[language],
            "caller": stamp.caller or "",
        }
        match entry:
            case e.FormSubmitted():
                why = "; ".join(str(warning.get("reason", "")) for warning in entry.warnings)
                yield from _changes(common, _ENTERED, compiled, items, {}, entry.values, why, item, language)
            case e.ItemsCorrected():
                yield from _changes(common, _CORRECTED, compiled, items, entry.old, entry.new, entry.reason, item, language)
            case _ if type(entry) in _ACTS:
                named = (getattr(about, "item", None) or "").split("[")[0].split(".")[0]
                if item and named != item and not isinstance(entry, e.FormSigned | e.FormVerified):
                    continue
                label = items[named].label[language] if named in items else ""
                why = getattr(entry, "text", "") or getattr(entry, "reason", "") or getattr(entry, "meaning", "")
                yield Step(**common, what=_ACTS[type(entry)][language], item=named, label=label, old="", new="", why=why)
            case _:
                continue


def names_of(people: set[str]) -> dict[str, str]:
    """Return the names shown of people, by their ids; who has no account is left out."""
    return {account.person: account.shown_name for account in Account.objects.filter(person__in=people)}


def _changes(
    common: Mapping[str, Any],
    what: Text,
    compiled: CompiledForm,
    items: Mapping[str, Item],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    why: str,
    wanted: str,
    language: Language,
) -> Iterator[Step]:
    for name in [*(name for name in items if name in new), *(name for name in new if name not in items)]:
        if wanted and name != wanted:
            continue
        known = items.get(name)
        words = [
            (show_value(compiled, name, known, value, language) if known is not None else str(value or ""))
            for value in (old.get(name), new.get(name))
        ]
        label = known.label[language] if known is not None else name
        yield Step(**common, what=what[language], item=name, label=label, old=words[0], new=words[1], why=why)
