"""The page as text: compared with a golden copy, and attacked."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from adrisk.errors import UsageError
from adrisk.report.render import write_report

Make = Callable[..., Any]
GOLDEN = Path(__file__).parents[1] / "golden" / "report.html"
VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """Every element, attribute and text of a page; unbalanced tags fail."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def write(folder: Path, views: Any) -> str:
    return write_report(folder, views, folder / "report.html").read_text("utf-8")


@pytest.fixture
def page(tmp_path: Path, make_folder: Make, corpus: list[dict[str, Any]], views: Make) -> str:
    bad = [{"source": "a.csv", "line": 3, "reason": "no text", "action": "give the row a text"}]
    counts = {"over_capacity": 12, "truncated": 2, "audited": 1, "obscured": 0}
    folder = make_folder(tmp_path, corpus, quarantine=bad, counts=counts)
    return write(folder, views(corpus))


def without_assets(page: str) -> str:
    """The page without style, script and drawing: those have tests of their own."""
    for tag in ("style", "script", "svg"):
        page = re.sub(rf"(<{tag})\b[^>]*>.*?(</{tag}>)", r"\1>\2", page, flags=re.DOTALL)
    return re.sub(r"sha256-[^']+", "sha256-", page)


def test_the_page_matches_the_golden_copy(page: str) -> None:
    # To renew it, delete tests/golden/report.html, run this test twice and read the diff.
    found = without_assets(page)
    if not GOLDEN.exists():
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(found, encoding="utf-8")
        pytest.fail(f"{GOLDEN} was missing and has been written: read it, then run again")
    assert found == GOLDEN.read_text("utf-8")


def test_the_same_folder_gives_the_same_bytes(
    tmp_path: Path, make_folder: Make, corpus: list[dict[str, Any]], views: Make
) -> None:
    folder = make_folder(tmp_path, corpus)
    assert write(folder, views(corpus)) == write(folder, views(corpus))


