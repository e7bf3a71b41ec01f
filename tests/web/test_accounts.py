"""People's accounts: the pages, the access log, roles and who held them, lost second factors, hospital sign-on."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount

from oligami.journal import entries as e

PASSWORD = "correct horse battery staple"
ACCOUNT_PAGES = (  # noqa: SIM905 - a list of forty quotes reads worse
    "login/ logout/ inactive/ signup/ password/change/ password/reset/ password/reset/done/ password/reset/key/done/ "
    "password/reset/key/1-x/ reauthenticate/ 2fa/ 2fa/totp/activate/ 2fa/passkeys/ 2fa/passkeys/add/ 2fa/recovery-codes/generate/ "
    "hospital/error/ hospital/cancelled/"
).split()


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 at its lowest cost."""
    from oligami.web.accounts.hashers import Argon2id

    monkeypatch.setattr(Argon2id, "time_cost", 1)
    monkeypatch.setattr(Argon2id, "memory_cost", 8)
    monkeypatch.setattr(Argon2id, "parallelism", 1)


@pytest.fixture(scope="module")
def house(bench: Any, jcog: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A whole site, made once."""
    here = Path(__file__)
    new_site = bench.load(here.with_name("site.py")).new_site
    with bench.load(here.with_name("house.py")).new_house(new_site, tmp_path_factory.mktemp("house"), jcog) as made:
        yield made


@pytest.fixture
def site(house: Any, bench: Any) -> Any:
    """The site as it was made."""
    return bench.load(Path(__file__).with_name("house.py")).restore(house)


@pytest.fixture
def outbox() -> Any:
    """The mails that went out."""
    from django.core import mail
    from django.test import override_settings

    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        mail.outbox = []
        yield mail.outbox


def lines(**which: Any) -> list[tuple[str, str, str]]:
    """Return lines of the access log, oldest first: kind, person, of what."""
    from oligami.web.accounts.models import Access

    return list(Access.objects.filter(**which).order_by("id").values_list("kind", "person", "what"))


def text(answer: Any) -> str:
    """Return what a page says."""
    return str(answer.content.decode())


def signed_in(site: Any, role: str = "coordinator", lang: str = "en") -> Any:
    """Return a client that has just shown its password, for pages that ask again."""
    client = site.client_for(role, lang=lang)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_page_is_ours_and_speaks_the_language(site: Any, lang: str) -> None:
    """Each page a person can reach has our frame, one heading, the right language, no script or style of its own."""
    japanese = re.compile("[ぁ-んァ-ン一-龯]")
    inside, outside = signed_in(site, lang=lang), site.client_for(None, lang=lang)
    seen = 0
    for path in ACCOUNT_PAGES:
        for client in (inside, outside):
            answer = client.get(f"/accounts/{path}")
            if answer.status_code == 302:
                continue
            seen += 1
            page = text(answer)
            assert page.count("<h1") == 1, path
            assert "oligami.css" in page, path
            assert not re.search(r'<script(?![^>]*(?: src=|type="application/json"))', page), path
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page), path
            main = page[page.index("<main") : page.index("</main")]
            prose = re.sub(r"<(?:script|svg|code)\b.*?</(?:script|svg|code)>|<[^>]*>", " ", main, flags=re.S)
            assert bool(japanese.search(prose)) == (lang == "ja"), path
            for name in re.findall(r'<(?:input|select|textarea)(?![^>]*type="hidden")[^>]*\bid="([^"]+)"', main):
                assert f'for="{name}"' in main, (path, name)
    assert seen > 20


def test_passwords_are_kept_by_argon2id(site: Any) -> None:
    """A stored password names Argon2id."""
    account = site.person("coordinator")
    account.set_password(PASSWORD)
    assert account.password.startswith("argon2$argon2id$")


def test_argon2_costs_at_least_what_owasp_asks() -> None:
    """The running program's passwords cost no less than OWASP's least for Argon2id: 19 MiB and two passes, or more of either."""
    import subprocess
    import sys

    ask = "from oligami.web.accounts.hashers import Argon2id as a; print(a.time_cost, a.memory_cost, a.parallelism)"
    # Another process: this one has made it cheap.
    done = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True)
    passes, memory, lanes = map(int, done.stdout.split())
    assert passes >= 2
    assert memory >= 19 * 1024
    assert lanes >= 1


def test_app_and_recovery_codes_are_set_up(site: Any, bench: Any, outbox: Any) -> None:
    """A person sets up an app, sees the recovery codes once, and is told by mail; all of it is recorded."""
    hand = bench.load(Path(__file__).with_name("authenticator.py"))
    client = signed_in(site)
    page = text(client.get("/accounts/2fa/totp/activate/"))
    secret = re.findall(r'<code class="key">([A-Z2-7]+)</code>', page)[0]
    assert "<svg" in page
    answer = client.post("/accounts/2fa/totp/activate/", {"code": hand.code(secret)})
    assert answer["Location"] == "/accounts/2fa/recovery-codes/"
    codes = re.findall(r'<code class="key">(\d{8})</code>', text(client.get("/accounts/2fa/recovery-codes/")))
    assert len(set(codes)) == 10
    assert "not shown again" in text(client.get("/accounts/2fa/recovery-codes/"))
    assert client.get("/accounts/2fa/recovery-codes/download/").status_code == 403
    assert lines(kind="factor_added") == [("factor_added", "p-coordinator-s01", "totp")]
    assert outbox[0].to == ["coordinator-s01@example.org"]


def test_a_passkey_is_added_and_removed(site: Any, bench: Any) -> None:
    """A person adds a passkey, names it, and removes it."""
    hand = bench.load(Path(__file__).with_name("authenticator.py"))
    client = site.client_for("coordinator")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD}, secure=True)
    page = text(client.get("/accounts/2fa/passkeys/add/", secure=True))
    options = json.loads(re.findall(r'id="passkey-data" type="application/json">(.*?)</script>', page)[0])["creation_options"]
    sent = {"name": "Ward <7>", "credential": json.dumps(hand.Passkey().register(options))}
    assert client.post("/accounts/2fa/passkeys/add/", sent, secure=True).status_code == 302
    assert "Ward &lt;7&gt;" in text(client.get("/accounts/2fa/passkeys/", secure=True))
    key = Authenticator.objects.get(type="webauthn")
    assert client.post(f"/accounts/2fa/passkeys/{key.pk}/edit/", {"name": "Clinic"}, secure=True).status_code == 302
    assert client.post(f"/accounts/2fa/passkeys/{key.pk}/remove/", secure=True).status_code == 302
    assert [kind for kind, _, _ in lines(kind__startswith="factor")] == ["factor_added", "factor_removed"]


@pytest.mark.parametrize("word", ["{}", "[]", "null", '{"id": 1, "rawId": {}, "response": []}'])
def test_a_malformed_new_passkey_is_refused(site: Any, word: str) -> None:
    """Nothing a client sends as a new passkey makes a fault."""
    client = signed_in(site)
    client.get("/accounts/2fa/passkeys/add/")
    assert client.post("/accounts/2fa/passkeys/add/", {"name": "x", "credential": word}).status_code == 200
    assert not Authenticator.objects.exists()


def test_a_second_factor_can_be_demanded(site: Any, settings_of: Any) -> None:
    """Where it is required, a person without one reaches nothing but its set-up; with one, everything."""
    settings_of(OLIGAMI_SECOND_FACTOR="required")
    client = site.client_for("administrator")
    answer = client.get(site.url("people/"))
    assert answer["Location"] == "/accounts/2fa/?due=yes"
    assert "asks everyone for a second factor" in text(client.get("/accounts/2fa/"))
    part = client.get(site.url("people/"), headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Redirect"]) == (204, "/accounts/2fa/?due=yes")
    TOTP.activate(site.person("administrator"), generate_totp_secret())
    assert client.get(site.url("people/")).status_code == 200


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Change settings for a test."""
    from django.conf import settings

    def change(**named: Any) -> None:
        for name, value in named.items():
            monkeypatch.setattr(settings, name, value)

    return change


# ---------------------------------------------------------------- the access log


def test_the_log_keeps_who_saw_what(site: Any) -> None:
    """Looking at the log and taking it out are lines themselves, with person, trial and address."""
    from oligami.web.accounts.models import Access

    client = site.client_for("administrator")
    client.get(site.url("access-log/"))
    client.get(site.url("access-log/access-log.csv"))
    assert lines()[-2:] == [("view", "p-administrator", "access log"), ("export", "p-administrator", "access log")]
    newest = Access.objects.latest("id")
    assert (newest.trial, newest.path, newest.ip) == (site.trial_id, site.url("access-log/access-log.csv"), "127.0.0.1")


def test_every_look_at_a_subject_is_kept(site: Any) -> None:
    """Each page of a subject, and each list of subjects, leaves a line; refused, unknown and fetched parts leave none."""
    subject, client = site.register(), site.client_for("coordinator")
    for path in (f"subjects/{subject}/", f"subjects/{subject}/history/", "subjects/", "work/", "subjects.csv"):
        assert client.get(site.url(path)).status_code == 200
    client.get(site.url(f"subjects/{subject}/"), headers={"HX-Request": "true"})
    assert client.get(site.url("subjects/S-9999/")).status_code == 404
    assert site.client_for("administrator").get(site.url(f"subjects/{subject}/")).status_code == 403
    assert [(kind, what) for kind, _, what in lines(person="p-coordinator-s01", trial=site.trial_id)] == [
        ("view", f"subject {subject}: subject"),
        ("view", f"subject {subject}: subject_history"),
        ("view", "list: subjects"),
        ("view", "list: worklist"),
        ("export", "list: subjects_csv"),
    ]


def test_the_log_is_filtered(site: Any) -> None:
    """Kind, person, words and days narrow the list; a date that is none is said, with a 400."""
    client = site.client_for("administrator")
    client.get("/accounts/login/")
    client.post("/accounts/reauthenticate/", {"password": "wrong password here"})
    page = text(
        client.get(site.url("access-log/"), {"kind": "confirm_failed", "person": "p-administrator", "since": "2024-06-12"})
    )
    assert "1 lines" in page
    assert "0 lines" in text(client.get(site.url("access-log/"), {"until": "2024-06-11"}))
    for wrong in ({"since": "yesterday"}, {"until": "9999-12-31"}, {"kind": "x"}):
        answer = client.get(site.url("access-log/"), wrong)
        assert answer.status_code == 400
        assert "Please correct" in text(answer)
        assert client.get(site.url("access-log/access-log.csv"), wrong).status_code == 400


def test_the_log_as_a_file_runs_no_formula(site: Any) -> None:
    """What a browser calls itself is not taken for a formula by a spreadsheet."""
    client = site.client_for("administrator")
    client.get(site.url("people/"), headers={"User-Agent": "=HYPERLINK(1)"})
    client = site.client_for("administrator")
    rows = b"".join(client.get(site.url("access-log/access-log.csv")).streaming_content).decode()
    assert "'=HYPERLINK(1)" in rows
    assert ",=HYPERLINK" not in rows


@pytest.mark.parametrize("role", ["coordinator", "investigator", "monitor"])
def test_the_log_is_not_for_everyone(site: Any, role: str) -> None:
    """Who may not see the log is told why."""
    answer = site.client_for(role).get(site.url("access-log/"))
    assert answer.status_code == 403
    assert "<li>" in text(answer)
    assert site.client_for(role).get("/accounts/access-log/").status_code == 404


def test_the_log_leads_to_the_trial(site: Any) -> None:
    """The address without a trial leads to the log of the trial one may see."""
    assert site.client_for("administrator").get("/accounts/access-log/")["Location"] == site.url("access-log/")


def test_the_database_keeps_the_log(database: Any, bench: Any) -> None:
    """The program's role adds lines; UPDATE, DELETE and taking a used number are refused to it and to the owner, on both databases."""
    from django.core.management import call_command
    from django.db import DatabaseError, connections

    from oligami.web.accounts.guards import grants, missing_guards

    call_command("migrate", database=database.owner, verbosity=0)
    if database.vendor == "postgresql":
        for statement in grants(bench.APPLICATION, connections[database.owner]):
            database.execute(statement, alias=database.owner)
    insert = (
        "INSERT INTO accounts_access (id, instant, kind, person, name_hash, trial, what, ip, agent, path) "
        "VALUES (1, '2024-06-01 00:00:00+00:00', 'login', 'p', '', '', '', '', '', '')"
    )
    database.execute(insert)
    spoils = ["UPDATE accounts_access SET person = 'q'", "DELETE FROM accounts_access"]
    if database.vendor == "sqlite":
        spoils.append(insert.replace("INSERT", "INSERT OR REPLACE"))
    else:
        spoils += ["TRUNCATE accounts_access"]
        with pytest.raises(DatabaseError, match="permission denied"):
            database.execute("DELETE FROM accounts_account")
    for alias in {database.alias, database.owner}:
        assert missing_guards(alias) == ()
        for spoil in spoils:
            with pytest.raises(DatabaseError):
                database.execute(spoil, alias=alias)
    assert database.execute("SELECT person FROM accounts_access") == [("p",)]


# ---------------------------------------------------------------- people


def new_person(site: Any, client: Any = None, **changes: str) -> Any:
    """Make an account by the page."""
    fields = {"username": "new.one", "display_name": "New One", "email": "new.one@example.org"}
    return (client or site.client_for("administrator")).post(site.url("people/new/"), fields | changes)


def test_an_account_is_made_and_its_owner_invited(site: Any, outbox: Any) -> None:
    """The administrator makes an account without a password; the link goes to its owner alone and opens once."""
    from oligami.web.accounts.models import Account

    answer = new_person(site)
    account = Account.objects.get(username="new.one")
    assert answer["Location"] == site.url(f"people/{account.person}/")
    assert not account.has_usable_password()
    assert outbox[0].to == ["new.one@example.org"]
    path = re.findall(r"http://testserver(\S+)", outbox[0].body)[0]
    assert path not in text(site.client_for("administrator").get(answer["Location"]))
    visitor = site.client_for(None)
    form = visitor.get(path)["Location"]
    assert (
        visitor.post(form, {"password1": "twelve blue herons walking", "password2": "twelve blue herons walking"}).status_code
        == 302
    )
    assert visitor.post("/accounts/login/", {"login": "new.one", "password": "twelve blue herons walking"}).status_code == 302
    assert [kind for kind, _, _ in lines()][:2] == ["account_made", "account_changed"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"username": "X"}, "2 to 40 small letters"),
        ({"username": "coordinator-s01"}, "never given again"),
        ({"email": "nowhere"}, "cannot be read"),
        ({"email": "COORDINATOR-s01@example.org"}, "another account"),
        ({"display_name": ""}, "1 to 100"),
        ({"hospital": "h"}, "both the hospital and its identity"),
        ({"username": "", "email": "", "display_name": ""}, "1 to 100"),
    ],
)
def test_a_poor_account_is_refused(site: Any, changes: dict[str, str], said: str) -> None:
    """What is wrong is said, what was typed stays, nothing is made."""
    from oligami.web.accounts.models import Account

    site.person("coordinator")
    answer = new_person(site, **changes)
    assert answer.status_code == 409
    assert said in text(answer)
    assert Account.objects.filter(username="new.one").count() == 0


