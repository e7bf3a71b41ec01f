"""The inspector's list, as far as no other test holds it: rights walked by address, signatures, prints, names in texts, time-boxes."""

import csv
import io
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, get_resolver

from oligami.journal import entries as e
from oligami.journal.record import Stamp
from oligami.trial import rights
from oligami.trial.commands import CorrectItems, Register, SubmitForm
from oligami.trial.decide import shown_digest
from oligami.trial.screening import screen_command
from oligami.web.accounts.models import Access, Account

PASSWORD = "correct horse battery staple"
FOLLOW_UP = {"contact_date": "2024-06-11", "vital_status": "alive"}
NAMED = "電話で鈴木様に確認"
#: Parts of addresses that name things below a subject; what they name is the same for every subject asked about.
PARTS = {"form": "follow_up", "occurrence": "1", "stage": "first", "day": "2024-06-12", "query_id": "Q001", "k": "1"}

#: What a page asks for behind its door as well: a copy of a site's data is a copy of its forms.
MORE = {"take/": ("see_form",)}


@pytest.fixture(scope="module")
def house(bench: Any, jcog: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A site made once, with people of two hospitals and a subject at the first, who has a form and a data query."""
    here = Path(__file__)
    new_site = bench.load(here.with_name("site.py")).new_site
    with bench.load(here.with_name("house.py")).new_house(new_site, tmp_path_factory.mktemp("house"), jcog) as made:
        yield made


@pytest.fixture
def site(house: Any, bench: Any) -> Any:
    """The site as it was made."""
    return bench.load(Path(__file__).with_name("house.py")).restore(house)


@pytest.fixture
def subject(site: Any) -> str:
    """A subject of the first hospital with a filled form and a data query about it."""
    number = str(site.register())
    site.submit(SubmitForm(subject=number, form="follow_up", values=FOLLOW_UP))
    site.submit(e.QueryRaised(subject=number, query="Q001", form="follow_up", occurrence=1, text="Which day?"))
    return number


def hidden(page: str, *names: str) -> dict[str, str]:
    """Return what hidden fields of a page carry."""
    found = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in names}
    return {name: match[1] for name, match in found.items() if match is not None}


def addresses() -> Iterator[tuple[str, Any]]:
    """Yield the route and the view of every address below a trial."""

    def walk(patterns: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        for one in patterns:
            route = prefix + str(one.pattern)
            if isinstance(one, URLPattern):
                yield route, one.callback
            else:
                yield from walk(one.url_patterns, route)

    for route, view in walk(get_resolver().url_patterns, ""):
        if route.startswith("t/<slug:trial_id>/"):
            yield route, view


def filled(route: str, **named: str) -> str | None:
    """Return an address with its parts filled in; None if it has parts that are not named here."""
    missing = []

    def part(match: re.Match[str]) -> str:
        if match[1] not in named:
            missing.append(match[1])
        return named.get(match[1], "")

    path = re.sub(r"<(?:\w+:)?(\w+)>", part, route)
    return None if missing else f"/{path}"


def act_of(view: Any) -> str | None:
    """Return the act that a view asks for at its door; None: it asks for none."""
    act: str | None = getattr(view, "act", None) or getattr(getattr(view, "__wrapped__", None), "act", None)
    return act


# ---------------------------------------------------------------- A, C: who gets through which door


@pytest.mark.parametrize("role", list(rights.ROLES))
def test_every_page_is_closed_to_those_whom_the_table_does_not_name(site: Any, role: str) -> None:
    """Each address that asks for an act refuses a role exactly where the table of rights does, and looking writes no record."""
    client = site.client_for(role)
    head, trial, person = site.trial.head, site.trial, site.person(role).person
    walked = 0
    for route, view in addresses():
        act = act_of(view)
        path = filled(route, trial_id=site.trial_id)
        if act is None or path is None:
            continue
        walked += 1
        answer = client.get(path)
        if answer.status_code == 405:
            answer = client.post(path, {})
        asked = (act, *MORE.get(path.removeprefix(site.url()), ()))
        assert (answer.status_code == 403) == any(rights.sites_of(trial, person, each) == frozenset() for each in asked), path
        if answer.status_code == 403:
            assert 'class="reasons"' in answer.content.decode() or "needs the role" in answer.content.decode(), path
    assert walked > 20
    assert site.trial.head == head


def test_a_superuser_is_nobody_in_a_trial(site: Any, subject: str) -> None:
    """Django's superuser without a role of the trial opens no page of it, and no post of his writes anything."""
    account = Account.objects.create_superuser(username="root", email="root@example.org", password=PASSWORD, person="p-root")
    client = Client()
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    head, walked = site.trial.head, 0
    for route, view in addresses():
        path = filled(route, trial_id=site.trial_id, subject=subject, subject_id=subject, person_id="p-root", **PARTS)
        if act_of(view) is None or path is None:
            continue
        walked += 1
        for answer in (client.get(path), client.post(path, {"command": secrets.token_hex(16), "reason": "r"})):
            assert answer.status_code in (403, 404, 405), path
    assert walked > 40
    assert site.trial.head == head


def test_every_address_of_a_foreign_subject_is_as_of_none(site: Any, subject: str) -> None:
    """Whoever is bound to another hospital gets, at each address that names a subject, what he gets for one that is not there."""
    client = site.client_for("investigator", "s02")
    head, walked = site.trial.head, 0
    for route, _view in addresses():
        if "subject>" not in route and "subject_id>" not in route:
            continue
        paths = [filled(route, trial_id=site.trial_id, subject=one, subject_id=one, **PARTS) for one in (subject, "S-9999")]
        assert all(paths), route
        for send in (client.get, lambda path: client.post(path, {"command": secrets.token_hex(16), "_command": "0" * 32})):
            foreign, nobody = (send(path) for path in paths)
            assert foreign.status_code == nobody.status_code, route
            assert foreign.status_code in (403, 404, 405), route
            plain = [re.sub(r"S-\d{4}|[A-Za-z0-9]{32,}", "", answer.content.decode()) for answer in (foreign, nobody)]
            assert plain[0] == plain[1], route
        walked += 1
    assert walked > 18
    assert site.trial.head == head


def test_a_role_granted_for_a_time_ends_by_itself(site: Any, subject: str) -> None:
    """An inspector reads up to the last day of the grant and nothing after it; without a last day there is no grant."""
    person = Account.objects.create_user(username="visitor", email="visitor@example.org", person="p-visitor").person
    administrator = site.client_for("administrator")
    grant = site.url(f"people/{person}/grant/")
    without = administrator.post(grant, {"command": secrets.token_hex(16), "role": "inspector"})
    assert without.status_code == 409
    assert "say its last day" in without.content.decode()
    wrong = administrator.post(grant, {"command": secrets.token_hex(16), "role": "inspector", "until": "tomorrow"})
    assert "cannot be read" in wrong.content.decode()
    over = administrator.post(grant, {"command": secrets.token_hex(16), "role": "inspector", "until": "2024-06-11"})
    assert "is over already" in over.content.decode()
    assert not rights.roles_of(site.trial, person)
    given = {"command": secrets.token_hex(16), "role": "inspector", "until": "2024-06-13"}
    assert administrator.post(grant, given).status_code == 302
    client = Client()
    client.force_login(Account.objects.get(person=person), backend="allauth.account.auth_backends.AuthenticationBackend")
    export = e.ExportMade(what="a list", purpose="inspection", recipient="authority", digest="0" * 64)
    at = settings.OLIGAMI_REHEARSAL_AT
    try:
        for day, status in ((13, 200), (14, 403)):
            settings.OLIGAMI_REHEARSAL_AT = datetime(2024, 6, day, 1, 0, tzinfo=UTC)
            assert client.get(site.url(f"subjects/{subject}/")).status_code == status
            stamp = Stamp(
                recorded_at=settings.OLIGAMI_REHEARSAL_AT, author=person, role="inspector", channel="web", command="0" * 32
            )
            assert (not rights.against(export, site.trial, stamp)) == (status == 200)
            page = administrator.get(site.url(f"people/?day=2024-06-{day}")).content.decode()
            assert ("up to 2024-06-13" in page) == (status == 200)
        # Over, it may be granted anew.
        again = {"command": secrets.token_hex(16), "role": "inspector", "until": "2024-06-20"}
        assert administrator.post(grant, again).status_code == 302
        assert client.get(site.url(f"subjects/{subject}/")).status_code == 200
    finally:
        settings.OLIGAMI_REHEARSAL_AT = at
    records = list(site.desk.journal.records())
    assert (person, "inspector", None) in rights.roles_at(records, at + timedelta(days=9), on=date(2024, 6, 20))
    assert (person, "inspector", None) not in rights.roles_at(records, at + timedelta(days=9), on=date(2024, 6, 21))


# ---------------------------------------------------------------- A: prints; H: who saw what


def test_prints_and_files_are_in_the_access_log(site: Any, subject: str) -> None:
    """A page asked for by its "Print", a paper form, a receipt and a list as a file are lines of their own kinds."""
    client = site.client_for("investigator")
    assert 'href="?print=1"' in client.get(site.url(f"subjects/{subject}/forms/follow_up/1/")).content.decode()
    assert 'href="?print=1"' in client.get(site.url(f"subjects/{subject}/confirmation/first/")).content.decode()
    last = Access.objects.order_by("-id").first().pk
    for path, kind in (
        (f"subjects/{subject}/forms/follow_up/1/?print=1", "print"),
        (f"subjects/{subject}/confirmation/first/?print=1", "print"),
        (f"subjects/{subject}/forms/death/print/", "print"),
        (f"subjects/{subject}/confirmation/first/receipt.txt", "export"),
        ("subjects.csv", "export"),
        ("work.ics", "export"),
        (f"subjects/{subject}/forms/follow_up/1/", "view"),
    ):
        answer = client.get(site.url(path))
        assert answer.status_code == 200, path
        answer.close()
        line = Access.objects.order_by("-id").first()
        assert line.pk > last, path
        assert (line.kind, line.person, line.trial) == (kind, site.person("investigator").person, site.trial_id), path
        last = line.pk


def test_a_breach_report_names_who_saw_a_subject_and_when(site: Any, subject: str) -> None:
    """Filtered by subject and days, the access log lists each person who was shown the subject, on screen and as a file."""
    other = str(site.register())
    seen_by = [site.person(role).person for role in ("coordinator", "monitor")]
    site.client_for("coordinator").get(site.url(f"subjects/{subject}/"))
    site.client_for("monitor").get(site.url(f"subjects/{subject}/forms/follow_up/1/"))
    site.client_for("investigator").get(site.url(f"subjects/{other}/"))
    inspector = site.client_for("inspector")
    query = f"what={subject}&since=2024-06-12&until=2024-06-12"
    shown = inspector.get(site.url(f"access-log/?{query}")).content.decode()
    taken = b"".join(inspector.get(site.url(f"access-log/access-log.csv?{query}")).streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(taken.removeprefix("\ufeff"), newline="")))
    assert sorted({row["person"] for row in rows}) == sorted(seen_by)
    assert all(subject in row["what"] and row["instant_utc"].startswith("2024-06-12T") for row in rows)
    assert f"subject {other}" not in shown
    assert not list(
        csv.DictReader(
            io.StringIO(
                b"".join(inspector.get(site.url(f"access-log/access-log.csv?what={subject}&until=2024-06-11")).streaming_content)
                .decode()
                .removeprefix("\ufeff")
            )
        )
    )


