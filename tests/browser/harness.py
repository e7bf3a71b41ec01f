"""What the browser tests stand on: the demonstration's server, people signed in, journeys counted, pages looked at.

`Server` runs `oligami demo` as a process of its own, so a page under test is a page as people get it. `Journey` counts what a
person does, by the keystroke-level model (Card, Moran, Newell 1983) with the constants of the journeys' budgets. `axe` and
`overflow` judge a page, `picture` keeps one.
"""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
#: Seconds: a key, pointing, a click, the hand between mouse and keys, a decision.
KEY, POINT, CLICK, HAND, MIND = 0.28, 1.10, 0.20, 0.40, 1.35
DESKTOP, PHONE = (1200, 900), (320, 640)
_START_S = 120.0
_STOP_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A page to look at: a name for its picture, its address, and as whom (None: without log-in).

    In `path`, `{trial}`, `{site}`, `{subject}` and what else `Server.places` knows stand for the demonstration's own.
    """

    name: str
    path: str
    role: str | None = None


#: The pages that every look goes over; whoever adds a page adds it here.
PAGES: tuple[Spot, ...] = (
    Spot(name="front", path="/"),
    Spot(name="record", path="/t/{trial}/"),
    Spot(name="login", path="/accounts/login/"),
    Spot(name="help", path="/help/"),
    Spot(name="work", path="/t/{trial}/work/", role="coordinator"),
    Spot(name="subjects", path="/t/{trial}/subjects/", role="coordinator"),
    Spot(name="subject", path="/t/{trial}/subjects/{subject}/", role="coordinator"),
    Spot(name="history", path="/t/{trial}/subjects/{subject}/history/", role="coordinator"),
    Spot(name="identity", path="/t/{trial}/subjects/{subject}/identity/", role="coordinator"),
    Spot(name="form", path="/t/{trial}/subjects/{subject}/forms/first_registration/1/", role="coordinator"),
    Spot(name="form-new", path="/t/{trial}/subjects/{subject}/forms/adverse_event/new/", role="coordinator"),
    Spot(name="form-sign", path="/t/{trial}/subjects/{subject}/forms/first_registration/1/sign/", role="investigator"),
    Spot(name="register", path="/t/{trial}/register/", role="coordinator"),
    Spot(name="confirmation", path="/t/{trial}/subjects/{subject}/confirmation/first/", role="coordinator"),
    Spot(name="drafts", path="/t/{trial}/drafts/", role="coordinator"),
    Spot(name="withdraw", path="/t/{trial}/subjects/{subject}/withdraw/", role="investigator"),
    Spot(name="take", path="/t/{trial}/take/", role="coordinator"),
    Spot(name="tokens", path="/t/{trial}/tokens/", role="coordinator"),
    Spot(name="queries", path="/t/{trial}/queries/", role="data_manager"),
    Spot(name="warned", path="/t/{trial}/queries/warned/", role="data_manager"),
    Spot(name="forms", path="/t/{trial}/forms/", role="data_manager"),
    Spot(name="centre", path="/t/{trial}/centre/", role="data_manager"),
    Spot(name="accrual", path="/t/{trial}/accrual/", role="data_manager"),
    Spot(name="sites", path="/t/{trial}/sites/", role="data_manager"),
    Spot(name="overdue", path="/t/{trial}/overdue/", role="data_manager"),
    Spot(name="cuts", path="/t/{trial}/cuts/", role="data_manager"),
    Spot(name="review", path="/t/{trial}/review/", role="data_manager"),
    Spot(name="heads", path="/t/{trial}/heads/", role="data_manager"),
    Spot(name="amendments", path="/t/{trial}/amendments/", role="study_chair"),
    Spot(name="consents", path="/t/{trial}/consents/", role="investigator"),
    Spot(name="people", path="/t/{trial}/people/", role="administrator"),
    Spot(name="access-log", path="/t/{trial}/access-log/", role="administrator"),
    Spot(name="account", path="/accounts/", role="coordinator"),
    Spot(name="versions", path="/t/{trial}/versions/"),
    Spot(name="locations", path="/t/{trial}/locations/"),
)


def chromium() -> str:
    """Return the path of the system's Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise AssertionError("scripts/install-services left no Chromium")


