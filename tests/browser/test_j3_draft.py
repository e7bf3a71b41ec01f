"""Journey J3, a form on which the browser dies: nothing to speak of is lost, on another machine it goes on, and it is signed."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oligami.web.demo import PASSWORD

_spec = importlib.util.spec_from_file_location("tests_browser_steps", Path(__file__).with_name("steps.py"))
assert _spec is not None
assert _spec.loader is not None
if _spec.name not in sys.modules:
    sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_spec.name])
steps = sys.modules[_spec.name]

FORM = "qlq_c30"
#: Milliseconds between two keys: three times as fast as the model's typist, so that keeping has no pause to use.
PACE_MS = 90
QUESTIONS = tuple(f"q{number}" for number in range(1, 31))


class Mortal:
    """A Chromium of its own, of which everything dies at once."""

    def __init__(self, folder: Path, harness: Any) -> None:
        self._words = folder / "words"
        with self._words.open("wb") as words:
            self.process = subprocess.Popen(
                [
                    *(harness.chromium(), "--headless", *harness.FLAGS),
                    *("--remote-debugging-port=0", f"--user-data-dir={folder / 'profile'}", "about:blank"),
                ],
                stdout=words,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        for _ in range(400):
            if found := re.search(r"ws://\S+", self._words.read_text(encoding="utf-8", errors="replace")):
                self.address = found.group()
                return
            time.sleep(0.05)
        self.kill()
        raise AssertionError("Chromium did not start")

    def kill(self) -> None:
        """Kill -9, browser and all its processes."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def mortal(tmp_path: Path, harness: Any) -> Iterator[Mortal]:
    """A browser to be killed."""
    running = Mortal(tmp_path, harness)
    yield running
    running.kill()


def new_form(demo_server: Any, nth: int) -> str:
    """Return the address of a blank form of the nth subject that goes on."""
    subjects = [each.id for each in demo_server.subjects if ("death", 1) not in each.forms]
    return demo_server.address(f"/t/{{trial}}/subjects/{subjects[nth]}/forms/{FORM}/new/")


def answers(page: Any, names: tuple[str, ...] = QUESTIONS) -> dict[str, str]:
    """Return what stands in the questions."""
    return {name: value for name in names if (value := page.locator(f"[name={name}]").input_value())}


def type_on(page: Any, names: tuple[str, ...], value: str) -> None:
    """Type an answer to each question, one after the other, without a pause."""
    page.locator(f"[name={names[0]}]").focus()
    for _ in names:
        page.keyboard.press(value, delay=PACE_MS)
        page.keyboard.press("Tab", delay=PACE_MS)


