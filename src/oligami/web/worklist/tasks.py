"""What is due, computed once for each subject and day and kept in the process, and the address where each thing is done."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Lock
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from oligami.data.due import OPEN, Due, DueKind, DueState, due_of, last_randomization
from oligami.data.reading import Reader
from oligami.journal.entries import SiteId
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.trial.consent import reconsents
from oligami.trial.state import Subject, Trial
from oligami.web.pages.here import Here

#: How far ahead the worklist looks.
AHEAD = timedelta(days=28)
#: The act that each kind of task is.
ACTS: Mapping[DueKind, str] = {
    "fill": "submit_form",
    "register": "register_next",
    "report": "report_safety",
    "consent": "give_consent",
    "answer": "answer_query",
    "close": "close_query",
    "sign": "sign_form",
    "verify": "verify_form",
}
KINDS: Mapping[DueKind, Text] = {
    "report": Text("Safety report", "安全性報告"),
    "register": Text("Registration", "登録"),
    "consent": Text("New consent", "再同意"),
    "fill": Text("Form", "調査票"),
    "answer": Text("Data query to answer", "問合せへの回答"),
    "close": Text("Data query to close", "問合せの終了"),
    "sign": Text("Signature", "署名"),
    "verify": Text("Verification", "照合"),
}
STATES: Mapping[DueState, Text] = {
    "overdue": Text("overdue", "期限超過"),
    "due": Text("due", "期限内"),
    "upcoming": Text("upcoming", "予定"),
    "missed": Text("missed", "未実施"),
    "not_needed": Text("not needed", "対象外"),
    "done": Text("done", "実施済"),
}


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was computed of a subject, and of what: the very same frozen state, day, protocol and end of randomization."""

    subject: Subject
    on: date
    digest: str
    last: date | None
    dues: tuple[Due, ...]
    waiting: tuple[Due, ...]


_KEPT: dict[tuple[str, str], _Kept] = {}
_LOCK = Lock()


_READERS: dict[str, Reader] = {}


def reader_of(protocol: Protocol) -> Reader:
    """Return the reader of a protocol's forms, made once a process."""
    reader = _READERS.get(protocol.digest)
    if reader is None or reader.protocol is not protocol:
        reader = _READERS[protocol.digest] = Reader(protocol)
    return reader


def _keep(trial: Trial, subject: Subject, on: date, last: date | None) -> _Kept:
    protocol = trial.rules_for(subject.site, on).protocol
    key = (trial.study.trial, subject.id)
    kept = _KEPT.get(key)
    # States are frozen: the same object has the same dues. A number and a sequence would not tell two journals apart.
    if kept is None or kept.subject is not subject or (kept.on, kept.digest, kept.last) != (on, protocol.digest, last):
        refusals = [refusal for refusal in trial.refusals if refusal.subject == subject.id]
        dues = due_of(subject, reader_of(protocol), on, last_randomization=last, refusals=refusals)
        ahead = on + AHEAD
        waiting = tuple(
            due for due in dues if due.state in OPEN and (due.state != "upcoming" or (due.earliest or due.target) <= ahead)
        )
        kept = _Kept(subject, on, protocol.digest, last, dues, waiting)
        with _LOCK:
            _KEPT[key] = kept
    return kept


def dues_of(trial: Trial, subject: Subject, on: date) -> tuple[Due, ...]:
    """Return all that was, is and will be due of a subject."""
    return _keep(trial, subject, on, last_randomization(trial)).dues


def waiting_at(trial: Trial, sites: frozenset[SiteId] | None, on: date) -> Iterator[Due]:
    """Yield what waits at these sites (None: at all), or will within `AHEAD`, in no order."""
    last = last_randomization(trial)
    for subject in trial.subjects.values():
        if sites is None or subject.site in sites:
            yield from _keep(trial, subject, on, last).waiting
    yield from _consents(trial, sites, on)


def _consents(trial: Trial, sites: frozenset[SiteId] | None, on: date) -> Iterator[Due]:
    """Yield the consents that an adopted amendment asks for again."""
    if len(trial.study.versions) < 2:
        return
    for each in reconsents(trial, on, sites):
        since = each.since or on
        what = Text(f"Consent to document {each.document}", f"説明文書 {each.document} への同意")
        yield Due(subject=each.subject, site=each.site, kind="consent", state="due", what=what, target=since)


def coming_at(trial: Trial, sites: frozenset[SiteId] | None, on: date, until: date) -> Iterator[Due]:
    """Yield what waits at these sites, or will by a day, in no order."""
    last = last_randomization(trial)
    for subject in trial.subjects.values():
        if sites is None or subject.site in sites:
            for due in _keep(trial, subject, on, last).dues:
                if due.state in OPEN and due.target <= until:
                    yield due


class Permits:
    """Where the person may do what, asked once a request."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._sites: dict[str, frozenset[SiteId] | None] = {}

    def may(self, act: str, site: SiteId) -> bool:
        """Whether the person may do something at a site."""
        if act not in self._sites:
            self._sites[act] = self._here.sites(act)
        sites = self._sites[act]
        return sites is None or site in sites

    def may_anything(self) -> bool:
        """Whether any kind of task is the person's anywhere."""
        return any(self._here.sites(act) != frozenset() for act in ACTS.values())


def address_of(due: Due, trial_id: str, *, may: bool) -> str:
    """Return the address where a thing is done; for who may not do it, where it can be seen."""
    subject = reverse("subject", args=[trial_id, due.subject])
    try:
        return _address(due, trial_id, subject, may=may)
    except NoReverseMatch:
        return subject


def _address(due: Due, trial_id: str, subject: str, *, may: bool) -> str:
    filled = [trial_id, due.subject, due.form, due.occurrence]
    match due.kind:
        case "answer" | "close":
            return reverse("query", args=[trial_id, due.subject, due.query])
        case "register" if may:
            return reverse("register_next", args=[trial_id, due.subject, due.stage])
        case "consent" if may:
            return reverse("consent", args=[trial_id, due.subject])
        case "sign" if may:
            return reverse("form_sign", args=filled)
        case "report" if may:
            return reverse("safety_report", args=filled)
        case "fill" if due.form is None:
            return f"{subject}#casebook"
        case "fill" if may and due.occurrence is None:
            visit = f"?{urlencode({'visit': due.visit})}" if due.visit else ""
            return reverse("form_new", args=[trial_id, due.subject, due.form]) + visit
    return subject if due.form is None or due.occurrence is None else reverse("form", args=filled)
