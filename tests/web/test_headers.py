"""The security headers (R13), of every address, by every kind of answer, with and without https."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
SAME = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture(scope="module")
def house(bench: Any, jcog: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A whole site, made once: looking at pages changes nothing that matters here."""
    new_site = bench.load(Path(__file__).with_name("site.py")).new_site
    with new_site(tmp_path_factory.mktemp("house"), jcog) as made:
        made.subject = made.register()
        yield made


def policy(answer: Any) -> dict[str, str]:
    """Return the content policy by directive."""
    parts = (part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";"))
    return {name: sources for name, _, sources in parts}


def check(answer: Any, where: str) -> None:
    """Check all headers of an answer."""
    answer.close()  # a static file is open until then
    for name, value in SAME.items():
        assert answer.get(name) == value, (where, name)
    found = policy(answer)
    for name, value in POLICY.items():
        assert found.get(name, found["default-src"]) in (value, "'none'"), (where, name)
    assert "publickey-credentials-get=(self)" in answer["Permissions-Policy"], where
    for cookie in answer.cookies.values():
        if not cookie.value:
            continue  # one that is taken away
        assert cookie["httponly"], (where, cookie.key)
        assert cookie["samesite"] == "Strict", (where, cookie.key)
        assert cookie["path"] == "/", (where, cookie.key)
    if "text/html" in answer.get("Content-Type", "") and not answer.streaming:
        page = answer.content.decode()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", page), where
        assert not re.search(r'<script(?![^>]*(?:\ssrc="/static/|type="application/json"))', page), where
        assert not re.search(r'(?:src|action|data|poster)="(?:https?:)?//', page), where
        assert not re.search(r'<link[^>]+href="(?:https?:)?//', page), where


def addresses(house: Any) -> list[str]:
    """Return every address of the deployment that needs no more than a trial, a subject, a person and such to be named."""
    from django.urls import URLPattern, get_resolver

    named = {
        "trial_id": house.trial_id,
        "subject_id": house.subject,
        "subject": house.subject,
        "person_id": "p-coordinator-s01",
        "form": "baseline",
        "occurrence": "1",
        "stage": "first",
        "date": "2024-06-12",
        "number": "1",
        "pk": "1",
        "provider_id": "none",
        "uidb36": "1",
        "key": "x-y",
    }

    def walk(patterns: Any, prefix: str) -> Iterator[str]:
        for one in patterns:
            route = prefix + str(one.pattern)
            if isinstance(one, URLPattern):
                yield route
            else:
                yield from walk(one.url_patterns, route)

    found = []
    for route in walk(get_resolver().url_patterns, "/"):
        plain = (
            re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", route).replace("^", "").replace("$", "").replace("\\Z", "")
        )
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: named.get(match[1], "x"), plain)
        found.append(path.replace("\\", ""))
    return found


@pytest.mark.parametrize("role", [None, "coordinator", "administrator"])
def test_every_address_bears_the_headers(house: Any, role: str | None) -> None:
    """Whatever an address answers to whomever, it comes with the whole set and holds nothing the policy would stop."""
    client = house.client_for(role)
    client.raise_request_exception = False
    found = addresses(house)
    assert len(found) > 60
    for path in found:
        if path == "/accounts/logout/":
            continue
        check(client.get(path), path)
        check(client.post(path, {}), path)


@pytest.mark.parametrize(
    "path",
    ["/nothing/here", "/t/none/", "/static/oligami/oligami.css", "/static/none.css", "/static/oligami/icon.svg", "/health"],
)
def test_errors_and_files_bear_the_headers(house: Any, path: str) -> None:
    """Unknown addresses, static files and the health page as well."""
    check(house.client_for(None).get(path), path)


def test_a_foreign_host_bears_the_headers(house: Any) -> None:
    """The answer to a foreign host name, which reaches few of the layers, as well."""
    answer = house.client_for(None).get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    check(answer, "foreign host")


def test_a_fault_bears_the_headers(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of a fault of the program as well, and it shows nothing of it."""

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("oligami.web.accounts.people_views.work.role_changes", fail)
    client = house.client_for("administrator")
    client.raise_request_exception = False
    answer = client.get(house.url("people/"))
    assert answer.status_code == 500
    assert "secret detail" not in answer.content.decode()
    check(answer, "fault")


def test_pages_of_people_stay_in_no_cache(house: Any) -> None:
    """What a signed-in person sees is kept nowhere: not by a proxy, not behind the back button."""
    assert "no-store" in house.client_for("administrator").get(house.url("people/"))["Cache-Control"]


def test_cookies_and_transport_under_https(house: Any) -> None:
    """Served by https, cookies bear the __Host- prefix and Secure, and the browser is told to come by https for two years."""
    from django.conf import settings

    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "oligami.web.settings",
        "OLIGAMI_SECRET_KEY": "x" * 40,
        "OLIGAMI_HTTPS": "yes",
        "OLIGAMI_HOSTS": "trial.example",
        "DATABASE_URL": f"sqlite:///{settings.DATABASES['default']['NAME']}",
    }
    done = subprocess.run([sys.executable, "-c", _HTTPS], env=env, check=True, capture_output=True, text=True)
    name, cookies, transport, status, location, second = json.loads(done.stdout.splitlines()[-1])
    assert name == "__Host-session"
    assert cookies == {"__Host-csrf": [True, True, "Strict", "/", ""]}
    assert transport == "max-age=63072000; includeSubDomains; preload"
    assert (status, location) == (301, "https://trial.example/accounts/login/")
    assert second == "required"


_HTTPS = """
import json, django
django.setup()
from django.conf import settings as s
from django.test import Client
answer = Client().get("/accounts/login/", secure=True, headers={"Host": "trial.example"})
plain = Client().get("/accounts/login/", headers={"Host": "trial.example"})
cookies = {c.key: [bool(c["secure"]), bool(c["httponly"]), c["samesite"], c["path"], c["domain"]] for c in answer.cookies.values()}
transport = answer["Strict-Transport-Security"]
print(json.dumps([s.SESSION_COOKIE_NAME, cookies, transport, plain.status_code, plain["Location"], s.OLIGAMI_SECOND_FACTOR]))
"""
