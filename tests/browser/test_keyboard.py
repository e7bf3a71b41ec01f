"""From log-in to randomization without a mouse, and where the focus is always to be seen."""

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

#: Keys to find something on a page by Tab; more, and nobody would.
MOST_TABS = 60


def tab_to(walk: Any, selector: str) -> None:
    """Press Tab until something has the focus, and look whether it shows."""
    page = walk.page
    for _ in range(MOST_TABS):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
        walk.press("Tab")
    else:
        raise AssertionError(f"Tab never reaches {selector}")
    shown = page.evaluate(
        """() => {
            const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
            const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none';
            const middle = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            return [outlined, box.top >= 0 && box.bottom <= innerHeight, Boolean(middle) && (e.contains(middle) || middle.contains(e))];
        }"""
    )
    assert shown == [True, True, True], f"{selector}: outlined, within the window, not covered: {shown}"


def test_from_login_to_randomization_by_keys_alone(
    page_for: Callable[..., Any], demo_server: Any, journey: Callable[[Any], Any]
) -> None:
    """Sign in, find the subject, answer, sign with the password, read the arm: not one click."""
    subject = steps.undecided(demo_server)[1]
    page = page_for(None, "ja")
    page.goto(demo_server.address("/accounts/login/?next=/t/{trial}/work/"))
    walk = journey(page)
    tab_to(walk, "input[name=login]")
    walk.type("investigator")
    tab_to(walk, "input[name=password]")
    walk.type(PASSWORD)
    walk.press("Enter")
    page.wait_for_url(lambda url: url.endswith("/work/") and "login" not in url)
    page.keyboard.press("s")
    page.wait_for_url("**/subjects/")
    tab_to(walk, f"a[href$='/subjects/{subject}/']")
    walk.press("Enter")
    page.wait_for_url(f"**/{subject}/")
    tab_to(walk, "a[href$='/register/second/']")
    walk.press("Enter")
    page.wait_for_url("**/register/second/")
    page.locator("[name=first_registration_completed_and_on_study]:focus").wait_for()
    steps.fill_by_keys(walk, {**steps.RESPONDED, "courses_planned": "4", "courses_given": "5"})
    # A suggested value that is typed over is replaced, however its field was reached.
    assert page.locator("[name=courses_planned]").input_value() == "4"
    assert page.locator("[name=courses_given]").input_value() == "5"
    tab_to(walk, "input[name=password]")
    walk.type(PASSWORD)
    walk.press("Enter")
    page.wait_for_url("**/confirmation/second/")
    assert page.locator(".confirmation .arm strong").inner_text()
    assert not [line for line in walk.log if line.startswith(("click", "choose"))]


def test_single_letters_open_the_menu_and_can_be_switched_off(page_for: Callable[..., Any], demo_server: Any) -> None:
    """`n`, `s` and `w` open their pages, not while somebody types, and not once they are switched off."""
    page = page_for("coordinator", "en")
    page.goto(demo_server.address("/t/{trial}/work/"))
    page.keyboard.press("n")
    page.wait_for_url("**/register/")
    page.locator("[name=_initials]").focus()
    page.keyboard.press("s")
    assert "s" in page.locator("[name=_initials]").input_value()
    page.goto(demo_server.address("/t/{trial}/work/"))
    page.keyboard.press("s")
    page.wait_for_url("**/subjects/")
    page.goto(demo_server.address("/help/"))
    page.locator("button[name=keys][value=off]").click()
    page.goto(demo_server.address("/t/{trial}/work/"))
    page.keyboard.press("s")
    page.wait_for_timeout(300)
    assert page.url.endswith("/work/")
