"""The harness itself: what it is to find is found when it is there, and a journey is counted as the model says."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def blank(page_for: Callable[..., Any], demo_server: Any) -> Any:
    """A page of the demonstration whose content a test replaces."""
    page = page_for(None, "en")
    page.goto(demo_server.address("/help/"))
    return page


def test_axe_finds_what_is_wrong(blank: Any, harness: Any) -> None:
    """A picture without words and a control without a label are found."""
    blank.locator("main").evaluate("main => { main.innerHTML = '<h1>A</h1><img src=\"/static/x.png\"><input type=text>' }")
    found = " ".join(harness.axe(blank))
    assert "image-alt" in found
    assert "label" in found
    assert "image-alt" not in " ".join(harness.axe(blank, "color-contrast"))


def test_what_is_too_wide_is_found(blank: Any, harness: Any) -> None:
    """A box beyond the window is found; one inside a box that scrolls is not."""
    blank.set_viewport_size({"width": 320, "height": 600})
    wide = "const box = document.createElement('div'); box.id = 'wide'; box.style.width = '900px'; box.textContent = 'w';"
    blank.evaluate(f"() => {{ {wide} document.querySelector('main').append(box) }}")
    assert any('id="wide"' in line for line in harness.overflow(blank))
    blank.evaluate(
        "() => { const frame = document.createElement('div'); frame.style.overflowX = 'auto';"
        " document.querySelector('main').append(frame); frame.append(document.querySelector('#wide')) }"
    )
    assert harness.overflow(blank) == []


def test_what_goes_wrong_in_a_page_is_reported(blank: Any, harness: Any) -> None:
    """An inline script is stopped by the policy and reported, like an error and a call to another host."""
    assert harness.faults(blank) == []
    blank.evaluate("() => console.error('went wrong')")
    blank.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.ran = 1';"
        " document.head.append(script) }"
    )
    blank.evaluate("() => { fetch('http://127.0.0.2:9/').catch(() => 0) }")
    blank.wait_for_timeout(200)
    found = " ".join(harness.faults(blank))
    assert "went wrong" in found
    assert "Content Security Policy" in found
    assert blank.evaluate("() => window.ran") is None
    assert "127.0.0.2" in found


def test_a_journey_is_counted_by_the_model(blank: Any, journey: Callable[[Any], Any], demo_server: Any) -> None:
    """Two clicks, three keys and four letters and a decision are 5 actions and 7 s; a second address is a second page."""
    blank.goto(demo_server.address("/accounts/login/"))
    trip = journey(blank)
    assert (trip.actions, trip.pages) == (0, 1)
    trip.type("abcd", "input[name=login]", think=True)  # point, click, hand, think, four keys
    trip.press("Tab Shift+Tab")  # one key and a chord of two
    assert blank.locator("input[name=login]").input_value() == "abcd"
    trip.press("Tab")
    trip.click("a.brand")  # hand, point, click
    blank.wait_for_load_state()
    assert trip.actions == 5
    assert trip.seconds == pytest.approx(1.30 + 1.35 + 0.40 + 4 * 0.28 + 3 * 0.28 + 0.28 + 0.40 + 1.30)
    assert trip.pages == 2
    assert trip.over(actions=5, seconds=8, pages=2) == []
    assert trip.over(actions=4, seconds=6, pages=1) == [
        "actions: 5, budget 4",
        f"seconds: {trip.seconds:.1f}, budget 6",
        "pages: 2, budget 1",
    ]
