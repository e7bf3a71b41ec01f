"""R8, rights: every address x every role x every method x the subject of one's own site, of another, of none; every command by the API.

What each address is for stands here, declared by hand (`POLICIES`); whether a role has that right is asked of `rights.permit`. An
address without a policy is a fault. The control is a view whose demand was taken away: it must be found.
"""

import dataclasses
import html
import itertools
import json
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal, get_args

from oligami.protocol.text import Reason
from oligami.trial import rights
from oligami.trial.commands import Said, SubmitForm

#: Each role where it may be held: at one site, in the trial, or either.
HOLDINGS: tuple[tuple[str, str | None], ...] = tuple(
    (role.id, place) for role in rights.ROLES.values() for place in ("s01", None) if role.fits(place)
)
OWN, OTHER, UNKNOWN, NONSENSE = "own", "other", "unknown", "nonsense"
SUBJECTS = (OWN, OTHER, UNKNOWN, NONSENSE)
#: What an answer may be to one who may: a page, a step further, or a clear no about the request itself.
_FINE = {200, 302, 400, 405, 409, 422}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """For whom an address is.

    who: `public`: anyone; `signed_in`: anyone with an account, about that account; `trial`: by the table of rights.
    see: acts of which one is needed to look; all: every one of them is. do: acts of which one is needed to send; none: as to look.
    kwargs: what stands in the address where the general words do not do. maybe: who may can still be told that there is nothing.
    """

    who: Literal["public", "signed_in", "trial"] = "trial"
    see: tuple[str, ...] = ()
    all: bool = False
    do: tuple[str, ...] = ()
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    maybe: bool = False


def _see(*acts: str, do: str | tuple[str, ...] = (), every: bool = False, maybe: bool = False, **kwargs: Any) -> Policy:
    return Policy(see=acts, do=(do,) if isinstance(do, str) else do, all=every, maybe=maybe, kwargs=kwargs)


_PUBLIC, _MINE = Policy(who="public"), Policy(who="signed_in", maybe=True)
_STANDING = ("see_overview", "take_cut", "decide_monitoring")
#: A copy of a site's data shows no more than the pages do.
_TAKE = ("take_data", "see_form", "see_history", "see_queries")