# ---------------------------------------------------------------- B: signatures


def test_a_signature_shows_who_when_and_what_it_means(site: Any, subject: str) -> None:
    """On screen and on paper stand name, instant by both clocks and meaning; after a correction the signature is no longer current."""
    digest = shown_digest(site.trial.subjects[subject].values("follow_up"))
    signer = site.person("investigator")
    signature = e.FormSigned(subject=subject, form="follow_up", occurrence=1, meaning="承認します / I endorse", shown=digest)
    site.submit(signature, author=signer.person)
    client = site.client_for("monitor")
    url = site.url(f"subjects/{subject}/forms/follow_up/1/")

    def shown(path: str) -> str:
        page = client.get(path).content.decode()
        return page[page.index('class="panel signatures"') :].split("</section>")[0]

    for path in (url, f"{url}?print=1"):
        part = shown(path)
        assert signer.shown_name in part
        assert "(investigator)" in part
        assert "2024-06-12 10:00" in part  # Japan
        assert "01:00" in part  # UTC
        assert "承認します / I endorse" in part
        assert ">holds<" in part
    slip = CorrectItems(subject=subject, form="follow_up", occurrence=1, new={"contact_date": "2024-06-12"}, reason="slip")
    site.submit(slip, seen=site.trial.head.seq)
    assert "no longer current" in shown(url)
    assert ">holds<" not in shown(url)
    assert 'class="cell is-signed"' not in client.get(site.url(f"subjects/{subject}/")).content.decode()
    second = shown_digest(site.trial.subjects[subject].values("follow_up"))
    site.submit(
        e.FormSigned(subject=subject, form="follow_up", occurrence=1, meaning="again", shown=second), author=signer.person
    )
    assert shown(url).count("<li>") == 2
    assert shown(url).index(">holds<") < shown(url).index("no longer current")


