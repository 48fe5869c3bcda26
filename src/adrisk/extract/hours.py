"""Working and opening hours in a folded text: spans of the clock, hours a day or a week, "24/7".

A single time is not found, nor is a duration, nor a range of figures that nothing says is of hours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_HOUR = r"(?:[01]?\d|2[0-4])"
_HALF = r"(?:a\.?m\b\.?|p\.?m\b\.?)"
_MARK = rf"(?:{_HALF}|hs?\b|hrs?\b|horas?\b|heures?\b|uhr\b|час(?:ов|а)?\b|ч\b|点|點|น\.|นาฬิกา|\s?صباحا|\s?مساء|\s?ظهرا|\s?ص\b|\s?م\b)"
_MINUTES = r"(?:[:.][0-5]\d|h[0-5]\d)"
_ROUND_MINUTES = r"(?::[0-5]\d|\.(?:00|15|30|45)|h[0-5]\d)"
_TO = r"\s?(?:[-–—~]|to|till|until|a(?: las)?|à|às|as|até|jusqu'à|hasta|до|bis|至|到|إلى|الى|حتى|ถึง|से)\s?"
_AND = r"\s?(?:[-–—~]|to|till|until|and|a(?: las)?|à|às|as|até|y|e|et|до|bis|至|到|إلى|الى|حتى)\s?"
_FROM = r"(?:from|between|de(?: las)?|desde(?: las)?|entre(?: las)?|das|des|dès|с|від|від|von|من|从|ตั้งแต่)\s"
_DAY = (
    r"(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun)(?:day|nesday|rsday|urday|sday)?s?"
    r"|lunes|martes|mi[ée]rcoles|jueves|viernes|s[áa]bados?|domingos?|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche"
    r"|segunda|ter[çc]a|quarta|quinta|sexta|пн|вт|ср|чт|пт|сб|вс|周[一二三四五六日]|星期[一二三四五六日]"
)
_DAYS = rf"(?:(?:de |du |from |des )?(?:\b(?:{_DAY})\b\.?)(?:\s?(?:[-–/&,]|to|a|à|au|and|y|e|et)\s?(?:{_DAY})\b\.?)*[\s,:]{{0,3}}(?:{_FROM})?)"
_UNIT = r"(?:h|hs|hrs?|hours?|horas?|heures?|stunden|ore|часов|часа|час|годин|(?:个)?小时|ساعات|ساعة|ชั่วโมง|ชม\.?|घंटे|घण्टे)"
_IN = r"(?:/|per|an?|each|every|por|par|al|a la|ao|à|na|por|в|на|की|प्रति|في|a|per|ต่อ)"
_SPAN = r"(?:day|night|shift|week|month|d[ií]a|noche|semana|mes|jour|nuit|semaine|mois|dia|noite|m[êe]s|день|сутки|смену|неделю|месяц|天|日|周|اليوم|الأسبوع|الاسبوع|วัน|सप्ताह|दिन)"
_OFTEN = r"(?:daily|weekly|nightly|diari[oa]s?|semanal(?:es)?|mensual(?:es)?|diárias?|semanais|quotidien\w*|hebdo\w*|يوميا|يومياً|اسبوعيا|أسبوعيا|ежедневно|रोज)"
_OFFICE = r"(?:9-5|8-5|9-6|8-4|7-3|8-6|7-4|10-6|9 to 5|nine to five(?!,))"
_NEXT_CLAUSE = r"(?=\s?(?:$|[,.;:!)|/\n]|o\b|ou\b|or\b|and\b|y\b|e\b|et\b|daily|every|diari|todos|tous|ежедневно|каждый))"

_PATTERNS = (
    # around the clock
    r"(?<![\d/.])(?:7\s?(?:j|d|días?|dias?)?\s?[/*x]\s?7\s?(?:et|y|e|,|-)?\s?)?24\s?(?:h|hrs?|hours?|horas?|heures?|час(?:а|ов))?\s?(?:[/*x]|sur)\s?(?:24|7)(?:\s?(?:j|d|h))?(?![\d/.])(?:\s?(?:et|y|e|,|-)?\s?7\s?(?:j|d)?\s?[/*x]\s?7)?",
    r"(?<![\d.,-])24\s?(?:horas|hours|heures|hrs|h|часа|小时|ساعة|ชั่วโมง|ชม\.?|घंटे)(?![^\W_])(?!\s?(?:notice|before|antes|avant|de antelación|внутри))",
    r"круглосуточно|around the clock|цілодобово|全天候",
    # hours a day
    rf"(?<!\d)(?<!\d[.,:/-])\d{{1,2}}(?:[.,]\d)?(?:\s?[-–]\s?\d{{1,2}})?[\s-]?{_UNIT}\s?(?:{_IN}\s?{_SPAN}(?![a-zà-ÿа-я])|{_OFTEN})",
    r"(?:每天|每日|每周|一天|日均)(?:工作)?\s?\d{1,2}(?:-\d{1,2})?\s?(?:个)?小时",
    # from one time to another
    rf"(?<!\d)(?<!\d[.,:/-])(?:{_DAYS}|{_FROM})?{_HOUR}{_ROUND_MINUTES}\s?{_MARK}?{_TO}(?:{_FROM})?{_HOUR}{_ROUND_MINUTES}(?![\d.:/-]?\d)(?:\s?{_MARK})?",
    rf"(?<!\d)(?<!\d[.,:/-])(?:{_DAYS}|{_FROM})?{_HOUR}{_MINUTES}?\s?{_MARK}{_AND}{_HOUR}{_MINUTES}?(?![\d.:/-]?\d)(?:\s?{_MARK})?(?!\s?(?:€|\$|£|eur))",
    rf"(?<!\d)(?<!\d[.,:/-])(?:{_DAYS}|{_FROM})?{_HOUR}{_MINUTES}?{_AND}{_HOUR}{_MINUTES}?\s?{_MARK}(?!\s?(?:/|por\b|par\b|per\b|a\b))",
    rf"(?<![\w])(?:{_FROM}){_HOUR}{_MINUTES}?{_AND}{_HOUR}{_MINUTES}?(?![\d.:/-]?\d){_NEXT_CLAUSE}",
    rf"(?<![\w])(?:{_DAYS}){_HOUR}{_MINUTES}?{_TO}{_HOUR}{_MINUTES}?(?![\d.:/-]?\d)(?:\s?{_MARK})?",
    rf"(?<![\w.,:/-])(?<!\d\s){_OFFICE}(?![\w.,:/-]?\d)(?!\w)",
)
_HOURS = tuple(re.compile(pattern) for pattern in _PATTERNS)
_AGES = re.compile(r"(?:\bage[ds]?|years|edad|años|[âa]ge|idade|anos|возраст|лет|年龄|岁|size|talla|taille|рост)\D{0,12}$")

HINT = (  # RE2 syntax
    r"\d[\s\pZ]?[-–—~][\s\pZ]?\d|24|\d[\s\pZ]?(?:h|час|ч\b|годин|个?小时|点|ساع|ชม|ชั่ว|घंट|น\.|am\b|pm\b|a\.m|p\.m|:)"
    r"|\d[\s\pZ](?:to|a|à|às|as|до|and|y|e|et)[\s\pZ]\d|nine to five|круглосуточно|around the clock|цілодобово|صباح|مساء|全天候"
)
"""What a folded text holds if it says hours."""


def find_hours(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the hours in a folded text; the surer ways of writing first."""
    taken: list[tuple[int, int]] = []
    for pattern in _HOURS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(start < last and first < end for first, last in taken):
                continue
            if _AGES.search(text, max(0, start - 20), start):
                continue
            taken.append((start, end))
            yield start, end