def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium, without its calls to other hosts."""
    return playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))


# ------------------------------------------------------------ the server


class Server:
    """`oligami demo` on a free port, with its own copy of the demonstration; ended by Ctrl-C as people end it.

    Args:
        cache: folder that keeps what was built, shared by all workers of a test run.
    """

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        cache.mkdir(parents=True, exist_ok=True)
        self._words = cache / f"words-{os.getpid()}-{time.monotonic_ns()}.txt"
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("OLIGAMI_", "DJANGO_"))}
        began = time.monotonic()
        with self._words.open("wb") as words:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "oligami.cli.main", "demo", "--port", "0", "--no-browser"],
                stdout=words,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**environ, "XDG_CACHE_HOME": str(cache), "COLUMNS": "120"},
            )
        self.url = self._wait()
        self.took_s = time.monotonic() - began

    @property
    def words(self) -> str:
        """All that the program has said."""
        return self._words.read_text(encoding="utf-8")

    def _wait(self) -> str:
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            if found := re.search(r"http://localhost:\d+", self.words):
                return found.group()
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        self._process.kill()
        self._process.wait()
        raise AssertionError(f"the demonstration did not start:\n{self.words}")

    def stop(self) -> int:
        """Press Ctrl-C and return the exit status."""
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    @cached_property
    def card(self) -> Mapping[str, Any]:
        """What the demonstration says of itself: trial, instant, accounts."""
        import json

        [kept] = self.cache.glob("oligami/demo-*/demo.json")
        return json.loads(kept.read_text(encoding="utf-8"))

    @cached_property
    def trial(self) -> Any:
        """The trial as it stands when the demonstration begins, folded from the kept database; later entries are not in it."""
        from oligami.journal.seal import assemble
        from oligami.journal.store import FileJournal
        from oligami.trial.fold import fold

        [kept] = self.cache.glob("oligami/demo-*/oligami.sqlite3")
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as lines:
            database = sqlite3.connect(f"file:{kept}?immutable=1", uri=True)
            try:
                for body, head, seal in database.execute("SELECT body, head, seal FROM journal_record ORDER BY seq"):
                    lines.write(assemble(body.encode(), head.encode(), seal))
            finally:
                database.close()
            lines.flush()
            return fold(FileJournal(Path(lines.name)).records())

    @cached_property
    def site(self) -> str:
        """The site of the demonstration's accounts that belong to one."""
        return str(next(guest["site"] for guest in self.card["guests"] if guest["site"]))

    @cached_property
    def subjects(self) -> tuple[Any, ...]:
        """The subjects of that site."""
        return tuple(subject for subject in self.trial.subjects.values() if subject.site == self.site)

    @cached_property
    def places(self) -> Mapping[str, str]:
        """What stands for the demonstration's own in the path of a `Spot`: the subject with most forms."""
        busiest = max(self.subjects, key=lambda subject: len(subject.forms))
        return {"trial": str(self.card["trial"]), "site": self.site, "subject": busiest.id}

    def address(self, path: str) -> str:
        """Return the whole address of a path."""
        return self.url + path.format(**self.places)


# ------------------------------------------------------------ people


@dataclass
class Desk:
    """Opens pages for people: each signs in once, and later pages take over the session."""

    browser: Browser
    server: Server
    password: str
    sessions: dict[str, Any] = field(default_factory=dict)
    contexts: list[BrowserContext] = field(default_factory=list)

    def page_for(
        self,
        role: str | None,
        lang: str = "ja",
        *,
        scheme: str = "light",
        size: tuple[int, int] = DESKTOP,
        javascript: bool = True,
    ) -> Page:
        """Return a new page for the holder of a role (None: nobody), who speaks a language; what it reports is `faults(page)`."""
        state = None if role is None else self._session(role)
        context = self.browser.new_context(
            storage_state=state,
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=javascript,
            locale="ja-JP" if lang == "ja" else "en-GB",
            timezone_id="Asia/Tokyo",
        )
        self.contexts.append(context)
        context.set_default_timeout(15_000)
        context.add_cookies([{"name": "language", "value": lang, "url": self.server.url}])
        page = context.new_page()
        listen(page)
        return page

    def close(self) -> None:
        """Close all pages that were opened."""
        for context in self.contexts:
            context.close()
        self.contexts.clear()

    def _session(self, role: str) -> Any:
        if role not in self.sessions:
            page = self.page_for(None)
            page.goto(f"{self.server.url}/accounts/login/")
            sign_in(page, role, self.password)
            self.sessions[role] = page.context.storage_state()
        return self.sessions[role]


