"""The drill of sign-on (R14), gate tier: every way around it that is known, each to be shut.

A control shows for the main guards that the drill would see them missing. Argon2 runs here at its lowest cost (one pass, 8 KiB),
so that hundreds of passwords can be tried; nothing else differs from the running program.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from allauth.account.app_settings import PASSWORD_RESET_TOKEN_GENERATOR
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.webauthn.internal.auth import WebAuthn

WEB = Path(__file__).parents[1] / "web"
PASSWORD = "correct horse battery staple"
LOGIN = "/accounts/login/"
SECOND = "/accounts/2fa/authenticate/"
PASSKEY = "/accounts/2fa/passkeys/login/"
RESET = "/accounts/password/reset/"


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
    new_site = bench.load(WEB / "site.py").new_site
    with bench.load(WEB / "house.py").new_house(new_site, tmp_path_factory.mktemp("house"), jcog) as made:
        yield made


@pytest.fixture
def site(house: Any, bench: Any) -> Any:
    """The site as it was made."""
    return bench.load(WEB / "house.py").restore(house)


@pytest.fixture
def hand(bench: Any) -> Any:
    """What people hold in their hands."""
    return bench.load(WEB / "authenticator.py")


class Front:
    """A visitor's browser before the door."""

    def __init__(self, site: Any, *, lang: str = "en", **named: Any) -> None:
        from django.test import Client

        self.site = site
        self.client = Client(**named)
        self.client.cookies["language"] = lang

    def send(self, address: str, secure: bool = False, **fields: str) -> Any:
        """Send a form."""
        return self.client.post(address, fields, secure=secure)

    def login(self, name: str, password: str = PASSWORD, **more: str) -> Any:
        """Send name and password."""
        return self.send(LOGIN, login=name, password=password, **more)

    def code(self, word: str) -> Any:
        """Send a code."""
        return self.send(SECOND, code=word)

    @property
    def inside(self) -> bool:
        """Whether the visitor got in: his own account opens."""
        return bool(self.client.get("/accounts/").status_code == 200)


@pytest.fixture
def account(site: Any) -> Any:
    """A coordinator's account with a password made at this cost."""
    made = site.person("coordinator")
    made.set_password(PASSWORD)
    made.save()
    return made


@pytest.fixture
def front(site: Any, account: Any) -> Front:
    """A browser."""
    return Front(site)


@pytest.fixture
def secret(account: Any) -> str:
    """The account's authenticator app, with recovery codes."""
    made = generate_totp_secret()
    TOTP.activate(account, made)
    RecoveryCodes.activate(account)
    return made


@pytest.fixture
def passkey(account: Any, hand: Any) -> Any:
    """The account's passkey."""
    made = hand.Passkey()
    WebAuthn.add(account, "key", made.register({"publicKey": {"challenge": "AAAA"}}))
    return made


def kinds(**which: Any) -> list[str]:
    """Return the kinds of the access log's lines, oldest first."""
    from oligami.web.accounts.models import Access

    return list(Access.objects.filter(**which).order_by("id").values_list("kind", flat=True))


# ---------------------------------------------------------------- password


@pytest.mark.parametrize("name", ["coordinator-s01", "COORDINATOR-S01", " coordinator-s01 ", "coordinator-s01@example.org"])
def test_the_right_password_opens(front: Front, name: str) -> None:
    """Name or address with the right password opens; otherwise this drill would show nothing."""
    assert front.login(name).status_code == 302
    assert front.inside
    assert "login" in kinds()


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("coordinator-s01", "wrong password here"),
        ("coordinator-s01", PASSWORD.upper()),
        ("coordinator-s01", PASSWORD + " "),
        ("coordinator-s01", PASSWORD[:-1]),
        ("coordinator-s01", ""),
        ("coordinator-s01", "\0" + PASSWORD),
        ("coordinator-s01' OR '1'='1", PASSWORD),
        ("coordinator-s01\0", PASSWORD),
        ("p-coordinator-s01", PASSWORD),
        ("*", PASSWORD),
        ("", PASSWORD),
        ("nobody", PASSWORD),
        ("x" * 5000, PASSWORD),
    ],
)
def test_a_wrong_pair_does_not(front: Front, name: str, password: str) -> None:
    """No other pair opens, and none is answered with a fault."""
    assert front.login(name, password).status_code == 200
    assert not front.inside


