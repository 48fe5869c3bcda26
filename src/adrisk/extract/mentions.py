"""Prices, wages, working hours and places in ads, as spans of the raw text.

In: raw and folded texts. Out: `Mention`s, for `adrisk extract` and reports; they are used neither
for linking nor for scores. Money is a wage or a price by the nearest cue word before it in its
sentence; without one, money per unit of time ("€12 an hour") is a wage. Hours are ranges of clock
times, hours a day or week, and "24/7"; single times, durations and other ranges are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from adrisk.extract.places import find_places
from adrisk.text.arrow import text_list
from adrisk.text.normalise import fold_column, fold_text, offset_map
from adrisk.text.spans import DisjointSpans
from adrisk.types import ArrowValues, Contact

KINDS = ("price", "wage", "hours", "place")


@dataclass(frozen=True, slots=True)
class Mention:
    """A price, a wage, hours or a place at `raw_text[start:end]`.

    Obscured if folding undid more than capital letters.
    """

    kind: str
    start: int
    end: int
    obscured: bool


def find_mentions(raw: str, contacts: Sequence[Contact] = ()) -> list[Mention]:
    """Prices, wages, hours and places of an ad, in order, without overlaps.

    Args:
        raw: the raw text.
        contacts: of the same ad; mentions do not overlap them.

    >>> [(m.kind, m.start, m.end) for m in find_mentions("Cook in Leeds, £12 an hour, 9am-5pm")]
    [('place', 8, 13), ('wage', 15, 26), ('hours', 28, 35)]
    """
    return _mentions(raw, fold_text(raw), contacts, timed=True, paid=True)


def mentions_column(
    raw: ArrowValues,
    folded: ArrowValues | None = None,
    contacts: Sequence[Sequence[Contact]] | None = None,
) -> list[list[Mention]]:
    """`find_mentions` of every ad.

    Args:
        raw: n ad texts, without nulls.
        folded: the same texts from `adrisk.text.normalise.fold_column`, if the caller has them.
        contacts: for each ad, its contacts from `adrisk.extract.contacts_column`.
    """
    if folded is None:
        folded = fold_column(raw)
    paid, timed = (
        np.asarray(pc.match_substring_regex(folded, hint).to_numpy(zero_copy_only=False))
        for hint in (MONEY_HINT, HOURS_HINT)
    )
    known = contacts if contacts is not None else [()] * len(raw)
    return [
        _mentions(text, plain, own, timed=bool(t), paid=bool(p))
        for text, plain, own, t, p in zip(
            text_list(raw), text_list(folded), known, timed, paid, strict=True
        )
    ]


def _mentions(
    raw: str, folded: str, contacts: Sequence[Contact], *, timed: bool, paid: bool
) -> list[Mention]:
    spans: list[tuple[str, int, int]] = list(find_money(folded)) if paid else []
    if timed:
        money = DisjointSpans(span[1:] for span in spans)
        spans += [("hours", *span) for span in find_hours(folded) if not money.overlaps(*span)]
    mentions = []
    if spans:
        raw_span = offset_map(raw, folded)
        for kind, start, end in spans:
            first, last = raw_span(start, end)
            obscured = raw[first:last].lower() != folded[start:end]
            mentions.append(Mention(kind, first, last, obscured))
    taken = [(contact.start, contact.end) for contact in contacts]
    known = DisjointSpans(taken)
    mentions = [m for m in mentions if not known.overlaps(m.start, m.end)]
    known = DisjointSpans([*taken, *((m.start, m.end) for m in mentions)])
    mentions += [
        Mention("place", place.start, place.end, False)
        for place in find_places(raw)
        if not known.overlaps(place.start, place.end)
    ]
    return sorted(mentions, key=lambda mention: mention.start)


_SIGN = r"(?:us|r|s|a|c|nz|hk|mx)?\$|€|£|¥|₹|₱|₽|₴|₦|¤"
_CODES = (
    "usd|eur|gbp|cad|aud|nzd|chf|aed|sar|qar|pln|zar|inr|php|thb|myr|sgd|hkd|cny|rmb|jpy|brl|"
    "mxn|cop|clp|ars|pen|ron|huf|czk|sek|nok|dkk|try|rub|uah|egp|mad|ngn|kes"
)
_BEFORE = rf"(?:{_SIGN}|(?<![^\W_])(?:{_CODES}|rm|rs\.?|s/\.?|s/|kr|r(?=\s?\d{{2,}}\b)))\s?"
_WORDS = (
    "euros?|dollars?|dólares|dolares|pounds?|libras|quid|bucks|francs?|francos|reais|pesos|"
    "soles|dirhams?|dh|rupees?|rand|ringgit"
    "|lei|złotych|zł|zloty|kronor|kroner|forint|koruna|рубл(?:ей|я|ь)|руб(?:\\.|\\b)|р\\.|евро|"
    "долларов|доллара|злотых|гривен|грн|тенге|сум|сомов|лв"
    "|บาท|ريال(?:ا)?|درهم(?:ا)?|دينار(?:ا)?|جنيه(?:ا)?|دولار(?:ا)?|ليرة|रुपये|रुपए|रु|万元|元|块钱|"
    "块|人民币|港币|美元|美金|欧元|日元|円|원"
)
_AFTER = rf"\s?(?:{_SIGN}|万?(?:{_WORDS})(?![a-zà-ÿ])|(?:{_CODES})(?![^\W_]))"
_FIGURES = (  # bounded, so that long runs of figures are not scanned again from each figure
    r"(?<!\d)\d{1,3}(?:[.,'’\u00a0 ]\d{3}){1,4}(?!\s?\d)(?:[.,]\d{1,2})?"
    r"|(?<!\d)\d{1,9}(?!\d)(?:[.,]\d{1,2})?"
)
_AMOUNT = rf"(?:{_FIGURES})(?:\s?(?:k|mil|mille|тыс\.?|万|千|lakh)(?![a-zà-ÿа-я]))?"
_MONEY_TO = r"\s?(?:[-–—~/]|to|a|à|до|al|bis|至|到)\s?"
_STEP = (
    r"h|hr|hrs|hour|hourly|shift|day|night|week|wk|fortnight|month|mth|year|annum|yr|kilo|kg|"
    r"piece|box|hora|d[ií]a|jornada|noche|semana|quincena"
    r"|mes|año|turno|heure|jour|nuit|semaine|mois|an|dia|noite|quinzena|m[êe]s|ano|час|часа|"
    r"день|сутки|смену|неделю|месяц|мес|год|годину"
    r"|місяць|тиждень|stunde|monat|tag|ora|giorno|godz|小时|时|天|日|周|月|年|الساعة|ساعة|اليوم|يوم|"
    r"الاسبوع|الأسبوع|الشهر|شهر|ชม|ชั่วโมง|วัน|เดือน|घंटा|घंटे|दिन|महीना|महीने|माह"
)
_EVERY = (
    rf"\s?(?:(?:net|netos?|netto|brut|brutos?|gross|clear|in hand|cash)\s?)?(?:(?:/|per|pro|"
    rf"an?|each|every|the|por|par|al|a la|la|el|à l'|de l'|l'|le|p/|в|за|на|每|प्रति|في|"
    rf"/\s?)\s?(?:{_STEP})(?![a-zà-ÿа-я])"
    r"|(?:hourly|daily|weekly|monthly|yearly|annually|nightly|p\.?h|p\.?w|p\.?a|p\.?c\.?m|ph|"
    r"pw|pcm|p\.?d|mensual(?:es)?|semanal(?:es)?|diari[oa]s?|mensuais|mensal|semanais|diárias?"
    r"|mensuels?|hebdomadaires?|ежемесячно|в мес|شهريا|شهري|يوميا|اسبوعيا|रोज|रोज़|महीना|महीने|"
    r"ต่อเดือน|ต่อวัน)(?![a-zà-ÿа-я]))"
)
_MONEY = re.compile(
    rf"(?:(?<![\w.,])(?:от|from|de|desde|up to|hasta|jusqu'à|até|до)\s)?"
    rf"(?:{_BEFORE}{_AMOUNT}(?:{_AFTER})?(?:{_MONEY_TO}(?:{_BEFORE})?{_AMOUNT}(?:{_AFTER})?)?("
    rf"?:\s?(?:{_CODES})(?![^\W_])|\s?pesos)?"
    rf"|"
    rf"(?<![a-z0-9_])(?<!\d[.,])(?:{_AMOUNT}(?:{_AFTER})?{_MONEY_TO})?(?<![a-z0-9_])(?:{_AMOUNT}){_AFTER}"
    rf")"
    rf"(?P<every>{_EVERY})?"
)
_BARE = re.compile(
    rf"(?<![\w.,:/-])(?:\d{{4,6}}|\d{{1,3}}[.,]\d{{3}}|\d{{1,3}}k)(?:{_MONEY_TO}(?:\d{{4,6}}|"
    rf"\d{{1,3}}[.,]\d{{3}}|\d{{1,3}}k))?(?P<every>{_EVERY})"
)
_STEP_BEFORE = re.compile(
    r"(?:每(?:小时|天|日|周|月|年)|(?:月|日|时|周|年)薪|วันละ|เดือนละ|ชั่วโมงละ|hourly|weekly|monthly|"
    r"daily)\s?:?\s?$"
)
_PAY = (
    r"(?:salar(?:y|ies|io|ios|é)|salaires?|sal[áa]rios?|sueldos?|wages?|pocket money|stipend|"
    r"earn(?:s|ing|ings)?|income|remunera\w+|r[ée]mun[ée]r\w+|honorarios?"
    r"|(?:we|they|he|employer|job|work)\s(?:will\s)?pays?|\bpays?(?=\s?:|\s(?:is|of|from|rate|"
    r"up|in hand|\d))|\bpaid|pay rate|paga(?:mos|n)?\b|pago\b|cobrar|ganar|ganas?|gagne[rz]?|"
    r"ganhar|ganhe|ganho"
    r"|зарплат\w*|з/п|зп|оплата|оклад|заработ\w*|заробітн\w*|薪|工资|待遇|收入|底薪|راتب|اجر|أجر|مرتب|"
    r"เงินเดือน|ค่าจ้าง|ค่าแรง|รายได้|वेतन|तनख्वाह|सैलरी|मजदूरी)"
)
_COST = (
    r"(?:\brents?\b|to let|\brooms?\b|\bflats?\b|\bstudio\b|apartment|deposit|\bfees?\b|"
    r"\bbills?\b|\bcosts?\b|price|\bloan\b|fine\b|for sale|\bsale\b|\bsell\b|tickets?|flights?|"
    r"refund|advance|charge"
    r"|you (?:must |have to )?pay|\bto pay\b|lodging|bed\b|board\b|alquiler|habitaci[óo]n|"
    r"fianza|dep[óo]sito|tasas?\b|precio|vende|vendo|pasaje|pr[ée]stamo|multa|alojamiento|"
    r"piso\b|cuota|pagar"
    r"|loyer|chambre|caution|frais|prix|vendre|vends|avance|amende|logement|charges|"
    r"appartement|payer|aluguel|aluga|renda\b|quarto|cau[çc][ãa]o|taxa|pre[çc]o|passagem|multa|"
    r"adiantamento|alojamento"
    r"|аренда|сда[мю]|залог|квартир|комнат|цена|прода[мю]|виза|взнос|штраф|долг|房租|租金|租|押金|费|价|"
    r"转让|售|ايجار|إيجار|للبيع|سعر|رسوم|عمولة|تذكرة|ค่าเช่า|ราคา|มัดจำ|ขาย|ค่า(?!จ้าง|แรง)|"
    r"किराया|फीस|कीमत|जमा)"
)
_CUES = re.compile(rf"(?P<pay>{_PAY})|(?P<cost>{_COST})")
_SENTENCE = re.compile(r"[.!?;。！？]\s|[\n。！？]")
_LOOK_BACK = 60

MONEY_HINT = (  # RE2 syntax
    rf"\d[\s\pZ]?(?:万?(?:{_WORDS})|{_SIGN}|{_CODES}|k\b|mil\b)|"
    rf"(?:{_SIGN}|\b(?:{_CODES}|rm|rs\.?|s/|r))[\s\pZ]?\d"
    r"|\d[\s\pZ]?(?:/|an?\s|per\s|por\s|par\s|pa\b|monthly|weekly)"
)
"""A pattern in every folded text with an amount of money."""


def find_money(text: str) -> Iterator[tuple[str, int, int]]:
    """Kind (price or wage), start and end of the amounts of money in a folded text."""
    end = 0
    for match in sorted([*_MONEY.finditer(text), *_BARE.finditer(text)], key=re.Match.start):
        if match.start() < end:
            continue
        start, end = match.span()
        before = text[max(0, start - _LOOK_BACK) : start]
        step = _STEP_BEFORE.search(before)
        if step:
            start -= len(step.group())
        yield _kind(before, match["every"] is not None or step is not None), start, end


def _kind(before: str, timed: bool) -> str:
    """Wage or price, by the last cue word before an amount in its sentence."""
    nearest = None
    for cue in _CUES.finditer(_SENTENCE.split(before)[-1]):
        nearest = cue.lastgroup
    if nearest is None:
        return "wage" if timed else "price"
    return "wage" if nearest == "pay" else "price"


_HOUR = r"(?:[01]?\d|2[0-4])"
_HALF = r"(?:[ap]\.m\.|[ap]m\b)"
_MARK = (
    rf"(?:{_HALF}|hs?\b|hrs?\b|horas?\b|heures?\b|uhr\b|час(?:ов|а)?\b|ч\b|点|點|น\.|นาฬิกา|"
    rf"\s?صباحا|\s?مساء|\s?ظهرا|\s?ص\b|\s?م\b)"
)
_MINUTES = r"(?:[:.][0-5]\d|h[0-5]\d)"
_ROUND_MINUTES = r"(?::[0-5]\d|\.(?:00|15|30|45)|h[0-5]\d)"
_HOURS_TO = (
    r"\s?(?:[-–—~]|to|till|until|a(?: las)?|à|às|as|até|jusqu'à|hasta|до|bis|至|到|إلى|الى|حتى|"
    r"ถึง|से)\s?"
)
_AND = r"\s?(?:[-–—~]|to|till|until|and|a(?: las)?|à|às|as|até|y|e|et|до|bis|至|到|إلى|الى|حتى)\s?"
_FROM = (
    r"(?:from|between|de(?: las)?|desde(?: las)?|entre(?: las)?|das|des|dès|с|від|від|von|من|从|"
    r"ตั้งแต่)\s"
)
_DAY = (
    r"(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun)(?:day|nesday|rsday|urday|sday)?s?"
    r"|lunes|martes|mi[ée]rcoles|jueves|viernes|s[áa]bados?|domingos?|lundi|mardi|mercredi|"
    r"jeudi|vendredi|samedi|dimanche"
    r"|segunda|ter[çc]a|quarta|quinta|sexta|пн|вт|ср|чт|пт|сб|вс|周[一二三四五六日]|星期[一二三四五六日]"
)
_DAYS = (
    rf"(?:(?:de |du |from |des )?(?:\b(?:{_DAY})\b\.?)(?:\s?(?:[-–/&,]|to|a|à|au|and|y|e|"
    rf"et)\s?(?:{_DAY})\b\.?)*[\s,:]{{0,3}}(?:{_FROM})?)"
)
_UNIT = (
    r"(?:h|hs|hrs?|hours?|horas?|heures?|stunden|ore|часов|часа|час|годин|(?:个)?小时|ساعات|ساعة|"
    r"ชั่วโมง|ชม\.?|घंटे|घण्टे)"
)
_IN = r"(?:/|per|an?|each|every|por|par|al|a la|ao|à|na|por|в|на|की|प्रति|في|a|per|ต่อ)"
_SPAN = (
    r"(?:day|night|shift|week|month|d[ií]a|noche|semana|mes|jour|nuit|semaine|mois|dia|noite|"
    r"m[êe]s|день|сутки|смену|неделю|месяц|天|日|周|اليوم|الأسبوع|الاسبوع|วัน|सप्ताह|दिन)"
)
_OFTEN = (
    r"(?:daily|weekly|nightly|diari[oa]s?|semanal(?:es)?|mensual(?:es)?|diárias?|semanais|"
    r"quotidien\w*|hebdo\w*|يوميا|يومياً|اسبوعيا|أسبوعيا|ежедневно|रोज)"
)
_OFFICE = r"(?:9-5|8-5|9-6|8-4|7-3|8-6|7-4|10-6|9 to 5|nine to five(?!,))"
_NEXT_CLAUSE = (
    r"(?=\s?(?:$|[,.;:!)|/\n]|o\b|ou\b|or\b|and\b|y\b|e\b|et\b|daily|every|diari|todos|tous|"
    r"ежедневно|каждый))"
)

_PATTERNS = (
    # around the clock
    r"(?<![\d/.])(?:7\s?(?:j|d|días?|dias?)?\s?[/*x]\s?7\s?(?:et|y|e|,|-)?\s?)?24\s?(?:h|hrs?|"
    r"hours?|horas?|heures?|час(?:а|ов))?\s?(?:[/*x]|sur)\s?(?:24|7)(?:\s?(?:j|d|"
    r"h))?(?![\d/.])(?:\s?(?:et|y|e|,|-)?\s?7\s?(?:j|d)?\s?[/*x]\s?7)?",
    r"(?<![\d.,-])24\s?(?:horas|hours|heures|hrs|h|часа|小时|ساعة|ชั่วโมง|ชม\.?|"
    r"घंटे)(?![^\W_])(?!\s?(?:notice|before|antes|avant|de antelación|внутри))",
    r"круглосуточно|around the clock|цілодобово|全天候",
    # hours a day
    rf"(?<!\d)(?<!\d[.,:/-])\d{{1,2}}(?:[.,]\d)?(?:\s?[-–]\s?\d{{1,2}})?[\s-]?{_UNIT}\s?"
    rf"(?:{_IN}\s?{_SPAN}(?![a-zà-ÿа-я])|{_OFTEN})",
    r"(?:每天|每日|每周|一天|日均)(?:工作)?\s?\d{1,2}(?:-\d{1,2})?\s?(?:个)?小时",
    # from one time to another
    rf"(?<!\d)(?<!\d[.,:/-])(?:{_DAYS}|"
    rf"{_FROM})?{_HOUR}{_ROUND_MINUTES}\s?{_MARK}?{_HOURS_TO}(?:{_FROM})?{_HOUR}{_ROUND_MINUTES}"
    rf"(?![\d.:/-]?\d)(?:\s?{_MARK})?",
    rf"(?<!\d)(?<!\d[.,:/-])(?:{_DAYS}|"
    rf"{_FROM})?{_HOUR}{_MINUTES}?\s?{_MARK}{_AND}{_HOUR}{_MINUTES}?(?![\d.:/-]?\d)(?:\s"
    rf"?{_MARK})?(?!\s?(?:€|\$|£|eur))",
    rf"(?<!\d)(?<!\d[.,:/-])(?:{_DAYS}|"
    rf"{_FROM})?{_HOUR}{_MINUTES}?{_AND}{_HOUR}{_MINUTES}?\s?{_MARK}(?!\s?(?:/|por\b|par\b|"
    rf"per\b|a\b))",
    rf"(?<![\w])(?:{_FROM}){_HOUR}{_MINUTES}?{_AND}{_HOUR}{_MINUTES}?(?![\d.:/-]?\d){_NEXT_CLAUSE}",
    rf"(?<![\w])(?:{_DAYS}){_HOUR}{_MINUTES}?{_HOURS_TO}{_HOUR}{_MINUTES}?(?![\d.:/-]?\d)(?:\s?{_MARK})?",
    rf"(?<![\w.,:/-])(?<!\d\s){_OFFICE}(?![\w.,:/-]?\d)(?!\w)",
)
_HOURS = tuple(re.compile(pattern) for pattern in _PATTERNS)
_AGES = re.compile(
    r"(?:\bage[ds]?|years|edad|años|[âa]ge|idade|anos|возраст|лет|年龄|岁|size|talla|taille|"
    r"рост)\D{0,12}$"
)

HOURS_HINT = (  # RE2 syntax
    r"\d[\s\pZ]?[-–—~][\s\pZ]?\d|24|\d[\s\pZ]?(?:h|час|ч\b|годин|个?小时|点|ساع|ชม|ชั่ว|घंट|น\.|"
    r"am\b|pm\b|a\.m|p\.m|:)"
    r"|\d[\s\pZ](?:to|a|à|às|as|до|and|y|e|et)[\s\pZ]\d|nine to five|круглосуточно|around the "
    r"clock|цілодобово|صباح|مساء|全天候"
)
"""A pattern in every folded text with hours."""


def find_hours(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the hours in a folded text, by decreasing certainty of the pattern."""
    taken = DisjointSpans()
    for pattern in _HOURS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if not _AGES.search(text, max(0, start - 20), start) and taken.add(start, end):
                yield start, end
