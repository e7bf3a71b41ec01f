"""`oligami serve`: what stands against starting it, that it stops cleanly, and what its logs keep to themselves."""

import io
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from oligami.cli.main import build

RUNNER = CliRunner()
ITEM_VALUE = "37.2 degrees"


@pytest.fixture
def empty(bench: Any, tmp_path: Path) -> Iterator[Path]:
    """An empty, migrated embedded database in the place of Django's default one; yields the folder of secrets."""
    site = bench.load(Path(__file__).with_name("site.py"))
    path = tmp_path / "trial.sqlite3"
    shutil.copy(site._template(), path)
    with site._default_database(bench.sqlite_database(path)), site._settings(tmp_path):
        (tmp_path / "secrets" / "trial.secret").unlink()
        yield tmp_path / "secrets"


@pytest.fixture
def as_it_is(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The settings of a server that nothing but its trial stands against."""
    from django.conf import settings

    monkeypatch.setattr(settings, "OLIGAMI_REHEARSAL_AT", None)
    monkeypatch.setattr(settings, "SESSION_COOKIE_SECURE", True)
    return monkeypatch


def obstacles() -> list[str]:
    from oligami.web.serving import find_obstacles

    return [problem.rule for problem in find_obstacles()]


def import_simulated(journal: Path, using: str = "default") -> None:
    from oligami.web.transfer import import_journal

    import_journal(journal, using=using)


def keep_secret(folder: Path, seed: int = 1) -> None:
    from oligami.trial.draws import derive_secret

    (folder / "trial.secret").write_text(derive_secret(seed, "jcog2110").hex())


# ------------------------------------------------------------ refusals


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_everything_wrong_with_the_environment_is_said_at_once(lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short key, a strange address and a strange word are refused together, in the language asked for, with status 2."""
    monkeypatch.setenv("OLIGAMI_SECRET_KEY", "short")
    monkeypatch.setenv("DATABASE_URL", "mysql://somewhere/trial")
    monkeypatch.setenv("OLIGAMI_HTTPS", "perhaps")
    result = RUNNER.invoke(build(["serve"]), ["serve", "--lang", lang])
    assert result.exit_code == 2
    for name in ("OLIGAMI_SECRET_KEY", "DATABASE_URL", "OLIGAMI_HTTPS"):
        assert f"[{name}]" in result.stderr
    assert ("サーバーを起動できません" in result.stderr) == (lang == "ja")


def test_a_real_trial_is_refused_on_sqlite_by_an_arranged_clock_with_debug_and_without_https(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything that a real trial must not have is named at once."""
    from django.conf import settings

    monkeypatch.setattr(settings, "DEBUG", True)
    assert set(obstacles()) == {"DATABASE_URL", "OLIGAMI_REHEARSAL_AT", "OLIGAMI_DEBUG", "OLIGAMI_HTTPS"}


def test_a_database_without_a_trial_is_judged_like_a_real_one(empty: Path, as_it_is: pytest.MonkeyPatch) -> None:
    """The trial to come would be a real one."""
    assert obstacles() == ["DATABASE_URL"]


def test_a_simulated_trial_may_have_what_a_real_one_may_not(empty: Path, simulated: Path) -> None:
    """A rehearsal runs on SQLite, by its own clock, without https."""
    import_simulated(simulated)
    keep_secret(empty)
    assert obstacles() == []


def test_the_secret_of_the_next_allocation_must_be_at_hand(empty: Path, simulated: Path) -> None:
    """Without the committed secret, or with another, nothing is served."""
    import_simulated(simulated)
    assert obstacles() == ["secret.missing"]
    keep_secret(empty, seed=2)
    assert obstacles() == ["secret.missing"]


def test_a_secret_that_cannot_be_read_is_named_and_not_shown(empty: Path, simulated: Path) -> None:
    """The file is named, its contents are not."""
    from oligami.web.serving import find_obstacles

    import_simulated(simulated)
    keep_secret(empty)
    (empty / "other.secret").write_text("not sixty-four digits")
    [problem] = find_obstacles()
    assert problem.rule == "OLIGAMI_SECRETS"
    assert "other.secret" in problem.text.en
    assert "sixty" not in problem.text.en


def test_a_database_that_lacks_migrations_is_refused(
    bench: Any, empty: Path, tmp_path: Path, as_it_is: pytest.MonkeyPatch
) -> None:
    """An older database is named with what it lacks and the command that helps."""
    from oligami.web.serving import find_obstacles

    site = bench.load(Path(__file__).with_name("site.py"))
    with site._default_database(bench.sqlite_database(tmp_path / "new.sqlite3")):
        problem = find_obstacles()[-1]
    assert problem.rule == "database.migrations"
    assert "oligami manage migrate" in problem.text.en


def test_a_removed_trigger_is_refused(empty: Path, simulated: Path) -> None:
    """A database that no longer keeps its records unchanged is not served."""
    from django.db import connection

    import_simulated(simulated)
    keep_secret(empty)
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER journal_record_kept")
    assert obstacles() == ["database.guard"]


def test_records_cut_off_behind_the_programs_back_are_refused(empty: Path, simulated: Path) -> None:
    """A journal whose head is not its newest record is not served, and the health page says so."""
    from django.db import connection
    from django.test import Client

    import_simulated(simulated)
    keep_secret(empty)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE journal_head SET seq = seq - 1")
    assert obstacles() == ["journal.broken"]
    answer = Client().get("/health", headers={"host": "testserver"})
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": True, "journal": False}


# ------------------------------------------------------------ the program itself


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OLIGAMI_", "DJANGO_", "DATABASE_"))}
    return {**kept, "OLIGAMI_SECRET_KEY": "k" * 50, "OLIGAMI_DATA": str(tmp_path), **more}


def oligami(*arguments: str, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "oligami.cli.main", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_database_that_does_not_answer_is_said_without_its_password(tmp_path: Path) -> None:
    """No stack trace, no password, status 2."""
    address = f"postgresql://somebody:hidden-word@127.0.0.1:{free_port()}/trial"
    result = oligami("serve", env=environment(tmp_path, DATABASE_URL=address))
    assert result.returncode == 2
    assert "[database.unreachable]" in result.stderr
    assert "hidden-word" not in result.stderr
    assert "Traceback" not in result.stderr


def test_it_serves_from_postgresql_as_a_role_that_owns_nothing(bench: Any, server: Any, simulated: Path, tmp_path: Path) -> None:
    """Refused as the owner of the tables; served as the application's role; stopped by SIGTERM with status 0."""
    server.execute("CREATE DATABASE served OWNER oligami_owner")
    owner = environment(tmp_path, DATABASE_URL=server.address("oligami_owner", "served"))
    alias = bench.add_database(bench.read_database_url(owner["DATABASE_URL"]))
    bench.call_command("migrate", database=alias, verbosity=0)
    import_simulated(simulated, using=alias)
    bench.remove_database(alias)
    (tmp_path / "secrets").mkdir()
    keep_secret(tmp_path / "secrets")
    refused = oligami("serve", env=owner)
    assert refused.returncode == 2
    assert "UPDATE, DELETE, TRUNCATE" in refused.stderr
    assert refused.stderr.count("\n- ") == 1

    sql = oligami("manage", "grants", "oligami_app", env=owner)
    server.execute(sql.stdout, "served")
    port = free_port()
    app = environment(tmp_path, DATABASE_URL=server.address("oligami_app", "served"))
    log = tmp_path / "log"
    with log.open("wb") as said:
        command = [sys.executable, "-m", "oligami.cli.main", "serve", "--bind", f"127.0.0.1:{port}", "--workers", "2"]
        running = subprocess.Popen(command, env=app, stdout=said, stderr=said)
    try:
        body = ask(port, "health", running, log)
        assert json.loads(body)["ready"] is True
        busy = oligami("serve", "--bind", f"127.0.0.1:{port}", env=app)
        assert busy.returncode == 2
        assert "[--bind]" in busy.stderr
        ask(port, "accounts/login/?next=/secret-words/", running, log)
    finally:
        running.send_signal(signal.SIGTERM)
        status = running.wait(30)
    assert status == 0, log.read_text()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["ready", "request", "stopped"]
    assert lines[1]["route"] == "account_login"
    assert lines[1]["status"] == 200
    assert "secret-words" not in log.read_text()


def ask(port: int, path: str, running: Any, log: Path) -> bytes:
    """Return the body of an answer, waiting until the server takes requests."""
    import time

    for _ in range(200):
        assert running.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
                return bytes(answer.read())
        except ConnectionError:
            time.sleep(0.05)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
            time.sleep(0.05)
    raise AssertionError(f"no answer: {log.read_text()}")


# ------------------------------------------------------------ logs


@pytest.fixture
def logged() -> Iterator[Any]:
    """The logs as a server writes them; returns the lines so far."""
    from oligami.web import logs

    root, request = logging.getLogger(), logging.getLogger("django.request")
    before = list(root.handlers), root.level, request.level
    said = io.StringIO()
    logs.configure(to=said)
    yield lambda: [json.loads(line) for line in said.getvalue().splitlines()]
    root.handlers[:], level, request_level = before
    root.setLevel(level)
    request.setLevel(request_level)


def test_a_fault_is_logged_by_type_and_place_without_its_words(logged: Any) -> None:
    """Neither the message of an error nor the query of its address reaches the log; the trace id joins log and answer."""
    from django.http import HttpRequest, HttpResponse
    from django.test import RequestFactory

    from oligami.web.logs import RequestLogMiddleware

    def answer(request: HttpRequest) -> HttpResponse:
        try:
            raise ValueError(ITEM_VALUE)
        except ValueError as error:
            middleware.process_exception(request, error)
        return HttpResponse(status=500)

    middleware = RequestLogMiddleware(answer)
    response = middleware(RequestFactory().post("/t/x/?temperature=37.2+degrees", {"temperature": ITEM_VALUE}))
    failed, request = logged()
    assert "37.2" not in json.dumps([failed, request])
    assert failed["error"] == "builtins.ValueError"
    assert any("test_serve.py" in place for place in failed["places"])
    assert request["status"] == 500
    assert request["trace"] == failed["trace"] == response.headers["X-Trace"]


def test_words_of_other_libraries_are_withheld(logged: Any) -> None:
    """What a library logs may quote what was typed: only who speaks is kept. Our own sentences stay."""
    logging.getLogger("django.security").warning("Invalid value %s", ITEM_VALUE)
    logging.getLogger("oligami.web").warning("fault 7")
    theirs, ours = logged()
    assert theirs["logger"] == "django.security"
    assert "37.2" not in json.dumps(theirs)
    assert ours["event"] == "fault 7"


def test_the_log_tells_who_asked_for_which_page(logged: Any, site: Any) -> None:
    """A request is logged with its route's name and the person's id, without the address."""
    from django.urls import reverse

    client = site.client_for("coordinator")
    client.get(reverse("subjects", args=[site.trial_id]) + "?q=something")
    [line] = [line for line in logged() if line["event"] == "request"]
    assert line["route"] == "subjects"
    assert line["person"] == site.person("coordinator").person
    assert "something" not in json.dumps(line)