def test_a_killed_browser_loses_nothing_to_speak_of(
    page_for: Callable[..., Any],
    demo_server: Any,
    browser: Any,
    mortal: Mortal,
    journey: Callable[[Any], Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Twenty answers, kill -9 while the keys go on, another machine: at most one answer lost; completed and signed in its budget."""
    address = new_form(demo_server, 0)
    entry = page_for("investigator", "ja")  # the session, for the browser that dies
    dying = browser.browser_type.connect_over_cdp(mortal.address)
    context = dying.new_context(storage_state=entry.context.storage_state(), user_agent=entry.evaluate("navigator.userAgent"))
    page = context.new_page()
    page.goto(address)
    page.locator("[name=completed_date]").fill("20250703")
    page.locator("[name=visit]").first.focus()
    if page.locator("[name=visit][type=radio]").count():
        page.locator("[name=visit]").first.check()
    else:
        page.locator("[name=visit]").select_option(index=1)
    type_on(page, QUESTIONS[:20], "2")
    mortal.kill()

    page = page_for("investigator", "ja")
    page.goto(address)
    walk = journey(page)
    kept = answers(page)
    assert len(kept) >= 19, sorted(kept)
    assert set(kept.values()) == {"2"}
    assert page.locator("[name=completed_date]").input_value()
    # What follows is data: a key an answer and one to go on. The rest is what the budget counts.
    walk.click(f"[name={QUESTIONS[len(kept)]}]", think=True)
    for number, _ in enumerate(QUESTIONS[len(kept) :]):
        page.keyboard.type("1" if number % 2 else "2")
        page.keyboard.press("Tab")
    walk.press("Enter", "form.entry .toolbar button >> nth=0", think=True)
    page.wait_for_url(lambda url: "/new/" not in url)
    walk.click("a[href$='/sign/']", think=True)
    page.locator("input[name=password]").wait_for()
    walk.type(PASSWORD, "input[name=password]", think=True)
    walk.press("Enter")
    page.wait_for_url(lambda url: "/sign/" not in url)
    typing_s = 0.28 * len(PASSWORD)
    with capsys.disabled():
        print(
            f"\nJ3: {20 - len(kept)} of 20 answers lost; beyond the data {walk.actions} actions, {walk.seconds:.1f} s (the password {typing_s:.1f} s)"
        )
    assert walk.actions <= 12
    assert walk.seconds - typing_s <= 20
    assert page.locator("main dd").filter(has_text="2").count() >= 20
    kept_here = steps.storage(page)
    assert PASSWORD not in kept_here
    assert "oligami-draft" not in kept_here


def test_a_dead_network_loses_nothing(page_for: Callable[..., Any], demo_server: Any) -> None:
    """Offline, what is typed stays on the machine, through a crash of the page too, and is kept on the server afterwards."""
    address = new_form(demo_server, 1)
    page = page_for("coordinator", "en")
    page.goto(address)
    page.context.set_offline(True)
    type_on(page, QUESTIONS[:6], "3")
    page.locator(".draft-state", has_text="cannot be reached").wait_for()
    page.close()  # and the page dies meanwhile
    page.context.set_offline(False)
    page = page.context.new_page()
    page.goto(address)
    page.locator(".draft-state", has_text=re.compile("Restored|Draft kept")).wait_for()
    assert answers(page) == dict.fromkeys(QUESTIONS[:6], "3")
    page.context.set_offline(True)
    type_on(page, QUESTIONS[6:9], "4")
    page.locator(".draft-state", has_text="cannot be reached").wait_for()
    page.context.set_offline(False)  # the page notices by itself
    page.locator(".draft-state", has_text="Draft kept").wait_for()
    elsewhere = page_for("coordinator", "en")
    elsewhere.goto(address)
    assert answers(elsewhere) == dict.fromkeys(QUESTIONS[:6], "3") | dict.fromkeys(QUESTIONS[6:9], "4")
    assert "oligami-draft" not in steps.storage(page)
    page.context.set_offline(True)
    type_on(page, QUESTIONS[9:10], "4")
    page.locator("form.entry .toolbar button").first.click()  # sent into the dead network
    page.wait_for_url("chrome-error://**")
    page.context.set_offline(False)
    page.goto(address)
    assert answers(page)[QUESTIONS[9]] == "4"


def test_another_window_is_shown_field_by_field(page_for: Callable[..., Any], demo_server: Any) -> None:
    """Two windows on one draft: the second to be kept is told each field that differs, and its author chooses."""
    address = new_form(demo_server, 2)
    first = page_for("coordinator", "en")
    first.goto(address)
    second = first.context.new_page()
    second.goto(address)
    type_on(first, QUESTIONS[:2], "1")
    first.locator(".draft-state", has_text="Draft kept").wait_for()
    first.wait_for_timeout(300)
    type_on(second, QUESTIONS[1:3], "4")
    bar = second.locator(".draft-state", has_text="changed in another window")
    bar.wait_for()
    for name in QUESTIONS[:2]:
        label = second.locator(f"label[for=f-{name}]").inner_text().split("\n")[0]
        assert f"{label}: 1" in bar.inner_text(), bar.inner_text()
    bar.get_by_role("button", name="Keep mine").click()
    second.locator(".draft-state", has_text="Draft kept").wait_for()
    elsewhere = page_for("coordinator", "en")
    elsewhere.goto(address)
    assert answers(elsewhere) == dict.fromkeys(QUESTIONS[1:3], "4")
