"""The command `oligami demo`, as a process of its own."""

import fcntl
import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from oligami.web.demo import PASSWORD


class Running:
    """A demonstration: its process, its address, all it said; `cache` is where it keeps what it builds."""

    def __init__(self, folder: Path, cache: Path, *arguments: str) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self.words = folder / "words"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OLIGAMI_", "DJANGO_", "DATABASE_"))}
        with self.words.open("wb") as words:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "oligami.cli.main", "demo", "--no-browser", *arguments],
                stdout=words,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**kept, "XDG_CACHE_HOME": str(cache), "TMPDIR": str(self.temporary)},
                start_new_session=True,
            )

    def said(self) -> str:
        """Return all its words so far."""
        return self.words.read_text(encoding="utf-8")

    def address(self) -> str:
        """Wait for the address it prints."""
        for _ in range(1200):
            if found := re.search(r"http://localhost:\d+/", self.said()):
                return found.group()
            assert self.process.poll() is None, self.said()
            time.sleep(0.05)
        raise AssertionError(f"it did not start: {self.said()}")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder that the workers of a test run have in common; the browser tests build the demonstration there as well."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture
def start(tmp_path: Path, shared: Path) -> Iterator[Any]:
    """Start demonstrations; what a failed test leaves running is ended."""
    started: list[Running] = []

    def begin(*arguments: str) -> Running:
        started.append(Running(tmp_path, shared / "demo-cache", *arguments))
        return started[-1]

    yield begin
    for each in started:
        if each.process.poll() is None:
            os.killpg(each.process.pid, signal.SIGKILL)
            each.process.wait()


def sign_in(address: str, name: str) -> tuple[str, str]:
    """Sign in and return address and text of the page that one comes to."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    login = f"{address}accounts/login/"
    text = browser.open(login).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
    assert token is not None
    fields = {"csrfmiddlewaretoken": token.group(1), "login": name, "password": PASSWORD}
    # As a browser says it, so that the check of the origin is the one that people meet.
    asked = urllib.request.Request(login, urllib.parse.urlencode(fields).encode(), {"Origin": address.rstrip("/")})
    browser.open(asked)
    answer = browser.open(f"{address}t/jcog2110/work/")
    return answer.url, answer.read().decode()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda ending: ending.name)
def test_it_serves_until_it_is_stopped_and_leaves_nothing(ending: signal.Signals, start: Any, shared: Path) -> None:
    """The first signed-in page answers; a signal ends it with status 0, no process, no file and no port stays behind."""
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes first builds; the others find it built
        running = start("--port", "0", "--lang", "ja" if ending is signal.SIGTERM else "en")
        address = running.address()
    url, text = sign_in(address, "coordinator")
    assert url.endswith("/t/jcog2110/work/")
    assert "模擬" in text
    said = running.said()
    for role in ("coordinator", "investigator", "committee_statistician", "inspector"):
        assert role in said
    assert PASSWORD in said
    processes = [psutil.Process(running.process.pid), *psutil.Process(running.process.pid).children(recursive=True)]
    assert len(processes) == 2  # the server and its one worker
    assert list(running.temporary.iterdir())

    if ending is signal.SIGINT:
        os.killpg(running.process.pid, ending)  # Ctrl-C reaches every process of the terminal
    else:
        running.process.send_signal(ending)
    assert running.process.wait(30) == 0, running.said()
    psutil.wait_procs(processes[1:], timeout=5)
    assert not [process for process in processes[1:] if process.is_running()]
    assert list(running.temporary.iterdir()) == []
    assert "Traceback" not in running.said()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", urllib.parse.urlsplit(address).port))


def test_stopped_while_it_builds_it_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C during the building leaves no half-built demonstration, neither in the cache nor in the temporary folder."""
    cache = tmp_path / "cache"
    running = Running(tmp_path, cache, "--port", "0", "--fresh")
    for _ in range(600):
        if any(running.temporary.glob("oligami-demo-*/trial.jsonl*")):
            break
        assert running.process.poll() is None, running.said()
        time.sleep(0.02)
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(30) == 0, running.said()
    assert list(running.temporary.iterdir()) == []
    assert not cache.exists()


@pytest.mark.parametrize(("lang", "word"), [("en", "cannot be used"), ("ja", "使えません")])
def test_a_port_in_use_is_said(lang: str, word: str, start: Any) -> None:
    """The sentence names the port and the way out; exit status 2, and nothing was built."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = start("--port", str(port), "--lang", lang)
        assert running.process.wait(30) == 2
    assert str(port) in running.said()
    assert word in running.said()
    assert "--port 0" in running.said()
    assert list(running.temporary.iterdir()) == []


def test_a_damaged_copy_is_built_anew(tmp_path: Path) -> None:
    """A kept demonstration is served only if its bytes are those that were built."""
    import hashlib
    import json

    from oligami.web.demo import take_copy

    kept = tmp_path / "demo-x"
    kept.mkdir()
    (kept / "oligami.sqlite3").write_bytes(b"built")
    card = {"trial": "t", "begins": "2025-01-01", "digest": hashlib.sha256(b"built").hexdigest(), "guests": []}
    (kept / "demo.json").write_text(json.dumps(card))
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    taken = take_copy(kept, whole)
    assert taken is not None
    assert taken.trial == "t"
    (kept / "oligami.sqlite3").write_bytes(b"buil")
    assert take_copy(kept, cut) is None
    assert take_copy(tmp_path / "none", tmp_path / "nothing") is None
