"""Journey J9, a patient reads the record on a phone: few taps, small pages, short sentences, no JavaScript."""

import re
import statistics
from collections.abc import Callable
from typing import Any

import pytest

PHONE = (360, 640)
#: Bits a second and milliseconds of the network the budget speaks of; and the bound that only guards against hanging.
RATE_BPS, DELAY_MS, SLOW_S = 1_600_000, 150, 3.0
MOST_BYTES = 60_000


def test_a_patient_finds_all_answers_within_the_budget(
    page_for: Callable[..., Any], demo_server: Any, journey: Callable[[Any], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Three sentences, can I join, nearest site, what changed since my consent: 6 taps, 40 s, 4 pages of at most 60 kB."""
    page = page_for(None, "ja", size=PHONE, javascript=False)
    page.goto(demo_server.address("/"))
    walk = journey(page)
    answer = page.locator("#answer .answer").inner_text()
    assert len(re.findall("。", answer)) == 3
    walk.click("#answer a[href='#join']", think=True)
    joining = page.locator("#join").inner_text()
    near = page.locator("#near")
    walk.choose("#prefecture", near.locator("option").nth(26).get_attribute("value"))
    walk.click("#near button")
    page.wait_for_url("**/locations/**")
    addresses = [demo_server.address("/"), page.url]
    assert page.locator("#sites tbody tr").count() >= 1
    assert "km" in page.locator("#sites tbody tr").first.inner_text()
    page.go_back()
    walk.type("20240401", "#date", think=True)
    walk.press("Enter")
    page.wait_for_url("**/versions/since/**")
    assert page.locator("#changes").count() == 1
    sentences = [part.strip() for part in re.split("[。\n]", answer + joining) if len(part.strip()) > 1]
    middle = statistics.median(map(len, sentences))
    heaviest = max(len(page.request.get(address).body()) for address in (*addresses, page.url))  # before it is compressed
    with capsys.disabled():
        print(f"\nJ9: {walk}; heaviest page {heaviest / 1000:.1f} kB, median sentence {middle:g} characters of {len(sentences)}")
    assert walk.over(actions=6, seconds=40, pages=4) == []
    assert heaviest <= MOST_BYTES
    assert middle <= 40


def test_no_page_of_the_journey_scrolls_sideways(page_for: Callable[..., Any], demo_server: Any, harness: Any) -> None:
    """On a phone each page of the journey fits its width, with readings above the characters too."""
    page = page_for(None, "ja", size=PHONE)
    for path in ("/", "/?furigana=1", "/t/{trial}/locations/?prefecture=Osaka", "/t/{trial}/versions/since/?date=20240401"):
        page.goto(demo_server.address(path))
        assert harness.overflow(page) == [], path
    page.goto(demo_server.address("/?furigana=1"))
    assert page.locator("#answer ruby").count() > 0


def test_the_record_is_there_soon_on_a_slow_network(
    page_for: Callable[..., Any], demo_server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """At 1.6 Mb/s and 150 ms the largest part of the first page is painted in time; the figure is printed, the bound is generous."""
    page = page_for(None, "ja", size=PHONE)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    throughput = RATE_BPS / 8
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": DELAY_MS, "downloadThroughput": throughput, "uploadThroughput": throughput},
    )
    page.add_init_script(
        "window.painted = 0; new PerformanceObserver(list => { for (const e of list.getEntries()) window.painted = e.startTime; })"
        ".observe({type: 'largest-contentful-paint', buffered: true});"
    )
    page.goto(demo_server.address("/"), wait_until="load")
    page.wait_for_function("() => window.painted > 0")
    page.wait_for_timeout(300)
    painted_s = page.evaluate("() => window.painted") / 1000
    with capsys.disabled():
        print(f"\nJ9: largest contentful paint {painted_s:.2f} s")
    assert painted_s < SLOW_S
