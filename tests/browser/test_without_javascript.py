"""The same journeys in a browser that runs no scripts: slower to use, and nothing is missing."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oligami.web.demo import PASSWORD

_spec = importlib.util.spec_from_file_location("tests_browser_steps", Path(__file__).with_name("steps.py"))
assert _spec is not None
assert _spec.loader is not None
if _spec.name not in sys.modules:
    sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_spec.name])
steps = sys.modules[_spec.name]


def test_a_subject_is_registered(page_for: Callable[..., Any], demo_server: Any) -> None:
    """Questions, rows added by the server, verdict on demand, check, password, number."""
    page = page_for("coordinator", "ja", javascript=False)
    page.goto(demo_server.address("/t/{trial}/register/"))
    steps.fill(page, {}, steps.LESIONS[:2])
    steps.fill(page, steps.ELIGIBLE)
    page.locator(".toolbar button[value=check]").click()
    assert page.locator("#verdict-summary").inner_text().startswith("適格")
    page.locator(".toolbar button[value=review]").click()
    assert page.locator("table.list.answers tbody tr").count() == 2
    page.locator("#sign input[name=password]").fill(PASSWORD)
    page.locator("#sign .toolbar button").first.click()
    page.wait_for_url("**/confirmation/first/")
    assert page.locator(".confirmation .number strong").first.inner_text().startswith("S-")


def test_a_draft_waits_and_a_form_is_saved(page_for: Callable[..., Any], demo_server: Any) -> None:
    """A draft is kept by its button and found again; a date that cannot be is said beside its field; then the form is saved."""
    subject = steps.undecided(demo_server)[-1]
    address = demo_server.address(f"/t/{{trial}}/subjects/{subject}/forms/follow_up/new/")
    page = page_for("investigator", "en", javascript=False)
    page.goto(address)
    page.locator("[name=contact_date]").fill("2025-07-")
    page.locator("[name=vital_status][value=alive]").check()
    page.locator("button[name=_save_draft]").click()
    page.goto(address)
    assert page.locator("[name=contact_date]").input_value() == "2025-07-"
    assert page.locator("[name=vital_status][value=alive]").is_checked()
    page.locator("form.entry .toolbar button").first.click()
    fault = page.locator(".error-summary a").first
    assert fault.inner_text()
    wrong = page.locator(fault.get_attribute("href"))
    assert wrong.get_attribute("aria-invalid") == "true"
    wrong.fill("R7.7.3")
    page.locator("form.entry .toolbar button").first.click()
    page.wait_for_url("**/forms/follow_up/*/")
    assert "/new/" not in page.url
    assert page.locator("main").get_by_text("2025-07-03").count()


def test_a_query_is_raised_answered_and_closed(page_for: Callable[..., Any], demo_server: Any) -> None:
    """Asked from the list, answered in the field, closed from the list."""
    site, centre = page_for("coordinator", "en", javascript=False), page_for("data_manager", "en", javascript=False)
    steps.warn(site, demo_server)
    centre.goto(demo_server.address("/t/{trial}/queries/warned/"))
    row = centre.locator("main tbody tr", has_text=demo_server.site).first
    form = row.locator("th a").get_attribute("href")
    row.locator("button[name=only]").click()
    assert "1 data queries were raised" in centre.locator(".messages").inner_text()
    site.goto(demo_server.url + form)
    field = site.locator("input[name=text][id^=answer-]").last
    number = field.get_attribute("id").removeprefix("answer-")
    field.fill("The date is not known.")
    field.press("Enter")
    assert site.locator(".messages").inner_text()
    centre.goto(demo_server.address("/t/{trial}/queries/?status=answered"))
    subject = form.split("/subjects/")[1].split("/")[0]
    centre.locator(f"button[name=only][value='{subject}|{number}']").click()
    assert "1 data queries were closed" in centre.locator(".messages").inner_text()


def test_the_public_record_answers(page_for: Callable[..., Any], demo_server: Any) -> None:
    """Language, readings, sites, versions and their differences are links and forms."""
    page = page_for(None, "ja", javascript=False)
    page.goto(demo_server.address("/"))
    heading = page.locator("h1").inner_text()
    page.locator("a[href='?furigana=1']").click()
    assert page.locator("#answer ruby").count()
    page.locator("a[hreflang=en]").click()
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").inner_text() != heading
    page.locator("#date").fill("2025-01-01")
    page.locator("#date").press("Enter")
    page.wait_for_url("**/versions/since/**")
    assert page.locator("#changes").count() == 1
    page.goto(demo_server.address("/t/{trial}/versions/"))
    page.locator("main a[href*='/versions/']").first.click()
    assert page.locator("h1").count() == 1