# ---------------------------------------------------------------- C: the idle lock


def test_what_was_typed_comes_back_after_the_session_ended(site: Any, subject: str) -> None:
    """The page saved a draft, the session ended for want of use; signed on again the form holds what was typed."""
    person = site.person("coordinator")
    client = Client(headers={"User-Agent": "a browser"})

    def sign_on() -> None:
        client.post("/accounts/login/", {"login": person.username, "password": PASSWORD})
        client.cookies["language"] = "en"

    sign_on()
    url = site.url(f"subjects/{subject}/forms/death/new/")
    page = client.get(url).content.decode()
    kept = hidden(page, "_command", "_version", "_subject", "_form", "_occurrence", "_visit", "_edition")
    saved = client.post(site.url("drafts/save/"), {**kept, "death_date": "20240610", "_paper": "1"})
    assert saved.status_code == 200
    session = client.session
    session["oligami"] = {**session["oligami"], "seen": session["oligami"]["seen"] - settings.OLIGAMI_IDLE_S - 1}
    session.save()
    late = client.post(url, {**kept, "death_date": "20240610"})
    assert late.status_code == 302
    assert "/login/" in late["Location"]
    assert not site.trial.subjects[subject].of_form("death")
    sign_on()
    again = client.get(url).content.decode()
    assert 'value="20240610"' in again
    assert re.search(r'name="_paper" value="1" checked', again)


