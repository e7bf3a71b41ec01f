"""Journey J5, the loop of data queries: raised with a prefilled text, answered in the field, closed; and many at once."""

import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_spec = importlib.util.spec_from_file_location("tests_browser_steps", Path(__file__).with_name("steps.py"))
assert _spec is not None
assert _spec.loader is not None
if _spec.name not in sys.modules:
    sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_spec.name])
steps = sys.modules[_spec.name]

ANSWER = "Confirmed"
#: An act takes place on one page; the list that comes up after it by itself begins the next act.
ACT = {"seconds": 6, "pages": 2}


def test_a_query_goes_round_within_its_budget(
    page_for: Callable[..., Any], demo_server: Any, journey: Callable[[Any], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A check fired: raised by 1 action, answered in the field by 2, closed by 1, at most 6 s each."""
    site = page_for("coordinator", "en")
    steps.warn(site, demo_server)
    centre = page_for("data_manager", "en")
    centre.goto(demo_server.address("/t/{trial}/queries/warned/"))
    row = centre.locator("main tbody tr", has_text=demo_server.site).first
    address = row.locator("th a").get_attribute("href")
    raising = journey(centre)
    raising.click(row.locator("button[name=only]"), think=True)
    centre.wait_for_url("**/queries/")
    over = [f"raise: {each}" for each in raising.over(**ACT, actions=1)]
    said = [f"raise {raising}"]
    text = centre.locator(".messages").inner_text()
    assert "1 data queries were raised" in text, text

    site.goto(demo_server.url + address)
    field = site.locator(".note.warn form input[name=text]").last
    asked = site.locator("#" + field.get_attribute("id")).locator("xpath=ancestor::div[1]").inner_text()
    assert "Please check the source" in asked  # nobody had to write it
    number = field.get_attribute("id").removeprefix("answer-")
    answering = journey(site)
    answering.type(ANSWER, field, think=True)
    answering.press("Enter")
    site.wait_for_url("**/queries/")
    over += [f"answer: {each}" for each in answering.over(**ACT, actions=2)]
    said.append(f"answer {answering}")

    subject = address.split("/subjects/")[1].split("/")[0]
    centre.goto(demo_server.address("/t/{trial}/queries/?status=answered"))
    closing = journey(centre)
    closing.click(f"button[name=only][value='{subject}|{number}']", think=True)
    centre.locator(".messages").wait_for()
    over += [f"close: {each}" for each in closing.over(**ACT, actions=1)]
    said.append(f"close {closing}")
    centre.goto(demo_server.address(f"/t/{{trial}}/subjects/{subject}/queries/{number}/"))
    assert centre.locator(".banner .badge").inner_text() == "closed"
    with capsys.disabled():
        print(f"\nJ5: {'; '.join(said)}")
    assert over == []


def test_many_queries_at_once(
    page_for: Callable[..., Any], demo_server: Any, journey: Callable[[Any], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """All that wait are raised, and all answered ones closed, by at most 10 actions; Enter on a tick box means the ticked rows."""
    site, centre = page_for("coordinator", "en"), page_for("data_manager", "en")
    steps.warn(site, demo_server)
    centre.goto(demo_server.address("/t/{trial}/queries/warned/"))
    waiting = centre.locator("main tbody input[name=chosen]").count()
    walk = journey(centre)
    began = time.perf_counter()
    assert waiting > 0
    walk.click("main form[method=post] > button:not([tabindex])", think=True)
    centre.wait_for_url("**/queries/")
    raised_s = time.perf_counter() - began
    centre.goto(demo_server.address("/t/{trial}/queries/warned/"))
    assert centre.locator("main tbody input[name=chosen]").count() == 0
    centre.goto(demo_server.address("/t/{trial}/queries/?status=answered"))
    answered = centre.locator("main tbody tr th").count()
    assert answered > 1
    walk.click("a[href*='choose=answered']", think=True)
    assert centre.locator("main tbody input[name=chosen]:checked").count() == answered
    centre.locator("main tbody input[name=chosen]").first.focus()
    walk.press("Enter")
    centre.locator(".messages").wait_for()
    assert f"{answered} data queries were closed" in centre.locator(".messages").inner_text()
    with capsys.disabled():
        print(f"\nJ5 at once: {waiting} raised in {raised_s:.2f} s, {answered} closed; {walk}")
    assert walk.actions <= 10
