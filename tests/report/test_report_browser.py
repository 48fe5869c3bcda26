"""The page in a browser: nothing is loaded, nothing complains, everything can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from adrisk.report.render import write_report

Make = Callable[..., Any]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def report(
    tmp_path: Path, make_folder: Make, ad: Make, corpus: list[dict[str, Any]], views: Make
) -> Path:
    attack = "<script>document.title='owned'</script><img src='https://example.org/x.png'>"
    hostile = ad(
        "hostile", attack + "w" * 3_000 + "\u202e", risk=0.5, level="review", rank=5,
        reasons=["r"], location="Very" * 30,
    )  # fmt: skip
    ads = [*corpus, hostile]
    return write_report(make_folder(tmp_path, ads), views(ads), tmp_path / "report.html")


@pytest.fixture
def open_page(browser: Browser, report: Path) -> Iterator[Callable[..., Page]]:
    complaints: list[str] = []
    pages: list[Page] = []

    def open_it(width: int = 1200, height: int = 900, **options: Any) -> Page:
        page = browser.new_page(viewport={"width": width, "height": height}, **options)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))

        def refuse(route: Any) -> None:
            if route.request.url == report.as_uri():
                route.continue_()
            else:
                complaints.append(route.request.url)
                route.abort()

        page.route("**/*", refuse)
        page.goto(report.as_uri())
        pages.append(page)
        return page

    yield open_it
    for page in pages:
        page.close()
    assert complaints == []


def test_the_page_loads_nothing_and_hostile_text_does_not_run(open_page: Make) -> None:
    page = open_page()
    page.locator("#toggle-all").click()
    assert page.title().startswith("Review queue")
    assert page.locator("img").count() == 0


def test_text_is_hidden_until_asked_for(open_page: Make) -> None:
    page = open_page()
    text = page.locator("#item-1 .text").first
    assert not text.is_visible()
    page.locator("#item-1 summary").first.click()
    assert text.is_visible()
    assert "keeps your passport" in text.inner_text()


def test_template_and_links_are_closed_until_asked_for(open_page: Make) -> None:
    page = open_page()
    template, network = page.locator("#item-1 .template"), page.locator("#item-1 .network")
    assert not template.is_visible()
    assert not network.is_visible()
    assert page.locator("#item-1 .when").is_visible()
    page.locator("#item-1 .ad > summary").first.click()
    assert "Hotel | Resort" in template.inner_text()
    page.locator("#item-1 .why > summary").click()
    assert "account 3" in network.inner_text()


def test_the_filters_narrow_the_queue_and_say_by_how_much(open_page: Make) -> None:
    page = open_page()
    visible = page.locator(".item:visible")
    assert visible.count() == 5
    page.locator("#level").select_option("audit")
    assert visible.count() == 1
    page.locator("#level").select_option("")
    page.locator("#indicator").select_option("recruitment_fee")
    assert visible.count() == 1
    page.locator("#indicator").select_option("")
    page.locator("#search").fill("porttown")
    assert visible.count() == 1
    assert page.locator("#shown").inner_text() == "1 of 5"
    page.locator("#search").fill("no such words")
    assert page.locator("#none").is_visible()


def test_the_keys_move_and_open(open_page: Make) -> None:
    page = open_page()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.id") == "item-2"
    page.keyboard.press("o")
    assert page.locator("#item-2 .text").is_visible()
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.id") == "item-1"
    page.keyboard.press("/")
    page.keyboard.type("jo")
    assert page.locator("#search").input_value() == "jo"


@pytest.mark.parametrize("width", [320, 360, 768, 1200])
def test_no_width_scrolls_sideways_even_with_every_text_open(open_page: Make, width: int) -> None:
    page = open_page(width)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_is_complete_without_javascript(open_page: Make) -> None:
    page = open_page(java_script_enabled=False)
    assert page.locator(".item").count() == 5
    assert not page.locator("#tools").is_visible()
    page.locator("#item-1 summary").first.click()
    assert page.locator("#item-1 .text").first.is_visible()


def test_a_print_leaves_out_the_tools_and_keeps_the_record(open_page: Make) -> None:
    page = open_page()
    page.emulate_media(media="print")
    assert not page.locator("#tools").is_visible()
    assert not page.locator("nav").is_visible()
    assert page.locator("#made pre").first.is_visible()
    assert not page.locator("#item-1 .text").first.is_visible()