def answers(front: Front, address: str, fields: list[dict[str, str]], strip: list[str]) -> list[tuple[int, str, str]]:
    """Return what the same form answers to different people, without what they typed themselves and without tokens."""
    import re

    found = []
    for sent in fields:
        answer = front.client.post(address, sent)
        text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"|X-CSRFToken[^}]*', "", answer.content.decode())
        for word in strip:
            text = text.replace(word, "")
        found.append((answer.status_code, answer.get("Location", ""), text))
    return found


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("known", ["coordinator-s01", "coordinator-s01@example.org"])
def test_a_wrong_password_tells_nothing_of_the_name(site: Any, account: Any, known: str, lang: str) -> None:
    """An unknown name and a wrong password get the same answer, byte for byte."""
    unknown = known.replace("coordinator", "nobodyknown")
    given = [{"login": name, "password": "wrong password here"} for name in (known, unknown)]
    first, second = answers(Front(site, lang=lang), LOGIN, given, [known, unknown])
    assert first == second


def test_the_lock_tells_nothing_of_the_name(site: Any, front: Front) -> None:
    """A name without an account is locked after as many tries, with the same words."""
    for name in ("coordinator-s01", "nobodyknown-s01"):
        given = [{"login": name, "password": f"wrong password {number}"} for number in range(7)]
        found = answers(front, LOGIN, given, [name])
        assert ["locked for a quarter" in text and "Too many" in text for _, _, text in found] == [False] * 5 + [True] * 2
    assert kinds(kind="lockout") == ["lockout"] * 2