def sign_in(page: Page, username: str, password: str) -> None:
    """Fill the sign-in page that is open and send it."""
    page.locator("input[name=login]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(lambda url: "/accounts/login" not in url)


_FAULTS = "oligami_faults"


def listen(page: Page) -> None:
    """Keep what the page reports as wrong: errors on the console, scripts that failed, requests to other hosts, answers of 500."""
    found: list[str] = []
    setattr(page, _FAULTS, found)

    def other_host(request: Any) -> None:
        if urlsplit(request.url).hostname not in ("localhost", None):
            found.append(f"asked another host: {request.url}")

    page.on("console", lambda message: found.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(f"script: {error}"))
    page.on("request", other_host)
    page.on("response", lambda answer: found.append(f"{answer.status}: {answer.url}") if answer.status >= 500 else None)


def faults(page: Page) -> list[str]:
    """Return what the page reported as wrong since it was opened."""
    return list(getattr(page, _FAULTS))


# ------------------------------------------------------------ looks at a page


def axe(page: Page, *rules: str) -> list[str]:
    """Return the violations that axe finds on the page (by these rules alone, if any are named), each with its elements."""
    only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    response = Axe().run(page, options={"resultTypes": ["violations"], **only}).response
    return [
        f"{violation['id']} ({violation['impact']}): " + "; ".join(str(node["html"])[:160] for node in violation["nodes"][:3])
        for violation in response["violations"]
    ]


def overflow(page: Page) -> list[str]:
    """Return what makes the page wider than its window; nothing if it is not."""
    return page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            const clips = e => ['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX);
            const wide = [...document.querySelectorAll('body *')].filter(e => {
                if (e.getBoundingClientRect().right <= width + 1) return false;
                // What stands absolutely is held only by a box that is positioned itself.
                let free = getComputedStyle(e).position === 'absolute';
                for (let p = e.parentElement; p; p = p.parentElement) {
                    if (getComputedStyle(p).position !== 'static') free = false;
                    if (!free && clips(p)) return false;
                }
                return true;
            });
            return [`${document.documentElement.scrollWidth} > ${width}`,
                ...wide.slice(0, 5).map(e => e.outerHTML.slice(0, 120))];
        }"""
    )


def picture(page: Page, name: str) -> Path:
    """Keep a picture of the whole page in the folder that OLIGAMI_PICTURES names, or in the temporary folder."""
    folder = Path(os.environ.get("OLIGAMI_PICTURES") or Path(tempfile.gettempdir()) / "oligami-pictures")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path


# ------------------------------------------------------------ journeys


class Journey:
    """Counts what a person does on a page: actions (clicks and keys that are no text), seconds by the model, pages.

    The hand begins at the mouse. A decision (`decide`, or `think=True`) costs 1.35 s. Typing counts in seconds, not in actions.
    `pages` are the different addresses that were looked at, the first one too.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.actions = 0
        self.seconds = 0.0
        self.log: list[str] = []
        self._hand = "mouse"
        self._visited = [urlsplit(page.url).path]
        page.on("framenavigated", self._went)

    @property
    def pages(self) -> int:
        """How many different pages were looked at."""
        return len(set(self._visited))

    def decide(self) -> None:
        """Think."""
        self.seconds += MIND

    def click(self, where: str | Locator, *, think: bool = False) -> None:
        """Point at something and click it."""
        self._begin("click", where, think)
        self._use("mouse")
        self.actions += 1
        self.seconds += POINT + CLICK
        self._at(where).click()

    def press(self, keys: str, where: str | Locator | None = None, *, think: bool = False) -> None:
        """Press keys that are no text, one after the other (`"Tab Tab Enter"`), on what has the focus or on `where`."""
        self._begin(f"press {keys}", where or "", think)
        self._use("keys")
        for key in keys.split():
            self.actions += 1
            # A chord (Control+Enter) is as many keys as it holds.
            self.seconds += KEY * len(key.split("+"))
            if where is None:
                self.page.keyboard.press(key)
            else:
                self._at(where).press(key)

    def type(self, text: str, where: str | Locator | None = None, *, think: bool = False) -> None:
        """Type text where the focus is, or click into `where` first."""
        if where is not None:
            self.click(where)
        self._begin(f"type {len(text)}", "", think)
        self._use("keys")
        self.seconds += KEY * len(text)
        self.page.keyboard.type(text)

    def choose(self, where: str | Locator, value: str, *, think: bool = True) -> None:
        """Choose from a list box with the mouse: open it, then click the choice."""
        self._begin(f"choose {value}", where, think)
        self._use("mouse")
        self.actions += 2
        self.seconds += 2 * (POINT + CLICK)
        self._at(where).select_option(value)

    def over(self, *, actions: int, seconds: float, pages: int) -> list[str]:
        """Return what lies over a budget."""
        figures = (("actions", self.actions, actions), ("seconds", round(self.seconds, 1), seconds), ("pages", self.pages, pages))
        return [f"{name}: {found}, budget {budget}" for name, found, budget in figures if found > budget]

    def __str__(self) -> str:
        return f"{self.actions} actions, {self.seconds:.1f} s, {self.pages} pages"

    def _at(self, where: str | Locator) -> Locator:
        return self.page.locator(where) if isinstance(where, str) else where

    def _begin(self, what: str, where: str | Locator, think: bool) -> None:
        self.log.append(f"{what} {where}".strip())
        if think:
            self.decide()

    def _use(self, hand: str) -> None:
        if self._hand != hand:
            self.seconds += HAND
            self._hand = hand

    def _went(self, frame: Any) -> None:
        if frame == self.page.main_frame:
            self._visited.append(urlsplit(frame.url).path)
