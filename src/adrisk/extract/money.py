"""Amounts of money in a folded text: a wage where it is said to be pay, a price elsewhere.

The nearest word before an amount, in its sentence, says what the money is for; without one, money
for a stretch of time ("€12 an hour") is pay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SIGN = r"(?:us|r|s|a|c|nz|hk|mx)?\$|€|£|¥|₹|₱|₽|₴|₦|¤"
_CODES = "usd|eur|gbp|cad|aud|nzd|chf|aed|sar|qar|pln|zar|inr|php|thb|myr|sgd|hkd|cny|rmb|jpy|brl|mxn|cop|clp|ars|pen|ron|huf|czk|sek|nok|dkk|try|rub|uah|egp|mad|ngn|kes"
_BEFORE = rf"(?:{_SIGN}|(?<![^\W_])(?:{_CODES}|rm|rs\.?|s/\.?|s/|kr|r(?=\s?\d{{2,}}\b)))\s?"
_WORDS = (
    "euros?|dollars?|dólares|dolares|pounds?|libras|quid|bucks|francs?|francos|reais|pesos|soles|dirhams?|dh|rupees?|rand|ringgit"
    "|lei|złotych|zł|zloty|kronor|kroner|forint|koruna|рубл(?:ей|я|ь)|руб(?:\\.|\\b)|р\\.|евро|долларов|доллара|злотых|гривен|грн|тенге|сум|сомов|лв"
    "|บาท|ريال(?:ا)?|درهم(?:ا)?|دينار(?:ا)?|جنيه(?:ا)?|دولار(?:ا)?|ليرة|रुपये|रुपए|रु|万元|元|块钱|块|人民币|港币|美元|美金|欧元|日元|円|원"
)
_AFTER = rf"\s?(?:{_SIGN}|万?(?:{_WORDS})(?![a-zà-ÿ])|(?:{_CODES})(?![^\W_]))"
_FIGURES = r"\d{1,3}(?:[.,'’\u00a0 ]\d{3})+(?!\s?\d)(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_AMOUNT = rf"(?:{_FIGURES})(?:\s?(?:k|mil|mille|тыс\.?|万|千|lakh)(?![a-zà-ÿа-я]))?"
_TO = r"\s?(?:[-–—~/]|to|a|à|до|al|bis|至|到)\s?"
_STEP = (
    r"h|hr|hrs|hour|hourly|shift|day|night|week|wk|fortnight|month|mth|year|annum|yr|kilo|kg|piece|box|hora|d[ií]a|jornada|noche|semana|quincena"
    r"|mes|año|turno|heure|jour|nuit|semaine|mois|an|dia|noite|quinzena|m[êe]s|ano|час|часа|день|сутки|смену|неделю|месяц|мес|год|годину"
    r"|місяць|тиждень|stunde|monat|tag|ora|giorno|godz|小时|时|天|日|周|月|年|الساعة|ساعة|اليوم|يوم|الاسبوع|الأسبوع|الشهر|شهر|ชม|ชั่วโมง|วัน|เดือน|घंटा|घंटे|दिन|महीना|महीने|माह"
)
_EVERY = (
    rf"\s?(?:(?:net|netos?|netto|brut|brutos?|gross|clear|in hand|cash)\s?)?(?:(?:/|per|pro|an?|each|every|the|por|par|al|a la|la|el|à l'|de l'|l'|le|p/|в|за|на|每|प्रति|في|/\s?)\s?(?:{_STEP})(?![a-zà-ÿа-я])"
    r"|(?:hourly|daily|weekly|monthly|yearly|annually|nightly|p\.?h|p\.?w|p\.?a|p\.?c\.?m|ph|pw|pcm|p\.?d|mensual(?:es)?|semanal(?:es)?|diari[oa]s?|mensuais|mensal|semanais|diárias?"
    r"|mensuels?|hebdomadaires?|ежемесячно|в мес|شهريا|شهري|يوميا|اسبوعيا|रोज|रोज़|महीना|महीने|ต่อเดือน|ต่อวัน)(?![a-zà-ÿа-я]))"
)
_MONEY = re.compile(
    rf"(?:(?<![\w.,])(?:от|from|de|desde|up to|hasta|jusqu'à|até|до)\s)?"
    rf"(?:{_BEFORE}{_AMOUNT}(?:{_AFTER})?(?:{_TO}(?:{_BEFORE})?{_AMOUNT}(?:{_AFTER})?)?(?:\s?(?:{_CODES})(?![^\W_])|\s?pesos)?"
    rf"|(?<![a-z0-9_])(?<!\d[.,])(?:{_AMOUNT}(?:{_AFTER})?{_TO})?(?<![a-z0-9_])(?:{_AMOUNT}){_AFTER})"
    rf"(?P<every>{_EVERY})?"
)
_BARE = re.compile(
    rf"(?<![\w.,:/-])(?:\d{{4,6}}|\d{{1,3}}[.,]\d{{3}}|\d{{1,3}}k)(?:{_TO}(?:\d{{4,6}}|\d{{1,3}}[.,]\d{{3}}|\d{{1,3}}k))?(?P<every>{_EVERY})"
)
_STEP_BEFORE = re.compile(
    r"(?:每(?:小时|天|日|周|月|年)|(?:月|日|时|周|年)薪|วันละ|เดือนละ|ชั่วโมงละ|hourly|weekly|monthly|daily)\s?:?\s?$"
)
_PAY = (
    r"(?:salar(?:y|ies|io|ios|é)|salaires?|sal[áa]rios?|sueldos?|wages?|pocket money|stipend|earn(?:s|ing|ings)?|income|remunera\w+|r[ée]mun[ée]r\w+|honorarios?"
    r"|(?:we|they|he|employer|job|work)\s(?:will\s)?pays?|\bpays?(?=\s?:|\s(?:is|of|from|rate|up|in hand|\d))|\bpaid|pay rate|paga(?:mos|n)?\b|pago\b|cobrar|ganar|ganas?|gagne[rz]?|ganhar|ganhe|ganho"
    r"|зарплат\w*|з/п|зп|оплата|оклад|заработ\w*|заробітн\w*|薪|工资|待遇|收入|底薪|راتب|اجر|أجر|مرتب|เงินเดือน|ค่าจ้าง|ค่าแรง|รายได้|वेतन|तनख्वाह|सैलरी|मजदूरी)"
)
_COST = (
    r"(?:\brents?\b|to let|\brooms?\b|\bflats?\b|\bstudio\b|apartment|deposit|\bfees?\b|\bbills?\b|\bcosts?\b|price|\bloan\b|fine\b|for sale|\bsale\b|\bsell\b|tickets?|flights?|refund|advance|charge"
    r"|you (?:must |have to )?pay|\bto pay\b|lodging|bed\b|board\b|alquiler|habitaci[óo]n|fianza|dep[óo]sito|tasas?\b|precio|vende|vendo|pasaje|pr[ée]stamo|multa|alojamiento|piso\b|cuota|pagar"
    r"|loyer|chambre|caution|frais|prix|vendre|vends|avance|amende|logement|charges|appartement|payer|aluguel|aluga|renda\b|quarto|cau[çc][ãa]o|taxa|pre[çc]o|passagem|multa|adiantamento|alojamento"
    r"|аренда|сда[мю]|залог|квартир|комнат|цена|прода[мю]|виза|взнос|штраф|долг|房租|租金|租|押金|费|价|转让|售|ايجار|إيجار|للبيع|سعر|رسوم|عمولة|تذكرة|ค่าเช่า|ราคา|มัดจำ|ขาย|ค่า(?!จ้าง|แรง)|किराया|फीस|कीमत|जमा)"
)
_CUES = re.compile(rf"(?P<pay>{_PAY})|(?P<cost>{_COST})")
_SENTENCE = re.compile(r"[.!?;。！？]\s|[\n。！？]")
_LOOK_BACK = 60

HINT = (  # RE2 syntax
    rf"\d[\s\pZ]?(?:万?(?:{_WORDS.replace('(?:', '(?:')})|{_SIGN}|{_CODES}|k\b|mil\b)|(?:{_SIGN}|\b(?:{_CODES}|rm|rs\.?|s/|r))[\s\pZ]?\d"
    r"|\d[\s\pZ]?(?:/|an?\s|per\s|por\s|par\s|pa\b|monthly|weekly)"
)
"""What a folded text holds if it names an amount of money."""


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
    """What money is for that has some words before it."""
    sentence = _SENTENCE.split(before)[-1]
    said = None
    for cue in _CUES.finditer(sentence):
        said = cue.lastgroup
    if said is None:
        return "wage" if timed else "price"
    return "wage" if said == "pay" else "price"
