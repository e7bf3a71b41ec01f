"""The API by its addresses: the same rights and refusals as the pages, tokens that reach no further than their site."""

import dataclasses
import json
import secrets
from datetime import date, timedelta
from typing import Any, get_args

import pytest

from oligami.journal import entries as e
from oligami.trial import rights
from oligami.trial.commands import Said, SubmitForm
from oligami.trial.decide import shown_digest
from oligami.web import clock
from oligami.web.api.models import Token
from oligami.web.api.tokens import make_token
from oligami.web.api.writing import _act_of

CONTACT = {"contact_date": "2024-06-11", "vital_status": "alive"}
PASSWORD = "correct horse battery staple"


def command():
    """A new command id."""
    return secrets.token_hex(16)


class Program:
    """A program with a person's token."""

    def __init__(self, site, role, at=None, *, token_site=None):
        self.account = site.person(role, at)
        self.site, self.client = site, site.client_for(None)
        self.word = make_token(self.account, trial=site.trial_id, site=token_site, purpose="test")

    def ask(self, method, path, body=None):
        """Send a request and return status and answer."""
        answer = self.client.generic(
            method,
            f"/api/t/{self.site.trial_id}/{path}",
            json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.word}"},
        )
        assert answer.content[:1] in (b"{", b"["), (answer.status_code, path, answer.content[:300])
        return answer.status_code, json.loads(answer.content)


def reasons(no):
    """The rules of a refusal, after a look that every sentence is in both languages."""
    for sentence in (no["what"], *(reason["text"] for reason in no["reasons"])):
        assert sentence["en"]
        assert sentence["ja"]
    return [reason["rule"] for reason in no["reasons"]]


@pytest.fixture
def subject(site):
    """A registered subject of s01 with a follow-up form."""
    number = site.register()
    site.submit(SubmitForm(subject=number, form="follow_up", values=CONTACT))
    return number


def test_a_token_is_made_on_the_page_once_and_with_the_password(site, jcog):
    """The page asks for the password, shows the token once, and the database keeps its digest alone."""
    client = site.client_for("coordinator")
    sent = {"purpose": "hospital system", "site": "s01"}
    assert client.post(site.url("tokens/"), sent | {"password": "wrong"}).status_code == 422
    assert client.post(site.url("tokens/"), sent | {"site": "s02", "password": PASSWORD}).status_code == 422
    page = client.post(site.url("tokens/"), sent | {"password": PASSWORD}).content.decode()
    word = page.split("oligami_")[1].split("<")[0]
    assert word.encode() not in site.raw()
    assert "oligami_" not in client.get(site.url("tokens/")).content.decode().replace("oligami_token", "")
    answer = site.client_for(None).get(f"/api/t/{site.trial_id}/me", headers={"Authorization": f"Bearer oligami_{word}"})
    assert (answer.status_code, json.loads(answer.content)["site"]) == (200, "s01")
    token = Token.objects.get()
    client.post(site.url(f"tokens/{token.id}/revoke/"))
    answer = site.client_for(None).get(f"/api/t/{site.trial_id}/me", headers={"Authorization": f"Bearer oligami_{word}"})
    assert answer.status_code == 401


def test_without_a_token_that_holds_nothing_is_told(site):
    """No token, a wrong, a revoked, an expired one, one of a closed account: 401 with the sentence in both languages."""
    program = Program(site, "coordinator")
    assert program.ask("GET", "me")[0] == 200
    known = Token.objects.filter(account=program.account)
    known.update(expires_at=clock.now() - timedelta(seconds=1))
    status, no = program.ask("GET", "me")
    assert status == 401
    assert reasons(no) == []
    known.update(expires_at=clock.now() + timedelta(days=1), revoked_at=clock.now())
    assert program.ask("GET", "subjects")[0] == 401
    known.update(revoked_at=None)
    program.account.is_active = False
    program.account.save()
    assert program.ask("GET", "me")[0] == 401
    assert site.client_for(None).get(f"/api/t/{site.trial_id}/me").status_code == 401
    # The session of a browser is no token.
    assert site.client_for("data_manager").get(f"/api/t/{site.trial_id}/me").status_code == 401