@pytest.mark.parametrize("role", ["coordinator", "data_manager", "inspector", "monitor"])
def test_only_administrators_change_people(site: Any, role: str) -> None:
    """No other role makes, closes, opens, invites, grants, revokes or recovers; nothing changes."""
    other = site.person("investigator")
    client, before = site.client_for(role), site.trial.study.roles
    assert new_person(site, client).status_code == 403
    for act in ("grant", "revoke", "close", "open", "invite", "recovery"):
        fields = {"role": "monitor", "held": "investigator@s01", "reason": "because"}
        assert client.post(site.url(f"people/{other.person}/{act}/"), fields).status_code == 403
    other.refresh_from_db()
    assert other.is_active
    assert site.trial.study.roles == before


def test_roles_are_granted_and_revoked(site: Any, outbox: Any) -> None:
    """A role granted by the page stands in the journal; revoked, it is gone; both are in the access log."""
    new_person(site)
    from oligami.web.accounts.models import Account

    account = Account.objects.get(username="new.one")
    client, base = site.client_for("administrator"), site.url(f"people/{account.person}/")
    client.post(f"{base}grant/", {"role": "coordinator", "site": "s02", "command": "0" * 32})
    assert (account.person, "coordinator", "s02") in site.trial.study.roles
    client.post(f"{base}grant/", {"role": "coordinator", "site": "s02", "command": "0" * 32})
    assert client.post(f"{base}grant/", {"role": "emperor", "command": "1" * 32}).status_code == 409
    assert "New One" in text(client.get(site.url("people/")))
    client.post(f"{base}revoke/", {"held": "coordinator@s02", "reason": "left the hospital", "command": "2" * 32})
    assert (account.person, "coordinator", "s02") not in site.trial.study.roles
    assert "left the hospital" in text(client.get(base))
    assert [kind for kind, _, _ in lines(kind__startswith="role")][-1] == "role_revoked"