def test_failed_sign_ons_are_told_at_the_next(site: Any) -> None:
    """Whoever signs on after others tried with the name is told how often, once."""
    person, client = site.person("coordinator"), Client(headers={"User-Agent": "a browser"})
    client.cookies["language"] = "en"
    sent = {"login": person.username, "password": PASSWORD}
    for _ in range(2):
        client.post("/accounts/login/", {**sent, "password": "not the password"})
    for failed in (True, False):
        assert client.post("/accounts/login/", {**sent, "next": site.url("work/")}).status_code == 302
        told = client.get(site.url("work/")).content.decode()
        assert ("Since your last sign-in, 2 attempts to sign in with your name failed" in told) == failed
        client.post("/accounts/logout/")


# ---------------------------------------------------------------- E: copied from paper


def test_what_was_copied_from_paper_is_told_apart(site: Any, subject: str) -> None:
    """A form marked as copied is recorded by the channel paper, one that is not by the channel web; the history says which."""
    client = site.client_for("coordinator")
    url = site.url(f"subjects/{subject}/forms/adverse_event/new/")
    form = site.url(f"subjects/{subject}/forms/follow_up/new/")
    for paper in ({"_paper": "1"}, {}):
        page = client.get(form).content.decode()
        typed = {**hidden(page, "_command", "_version", "_visit", "_edition"), **FOLLOW_UP, **paper}
        assert client.post(form, typed).status_code == 302
    page = client.get(site.url(f"subjects/{subject}/forms/follow_up/3/correct/")).content.decode()
    change = {**hidden(page, "_command", "_version", "_seen"), **FOLLOW_UP, "contact_date": "2024-06-10"}
    answer = client.post(site.url(f"subjects/{subject}/forms/follow_up/3/correct/"), {**change, "_reason": "slip", "_paper": "1"})
    assert answer.status_code == 302
    records = site.desk.journal.of_subject(subject)
    told = [record.stamp.channel for record in records if getattr(record.entry, "form", "") == "follow_up"]
    assert told[-3:] == ["paper", "web", "paper"]
    history = client.get(site.url(f"subjects/{subject}/forms/follow_up/2/history/")).content.decode()
    assert "<td>paper</td>" in history
    # What cannot be saved comes back with its box as it was ticked.
    broken = client.post(url, {**hidden(client.get(url).content.decode(), "_command", "_version"), "_paper": "1"})
    assert broken.status_code == 422
    assert re.search(r'name="_paper" value="1" checked', broken.content.decode())


