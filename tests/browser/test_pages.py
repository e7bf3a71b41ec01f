"""Each page, in both languages, light and dark, wide and narrow: nothing that axe finds, nothing wrong on the console."""

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_spec = importlib.util.spec_from_file_location("tests_browser_harness", Path(__file__).with_name("harness.py"))
assert _spec is not None
assert _spec.loader is not None
if _spec.name not in sys.modules:
    sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_spec.name])
harness = sys.modules[_spec.name]

each_page = pytest.mark.parametrize("spot", harness.PAGES, ids=lambda spot: spot.name)
each_language = pytest.mark.parametrize("lang", ["ja", "en"])


def look(page: Any, name: str) -> None:
    """Keep a picture where somebody wants to look at it; a picture of a long page takes longer than its test."""
    if os.environ.get("OLIGAMI_PICTURES"):
        harness.picture(page, name)


@each_language
@each_page
def test_page_has_no_fault(spot: Any, lang: str, page_for: Callable[..., Any], demo_server: Any) -> None:
    """A page answers, is without axe violations in light and in dark, and reports nothing wrong; no width scrolls sideways."""
    found = []
    page = page_for(spot.role, lang)
    answer = page.goto(demo_server.address(spot.path))
    assert answer.status == 200, answer.url
    assert page.locator("html").get_attribute("lang") == lang
    found += [f"light: {violation}" for violation in harness.axe(page)]
    look(page, f"{spot.name}-{lang}-light")
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {violation}" for violation in harness.axe(page, "color-contrast")]  # all that colours can change
    look(page, f"{spot.name}-{lang}-dark")
    for width, height in (harness.DESKTOP, harness.PHONE):
        page.set_viewport_size({"width": width, "height": height})
        found += [f"{width} px: {wide}" for wide in harness.overflow(page)]
    look(page, f"{spot.name}-{lang}-phone")
    found += harness.faults(page)
    assert not found, "\n".join(found)


@each_page
def test_page_stands_without_javascript(spot: Any, page_for: Callable[..., Any], demo_server: Any) -> None:
    """Without JavaScript a page has its heading and its content."""
    page = page_for(spot.role, "en", javascript=False)
    page.goto(demo_server.address(spot.path))
    assert page.locator("h1").count() == 1
    assert page.locator("main").inner_text().strip()
    assert harness.faults(page) == []