def test_who_held_what_on_any_day(site: Any, bench: Any) -> None:
    """The page of a past day shows the roles of that day, one revoked during it included, and those of no other."""
    from oligami.web.accounts.people import held_on, role_changes

    site.person("coordinator")
    site.submit(e.RoleRevoked(person="p-coordinator-s01", role="coordinator", site="s01", reason="left"))
    changes = role_changes(site.trial_id)
    [granted] = [change for change in changes if change.person == "p-coordinator-s01" and change.given]
    day = timedelta(days=1)
    begins = granted.at.replace(hour=0, minute=0, second=0, microsecond=0)
    assert granted in held_on(changes, begins, begins + day)
    assert granted not in held_on(changes, begins + day, begins + 2 * day)
    assert held_on(changes, begins - day, begins) == ()
    assert "Nobody held a role" in text(site.client_for("administrator").get(site.url("people/"), {"day": "2020-01-01"}))
    assert site.client_for("administrator").get(site.url("people/"), {"day": "soon"}).status_code == 400


def test_a_site_sees_its_own_people(site: Any) -> None:
    """An investigator sees the people of the own site and of the trial as a whole, none of another's, by list or by id."""
    for place in ("s01", "s02"):
        site.person("coordinator", place)
    client = site.client_for("investigator")
    page = text(client.get(site.url("people/")))
    assert "coordinator-s01" in page
    assert "s02" not in page
    assert client.get(site.url("people/p-coordinator-s01/")).status_code == 200
    unknown = client.get(site.url("people/p-nobody/"))
    foreign = client.get(site.url("people/p-coordinator-s02/"))
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert "@example.org" not in text(client.get(site.url("people/p-coordinator-s01/")))