POLICIES: dict[str, Policy] = {
    # the deployment
    **dict.fromkeys(("front", "health", "help", "look", "language", "api:openapi-json"), _PUBLIC),
    "api:api-root": Policy(who="public", maybe=True),  # the library's own, answers 404
    # signing on: allauth's own pages decide; none of them is about the trial
    **dict.fromkeys(
        [
            "account_login",
            "account_logout",
            "account_inactive",
            "account_signup",
            "account_reset_password",
            "account_reset_password_done",
            "account_reset_password_from_key",
            "account_reset_password_from_key_done",
            "mfa_authenticate",
            "mfa_login_webauthn",
            "socialaccount_login_error",
            "socialaccount_login_cancelled",
            "openid_connect_login",
            "openid_connect_callback",
        ],
        Policy(who="public", maybe=True),
    ),
    **dict.fromkeys(
        [
            "home",
            "own_account",
            "account_reauthenticate",
            "account_change_password",
            "account_set_password",
            "mfa_index",
            "mfa_reauthenticate",
            "mfa_activate_totp",
            "mfa_deactivate_totp",
            "mfa_view_recovery_codes",
            "mfa_generate_recovery_codes",
            "mfa_download_recovery_codes",
            "mfa_list_webauthn",
            "mfa_add_webauthn",
            "mfa_reauthenticate_webauthn",
            "mfa_remove_webauthn",
            "mfa_edit_webauthn",
            "confirm_challenge",
            "access_log",
            "access_log_csv",
        ],
        _MINE,
    ),
    # the public record
    **dict.fromkeys(
        [
            "record",
            "record_json",
            "record_locations",
            "record_versions",
            "record_since",
            "record_version",
            "record_version_json",
            "record_compare",
        ],
        _PUBLIC,
    ),
    "record_choose": Policy(who="public", maybe=True),  # which two versions stands in the query
    # worklist and subjects
    **dict.fromkeys(("worklist", "worklist_csv", "worklist_json", "worklist_ics"), _see("see_worklist")),
    **dict.fromkeys(("subjects", "subjects_csv", "subjects_json", "subject"), _see("see_subject")),
    "subject_past": _see("see_history", "see_form", every=True, maybe=True),
    "subject_at": _see("see_history", "see_form", every=True),
    "subject_history": _see("see_history"),
    "subject_history_take": _see("take_data", "see_history", every=True, maybe=True),
    # registration
    **dict.fromkeys(("register", "register_verdict", "register_draft"), _see("register_first", maybe=True)),
    **dict.fromkeys(("register_next", "register_next_verdict", "register_next_draft"), _see("register_next", stage="second")),
    **dict.fromkeys(("confirmation", "receipt_text", "receipt_json"), _see("see_subject", stage="first")),
    "mark_in_error": _see("mark_allocation_in_error", maybe=True),
    # casebook
    "form_new": _see("submit_form", form="follow_up"),
    "form_print": _see("see_form"),
    "form": _see("see_form"),
    "form_correct": _see("correct_items"),
    "form_sign": _see("sign_form"),
    "form_history": _see("see_history"),
    "safety_report": _see("report_safety", form="adverse_event"),
    "withdraw": _see("withdraw_consent"),
    "annul": _see("annul_registration", stage="first"),
    "grade_deviation": _see("grade_deviation"),
    "drafts": _MINE,
    "draft_save": _MINE,
    # data centre
    **dict.fromkeys(("centre", "overdue"), _see("see_overview")),
    "forms": _see("see_overview"),  # a choice of nothing is answered; each act chosen asks for its own right
    "accrual": _see("see_accrual"),
    "sites": _see("see_sites"),
    "change_site": _see("open_site", act="open_site"),
    "cuts": _see(*_STANDING, do="take_cut"),
    "cut": _see(*_STANDING, do="decide_monitoring"),
    "review": _see("see_history"),
    "heads": _see("see_overview", "publish_head", do="publish_head"),
    "take": _see(*_TAKE, every=True),
    **dict.fromkeys(("taken", "take_file"), _see("take_data", maybe=True)),  # nobody's but his own
    "queries": _see("see_queries"),
    "query": _see("see_queries"),  # which act is meant stands in the body: without one it is answered 400
    "raise_query": _see("raise_query"),
    "close_queries": _see("close_query"),
    "warned": _see("raise_query"),
    # amendments
    **dict.fromkeys(("amendments", "amendment"), _see("see_protocol")),
    "amendment_impact": _see("see_subject", "activate_protocol", "adopt_version", maybe=True),
    "amendment_rehearsal": _see("activate_protocol", "adopt_version", maybe=True),
    "amendment_activate": _see("activate_protocol", maybe=True),
    "amendment_adopt": _see("adopt_version", maybe=True),
    "consents": _see("see_subject"),
    "consent": _see("give_consent"),
    # people
    "people": _see("see_people"),
    "person": _see("see_people", maybe=True),
    **dict.fromkeys(
        ("person_new", "role_grant", "person_close", "person_open", "person_invite", "recovery_ask", "recovery_close"),
        _see("grant_role", maybe=True),
    ),
    "role_revoke": _see("revoke_role", maybe=True),
    **dict.fromkeys(("access_log_of", "access_log_of_csv"), _see("see_access_log")),
    **dict.fromkeys(("identity", "identity_erase"), _see("see_identity", maybe=True)),
    # programs
    "tokens": Policy(see=tuple(rights.ACTS)),  # whoever holds a role
    "revoke_token": _MINE,
    "api:me": _MINE,
    "api:protocol": _see("see_protocol"),
    "api:subjects": _see("see_subject"),
    "api:subject": _see("see_subject"),
    "api:form": _see("see_form", do="correct_items"),
    "api:correct": _see("see_form", do="correct_items"),
    "api:queries": _see("see_queries"),
    "api:worklist": _see("see_worklist"),
    "api:sites": _see("see_sites"),
    "api:accrual": _see("see_accrual"),
    "api:judge": _see("see_worklist", stage="first"),
    "api:register": _see("register_first", "register_next"),
    "api:submit": _see("submit_form"),
}
for _kind in get_args(Said):
    POLICIES[f"api:say_{_kind.__name__}"] = Policy(
        see=(rights.act_of(_kind(**dict.fromkeys((f.name for f in dataclasses.fields(_kind)), ""))),)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address of the project: its name, the names of its parts, the pattern that holds its view."""

    name: str
    parts: tuple[str, ...]
    pattern: Any


def addresses() -> list[Address]:
    """Return every address that Django's resolver knows."""
    from django.urls import get_resolver

    return list(_walk(get_resolver(), "", ()))


def _walk(resolver: Any, space: str, parts: tuple[str, ...]) -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        here = (*parts, *pattern.pattern.regex.groupindex)
        if hasattr(pattern, "url_patterns"):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _walk(pattern, inner, here)
        else:
            yield Address(name=f"{space}{pattern.name}", parts=here, pattern=pattern)


def undeclared() -> list[str]:
    """Return addresses without a policy, policies without an address, and pages whose own demand is not the declared one."""
    known = addresses()
    found = [f"{each.name}: no policy" for each in known if each.name not in POLICIES]
    found += [f"{name}: no such address" for name in sorted(set(POLICIES) - {each.name for each in known})]
    for each in known:
        policy = POLICIES.get(each.name)
        act = getattr(each.pattern.callback, "act", None)
        if policy is not None and policy.who != "trial" and act is not None:
            found.append(f"{each.name}: demands {act}, declared {policy.who}")
    return found


@contextmanager
def without_demand(name: str) -> Iterator[None]:
    """Take away what a view demands: the control."""
    from oligami.web.pages.here import page

    pattern = next(each.pattern for each in addresses() if each.name == name)
    view = pattern.callback
    pattern.callback = page(None)(view.__wrapped__)
    try:
        yield
    finally:
        pattern.callback = view


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A site with a subject at each of two hospitals and something said of both; `taken`: the number of an export's record."""

    site: Any
    subjects: Mapping[str, str]
    words: Mapping[str, Any]


#: A serious adverse event.
_EVENT = {
    "term": "other",
    "term_other": "fall",
    "grade": 3,
    "start_date": "2024-06-11",
    "serious": "yes",
    "serious_hospitalization": "yes",
    "aware_date": "2024-06-11",
}


def prepare(site: Any, entries: Any, *, first: Any, second: Any) -> Ground:
    """Register and randomize a subject at s01 and at s02, ask about both, take a cut, and return the ground."""
    own, other = (site.register(place) for place in ("s01", "s02"))
    for subject, place in ((own, "s01"), (other, "s02")):
        site.randomize(subject, place)
        site.submit(SubmitForm(subject=subject, form="adverse_event", values=_EVENT, reasons={"*": "checked"}))
        site.submit(entries.QueryRaised(subject=subject, query="Q1", form="first_registration", occurrence=1, text="確認 please"))
    site.submit(entries.CutTaken(cut="c1", through=site.trial.head.seq, up_to=date(2024, 6, 12), purpose="drill"))
    words = {
        "trial_id": site.trial_id,
        "trial": site.trial_id,
        "stage": "first",
        "form": "first_registration",
        "occurrence": 1,
        "k": 1,
        "day": "2024-06-12",
        "number": 1,
        "a": 1,
        "b": 1,
        "version": "1.0",
        "record": 1,
        "act": "open_site",
        "person_id": site.person("coordinator", "s01").person,
        "token": 1,
        "query_id": "Q1",
        "pk": 1,
        "uidb36": "1",
        "key": "a-b",
        "provider_id": "hospital",
    }
    subjects = {OWN: own, OTHER: other, UNKNOWN: "S-9999", NONSENSE: "Ａ-'--"}
    return Ground(site=site, subjects=subjects, words=words)


def address_of(address: Address, ground: Ground, kind: str) -> str:
    """Return an address with a subject of a kind in it."""
    from django.urls import reverse

    words = {
        **ground.words,
        **POLICIES[address.name].kwargs,
        "subject": ground.subjects[kind],
        "subject_id": ground.subjects[kind],
    }
    if kind == NONSENSE and "subject_id" in address.parts and "slug" in str(address.pattern.pattern):
        words["subject_id"] = "nonsense_-"
    return reverse(address.name, kwargs={part: words[part] for part in address.parts})


def has_subject(address: Address) -> bool:
    """Say whether an address is about a subject."""
    return bool({"subject", "subject_id"} & set(address.parts))


Verdict = Literal["fine", "sign on", "forbidden", "nothing"]


def _expected(address: Address, ground: Ground, trial: Any, person: str | None, kind: str, method: str) -> set[Verdict]:
    """Return what an answer may be, by the policy and the table of rights."""
    policy = POLICIES[address.name]
    fine: set[Verdict] = {"fine", "nothing"} if policy.maybe else {"fine"}
    if policy.who == "public":
        return {*fine, "sign on"} if policy.maybe else fine
    if person is None:
        return {"sign on"}
    if policy.who == "signed_in":
        return {"fine", "nothing", "forbidden"}
    acts = policy.do if method != "GET" and policy.do else policy.see
    together = all if policy.all and acts is policy.see else any
    if not has_subject(address):
        return fine if together(rights.permit(trial, person, act) for act in acts) else {"forbidden"}
    subject = trial.subjects.get(ground.subjects[kind])
    if subject is None:
        return {"forbidden", "nothing"}
    if together(rights.permit(trial, person, act, site=subject.site) for act in acts):
        return fine
    visible = rights.permit(trial, person, "see_subject", site=subject.site)
    return {"forbidden"} if visible else {"forbidden", "nothing"}


def _verdict(response: Any) -> Verdict | None:
    status = response.status_code
    if status == 401 or (status == 302 and "/accounts/login/" in response["Location"]):
        return "sign on"
    if status == 403:
        return "forbidden"
    if status == 404:
        return "nothing"
    return "fine" if status in _FINE else None


_PASSING = (
    re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"'),
    re.compile(rb'"csrf-?token" content="[^"]+"'),
    re.compile(rb'nonce="[^"]+"'),
    re.compile(rb"X-CSRFToken[^}]+"),
)


def _bare(body: bytes, *words: str) -> bytes:
    """Return a page without what differs from one request to the next, and without the id that was asked for."""
    from urllib.parse import quote

    for pattern in _PASSING:
        body = pattern.sub(b"", body)
    for word in words:
        for form in (quote(word, safe=""), quote(word), html.escape(word), word):
            body = body.replace(form.encode(), b"[]")
    return body


class Walker:
    """One person, or nobody, who asks for everything."""

    def __init__(self, ground: Ground, role: str | None, place: str | None, *, lang: str = "en") -> None:
        """Sign in, and make a token for the API."""
        self.ground, self.role, self.place, self.lang = ground, role, place, lang
        self.person: str | None = None
        self.token: str | None = None
        self.asked = 0
        if role is not None:
            from oligami.web.api.tokens import make_token

            account = ground.site.person(role, place)
            self.person = account.person
            self.token = make_token(account, trial=ground.site.trial_id, site=None, purpose="drill")
        self._client = ground.site.client_for(role, place, lang=lang)

    @property
    def name(self) -> str:
        """Who it is, for a fault's sentence."""
        return "nobody" if self.role is None else f"{self.role} at {self.place or 'the trial'}"

    @cached_property
    def _reasons(self) -> dict[str, set[Reason]]:
        """Why the person may not, by act, anywhere and at each site."""
        trial = self.ground.site.desk.trial
        places = (None, *trial.study.sites)
        return {
            act: {reason for place in places for reason in rights.permit(trial, self.person or "", act, site=place).reasons}
            for act in rights.ACTS
        }

    def noes(self, address: Address, lang: Literal["en", "ja"]) -> set[str]:
        """Return the sentences of which a refusal at an address must hold one."""
        policy = POLICIES[address.name]
        acts = {*policy.see, *policy.do, "see_subject", "see_worklist"} if policy.who == "trial" else {*rights.ACTS}
        return {html.escape(reason.text[lang]) for act in acts for reason in self._reasons[act]}

    def ask(self, method: str, address: str, *, lang: str | None = None, body: Any = None) -> Any:
        """Send a request."""
        self.asked += 1
        client = self._client
        if self.role is not None and "_auth_user_id" not in client.session:  # it signed out
            client = self._client = self.ground.site.client_for(self.role, self.place, lang=self.lang)
        client.cookies["language"] = lang or self.lang
        client.raise_request_exception = False  # a fault of the program is an answer here, to be counted
        headers = {"Authorization": f"Bearer {self.token}"} if address.startswith("/api/") and self.token else {}
        more = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return client.generic(method, address, headers=headers, **more)


def walk(walker: Walker, chosen: list[Address]) -> list[str]:
    """Ask for addresses by both methods about every subject; return where an answer is not the expected one."""
    site = walker.ground.site
    desk = site.desk
    found = []
    for address, method in itertools.product(chosen, ("GET", "POST")):
        kinds = (OWN,) if not has_subject(address) else SUBJECTS if method == "GET" else SUBJECTS[:3]
        answers = {}
        for kind in kinds:
            where = address_of(address, walker.ground, kind)
            cell = f"{walker.name}: {method} {address.name} of {kind}"
            before, trial = desk.journal.head(), desk.trial
            response = walker.ask(method, where)
            body = b"" if response.streaming else response.content
            answers[kind] = (response.status_code, _bare(body, walker.ground.subjects[kind], where))
            expected = _expected(address, walker.ground, trial, walker.person, kind, method)
            verdict = _verdict(response)
            api = address.name.startswith("api:")
            unread = (api and method != "GET" and response.status_code == 422) or response.status_code == 405
            if verdict not in expected and not (unread and verdict == "fine"):
                found.append(f"{cell}: {response.status_code}, expected {' or '.join(sorted(expected))}")
            if desk.journal.head() != before:
                found.append(f"{cell}: wrote without being told anything")
            if verdict == "forbidden":
                found += _mute(walker, address, method, where, body, cell)
        if has_subject(address):
            hidden = "fine" not in _expected(address, walker.ground, desk.trial, walker.person, OTHER, method) and not _sees(
                walker
            )
            if hidden and answers[OTHER] != answers[UNKNOWN]:
                found.append(f"{walker.name}: {method} {address.name}: a foreign subject can be told from an unknown one")
    return found


def _sees(walker: Walker) -> bool:
    """Say whether a person sees the subject of the other site."""
    trial = walker.ground.site.desk.trial
    site = trial.subjects[walker.ground.subjects[OTHER]].site
    return bool(rights.permit(trial, walker.person or "", "see_subject", site=site))


def _mute(walker: Walker, address: Address, method: str, where: str, body: bytes, cell: str) -> list[str]:
    """Return whether a refusal lacks its sentence in a language."""
    if address.name.startswith("api:"):
        said = json.loads(body)
        reasons = said.get("reasons") or [{"text": said.get("what", {})}]
        texts = [reason["text"] for reason in reasons]
        return [] if texts and all(text.get("en") and text.get("ja") for text in texts) else [f"{cell}: no reasons"]
    found = []
    for lang in ("en", "ja") if method == "GET" else (walker.lang,):  # both methods say it from the same place
        page = body if lang == walker.lang else walker.ask(method, where, lang=lang).content
        if not any(sentence in page.decode() for sentence in walker.noes(address, lang)):
            found.append(f"{cell}: refused without its reason in {lang}")
    return found


#: What a sample of a command says, by the name of the field.
_SAMPLE: Mapping[str, Any] = {
    "stage": "first",
    "form": "first_registration",
    "occurrence": 1,
    "version": "1.0",
    "from_date": "2024-06-12",
    "changes": {},
    "reason": "drill",
    "commitment": "ab" * 32,
    "secret": "cd" * 32,
    "name": "Hospital",
    "person": "p-nobody",
    "role": "coordinator",
    "cut": "c1",
    "through": 1,
    "up_to": "2024-06-12",
    "purpose": "drill",
    "decision": "continue",
    "record": 1,
    "seal": "00",
    "where": "paper",
    "what": "list",
    "recipient": "office",
    "digest": "00",
    "document": "1.0",
    "consent_date": "2024-06-12",
    "scope": "treatment",
    "withdrawal_date": "2024-06-12",
    "k": 1,
    "query": "Q1",
    "text": "確認",
    "meaning": "reviewed",
    "shown": "00",
    "report": "first",
    "category": "c",
    "aware_date": "2024-06-12",
    "rule": "6.2",
    "grade": "deviation",
}


def requests(
    ground: Ground, kind: str, password: str, *, first: Mapping[str, Any], second: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield one request of the API for every command: its act, method, address, body."""
    trial, subject = ground.site.trial_id, ground.subjects[kind]
    place = "s02" if kind == OTHER else "s01"

    def body(**more: Any) -> dict[str, Any]:
        return {"command": secrets.token_hex(16), **more}

    root = f"/api/t/{trial}"
    yield (
        "register_first",
        "POST",
        f"{root}/registrations",
        body(stage="first", site=place, values=dict(first), password=password),
    )
    again = body(stage="second", site=place, subject=subject, values=dict(second), password=password)
    yield "register_next", "POST", f"{root}/registrations", again
    yield "submit_form", "POST", f"{root}/subjects/{subject}/forms", body(form="follow_up", values={})
    change = body(new={"e3_body_temperature_c": 36.6}, reason="drill", seen=1)
    yield "correct_items", "PATCH", f"{root}/subjects/{subject}/forms/first_registration/1", change
    for command in get_args(Said):
        fields = {field.name: field for field in dataclasses.fields(command)}
        act = rights.act_of(command(**dict.fromkeys(fields, "")))
        said = {
            name: {"subject": subject, "site": place}.get(name, _SAMPLE.get(name))
            for name, field in fields.items()
            if name in ("subject", "site")
            or (field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING)
        }
        absent = [name for name, value in said.items() if value is None]
        assert not absent, f"{command.__name__}: no sample for {absent}"
        more = {"password": password} if act in ("sign_form", "mark_allocation_in_error") else {}
        yield act, "POST", f"{root}/commands/{act}", body(entry=said, **more)


def command(walker: Walker, password: str, *, first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Send every command about each subject by the API; return where its permission is not that of the table."""
    found = []
    desk = walker.ground.site.desk
    for kind in SUBJECTS[:3]:
        answers: dict[str, Any] = {}
        for act, method, address, body in requests(walker.ground, kind, password, first=first, second=second):
            trial, head = desk.trial, desk.journal.head()
            response = walker.ask(method, address, body=body)
            said = json.loads(response.content)
            rules = {reason["rule"] for reason in said.get("reasons", ())}
            cell = f"{walker.name}: {act} of {kind} by the API: {response.status_code} {sorted(rules)}"
            about = "subject" in body or "subject" in body.get("entry", {}) or "/subjects/" in address
            subject = trial.subjects.get(walker.ground.subjects[kind])
            at = (subject.site if subject else rights.NOWHERE) if about else body.get("entry", body).get("site")
            permit = rights.permit(trial, walker.person or "", act, site=at)
            if walker.person is None:
                right = response.status_code == 401
            elif not permit:
                right = response.status_code in ({403, 404} if about else {403})
            elif about and subject is None:
                right = response.status_code in (403, 404)
            elif permit.on_behalf:
                right = response.status_code == 409 and rules == {"rights.telephone"}
            else:
                right = response.status_code in (200, 409) and not any(rule.startswith("rights.") for rule in rules)
            if not right:
                found.append(f"{cell}, permitted: {permit.role}")
            if response.status_code != 200 and desk.journal.head() != head:
                found.append(f"{cell}: wrote although it refused")
            if response.status_code in (403, 409) and not all(
                each["text"]["en"] and each["text"]["ja"] for each in said["reasons"]
            ):
                found.append(f"{cell}: a reason lacks a language")
            answers[act] = response.status_code
    return found


def main() -> None:
    """Walk the whole table as every role."""
    from _ground import bench, judge, site, sites, tell

    from oligami.journal import entries as e

    faults = undeclared()
    known = addresses()
    people: list[tuple[str | None, str | None]] = [(None, None), *HOLDINGS]
    with site() as made:
        ground = prepare(made, e, first=bench.FIRST, second=bench.SECOND)
        for role, place in people:
            walker = Walker(ground, role, place)
            found = walk(walker, known)
            tell("R8 pages", who=walker.name.replace(" ", "_"), asked=walker.asked, faults=len(found))
            faults += found
        with without_demand("centre"):
            missed = not walk(Walker(ground, "coordinator", "s01"), [each for each in known if each.name == "centre"])
    for role, place in people:
        with site() as made:
            ground = prepare(made, e, first=bench.FIRST, second=bench.SECOND)
            found = command(Walker(ground, role, place), sites.PASSWORD, first=bench.FIRST, second=bench.SECOND)
            faults += found
    tell("R8", addresses=len(known), policies=len(POLICIES), roles=len(people), control_missed=missed)
    judge([*faults, *(["the control was missed"] if missed else [])])


if __name__ == "__main__":
    sys.exit(main())
