"""What the environment may say, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from oligami.web.configuration import ConfigurationError, read_configuration, read_database_url, sqlite_database
from oligami.web.desk import read_secrets
from oligami.web.durability import check_settings

KEY = "k" * 40


def test_an_empty_environment_asks_for_a_key_alone(tmp_path):
    """The embedded database in a folder is what one gets without asking; a secret key is not."""
    with pytest.raises(ConfigurationError, match="OLIGAMI_SECRET_KEY"):
        read_configuration({"OLIGAMI_DATA": str(tmp_path)})
    with pytest.raises(ConfigurationError, match="OLIGAMI_DATA"):
        read_configuration({"OLIGAMI_SECRET_KEY": KEY, "OLIGAMI_DATA": str(tmp_path / "nowhere")})
    found = read_configuration({"OLIGAMI_SECRET_KEY": KEY, "OLIGAMI_DATA": str(tmp_path)})
    assert found.database["NAME"] == str(tmp_path / "oligami.sqlite3")
    assert found.secrets == tmp_path / "secrets"
    assert found.debug is False
    check_settings({"default": found.database})


def test_all_that_is_wrong_is_said_at_once_in_both_languages():
    """Key, switch and address are all wrong: three reasons, each in English and Japanese, and no secret among them."""
    environ = {"OLIGAMI_SECRET_KEY": "short-secret", "OLIGAMI_DEBUG": "perhaps", "DATABASE_URL": "mysql://u:hidden@h/n"}
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(environ)
    assert [problem.rule for problem in caught.value.problems] == ["OLIGAMI_DEBUG", "OLIGAMI_SECRET_KEY", "DATABASE_URL"]
    for problem in caught.value.problems:
        assert any(character > "\u3000" for character in problem.text.ja)
        assert problem.text.en.isascii()
    assert "hidden" not in str(caught.value)
    assert "short-secret" not in str(caught.value)


def test_an_address_of_postgresql_is_taken_apart():
    """User, password with escaped signs, host, port, name and options."""
    found = read_database_url("postgresql://app:p%40ss%2Fword@[::1]:5433/trial?sslmode=verify-full")
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == ("app", "p@ss/word", "::1", "5433")
    assert (found["NAME"], found["OPTIONS"]) == ("trial", {"sslmode": "verify-full"})
    bare = read_database_url("postgres:///trial")
    assert (bare["HOST"], bare["PORT"], bare["NAME"]) == ("", "", "trial")


def test_an_address_of_sqlite_is_a_file():
    """Three strokes are a path from here, four a whole one; both get the durable settings."""
    assert read_database_url("sqlite:////var/lib/trial.db") == sqlite_database(Path("/var/lib/trial.db"))
    assert read_database_url("sqlite:///trial%20one.db") == sqlite_database(Path("trial one.db").absolute())


@pytest.mark.parametrize(
    "address",
    [
        "trial.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///a.db?synchronous=OFF",
        "sqlite://host/a.db",
        "postgresql://host",
        "postgresql://host/",
        "postgresql://host:port/name",
        "postgresql://host/a/b",
        "postgresql://host/name?options=-csynchronous_commit%3Doff",
        "postgresql://host/name?sslmode=require&passwrod=x",
        "postgresql://[::1/name",
    ],
)
def test_other_addresses_are_refused(address):
    """Not an address, no name, an option that is not known (a slip, or one that weakens durability)."""
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        read_database_url(address)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", "transaction_mode": "IMMEDIATE"},
        {"init_command": "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL", "transaction_mode": "IMMEDIATE"},
        {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", "transaction_mode": "DEFERRED"},
        {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"},
    ],
)
def test_weaker_settings_of_sqlite_are_refused(options):
    """Each of WAL, synchronous=FULL and IMMEDIATE must be there."""
    with pytest.raises(ConfigurationError, match=r"database\.durability"):
        check_settings({"default": {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": options}})


def test_a_program_does_not_start_on_weaker_settings(tmp_path):
    """Someone's own settings module with synchronous=NORMAL stops Django before it answers anything."""
    (tmp_path / "weak.py").write_text(
        "from oligami.web.settings import *\n"
        "DATABASES['default']['OPTIONS']['init_command'] = 'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL'\n"
    )
    environ = {**os.environ, "OLIGAMI_SECRET_KEY": KEY, "OLIGAMI_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "weak"}
    run = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        env={**environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert "PRAGMA synchronous=FULL is not set" in run.stderr


def test_secrets_are_found_by_their_commitments(tmp_path):
    """Each `*.secret` file is one secret; a file that holds none is named, its contents are not."""
    from oligami.trial.draws import commitment

    assert read_secrets(tmp_path / "nothing") == {}
    secrets = [bytes([n]) * 32 for n in range(2)]
    for number, secret in enumerate(secrets):
        (tmp_path / f"{number}.secret").write_text(secret.hex() + "\n")
    assert read_secrets(tmp_path) == {commitment(secret): secret for secret in secrets}
    (tmp_path / "bad.secret").write_text("not-a-secret")
    with pytest.raises(ConfigurationError, match=r"bad\.secret") as caught:
        read_secrets(tmp_path)
    assert "not-a-secret" not in str(caught.value)