def test_a_program_registers_fills_and_corrects(site, bench):
    """A registration with its password, a form, a correction with the record seen; sent again, each gives its first answer."""
    program = Program(site, "investigator", token_site="s01")
    values = dict(bench.FIRST)
    sent = {"command": command(), "stage": "first", "site": "s01", "values": values}
    status, no = program.ask("POST", "registrations", sent)
    assert (status, reasons(no)) == (403, ["signature.password"])
    status, written = program.ask("POST", "registrations", sent | {"password": PASSWORD})
    assert status == 200
    number = next(r["told"]["subject"] for r in written["records"] if r["entry"] == "Registered")
    again = program.ask("POST", "registrations", sent | {"password": PASSWORD})[1]
    assert again == written | {"repeated": True}
    sent = {"command": command(), "form": "follow_up", "values": CONTACT}
    status, written = program.ask("POST", f"subjects/{number}/forms", sent)
    assert status == 200
    status, form = program.ask("GET", f"subjects/{number}/forms/follow_up/1")
    assert (form["values"], form["seq"]) == (CONTACT, written["records"][0]["record"])
    fix = {"command": command(), "new": {"remarks": "by telephone"}, "reason": "left out", "seen": form["seq"]}
    assert program.ask("PATCH", f"subjects/{number}/forms/follow_up/1", fix)[0] == 200
    status, no = program.ask(
        "PATCH", f"subjects/{number}/forms/follow_up/1", fix | {"command": command(), "new": {"remarks": "x"}}
    )
    assert status == 409
    assert reasons(no)
    sent = {"command": command(), "stage": "second", "site": "s01", "subject": number, "values": dict(bench.SECOND)}
    status, written = program.ask("POST", "registrations", sent | {"password": PASSWORD})
    assert status == 200
    (told,) = [record["told"] for record in written["records"] if record["entry"] == "Randomized"]
    assert told["arm"] == site.trial.subjects[number].allocation.arm
    assert not {"tally", "probability", "u", "k", "factors"} & told.keys()
    whole = json.dumps(program.ask("GET", f"subjects/{number}")[1])
    assert not any(f'"{word}"' in whole for word in ("tally", "probability", "imbalance", "u", "k"))


def test_an_ineligible_subject_gives_every_reason(site, bench):
    """A judgement writes nothing; the registration is recorded as refused, with the criteria."""
    program = Program(site, "coordinator")
    values = dict(bench.FIRST) | {"e4_pregnant": "yes"}
    before = site.desk.journal.head()
    status, verdict = program.ask("POST", "judge/first", {"site": "s01", "values": values})
    assert (status, verdict["verdict"]) == (200, "ineligible")
    assert site.desk.journal.head() == before
    sent = {"command": command(), "stage": "first", "site": "s01", "values": values, "password": PASSWORD}
    status, written = program.ask("POST", "registrations", sent)
    assert (status, written["records"][-1]["entry"]) == (200, "RegistrationRefused")
    assert written["records"][-1]["told"]["verdict"] == "ineligible"


def test_a_telephone_registration_names_its_caller(site, bench):
    """A data manager registers for a caller only; the record says telephone and who called."""
    program = Program(site, "data_manager")
    sent = {"command": command(), "stage": "first", "site": "s02", "values": dict(bench.FIRST), "password": PASSWORD}
    status, no = program.ask("POST", "registrations", sent)
    assert (status, reasons(no)) == (409, ["rights.telephone"])
    assert program.ask("POST", "registrations", sent | {"caller": "investigator, s02"})[0] == 200
    *_, record = site.desk.journal.records()
    assert (record.stamp.channel, record.stamp.caller) == ("telephone", "investigator, s02")


def test_a_token_of_one_site_gives_nothing_of_another(site, subject):
    """Other sites' subjects, forms and data queries are not in any list, not by any address, not to be written to."""
    site.submit(e.QueryRaised(subject=subject, query="Q001", form="follow_up", occurrence=1, text="only at s01"))
    other = site.register("s02")
    for program in (Program(site, "coordinator", "s02"), Program(site, "data_manager", token_site="s02")):
        assert {line["subject"] for line in program.ask("GET", "subjects")[1]} == {other}
        assert program.ask("GET", "subjects?site=s01") == (200, [])
        assert program.ask("GET", "queries") == (200, [])
        assert {task["site"] for task in program.ask("GET", "worklist")[1]} <= {"s02"}
        unknown = program.ask("GET", "subjects/S-0999")
        for path in (f"subjects/{subject}", f"subjects/{subject}/forms/follow_up/1"):
            assert program.ask("GET", path) == unknown
        assert unknown[0] == 404
        before = site.desk.journal.head()
        said = {"command": command(), "entry": {"subject": subject, "query": "Q001", "text": "x"}}
        for act in ("answer_query", "close_query"):
            assert program.ask("POST", f"commands/{act}", said)[0] == 404
        sent = {"command": command(), "form": "follow_up", "values": CONTACT}
        assert program.ask("POST", f"subjects/{subject}/forms", sent)[0] == 404
        assert site.desk.journal.head() == before
    assert Program(site, "coordinator", "s02").ask("GET", "sites")[1][0]["site"] == "s02"


def test_anothers_command_id_tells_nothing(site, bench):
    """Whoever knows the command id of another's registration and repeats it is told nothing of it."""
    mine, theirs = Program(site, "investigator", "s01"), Program(site, "investigator", "s02")
    sent = {"command": command(), "stage": "first", "site": "s01", "values": dict(bench.FIRST), "password": PASSWORD}
    assert mine.ask("POST", "registrations", sent)[0] == 200
    status, no = theirs.ask("POST", "registrations", sent | {"site": "s02"})
    assert (status, reasons(no)) == (409, ["command.taken"])