def test_closing_an_account_ends_its_sessions(site: Any) -> None:
    """Deactivated, a person is out with the next request; the account stays and can be opened again; all with reasons."""
    other, client = site.client_for("coordinator"), site.client_for("administrator")
    base = site.url("people/p-coordinator-s01/")
    assert client.post(f"{base}close/", {"reason": " "}).status_code == 409
    assert other.get("/accounts/").status_code == 200
    assert client.post(f"{base}close/", {"reason": "left"}).status_code == 302
    assert other.get("/accounts/").status_code == 302
    assert client.post(f"{base}close/", {"reason": "left"}).status_code == 409
    assert client.post(f"{base}open/", {"reason": "came back"}).status_code == 302
    assert other.get("/accounts/").status_code == 302  # the old session stays dead
    assert [what for _, _, what in lines(kind__in=("account_closed", "account_opened"))] == [
        "p-coordinator-s01: left",
        "p-coordinator-s01: came back",
    ]


def test_nobody_closes_himself(site: Any) -> None:
    """An administrator cannot lock himself out."""
    assert (
        site.client_for("administrator").post(site.url("people/p-administrator/close/"), {"reason": "tired"}).status_code == 409
    )


def second_administrator(site: Any) -> Any:
    """Return a client of another administrator."""
    from django.test import Client

    from oligami.web.accounts.models import Account

    account = Account.objects.create_user(
        username="administrator2", email="administrator2@example.org", person="p-administrator2"
    )
    site.submit(e.RoleGranted(person=account.person, role="administrator"))
    client = Client()
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_a_lost_second_factor_takes_two(site: Any) -> None:
    """One administrator asks, another confirms; neither can do both; then the factor and all sessions are gone."""
    from oligami.web.accounts.models import Recovery

    account, other = site.person("coordinator"), site.client_for("coordinator")
    TOTP.activate(account, generate_totp_secret())
    first, second = site.client_for("administrator"), second_administrator(site)
    ask = site.url("people/p-coordinator-s01/recovery/")
    assert first.post(ask, {"reason": ""}).status_code == 409
    assert first.post(ask, {"reason": "called back on the ward's number"}).status_code == 302
    assert first.post(ask, {"reason": "again"}).status_code == 409
    answer = site.url(f"people/recovery/{Recovery.objects.get().pk}/")
    assert first.post(answer, {"answer": "confirm"}).status_code == 409
    assert other.post(answer, {"answer": "confirm"}).status_code == 403
    assert account.has_second_factor
    assert second.post(answer, {"answer": "confirm"}).status_code == 302
    assert not account.has_second_factor
    assert other.get("/accounts/").status_code == 302
    assert second.post(answer, {"answer": "confirm"}).status_code == 409
    assert [(kind, person) for kind, person, _ in lines(kind__startswith="recovery")] == [
        ("recovery_asked", "p-administrator"),
        ("recovery_confirmed", "p-administrator2"),
    ]


