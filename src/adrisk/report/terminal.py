"""Campaigns as plain text for a terminal: the queue as a list, or one campaign in full.

In: the same frozen values as for the page. Out: lines that cannot steer a terminal. Contacts are
masked; invisible characters and those that reorder text are written out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from adrisk.report.campaign_facts import CampaignFacts
from adrisk.report.campaign_template import CampaignTemplate, SlotValue
from adrisk.report.items import Item, ShownAd
from adrisk.report.page import level_name, percent, span_in_words
from adrisk.scoring.masking import Piece, mask_field, visible

_BARS = " ▁▂▃▄▅▆▇█"
_LISTED_PLACES = 3


def queue_text(items: Sequence[Item], total: int) -> str:
    """The queue, one line per campaign, with its cross-ad indicators below."""
    if not items:
        return "no campaign is in the queue"
    lines = [f"{'':>4} {'level':10} {'risk':>6} {'ads':>7} {'texts':>6}  campaign"]
    for item in items:
        texts = f"{item.facts.texts:,}" if item.facts else "-"
        lines.append(
            f"{item.rank:>4} {level_name(item.level):10} {percent(item.risk):>6} {item.size:>7,} "
            f"{texts:>6}  {visible(item.campaign_id)}  {_dates_and_places(item)}".rstrip()
        )
        lines += (
            [f"{'':37}{visible(words)}" for _, words in item.facts.cross_ad] if item.facts else []
        )
    if total > len(items):
        lines.append(f"{'':>4} and {total - len(items):,} more campaigns")
    return "\n".join(lines)


def campaign_text(item: Item) -> str:
    """One campaign: facts, reasons, indicators, links, template and its riskiest ad."""
    place = f"number {item.rank} in the queue" if item.rank else "not in the queue"
    head = f"campaign {visible(item.campaign_id)}, {place}"
    level = level_name(item.level) if item.rank else "not flagged"
    ads = "one ad on its own" if item.size == 1 else f"{item.size:,} ads"
    if item.facts and item.facts.ads < item.size:
        ads += f", {item.facts.ads:,} of them in this run"
    blocks = [f"{head}\n{level}, risk {percent(item.risk)}, {ads}"]
    blocks.append("\n".join(f"{name:10} {value}" for name, value in _facts(item) if value))
    if item.reasons:
        blocks.append(_section("flagged because", (visible(reason) for reason in item.reasons)))
    if item.facts and item.facts.cross_ad:
        cross_ad = (f"{term.title}: {visible(reason)}" for term, reason in item.facts.cross_ad)
        blocks.append(_section("indicators across ads", cross_ad))
    if item.indicators:
        likely = (
            f"{likely.term.title}"
            + (f" ({percent(likely.probability)})" if likely.probability is not None else "")
            + (", lowers the risk" if likely.term.lowers else "")
            for likely in item.indicators
        )
        blocks.append(_section("indicators", likely))
    if item.link_reasons:
        blocks.append(_section("why these ads are linked", map(visible, item.link_reasons)))
    if item.template:
        blocks.append(_template(item.template))
    if item.ads:
        blocks.append(_ad(item.ads[0]))
    blocks.append("A flag asks a person to look; it never accuses.")
    return "\n\n".join(blocks)


def sparkline(counts: Iterable[int]) -> str:
    """Counts as one row of bars.

    >>> sparkline([0, 1, 4, 8])
    ' ▁▄█'
    """
    counts = list(counts)
    most = max(counts, default=0) or 1
    return "".join(_BARS[-(-8 * count // most)] for count in counts)


def _facts(item: Item) -> Iterable[tuple[str, str]]:
    yield "languages", ", ".join(visible(name) for name in item.languages)
    yield "places", _places(item)
    if not item.facts:
        return
    facts = item.facts
    yield "time", _time(facts)
    yield "texts", f"{facts.texts:,}, near-copies counted once"
    yield "accounts", f"{facts.accounts:,}" if facts.accounts else "not known"
    yield "sectors", ", ".join(_field(name) for name in facts.sectors)
    yield "contacts", _contacts(facts)


def _time(facts: CampaignFacts) -> str:
    if facts.first_posted is None or facts.last_posted is None:
        return "not known"
    dated = "" if facts.dated == facts.ads else f" ({facts.dated:,} of {facts.ads:,} dated)"
    if not facts.timeline:
        return f"{facts.first_posted:%Y-%m-%d}{dated}"
    return (
        f"{facts.first_posted:%Y-%m-%d} |{sparkline(facts.timeline)}| "
        f"{facts.last_posted:%Y-%m-%d}, over "
        f"{span_in_words(facts.last_posted - facts.first_posted)}{dated}"
    )


def _places(item: Item) -> str:
    count = item.facts.places if item.facts else len(item.places)
    if not count:
        return "not known"
    rest = f" and {count - len(item.places)} more" if count > len(item.places) else ""
    return f"{count:,}: " + ", ".join(_field(place) for place in item.places) + rest


def _contacts(facts: CampaignFacts) -> str:
    if not facts.contacts:
        return "none found"
    rest = facts.contacts - len(facts.contact_names)
    changes = facts.contact_changes
    return (
        f"{facts.contacts:,}: {', '.join(visible(name) for name in facts.contact_names)}"
        + (f" and {rest:,} more" if rest else "")
        + (
            f"; a new one added {'once' if changes == 1 else f'{changes:,} times'}"
            if changes
            else ""
        )
    )


def _dates_and_places(item: Item) -> str:
    parts = []
    if item.first_seen and item.last_seen:
        first, last = f"{item.first_seen:%Y-%m-%d}", f"{item.last_seen:%Y-%m-%d}"
        parts.append(first if first == last else f"{first} to {last}")
    if item.places:
        count = item.facts.places if item.facts else len(item.places)
        names = [_field(place)[:30] for place in item.places[:_LISTED_PLACES]]
        rest = f" +{count - len(names)}" if count > len(names) else ""
        parts.append(", ".join(names) + rest)
    return "; ".join(parts)


def _template(template: CampaignTemplate) -> str:
    text = "".join(
        f"[... {part.left_out:,} characters, the same in all ...]"
        if part.left_out
        else f"[{part.number}: {_inline(part.inline, part.further)}]{part.after}"
        if part.number
        else _plain(part.pieces)
        for part in template.parts
    )
    lines = [
        f"template of {template.texts:,} texts, slots in brackets",
        textwrap.indent(text, "  "),
    ]
    for part in template.slots:
        values = ", ".join(f"{_value(value)} x{value.texts}" for value in part.values)
        more = f" and {part.more_values} more" if part.more_values else ""
        lines.append(f"  {part.number:>3}  {values}{more}")
    if template.others:
        lines.append(f"  {template.others:,} more texts differ too much")
    return "\n".join(lines)


def _ad(ad: ShownAd) -> str:
    head = f"riskiest ad {visible(ad.ad_id)}, risk {percent(ad.risk)}"
    if ad.missing_because:
        return f"{head}\n  no text: {visible(mask_field(ad.missing_because))}"
    text = "".join(
        f"[... {segment.left_out:,} characters left out ...]"
        if segment.left_out
        else f"«{_plain(segment.pieces)}»"
        if segment.marks
        else _plain(segment.pieces)
        for segment in ad.segments
    )
    return f"{head}\n{textwrap.indent(text, '  ')}"


def _inline(values: Sequence[SlotValue], further: int) -> str:
    return " | ".join([*map(_value, values), *([f"+{further}"] if further else [])])


def _value(value: SlotValue) -> str:
    return _plain(value.pieces) or "empty"


def _plain(pieces: Sequence[Piece]) -> str:
    """Pieces as text; the name of an invisible character is in angle brackets."""
    return "".join(f"<{piece.text}>" if piece.name else piece.text for piece in pieces)


def _field(value: str) -> str:
    return visible(mask_field(value)).replace("\n", " ")


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)])