def test_a_wrong_password_takes_as_long_without_an_account(site: Any, front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """One password is hashed for a name with an account and for one without: none is found by the clock."""
    from oligami.web.accounts.hashers import Argon2id

    count: list[str] = []
    encode, verify = Argon2id.encode, Argon2id.verify
    monkeypatch.setattr(Argon2id, "encode", lambda *args: count.append("hash") or encode(*args))
    monkeypatch.setattr(Argon2id, "verify", lambda *args: count.append("hash") or verify(*args))
    spent = []
    for name in ("coordinator-s01", "coordinator-s01@example.org", "nobody", "nobody@example.org"):
        count.clear()
        front.login(name, "wrong password here")
        spent.append(len(count))
    assert spent == [1, 1, 1, 1]


def test_five_tries_then_none(front: Front) -> None:
    """After five failures not even the right password opens, and the lock is recorded once."""
    for number in range(6):
        front.login("coordinator-s01", f"wrong password {number}")
    front.login("coordinator-s01")
    assert not front.inside
    assert kinds(kind="lockout") == ["lockout"]
    assert kinds(kind="login_failed") == ["login_failed"] * 5


def test_the_lock_opens_by_itself(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of an hour later the right password opens again."""
    for number in range(6):
        front.login("coordinator-s01", f"wrong password {number}")
    later = time.time() + 901
    monkeypatch.setattr("oligami.web.accounts.throttle._now", lambda: later)
    monkeypatch.setattr("allauth.core.internal.ratelimit.time.time", lambda: later)
    front.login("coordinator-s01")
    assert front.inside


def test_other_addresses_and_names_do_not_go_around_the_lock(site: Any, account: Any) -> None:
    """Tries by name and by address, from many addresses, count together."""
    for number in range(6):
        name = "coordinator-s01" if number % 2 else "Coordinator-S01@example.org"
        Front(site, REMOTE_ADDR=f"192.0.2.{number}").login(name, f"wrong password {number}")
    late = Front(site, REMOTE_ADDR="198.51.100.7")
    late.login("coordinator-s01")
    assert not late.inside


def test_a_forged_proxy_header_is_not_believed(site: Any, account: Any) -> None:
    """Without a proxy in the settings, X-Forwarded-For changes no address in the log."""
    Front(site, HTTP_X_FORWARDED_FOR="203.0.113.9").login("coordinator-s01", "wrong password here")
    from oligami.web.accounts.models import Access

    assert set(Access.objects.values_list("ip", flat=True)) == {"127.0.0.1"}


def guesses_at_once(site: Any, count: int) -> int:
    """Return how many of so many guesses, all at the same moment, were looked at."""
    from django.db import connection

    from oligami.web.accounts import throttle

    def guess(_: int) -> str:
        try:
            return throttle.spend("login:1")
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        return list(pool.map(guess, range(count))).count("open")


def test_parallel_guesses_count_one_by_one(site: Any) -> None:
    """Of 40 guesses at once five are looked at, as if they came one after another."""
    assert guesses_at_once(site, 40) == 5


def test_control_of_parallel_guesses(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a limit that is not kept the count above is more than five: the drill sees it."""
    from django.conf import settings

    monkeypatch.setattr(settings, "OLIGAMI_LOCKOUT_FAILURES", 1000)
    assert guesses_at_once(site, 40) == 40


def test_what_was_typed_is_not_kept(site: Any, front: Front) -> None:
    """A password typed into the field of the name stands nowhere in the database, nor does any password."""
    front.login("secret-word-in-the-wrong-field", "another secret word")
    front.login("coordinator-s01")
    raw = site.raw()
    for word in (b"secret-word-in-the-wrong-field", b"another secret word", PASSWORD.encode()):
        assert word not in raw


# ---------------------------------------------------------------- session


def test_the_session_key_is_new_after_login(front: Front) -> None:
    """A session key that was planted before sign-on is worth nothing after it."""
    front.client.get("/language/")
    session = front.client.session
    session["planted"] = "yes"
    session.save()
    planted = session.session_key
    front.client.cookies["session"] = planted
    front.login("coordinator-s01")
    assert front.client.cookies["session"].value != planted
    thief = Front(front.site)
    thief.client.cookies["session"] = planted
    assert not thief.inside


def test_a_made_up_session_key_opens_nothing(front: Front) -> None:
    """A key the server never gave is no session."""
    front.client.cookies["session"] = "a" * 32
    assert not front.inside


def test_a_session_in_another_browser_ends(front: Front) -> None:
    """A cookie carried into another browser ends the session for both, and is recorded."""
    front.login("coordinator-s01")
    thief = Front(front.site, HTTP_USER_AGENT="another browser")
    thief.client.cookies["session"] = front.client.cookies["session"].value
    assert not thief.inside
    assert not front.inside
    assert "session_ended" in kinds()


def test_signing_off_ends_the_session_for_its_copies(front: Front) -> None:
    """After signing off the old cookie opens nothing."""
    front.login("coordinator-s01")
    kept = front.client.cookies["session"].value
    front.send("/accounts/logout/")
    front.client.cookies["session"] = kept
    assert not front.inside
    assert kinds()[-1] == "logout"


@pytest.mark.parametrize(("name", "seconds"), [("OLIGAMI_IDLE_S", 1801), ("OLIGAMI_SESSION_S", 12 * 3600 + 1)])
def test_a_session_ends_in_time(front: Front, monkeypatch: pytest.MonkeyPatch, name: str, seconds: int) -> None:
    """Half an hour idle or twelve hours in all end a session; the sign-on page leads back and says why."""
    front.login("coordinator-s01")
    session = front.client.session
    marks = session["oligami"]
    changed = {"seen": marks["seen"] - seconds} if name == "OLIGAMI_IDLE_S" else {"since": marks["since"] - seconds}
    session["oligami"] = {**marks, **changed}
    session.save()
    answer = front.client.get(front.site.url("people/?day=2024-06-01"))
    assert answer.status_code == 302
    assert "next=%2Ft%2Fjcog2110%2Fpeople%2F%3Fday%3D2024-06-01" in answer["Location"]
    assert "kept as drafts" in front.client.get(answer["Location"]).content.decode()


def test_polling_does_not_keep_a_session_alive(front: Front) -> None:
    """What a page asks by itself leaves the idle clock alone; what a person asks sets it."""
    front.login("coordinator-s01")
    session = front.client.session
    session["oligami"] = {**session["oligami"], "seen": time.time() - 600}
    session.save()
    front.client.get("/accounts/", headers={"Oligami-Background": "1"})
    assert time.time() - front.client.session["oligami"]["seen"] > 500
    front.client.get("/accounts/")
    assert time.time() - front.client.session["oligami"]["seen"] < 100


def test_a_new_password_ends_the_other_sessions(front: Front) -> None:
    """Who changes the password stays; whoever else was in is out."""
    other = Front(front.site)
    for browser in (front, other):
        browser.login("coordinator-s01")
    new = "twelve blue herons walking"
    front.send("/accounts/password/change/", oldpassword=PASSWORD, password1=new, password2=new)
    assert front.inside
    assert not other.inside
    assert "password_changed" in kinds()


@pytest.mark.parametrize(
    "word", ["short", "123456789012345", "password1234567890"[:12], "coordinator-s01", "coordinator-s01@example.org"]
)
def test_a_poor_password_is_refused(front: Front, word: str) -> None:
    """Short, all digits, common, or like one's name: refused in words, and the old one stays."""
    front.login("coordinator-s01")
    answer = front.send("/accounts/password/change/", oldpassword=PASSWORD, password1=word, password2=word)
    assert "Please correct" in answer.content.decode()
    front.send("/accounts/logout/")
    front.login("coordinator-s01")
    assert front.inside


def test_a_closed_account_is_out_at_once(front: Front, account: Any) -> None:
    """Deactivation ends open sessions with their next request, and no password opens again."""
    front.login("coordinator-s01")
    account.is_active = False
    account.save()
    assert not front.inside
    front.login("coordinator-s01")
    assert not front.inside
    assert kinds()[-1] == "login_refused"


def test_a_revoked_role_ends_access_at_once(site: Any) -> None:
    """With the role goes the page, at the next request of the same session."""
    from oligami.journal import entries as e

    subject, client = site.register(), site.client_for("coordinator")
    assert client.get(site.url(f"subjects/{subject}/identity/")).status_code == 200
    site.submit(e.RoleRevoked(person=site.person("coordinator").person, role="coordinator", site="s01", reason="left"))
    assert client.get(site.url(f"subjects/{subject}/identity/")).status_code == 403


# ---------------------------------------------------------------- where the door leads


@pytest.mark.parametrize(
    "where",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "https://testserver@evil.example/",
        "https://testserver.evil.example/",
        "\thttps://evil.example",
        "/%0d%0aSet-Cookie:x=1\r\nSet-Cookie: y=2",
        "http://localhost/elsewhere",
    ],
)
def test_sign_on_leads_nowhere_else(front: Front, where: str) -> None:
    """What `next` says is followed only within this very host."""
    answer = front.login("coordinator-s01", next=where)
    assert answer.status_code == 302
    location = answer["Location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "\n" not in location
    out = front.send("/accounts/logout/", next=where)["Location"]
    assert out.startswith("/")
    assert not out.startswith(("//", "/\\"))


def test_sign_on_leads_back(front: Front) -> None:
    """A page of ours is led back to."""
    assert (
        front.login("coordinator-s01", next="/t/jcog2110/people/?day=2024-06-01")["Location"]
        == "/t/jcog2110/people/?day=2024-06-01"
    )


def test_forms_of_others_are_refused(site: Any, account: Any) -> None:
    """A form that was not ours is refused: nobody is signed on or off from elsewhere."""
    front = Front(site, enforce_csrf_checks=True)
    assert front.login("coordinator-s01").status_code == 403
    assert not front.inside


# ---------------------------------------------------------------- codes


def test_the_password_alone_is_not_enough(front: Front, secret: str, hand: Any) -> None:
    """With a second factor the password opens nothing; the code does."""
    assert front.login("coordinator-s01")["Location"] == SECOND
    assert not front.inside
    front.code(hand.code(secret))
    assert front.inside


@pytest.mark.parametrize("word", ["000000", "", "12345", "1234567", "abcdef", "１２３４５６", "' OR 1=1", "0" * 4000])
def test_a_wrong_code_does_not_open(front: Front, secret: str, word: str) -> None:
    """No other code opens, and none is answered with a fault."""
    front.login("coordinator-s01")
    assert front.code(word).status_code == 200
    assert not front.inside


@pytest.mark.parametrize("steps", [-10, -2, 2, 10])
def test_an_old_or_early_code_does_not_open(front: Front, secret: str, hand: Any, steps: int) -> None:
    """A code of another minute is none."""
    front.login("coordinator-s01")
    front.code(hand.code(secret, steps=steps))
    assert not front.inside


def replay(site: Any, word: str) -> bool:
    """Use a code in two browsers, one after the other; say whether the second got in."""
    first, second = Front(site), Front(site)
    for browser in (first, second):
        browser.login("coordinator-s01")
    first.code(word)
    assert first.inside
    second.code(word)
    return second.inside


def test_a_code_works_once(site: Any, account: Any, secret: str, hand: Any) -> None:
    """A code seen over a shoulder does not open a second time."""
    assert not replay(site, hand.code(secret))


def test_control_of_replay(site: Any, account: Any, secret: str, hand: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the memory of the last code the second use gets in: the drill sees it."""
    from allauth.mfa.totp.internal.auth import validate_totp_code
    from allauth.mfa.utils import decrypt

    monkeypatch.setattr(
        "oligami.web.accounts.forms.accept_totp", lambda factor, word: validate_totp_code(decrypt(factor.data["secret"]), word)
    )
    assert replay(site, hand.code(secret))


def test_a_code_works_once_for_all_at_once(site: Any, account: Any, secret: str, hand: Any) -> None:
    """Twelve requests with the same code at the same moment: one gets in."""
    from django.db import connection

    from oligami.web.accounts.forms import accept_totp

    factor, word = Authenticator.objects.get(user=account, type="totp"), hand.code(secret)

    def use(_: int) -> bool:
        try:
            return accept_totp(factor, word)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(use, range(12))).count(True) == 1


def test_an_earlier_code_does_not_work_after_a_later_one(site: Any, account: Any, secret: str, hand: Any) -> None:
    """After the next half minute's code the present one is spent as well."""
    from oligami.web.accounts.forms import accept_totp

    factor = Authenticator.objects.get(user=account, type="totp")
    assert accept_totp(factor, hand.code(secret, steps=1))
    assert not accept_totp(factor, hand.code(secret))


def test_codes_are_not_guessed(front: Front, secret: str, hand: Any) -> None:
    """After five wrong codes the right one does not open either; new sessions do not help."""
    for number in range(6):
        browser = Front(front.site)
        browser.login("coordinator-s01")
        browser.code(f"{number:06d}")
    front.login("coordinator-s01")
    front.code(hand.code(secret))
    assert not front.inside
    assert "lockout" in kinds()


def test_a_recovery_code_works_once(site: Any, account: Any, secret: str) -> None:
    """A recovery code opens once."""
    word = Authenticator.objects.get(user=account, type="recovery_codes").wrap().get_unused_codes()[0]
    assert not replay(site, word)


def test_the_second_step_needs_the_first(front: Front, secret: str, hand: Any) -> None:
    """A code without the password before it opens nothing."""
    assert front.code(hand.code(secret)).status_code == 302
    assert not front.inside


def test_a_code_of_somebody_else_does_not_open(site: Any, front: Front, account: Any, secret: str, hand: Any) -> None:
    """The code of one's own app does not open another's account."""
    other = site.person("investigator")
    mine = generate_totp_secret()
    TOTP.activate(other, mine)
    front.login("coordinator-s01")
    front.code(hand.code(mine))
    assert not front.inside


def test_the_secret_of_an_app_is_not_in_the_database(site: Any, account: Any, secret: str) -> None:
    """Who reads the database cannot make codes."""
    assert secret.encode() not in site.raw()


def test_factors_are_not_changed_without_showing_oneself(front: Front, secret: str, hand: Any) -> None:
    """An open session alone neither removes the app, nor adds a passkey, nor makes recovery codes."""
    front.login("coordinator-s01")
    front.code(hand.code(secret))
    for path in ("totp/deactivate/", "recovery-codes/generate/", "passkeys/add/"):
        answer = front.send(f"/accounts/2fa/{path}")
        assert "reauthenticate" in answer["Location"]
    assert Authenticator.objects.count() == 2


# ---------------------------------------------------------------- passkeys


def passkey_login(front: Front, account: Any, passkey: Any, **bent: Any) -> Any:
    """Sign on by a passkey, bent in some way."""
    asked = front.client.get(PASSKEY, headers={"Accept": "application/json"}, secure=True).json()["request_options"]
    answer = passkey.answer(asked, user=bent.pop("user", user_pk_to_url_str(account)), **bent)
    return front.send(PASSKEY, secure=True, credential=json.dumps(answer))


def test_a_passkey_opens(front: Front, account: Any, passkey: Any) -> None:
    """The honest passkey opens, twice in a row."""
    for _ in range(2):
        passkey_login(front, account, passkey)
        assert front.client.get("/accounts/", secure=True).status_code == 200
        front.send("/accounts/logout/", secure=True)


@pytest.mark.parametrize(
    "bent",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://testserver"},
        {"host": "evil.example"},
        {"challenge": "QUFBQUFBQUFBQUFBQUFBQQ"},
        {"kind": "webauthn.create"},
        {"flags": 0x04},
        {"flags": 0x01},
        {"flags": 0x00},
        {"spoilt": True},
        {"counter": 1},
        {"counter": 0},
        {"user": "999999"},
        {"user": "%00"},
    ],
)
def test_a_bent_passkey_does_not_open(front: Front, account: Any, passkey: Any, bent: dict[str, Any]) -> None:
    """Another origin, host, challenge, kind, no touch, no finger, a broken signature, an old counter, another's handle: no."""
    assert passkey_login(front, account, passkey, **bent).status_code == 302
    assert front.client.get("/accounts/", secure=True).status_code == 302


def test_a_foreign_key_does_not_open(front: Front, account: Any, passkey: Any, hand: Any) -> None:
    """An answer signed by another key, under the same name, is refused."""
    passkey_login(front, account, passkey, key=hand.Passkey().key)
    assert front.client.get("/accounts/", secure=True).status_code == 302


@pytest.mark.parametrize(
    "word", ["", "{", "[]", "null", "1", '"x"', "{}", '{"id": 1}', '{"id": "AA", "rawId": "AA", "response": {}}']
)
def test_a_malformed_passkey_is_a_wrong_one(front: Front, passkey: Any, word: str) -> None:
    """Nothing a client can send as a credential makes a fault."""
    front.client.get(PASSKEY, headers={"Accept": "application/json"}, secure=True)
    assert front.send(PASSKEY, secure=True, credential=word).status_code in (200, 302)
    assert front.client.get("/accounts/", secure=True).status_code == 302


def test_an_answer_of_a_passkey_works_once(front: Front, account: Any, passkey: Any) -> None:
    """The same answer again, in the same or another browser, opens nothing."""
    asked = front.client.get(PASSKEY, headers={"Accept": "application/json"}, secure=True).json()["request_options"]
    answer = json.dumps(passkey.answer(asked, user=user_pk_to_url_str(account)))
    front.send(PASSKEY, secure=True, credential=answer)
    assert front.client.get("/accounts/", secure=True).status_code == 200
    front.send("/accounts/logout/", secure=True)
    for browser in (front, Front(front.site)):
        browser.client.get(PASSKEY, headers={"Accept": "application/json"}, secure=True)
        browser.send(PASSKEY, secure=True, credential=answer)
        assert browser.client.get("/accounts/", secure=True).status_code == 302


def cloned(front: Front, account: Any, passkey: Any) -> bool:
    """Use a passkey, then its copy from before; say whether the copy got in."""
    old = passkey.counter
    for _ in range(3):
        passkey_login(front, account, passkey)
        front.send("/accounts/logout/", secure=True)
    passkey_login(front, account, passkey, counter=old + 1)
    return bool(front.client.get("/accounts/", secure=True).status_code == 200)


def test_a_copied_passkey_is_found(front: Front, account: Any, passkey: Any) -> None:
    """A copy, whose counter stayed behind, is refused and recorded."""
    assert not cloned(front, account, passkey)
    assert kinds()[-1] == "factor_cloned"


def test_control_of_copied_passkeys(front: Front, account: Any, passkey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the look at the counter the copy gets in: the drill sees it."""
    monkeypatch.setattr("oligami.web.accounts.forms.advance_counter", lambda factor, answer: True)
    assert cloned(front, account, passkey)


def test_a_passkey_without_counter_goes_on_working(front: Front, account: Any, hand: Any) -> None:
    """A passkey that always says 0 (many do) has no counter to compare."""
    key = hand.Passkey()
    key.counter = 0
    WebAuthn.add(account, "key", key.register({"publicKey": {"challenge": "AAAA"}}))
    for _ in range(2):
        passkey_login(front, account, key, counter=0)
        assert front.client.get("/accounts/", secure=True).status_code == 200
        front.send("/accounts/logout/", secure=True)


def test_a_passkey_stays_open_while_the_password_is_locked(front: Front, account: Any, passkey: Any) -> None:
    """Whoever locks a doctor's name by guessing does not keep the doctor out."""
    for number in range(7):
        Front(front.site).login("coordinator-s01", f"wrong password {number}")
    passkey_login(front, account, passkey)
    assert front.client.get("/accounts/", secure=True).status_code == 200


# ---------------------------------------------------------------- a new password by mail


def link(account: Any) -> str:
    """Return the path of a link for a new password."""
    return f"{RESET}key/{user_pk_to_url_str(account)}-{PASSWORD_RESET_TOKEN_GENERATOR().make_token(account)}/"


def new_password(front: Front, path: str, word: str) -> Any:
    """Follow a link and set a password."""
    return front.send(front.client.get(path).get("Location", path), password1=word, password2=word)


def test_a_link_works_once(front: Front, account: Any) -> None:
    """The second use of a link changes nothing."""
    path = link(account)
    new_password(front, path, "twelve blue herons walking")
    new_password(Front(front.site), path, "an attackers own password")
    front.login("coordinator-s01", "twelve blue herons walking")
    assert front.inside


def test_a_link_works_once_for_two_at_once(front: Front, account: Any) -> None:
    """Two browsers that both opened the form: the first to send it wins, the other is told."""
    path = link(account)
    other = Front(front.site)
    forms = [browser.client.get(path)["Location"] for browser in (front, other)]
    from oligami.web.accounts.forms import NewPasswordForm
    from oligami.web.accounts.models import Account

    stale = Account.objects.get(pk=account.pk)
    front.send(forms[0], password1="twelve blue herons walking", password2="twelve blue herons walking")
    # What a request does that passed the check of the link before the first one saved.
    form = NewPasswordForm(
        user=stale, temp_key="x", data={"password1": "an attackers own password", "password2": "an attackers own password"}
    )
    assert form.is_valid()
    from allauth.core import context
    from allauth.core.exceptions import ImmediateHttpResponse
    from django.test import RequestFactory

    with context.request_context(RequestFactory().post(forms[1])), pytest.raises(ImmediateHttpResponse):
        form.save()
    assert Account.objects.get(pk=account.pk).check_password("twelve blue herons walking")


def test_an_old_link_is_dead(front: Front, account: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a day a link opens nothing."""
    from datetime import datetime, timedelta

    path = link(account)
    later = datetime.now() + timedelta(days=1, seconds=5)  # noqa: DTZ005 - Django's token counts naive local time
    monkeypatch.setattr("django.contrib.auth.tokens.PasswordResetTokenGenerator._now", lambda self: later)
    assert "no longer valid" in front.client.get(path).content.decode()


@pytest.mark.parametrize(
    "spoil", [lambda path: path.replace("/key/", "/key/1"), lambda path: path[:-2] + "0/", lambda path: path[:-6] + "/"]
)
def test_a_spoilt_link_is_dead(front: Front, account: Any, spoil: Callable[[str], str]) -> None:
    """A link of another account, or one digit off, opens nothing."""
    assert "no longer valid" in front.client.get(spoil(link(account))).content.decode()


def test_a_link_dies_with_sign_on(front: Front, account: Any) -> None:
    """Once the owner signed on again, an unused link opens nothing."""
    path = link(account)
    front.login("coordinator-s01")
    assert "no longer valid" in Front(front.site).client.get(path).content.decode()


def test_a_link_does_not_go_around_the_second_factor(front: Front, account: Any, secret: str) -> None:
    """A new password by mail still asks for the code."""
    new_password(front, link(account), "twelve blue herons walking")
    front.login("coordinator-s01", "twelve blue herons walking")
    assert not front.inside


def test_asking_for_a_link_tells_nothing(front: Front) -> None:
    """Known and unknown addresses get the same answer, and a mail goes to either."""
    from django.core import mail
    from django.test import override_settings

    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        mail.outbox = []
        given = [{"email": "coordinator-s01@example.org"}, {"email": "nobodyknown-s01@example.org"}]
        first, second = answers(front, RESET, given, [])
        assert first == second
        assert [message.to for message in mail.outbox] == [[sent["email"]] for sent in given]
        assert "/key/" not in mail.outbox[1].body


def test_a_closed_account_gets_no_link(front: Front, account: Any) -> None:
    """A deactivated person is told what a stranger is told."""
    from django.core import mail
    from django.test import override_settings

    account.is_active = False
    account.save()
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        mail.outbox = []
        front.send(RESET, email="coordinator-s01@example.org")
        assert "/key/" not in mail.outbox[0].body


def test_a_foreign_host_name_is_refused(front: Front) -> None:
    """A link cannot be made to lead to another host by the name in the request."""
    assert front.client.post(RESET, {"email": "coordinator-s01@example.org"}, headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "path", ["/accounts/signup/", "/accounts/email/", "/accounts/confirm-email/x/", "/accounts/login/code/confirm/", "/admin/"]
)
def test_doors_nobody_needs_are_shut(front: Front, path: str) -> None:
    """There is no self sign-up, no changing of one's own address, no sign-on by mailed code, no other door."""
    from oligami.web.accounts.models import Account

    fields = {"username": "intruder", "email": "intruder@example.org", "password1": PASSWORD, "password2": PASSWORD}
    answer = front.client.post(path, fields)
    assert answer.status_code in (200, 404)
    assert not Account.objects.filter(username="intruder").exists()


# ---------------------------------------------------------------- signing


def sign(front: Front, secure: bool = False, **fields: str) -> Any:
    """Ask `confirm` as a page that signs does, within the browser's session."""
    from django.contrib.auth.middleware import AuthenticationMiddleware
    from django.contrib.sessions.middleware import SessionMiddleware as Sessions
    from django.http import HttpRequest, HttpResponse
    from django.test import RequestFactory

    from oligami.web.accounts.reauth import confirm

    found: list[Any] = []

    def view(request: HttpRequest) -> HttpResponse:
        from allauth.core import context

        with context.request_context(request):
            found.append(confirm(request))
        return HttpResponse()

    request = RequestFactory(**front.client.defaults).post("/sign/", fields, secure=secure)
    request.COOKIES["session"] = front.client.cookies["session"].value
    Sessions(AuthenticationMiddleware(view))(request)
    return found[0]


def test_signing_asks_for_the_password(front: Front, account: Any) -> None:
    """The right password signs; each time anew."""
    front.login("coordinator-s01")
    assert sign(front) is None
    assert sign(front, password=PASSWORD).person == account.person
    assert sign(front) is None


@pytest.mark.parametrize(
    "fields", [{"password": "wrong"}, {"credential": "{}"}, {"credential": "[1]"}, {"password": PASSWORD, "credential": "{}"}]
)
def test_signing_refuses_all_else(front: Front, fields: dict[str, str]) -> None:
    """A sign-on a second ago does not sign, nor does anything but the right password or passkey."""
    front.login("coordinator-s01")
    assert sign(front, **fields) is None
    assert kinds()[-1] == "confirm_failed"


def test_signing_is_throttled_and_ends_the_session(front: Front) -> None:
    """After five wrong passwords the session of whoever sits there is over."""
    front.login("coordinator-s01")
    for number in range(6):
        assert sign(front, password=f"wrong password {number}") is None
    assert not front.inside
    assert "lockout" in kinds()


def test_a_carried_off_session_does_not_sign(front: Front) -> None:
    """The right password in another browser with the same cookie does not sign."""
    front.login("coordinator-s01")
    front.client.defaults["HTTP_USER_AGENT"] = "another browser"
    assert sign(front, password=PASSWORD) is None


def test_another_persons_password_does_not_sign(site: Any, front: Front) -> None:
    """A colleague's password does not sign in one's own session."""
    other = site.person("investigator")
    other.set_password("twelve blue herons walking")
    other.save()
    front.login("coordinator-s01")
    assert sign(front, password="twelve blue herons walking") is None


def challenge(front: Front) -> dict[str, Any]:
    """Fetch what a passkey is to sign."""
    return dict(front.client.post("/accounts/confirm/challenge/", secure=True).json()["request_options"])


def test_a_passkey_signs_once(front: Front, account: Any, passkey: Any) -> None:
    """A passkey signs; its answer does not sign a second form."""
    passkey_login(front, account, passkey)
    answer = json.dumps(passkey.answer(challenge(front)))
    assert sign(front, secure=True, credential=answer).method == "passkey"
    assert sign(front, secure=True, credential=answer) is None


@pytest.mark.parametrize("bent", [{"flags": 0x01}, {"origin": "https://evil.example"}, {"counter": 1}, {"spoilt": True}])
def test_a_bent_passkey_does_not_sign(front: Front, account: Any, passkey: Any, bent: dict[str, Any]) -> None:
    """Without finger or PIN, from another page, with an old counter or broken: no signature."""
    passkey_login(front, account, passkey)
    assert sign(front, secure=True, credential=json.dumps(passkey.answer(challenge(front), **bent))) is None


def test_a_sign_on_answer_does_not_sign(front: Front, account: Any, passkey: Any) -> None:
    """What a passkey signed to get in does not sign a form."""
    asked = front.client.get(PASSKEY, headers={"Accept": "application/json"}, secure=True).json()["request_options"]
    answer = json.dumps(passkey.answer(asked, user=user_pk_to_url_str(account)))
    front.send(PASSKEY, secure=True, credential=answer)
    assert front.client.get("/accounts/", secure=True).status_code == 200
    assert sign(front, secure=True, credential=answer) is None