def test_a_recovery_can_be_turned_down(site: Any) -> None:
    """Turned down, nothing is removed, and it can be asked for again."""
    from oligami.web.accounts.models import Recovery

    account = site.person("coordinator")
    TOTP.activate(account, generate_totp_secret())
    client, ask = site.client_for("administrator"), site.url("people/p-coordinator-s01/recovery/")
    client.post(ask, {"reason": "called"})
    client.post(site.url(f"people/recovery/{Recovery.objects.get().pk}/"), {"answer": "no"})
    assert account.has_second_factor
    assert client.post(ask, {"reason": "called again"}).status_code == 302


def test_the_operator_makes_the_first_account(site: Any) -> None:
    """The command of the machine makes an account and says the link; what is wrong is said in a sentence."""
    from io import StringIO

    from django.core.management import CommandError, call_command

    out = StringIO()
    call_command("make_account", "first.one", "first.one@example.org", "First One", stdout=out)
    path = re.findall(r"http://[^/]+(\S+)", out.getvalue())[0]
    assert site.client_for(None).get(path).status_code == 302
    with pytest.raises(CommandError, match="never given again"):
        call_command("make_account", "first.one", "other@example.org", "Other")


# ---------------------------------------------------------------- hospital sign-on


@pytest.fixture
def hospital(settings_of: Any) -> None:
    """One hospital's server, which may vouch for addresses of `example.org`."""
    from oligami.web.accounts.oidc import read_hospitals

    setting = {"id": "ha", "name": "Hospital A", "issuer": "https://login.ha.example", "client_id": "c", "secret": "s"}
    apps = read_hospitals(json.dumps([setting | {"domains": ["example.org"]}]))
    settings_of(SOCIALACCOUNT_PROVIDERS={"openid_connect": {"APPS": list(apps), "OAUTH_PKCE_ENABLED": True}})