def test_the_content_policy_allows_exactly_the_style_and_the_script_of_the_page(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy.group(1)
    assert "unsafe" not in policy.group(1)
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy.group(1)
    assert not any(name == "style" for name, _ in Page(page).attributes)


def test_the_page_refers_to_nothing_outside_itself(page: str) -> None:
    for name, value in Page(page).attributes:
        assert name not in ("src", "srcset", "action", "formaction", "background")
        if name.endswith("href"):
            assert value is not None
            assert value.startswith(("#", "data:"))


def test_the_page_says_what_a_flag_is_and_what_did_not_fit(page: str) -> None:
    assert "A flag asks a person to look. It does not say that a crime happened." in page
    assert "<b>12 campaigns</b> passed the threshold but exceed today's capacity" in page
    assert "a random sample of unflagged ads, to measure what the threshold misses" in page
    assert "No action on a score alone." in page


def test_no_contact_reaches_the_page(page: str) -> None:
    assert "0143" not in page
    assert "jobs@example.org" not in page


def test_evidence_is_marked_with_the_title_of_its_indicator(page: str) -> None:
    assert re.search(r'<mark title="Recruitment fee"[^>]*>Pay a </mark>', page)
    assert re.search(
        r'<mark title="Recruitment fee; Moved the risk score"[^>]*>deposit of 300', page
    )


ATTACKS = [
    "<script>alert(1)</script>",
    '"></details><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "{{7*7}} {% raw %} ${7*7}",
    "]]> --> <!-- </style></script></textarea>",
    "&lt;b&gt; &amp;#60;",
    "\u202egnp.exe\u2066\u2069",
    "a\x00b\x08c\ud83d",
    "🌾👩‍🌾 عمل في المزرعة",
    "w" * 20_000,
    "javascript:alert(1)",
    "=HYPERLINK(1)",
]


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_hostile_text_in_any_field_stays_text(
    tmp_path: Path, make_folder: Make, ad: Make, views: Make, attack: str
) -> None:
    stored = attack.encode("utf-8", "replace").decode()
    facts = {
        "risk": 0.9, "level": "urgent", "rank": 1, "reasons": [stored], "campaign_id": stored,
        "reason": stored, "language": stored,
        "evidence": [
            {"indicator": stored, "start": 0, "end": 1, "strength": 1.0, "found_by": stored}
        ],
    }  # fmt: skip
    plain = ad("a", "harmless", **{**facts, "reasons": ["r"], "campaign_id": "c", "reason": "x",
               "language": "en", "evidence": []})  # fmt: skip
    hostile = ad(stored, attack, **facts, location=attack, category=attack, source=attack,
                 url=attack)  # fmt: skip
    bad = [{"source": attack, "line": attack, "reason": attack, "action": attack}]
    both = [plain, {**plain, "ad_id": "b", "text": "harmful"}]
    reference = Page(write(make_folder(tmp_path / "plain", both), views(both)))
    written = {**hostile, "text": stored}
    twin = {**written, "ad_id": f"{stored}-2", "text": f"{stored} and {stored} again"}
    manifest = {"run_id": stored, "sources": [{"spec": stored}], "adrisk_version": stored}
    folder = make_folder(tmp_path / "hostile", [written, twin], quarantine=bad, manifest=manifest)
    attacked = write(folder, views([{**hostile, "ad_id": stored}, twin]))
    attacked.encode("utf-8")
    found = Page(attacked)
    assert set(found.tags) - set(reference.tags) <= {"mark", "sup", "caption", "b"}
    for tag in ("script", "style", "img", "iframe", "object", "form", "svg"):
        assert found.tags.count(tag) == reference.tags.count(tag)
    assert {name for name, _ in found.attributes if name.startswith("on")} == set()
    assert "\u202e" not in attacked
    assert "\x00" not in attacked
    if attack.startswith("{{"):
        assert "{{7*7}}" in "".join(found.text)


def test_a_queue_of_large_campaigns_stays_small(
    tmp_path: Path, make_folder: Make, ad: Make, views: Make
) -> None:
    text = "Seasonal work with room and meals, written contract, paid monthly. " * 8
    ads = [
        ad(f"a{n}-{k}", f"{text} Town {k}, from day {k * 7}. {text[k:]}", risk=0.9, level="review",
           rank=n + 1, campaign_id=f"c{n}", reason="near-copy", location=f"Town {k}",
           account=f"u{k}", contacts=(f"{n:04x}{k % 13:028x}",), p={"recruitment_fee": 0.8})
        for n in range(40)
        for k in range(24)
    ]  # fmt: skip
    page = write(make_folder(tmp_path, ads), views(ads))
    assert page.count('<figure class="network">') == 40
    # Two hundred of them: below 3.5 MB.
    assert len(page.encode()) < 3_500_000 / 5


def test_a_failed_write_leaves_the_old_report_and_no_scraps(
    tmp_path: Path, make_folder: Make, ad: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(tmp_path / "scored", [ad("a")])
    out = tmp_path / "out" / "report.html"
    out.parent.mkdir()
    out.write_text("old")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_report(folder, {}, out)
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
    assert out.read_text() == "old"


def test_a_folder_is_no_name_for_a_report(tmp_path: Path, make_folder: Make, ad: Make) -> None:
    with pytest.raises(UsageError, match="file name"):
        write_report(make_folder(tmp_path, [ad("a")]), {}, tmp_path)


def test_two_hundred_campaigns_stay_under_two_megabytes(
    tmp_path: Path, make_folder: Make, ad: Make, views: Make
) -> None:
    text = "Seasonal work with room and meals, written contract, paid monthly. " * 8
    ads = [
        ad(f"a{n}-{k}", f"{k} {text}", risk=0.9, level="review", rank=n + 1, campaign_id=f"c{n}",
           reason="near-copy", reasons=["risk is above the review threshold"],
           p={"recruitment_fee": 0.8})
        for n in range(200)
        for k in range(3)
    ]  # fmt: skip
    assert len(write(make_folder(tmp_path, ads), views(ads)).encode()) < 2_000_000
