"""Journey J2, an investigator randomizes a subject: few acts, and one allocation whatever is pressed how often."""

import importlib.util
import sys
import time
from collections.abc import Callable
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

HANGING_S = 10.0
#: Sendings of one page at once, from each of two windows.
RAPID = 50


def test_randomization_keeps_its_budget(
    page_for: Callable[..., Any], demo_server: Any, journey: Callable[[Any], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Due list, subject, facts filled in from the casebook, passkey, arm with its receipt: 9 actions, 25 s, 2 pages after the list."""
    page = page_for("investigator", "ja")
    with steps.passkey(page, demo_server.url, PASSWORD):
        page.goto(demo_server.address("/t/{trial}/work/"))
        walk = journey(page)
        walk.click("main table.list a[href*='/register/']", think=True)
        page.wait_for_url("**/register/second/")
        subject = page.url.split("/subjects/")[1].split("/")[0]
        page.locator("[name=first_registration_completed_and_on_study]:focus").wait_for()
        for name in ("courses_planned", "courses_given", "response_evaluation_date", "residual_oligometastases"):
            assert page.locator(f"[name={name}]").input_value(), f"{name} is not filled in"
        for name in ("overall_response", "new_lesion"):
            assert page.locator(f"[name={name}]:checked").get_attribute("value"), f"{name} is not filled in"
        walk.type("y", think=True)
        for _ in range(3):
            walk.decide()  # each of the three criteria is read
        page.wait_for_function("() => document.querySelector('#verdict-summary').textContent.startsWith('適格')")
        began = time.perf_counter()
        walk.click("button[data-passkey=confirm]", think=True)
        page.wait_for_url("**/confirmation/second/")
        page.locator(".confirmation .arm strong").wait_for()
        signed_s = time.perf_counter() - began
        arm = page.locator(".confirmation .arm strong").inner_text()
        assert page.locator("a[href$='receipt.txt']").count() == 1
        with capsys.disabled():
            print(f"\nJ2: {walk} (the due list is one); sign to arm {signed_s * 1000:.0f} ms")
        assert walk.over(actions=9, seconds=25, pages=1 + 2) == []
        assert signed_s < HANGING_S
        assert PASSWORD not in steps.storage(page)

        page.go_back()
        page.wait_for_url("**/confirmation/second/")  # what was registered has its page
        page.reload()
        assert page.locator(".confirmation .arm strong").inner_text() == arm
        assert steps.records(page, demo_server.url, demo_server.places["trial"], subject, "Randomized") == 1


def test_pressed_often_allocates_once(page_for: Callable[..., Any], demo_server: Any) -> None:
    """A hundred sendings at once from two windows, then both buttons, back and reload: exactly one allocation, one arm."""
    first = page_for("investigator", "en")
    subject = steps.undecided(demo_server)[0]
    address = demo_server.address(f"/t/{{trial}}/subjects/{subject}/register/second/")
    first.goto(address)
    steps.fill(first, steps.RESPONDED)
    first.locator("input[name=password]").fill(PASSWORD)
    first.locator("#verdict .badge.is-met").first.wait_for()
    first.wait_for_timeout(1500)  # the draft is kept, and the other window opens with it
    second = first.context.new_page()
    second.goto(address)
    assert second.locator("[name=courses_given]").input_value() == steps.RESPONDED["courses_given"]
    second.locator("input[name=password]").fill(PASSWORD)
    rapid = """([address, often]) => {
        const body = () => new URLSearchParams([...new FormData(document.querySelector('#registration'))]);
        window.sent = Promise.all(Array.from({length: often}, () => fetch(address, {method: 'POST', body: body()})
            .then(answer => [answer.status, new URL(answer.url).pathname])));
    }"""
    for window in (first, second):
        window.evaluate(rapid, [address, RAPID])
    answers = [answer for window in (first, second) for answer in window.evaluate("() => window.sent")]
    assert {status for status, _ in answers} == {200}
    assert {path.rsplit("/subjects/")[1] for _, path in answers} == {f"{subject}/confirmation/second/"}
    arms = set()
    for window in (first, second):
        window.locator("#registration .toolbar button").first.click()
        window.wait_for_url("**/confirmation/second/")
        arms.add(window.locator(".confirmation .arm strong").inner_text())
        window.go_back()
        window.wait_for_url("**/confirmation/second/")
        window.reload()
        arms.add(window.locator(".confirmation .arm strong").inner_text())
    assert len(arms) == 1
    assert steps.records(first, demo_server.url, demo_server.places["trial"], subject, "Randomized") == 1
    assert steps.records(first, demo_server.url, demo_server.places["trial"], subject, "RegistrationRefused") == 0