def vouch(site: Any, lang: str = "en", process: str = "login", client: Any = None, **claims: Any) -> tuple[Any, Any]:
    """Arrive with what a hospital's server says of a person; return the answer and the browser."""
    from allauth.core import context
    from allauth.socialaccount.helpers import complete_social_login
    from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
    from django.contrib.auth.middleware import AuthenticationMiddleware
    from django.contrib.messages.middleware import MessageMiddleware
    from django.contrib.sessions.middleware import SessionMiddleware
    from django.http import HttpRequest, HttpResponse
    from django.test import Client, RequestFactory
    from django.utils import translation

    client = client or Client()

    def view(request: HttpRequest) -> HttpResponse:
        with context.request_context(request), translation.override(lang):
            from allauth.socialaccount.adapter import get_adapter

            app = get_adapter().get_app(request, provider="ha")
            login = OpenIDConnectProvider(request, app=app).sociallogin_from_response(request, {"userinfo": claims})
            login.state = {"process": process}
            answer: HttpResponse = complete_social_login(request, login)
            return answer

    request = RequestFactory().get("/accounts/oidc/ha/login/callback/")
    request.COOKIES.update({name: morsel.value for name, morsel in client.cookies.items()} | {"language": lang})
    answer = SessionMiddleware(AuthenticationMiddleware(MessageMiddleware(view)))(request)
    client.cookies.update(answer.cookies)
    return answer, client


