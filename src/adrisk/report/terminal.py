"""Campaigns as plain text for a terminal: the queue as a list, or one campaign in full.

In: the same frozen values the page is made of. Out: lines that cannot steer a terminal: contacts
are blotted out and whatever is invisible or reorders text is shown as a sign.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from adrisk.report.across import Across
from adrisk.report.items import Item, ShownAd
from adrisk.report.render import level_name, percent, span_in_words
from adrisk.report.shape import Shape, SlotValue
from adrisk.scoring.masking import Piece, mask_field, visible

_BARS = " ▁▂▃▄▅▆▇█"
_LISTED_PLACES = 3


def listed(items: Sequence[Item], total: int) -> str:
    """The queue, a line a campaign, with what shows across its ads below it."""
    if not items:
        return "no campaign is in the queue: a normal answer on a quiet day"
    lines = [f"{'':>4} {'level':10} {'risk':>6} {'ads':>7} {'texts':>6}  campaign"]
    for item in items:
        texts = f"{item.across.texts:,}" if item.across else "-"
        lines.append(
            f"{item.rank:>4} {level_name(item.level):10} {percent(item.risk):>6} {item.size:>7,} "
            f"{texts:>6}  {visible(item.campaign_id)}  {_when_and_where(item)}".rstrip()
        )
        lines += (
            [f"{'':37}{visible(words)}" for _, words in item.across.signs] if item.across else []
        )
    if total > len(items):
        lines.append(f"{'':>4} and {total - len(items):,} more campaigns")
    return "\n".join(lines)


def shown(item: Item) -> str:
    """One campaign: facts, signs, why its ads are together, its template, its riskiest ad."""
    place = f"number {item.rank} in the queue" if item.rank else "not in the queue"
    head = f"campaign {visible(item.campaign_id)}, {place}"
    level = level_name(item.level) if item.rank else "not flagged"
    ads = "one ad on its own" if item.size == 1 else f"{item.size:,} ads"
    if item.across and item.across.ads < item.size:
        ads += f", {item.across.ads:,} of them in this run"
    blocks = [f"{head}\n{level}, risk {percent(item.risk)}, {ads}"]
    blocks.append("\n".join(f"{name:10} {value}" for name, value in _facts(item) if value))
    if item.reasons:
        blocks.append(_section("flagged because", (visible(reason) for reason in item.reasons)))
    if item.across and item.across.signs:
        signs = (f"{sign.title}: {visible(words)}" for sign, words in item.across.signs)
        blocks.append(_section("seen across its ads", signs))
    if item.indicators:
        likely = (
            f"{likely.term.title}"
            + (f" ({percent(likely.probability)})" if likely.probability is not None else "")
            + (", speaks for the ad" if likely.term.lowers else "")
            for likely in item.indicators
        )
        blocks.append(_section("indicators", likely))
    if item.why:
        blocks.append(_section("why these ads are together", (visible(why) for why in item.why)))
    if item.shape:
        blocks.append(_template(item.shape))
    if item.ads:
        blocks.append(_ad(item.ads[0]))
    blocks.append("A flag asks a person to look; it never accuses.")
    return "\n\n".join(blocks)


def sparkline(counts: Iterable[int]) -> str:
    """Counts as a row of bars.

    >>> sparkline([0, 1, 4, 8])
    ' ▁▄█'
    """
    counts = list(counts)
    most = max(counts, default=0) or 1
    return "".join(_BARS[-(-8 * count // most)] for count in counts)


def _facts(item: Item) -> Iterable[tuple[str, str]]:
    yield "languages", ", ".join(visible(name) for name in item.languages)
    yield "places", _places(item)
    if not item.across:
        return
    across = item.across
    yield "time", _time(across)
    yield "texts", f"{across.texts:,}, near-copies counted once"
    yield "accounts", f"{across.accounts:,}" if across.accounts else "not known"
    yield "sectors", ", ".join(_field(name) for name in across.sectors)
    yield "contacts", _contacts(across)


def _time(across: Across) -> str:
    if across.first_posted is None or across.last_posted is None:
        return "not known"
    known = "" if across.dated == across.ads else f" ({across.dated:,} of {across.ads:,} dated)"
    if not across.timeline:
        return f"{across.first_posted:%Y-%m-%d}{known}"
    return (
        f"{across.first_posted:%Y-%m-%d} |{sparkline(across.timeline)}| "
        f"{across.last_posted:%Y-%m-%d}, over "
        f"{span_in_words(across.last_posted - across.first_posted)}{known}"
    )


def _places(item: Item) -> str:
    count = item.across.places if item.across else len(item.places)
    if not count:
        return "not known"
    rest = f" and {count - len(item.places)} more" if count > len(item.places) else ""
    return f"{count:,}: " + ", ".join(_field(place) for place in item.places) + rest


def _contacts(across: Across) -> str:
    if not across.contacts:
        return "none found"
    rest = across.contacts - len(across.contact_names)
    changes = across.contact_changes
    return (
        f"{across.contacts:,}: {', '.join(visible(name) for name in across.contact_names)}"
        + (f" and {rest:,} more" if rest else "")
        + (f"; a new one {'once' if changes == 1 else f'{changes:,} times'}" if changes else "")
    )


def _when_and_where(item: Item) -> str:
    said = []
    if item.first_seen and item.last_seen:
        first, last = f"{item.first_seen:%Y-%m-%d}", f"{item.last_seen:%Y-%m-%d}"
        said.append(first if first == last else f"{first} to {last}")
    if item.places:
        count = item.across.places if item.across else len(item.places)
        names = [_field(place)[:30] for place in item.places[:_LISTED_PLACES]]
        rest = f" +{count - len(names)}" if count > len(names) else ""
        said.append(", ".join(names) + rest)
    return "; ".join(said)


def _template(shape: Shape) -> str:
    text = "".join(
        f"[... {part.left_out:,} characters, the same in all ...]"
        if part.left_out
        else f"[{part.number}: {_inline(part.inline, part.further)}]{part.after}"
        if part.number
        else _plain(part.pieces)
        for part in shape.parts
    )
    lines = [f"template of {shape.texts:,} texts, slots in brackets", textwrap.indent(text, "  ")]
    for part in shape.slots:
        values = ", ".join(f"{_value(value)} x{value.texts}" for value in part.values)
        more = f" and {part.more_values} more" if part.more_values else ""
        lines.append(f"  {part.number:>3}  {values}{more}")
    if shape.others:
        lines.append(f"  {shape.others:,} more texts are worded too differently")
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
    said = [_value(value) for value in values] + ([f"+{further}"] if further else [])
    return " | ".join(said)


def _value(value: SlotValue) -> str:
    return _plain(value.pieces) or "nothing"


def _plain(pieces: Sequence[Piece]) -> str:
    """Pieces as text; a sign for something unseen stands in angle brackets."""
    return "".join(f"<{piece.text}>" if piece.name else piece.text for piece in pieces)


def _field(value: str) -> str:
    return visible(mask_field(value)).replace("\n", " ")


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)])