def test_a_signature_needs_the_password_each_time(site, subject):
    """A token alone signs nothing, a wrong password neither; the signature with it holds."""
    program = Program(site, "investigator")
    shown = shown_digest(site.trial.subjects[subject].forms["first_registration", 1].values)
    entry = {"subject": subject, "form": "first_registration", "occurrence": 1, "meaning": "I confirm", "shown": shown}
    for password in ({}, {"password": ""}, {"password": "wrong"}):
        status, no = program.ask("POST", "commands/sign_form", {"command": command(), "entry": entry, **password})
        assert (status, reasons(no)) == (403, ["signature.password"])
    assert program.ask("POST", "commands/sign_form", {"command": command(), "entry": entry, "password": PASSWORD})[0] == 200
    assert site.trial.subjects[subject].forms["first_registration", 1].is_signed


def _sample(hint: Any) -> Any:
    """A value of a field, as JSON."""
    if hint is date:
        return "2024-06-11"
    return {int: 1, str: "x", bool: False}.get(
        hint, None if type(None) in get_args(hint) else [] if "Sequence" in str(hint) else {}
    )


@pytest.mark.parametrize("role", [role for role in rights.ROLES if role not in ("inspector",)])
def test_every_command_is_permitted_as_the_table_says(site, subject, role):
    """Each command by each role: 403 with the table's reason where it may not; else it comes to the desk's own judgement."""
    from typing import get_type_hints

    program = Program(site, role)
    for kind in get_args(Said):
        act, hints = _act_of(kind), get_type_hints(kind)
        entry = {field.name: _sample(hints[field.name]) for field in dataclasses.fields(kind)}
        entry |= {"subject": subject} if "subject" in entry else {}
        entry |= {"site": "s01"} if "site" in entry else {}
        before = site.desk.journal.head()
        status, answer = program.ask("POST", f"commands/{act}", {"command": command(), "entry": entry})
        permit = rights.permit(
            site.trial, program.account.person, act, site="s01" if "site" in entry or "subject" in entry else None
        )
        if permit:
            # Nonsense in the fields may be refused by the desk, a signature for its password: not for the role.
            assert status in (200, 409) or (status == 403 and reasons(answer) == ["signature.password"]), (kind, answer)
        else:
            assert status in (403, 404, 409), (kind, answer)
            assert site.desk.journal.head() == before
            assert status != 403 or reasons(answer), kind
            # A 409 comes from the form of the command, before the question of rights; then the role must be refused by the desk too.
            if status == 409:
                assert not any(record["entry"] == kind.__name__ for record in answer.get("records", []))


def test_a_body_that_is_none_is_refused_in_both_languages(site, subject):
    """Broken JSON, NUL, NaN, half a character, a field too many, a number for a date: a 4xx, nothing written, nothing repeated."""
    program = Program(site, "investigator")
    before = site.desk.journal.head()
    path = f"/api/t/{site.trial_id}/subjects/{subject}/forms"
    head = {"Authorization": f"Bearer {program.word}"}
    secret = "a-value-that-is-nobodys-business"
    whole = {"command": command(), "form": "follow_up", "values": {"remarks": secret}}
    for raw in (
        "{",
        "[]",
        json.dumps(whole | {"bogus": secret}),
        json.dumps(whole | {"command": secret}),
        json.dumps(whole).replace(secret, f"{secret}\\u0000"),
        json.dumps(whole).replace(secret, f"{secret}\\ud800"),
        json.dumps(whole).replace(f'"{secret}"', "NaN"),
        json.dumps(whole).replace(f'"{secret}"', "1e999"),
        json.dumps(whole).replace(f'"{secret}"', "9" * 5000),
        "[" * 100_000,
    ):
        answer = site.client_for(None).post(path, raw, content_type="application/json", headers=head)
        assert answer.status_code in (400, 422), raw[:80]
        assert reasons(json.loads(answer.content)) == []
        assert secret not in answer.content.decode()
    entry = {"subject": subject, "document": "1.0", "consent_date": 0}
    assert program.ask("POST", "commands/give_consent", {"command": command(), "entry": entry})[0] == 422
    assert site.desk.journal.head() == before


def test_slips_of_the_centre_are_refused_by_program_as_well(site):
    """A site without a name, a head with another seal than the record's: the core would take them, the API does not."""
    program, before = Program(site, "data_manager"), site.desk.journal.head()
    for act, entry in (
        ("open_site", {"site": "", "name": "x"}),
        ("open_site", {"site": "s10", "name": " "}),
        ("publish_head", {"record": 1, "seal": "0" * 64, "where": "registry"}),
    ):
        assert program.ask("POST", f"commands/{act}", {"command": command(), "entry": entry})[0] == 409
    assert site.desk.journal.head() == before


def test_the_description_names_every_command_and_answer(site):
    """`openapi.json` lies open; each command has its address, each answer its shape, bodies have examples."""
    answer = site.client_for(None).get("/api/openapi.json")
    assert answer.status_code == 200
    told = json.loads(answer.content)
    for kind in get_args(Said):
        assert f"/api/t/{{trial}}/commands/{_act_of(kind)}" in told["paths"]
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            assert {"200", "400", "401", "403", "404", "422"} <= operation["responses"].keys(), (path, method)
            assert operation["summary"]
    assert "example" in told["components"]["schemas"]["RegisterBody"]