def test_a_registered_identity_signs_on(site: Any, hospital: None) -> None:
    """An identity that the administrator registered opens its account."""
    SocialAccount.objects.create(user=site.person("coordinator"), provider="ha", uid="sub-1")
    answer, client = vouch(site, sub="sub-1")
    assert answer.status_code == 302
    assert client.get("/accounts/").status_code == 200
    assert lines(kind="login") == [("login", "p-coordinator-s01", "socialaccount")]


def test_a_verified_address_signs_on(site: Any, hospital: None) -> None:
    """An address of the hospital's own domain that its server verified opens the account with it, from then on by identity."""
    account = site.person("coordinator")
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    answer, client = vouch(site, sub="sub-2", email=account.email, email_verified=True)
    assert answer.status_code == 302
    assert client.get("/accounts/").status_code == 200
    assert SocialAccount.objects.get().uid == "sub-2"


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "stranger"},
        {"sub": "stranger", "email": "stranger@example.org", "email_verified": True},
        {"sub": "x", "email": "coordinator-s01@example.org"},
        {"sub": "x", "email": "coordinator-s01@example.org", "email_verified": False},
        {"sub": "x", "email": "coordinator-s01@example.org", "email_verified": "false"},
        {"sub": "x", "email": "coordinator-s01@example.org", "email_verified": "true"},
        {"sub": "x", "email": "other@elsewhere.example", "email_verified": True},
    ],
)
def test_an_unmatched_identity_is_told_so(site: Any, hospital: None, claims: dict[str, Any]) -> None:
    """No account is made or opened; the page says what to do; it is recorded."""
    from oligami.web.accounts.models import Account

    other = site.person("investigator")
    other.email = "other@elsewhere.example"  # of a domain this hospital may not vouch for
    other.save()
    site.person("coordinator")
    before = Account.objects.count()
    answer, client = vouch(site, **claims)
    assert answer.status_code == 403
    assert "No account here" in text(answer)
    assert "アカウントがありません" in text(vouch(site, lang="ja", **claims)[0])
    assert client.get("/accounts/").status_code == 302
    assert Account.objects.count() == before
    assert not SocialAccount.objects.exists()
    assert lines(kind="hospital_refused")


def test_nobody_connects_an_identity_himself(site: Any, hospital: None) -> None:
    """A signed-in person cannot attach a hospital identity to the account; the administrator registers it."""
    answer, _ = vouch(site, process="connect", client=signed_in(site), sub="sub-3")
    assert answer.status_code == 403
    assert not SocialAccount.objects.exists()


def test_hospital_sign_on_does_not_go_around_the_second_factor(site: Any, hospital: None) -> None:
    """With a second factor set up here, the code is asked for after the hospital's sign-on."""
    account = site.person("coordinator")
    TOTP.activate(account, generate_totp_secret())
    SocialAccount.objects.create(user=account, provider="ha", uid="sub-1")
    answer, client = vouch(site, sub="sub-1")
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/accounts/").status_code == 302