# ---------------------------------------------------------------- H: names in free text


def later(client: Client) -> None:
    """Let a second pass: who sends again has read the question."""
    session = client.session
    digest, at = session["screened"]
    session["screened"] = [digest, at - 2]
    session.save()


def test_a_name_in_a_form_is_asked_about_before_it_is_stored(site: Any, subject: str) -> None:
    """The form comes back with the text, the place and the sign; a double click stores nothing, the same words sent again are taken."""
    client = site.client_for("coordinator")
    url, head = site.url(f"subjects/{subject}/forms/follow_up/new/"), site.trial.head.seq
    typed = {**hidden(client.get(url).content.decode(), "_command", "_version", "_visit"), **FOLLOW_UP, "remarks": NAMED}
    for _ in range(2):
        asked = client.post(url, typed)
        assert asked.status_code == 409
        page = asked.content.decode()
        assert NAMED in page
        assert "It seems to name a person" in page
        assert "send the very same words once more" in page
        assert site.trial.head.seq == head
    later(client)
    other = client.post(url, {**typed, "remarks": f"{NAMED}。山田様も同席"})  # other words are another question
    assert other.status_code == 409
    later(client)
    assert client.post(url, {**typed, "remarks": f"{NAMED}。山田様も同席"}).status_code == 302
    assert site.trial.subjects[subject].forms["follow_up", 2].values["remarks"].startswith(NAMED)


@pytest.mark.parametrize(
    ("role", "path", "typed"),
    [
        ("coordinator", "subjects/{}/queries/Q001/", {"act": "answer", "text": NAMED}),
        ("data_manager", "subjects/{}/forms/follow_up/1/query/", {"text": NAMED}),
        ("coordinator", "subjects/{}/forms/follow_up/1/correct/", {**FOLLOW_UP, "contact_date": "2024-06-10", "_reason": NAMED}),
        ("investigator", "subjects/{}/annul/first/", {"reason": NAMED}),
        ("coordinator", "subjects/{}/withdraw/", {"scope": "treatment", "withdrawal_date": "20240611", "reason": NAMED}),
    ],
)
def test_every_reason_and_query_is_looked_at(site: Any, subject: str, role: str, path: str, typed: dict[str, str]) -> None:
    """Answers and texts of data queries and the reasons of corrections, annulments and withdrawals are asked about as well."""
    client, url, head = site.client_for(role), site.url(path.format(subject)), site.trial.head.seq
    page = client.get(url).content.decode()
    sent = {**hidden(page, "command", "_command", "_version", "_seen"), **typed}
    asked = client.post(url, sent)
    assert asked.status_code == 409
    assert "send the very same words once more" in asked.content.decode()
    assert NAMED in asked.content.decode()
    assert site.trial.head.seq == head
    later(client)
    assert client.post(url, sent).status_code == 302
    assert site.trial.head.seq > head


def test_what_a_command_says_of_the_trial_is_not_looked_at(site: Any, subject: str) -> None:
    """Names of hospitals and recipients stand on purpose; codes, dates and items that are not kept are no free text."""
    trial = site.trial
    contact = e.RecordRevised(changes={"central_contact.0.name": "Mr Smith"}, reason="鈴木様に交代")
    assert not screen_command(contact, trial)
    assert not screen_command(e.ExportMade(what="a", purpose="鈴木様", recipient="鈴木様", digest="0" * 64), trial)
    assert not screen_command(SubmitForm(subject=subject, form="follow_up", values={**FOLLOW_UP, "remarks": "変わりなし"}), trial)
    lesion = {"id": "L1", "location_text": NAMED}
    found = screen_command(Register(stage="first", site="s01", values={"birth_date": "1968-03-15", "lesions": [lesion]}), trial)
    assert [reason.rule for reason in found.reasons] == ["privacy.name"]
    assert NAMED not in str(found.reasons)