def test_the_sign_on_page_offers_the_hospital(site: Any, hospital: None) -> None:
    """The hospital stands on the sign-on page, as a form (a link alone could be followed by mistake)."""
    page = text(site.client_for(None).get("/accounts/login/"))
    assert "Hospital A" in page
    assert re.search(r'<form method="post" action="/accounts/oidc/ha/login/[^"]*">', page)


def test_the_way_back_brings_the_cookies(site: Any, hospital: None) -> None:
    """Coming back from another site, the browser is led once through a page of ours, which brings its strict cookies."""
    client = site.client_for(None)
    answer = client.get("/accounts/oidc/ha/login/callback/", {"code": "x", "state": "y"})
    assert 'content="0;url=/accounts/oidc/ha/login/callback/?code=x&amp;state=y&amp;_redir="' in text(answer)
    again = client.get("/accounts/oidc/ha/login/callback/", {"code": "x", "state": "y", "_redir": ""})
    assert "Hospital sign-on failed" in text(again)


@pytest.mark.parametrize(
    "setting",
    [
        "nowhere.json",
        "[1]",
        "{",
        '{"id": "a"}',
        '[{"id": "A b", "name": "n", "issuer": "https://x", "client_id": "c", "secret": "s"}]',
        '[{"id": "a", "name": "n", "issuer": "http://x.example", "client_id": "c", "secret": "s"}]',
        '[{"id": "a", "name": "n", "issuer": "https://x", "client_id": "c", "secret": "top-secret-word", "colour": "red"}]',
        '[{"id": "a", "name": "n", "issuer": "https://x", "client_id": "c", "secret": "s", "domains": "example.org"}]',
    ],
)
def test_a_faulty_list_of_hospitals_is_said(setting: str) -> None:
    """What is wrong with the setting is said before anything starts, without its secrets."""
    from oligami.web.accounts.environment import read_environment
    from oligami.web.configuration import ConfigurationError

    with pytest.raises(ConfigurationError, match="OLIGAMI_OIDC") as caught:
        read_environment({"OLIGAMI_OIDC": setting})
    assert "top-secret-word" not in str(caught.value)


def test_a_file_of_hospitals_is_read(tmp_path: Path) -> None:
    """A path instead of JSON is read; the origins go into the policy of forms."""
    from oligami.web.accounts.environment import read_environment

    path = tmp_path / "hospitals.json"
    entry = {"id": "a", "name": "A", "issuer": "https://a.example/realm", "client_id": "c", "secret": "s"}
    path.write_text(json.dumps([entry]))
    found = read_environment({"OLIGAMI_OIDC": str(path), "OLIGAMI_HTTPS": "proxy", "OLIGAMI_MAIL": "smtps://u:p%40@mail.example"})
    assert found.hospital_origins == ("https://a.example",)
    assert (found.second_factor, found.proxies, found.https) == ("required", 1, True)
    assert found.mail is not None
    assert (found.mail.password, found.mail.port) == ("p@", 465)


def test_all_faults_of_the_environment_are_said_at_once() -> None:
    """Each variable that cannot be read stands in the one refusal."""
    from oligami.web.accounts.environment import read_environment
    from oligami.web.configuration import ConfigurationError

    wrong = {
        "OLIGAMI_HTTPS": "maybe",
        "OLIGAMI_SECOND_FACTOR": "never",
        "OLIGAMI_PROXIES": "-1",
        "OLIGAMI_IDLE_MINUTES": "0",
        "OLIGAMI_SESSION_HOURS": "25",
        "OLIGAMI_MAIL": "mail.example",
    }
    with pytest.raises(ConfigurationError) as caught:
        read_environment(wrong)
    assert {problem.rule for problem in caught.value.problems} == set(wrong)


def test_the_log_uses_the_rehearsals_clock(site: Any) -> None:
    """Lines bear the instant of `web.clock`, like the journal's records."""
    from oligami.web.accounts.models import Access

    site.client_for("administrator").get(site.url("people/"))
    assert Access.objects.latest("id").instant.date() == datetime(2024, 6, 12, tzinfo=UTC).date()
