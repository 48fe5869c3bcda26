"""Handles, which are names in messengers, in a folded text.

Such as "telegram: @name", "my insta is @name", "DM @name", "微信abc123". A word after the name of a
messenger is a handle only with a mark: an @, a colon, a word like "id", or a figure or underscore
in it. A name after an @ alone is of an unknown messenger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adrisk.extract.number_words import any_of
from adrisk.text.spans import DisjointSpans

_APPS = {
    "whatsapp": r"what'?s?\s?app|whats\s?ap|wsp|wpp|واتساب|واتس|ватсап|вотсап|вацап",
    "telegram": r"telegramm?|telega|телеграмм?|телега|телегу|телеге|тг|tg|تيليجرام|تليجرام|"
    r"تلغرام|تلجرام|تلگرام|टेलीग्राम|เทเลแกรม|电报",
    "line": r"line|ไลน์|แอดไลน์",
    "wechat": r"we\s?chat|weixin|微信|薇信|威信|v信|vx|wx|加v|вичат",
    "signal": r"signal|сигнал",
    "viber": r"viber|вайбер|вайбере",
    "snapchat": r"snap\s?chat|snap|سناب\s?شات|سناب|снап",
    "instagram": r"instagram|insta|ig|инстаграмм?|инста|انستغرام|انستقرام|انستجرام|انستا|"
    r"इंस्टाग्राम",
    "facebook": r"facebook|fb|фейсбук|فيسبوك|فيس",
    "tiktok": r"tik\s?tok|تيك\s?توك|тикток",
    "discord": r"discord",
    "kik": r"kik",
    "skype": r"skype|скайп",
    "threema": r"threema",
    "vk": r"вконтакте|вк|vk",
}
_WORDS_OF_APPS = "|".join(_APPS.values())
_APP = re.compile(any_of(_WORDS_OF_APPS.split("|")))
_NAMED_APP = "|".join(f"(?P<{name}>{words})" for name, words in _APPS.items())
# ASCII names of apps are words; in scripts without spaces others may stand right before them.
_APP_WORD = rf"(?<![a-z0-9_])(?:{_NAMED_APP})(?:(?<=[^\x00-\x7f])|(?![a-z0-9_]))"
_CUE_WORDS = (
    r"(?:my|our|me|us|on|at|is|mi|es|mon|ma|meu|é|мой|id|user(?:name)?|name|nick|pseudo|"
    r"usuario|usuário"
    r"|perfil|profil|handle|account|аккаунт|ник|حساب)\b|号|號|ไอดีไลน์|ไอดี"
)
_HANDLE = re.compile(
    rf"{_APP_WORD}(?P<cue>[\s:=>\-–—•.()]{{0,4}}(?:(?:{_CUE_WORDS})[\s:=]{{0,3}}){{0,3}})"
    r"(?P<name>@?[a-z0-9][a-z0-9._-]{2,31}(?:#\d{4})?)"
)
_NAMED = re.compile(
    r"\b(?:id|user(?:name)?|nick|pseudo|usuario|usuário|handle|account|ник|аккаунт)\b"
    r"|[号號]|ไอดี|حساب"
)
_NAMED_BEFORE = re.compile(
    r"(?:user(?:name)?|usuario|usuário|pseudo|nick|id|ник) (?:on|of|de|en|em|sur|в)? ?$"
)
_CLAUSE_END = re.compile(r"[^\S\n]{0,3}(?:$|[\n\r,;.!?)|/])")
_BARE = re.compile(
    r"(?<![\w@.+%-])@(?P<name>[a-z0-9][a-z0-9._]{2,31})(?![\w@-])"
    r"|(?<![\w@#])(?P<tagged>[a-z0-9._]{2,32}#\d{4})(?!\d)"
)
_BEHIND = re.compile(
    rf"[\s,]{{0,2}}(?:\(|on|en|sur|no|na|em|via|по|в|på|auf)\s?(?:my |our |mi |mon |meu "
    rf")?{_APP_WORD}"
)
_NOT_HANDLE = frozenset(
    "yes only available disponible disponivel disponível oui sim here below number please contact"
    " call text message now too also and for the chat group app ads our 24h".split()
)
_DOMAIN_LIKE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|net|org|me|info|co|io)")
_FIGURES_ONLY = re.compile(r"[\d._-]+")
_LEAST = 3  # characters of a name
_WORDLIKE_APPS = ("line", "signal")

_PROFILE = re.compile(
    r"(?P<telegram>(?:t|telegram)\.me/(?!joinchat|\+|s/))(?P<a>[\w.]{3,32})"
    r"|(?:m\.)?(?P<instagram>instagram\.com/(?!p/|reel))(?P<b>[\w.]{3,32})"
    r"|(?P<tiktok>tiktok\.com/)@(?P<c>[\w.]{3,32})|"
    r"(?P<snapchat>snapchat\.com/add/)(?P<d>[\w.-]{3,32})"
)

_LIKELY_NAME = "@|[a-z][a-z0-9._-]*[_0-9]|[0-9][0-9._-]*[a-z]"
_CUE = rf"(?:{_CUE_WORDS})[\s:=]{{0,3}}"
# Word lists are repeated as little as possible: RE2 compiles the pattern again for each block.
HINT = (  # RE2 syntax
    rf"(?:{_WORDS_OF_APPS})(?:[\s:=>•.()–—-]{{0,4}}"
    rf"(?:{_LIKELY_NAME}|{_CUE}(?:{_CUE}){{0,2}}(?:{_LIKELY_NAME}|[a-z0-9]+[._]))"
    rf"|\s{{0,2}}(?:(?:{_CUE_WORDS})\s{{0,3}}){{0,3}}\s?[:=][\s:=]{{0,3}}[a-z0-9])"
    "|discord"
)
"""A pattern in every folded text with a handle that has no @."""


def find_handles(text: str) -> list[tuple[int, int, str]]:
    """Start, end and `messenger:name` of the handles in a folded text, in order."""
    found = []
    for match in _after_apps(text):
        app = next(name for name in _APPS if match[name])
        written = match["name"].rstrip("._-")
        name = written.lstrip("@")
        if _is_handle(text, match, app, written, name):
            start = match.start("name")
            found.append((start, start + len(written), f"{app}:{name}"))
    taken = DisjointSpans((start, end) for start, end, _ in found)
    tagged = "discord" in text
    for match in _BARE.finditer(text):
        if match["tagged"] and not tagged:
            continue
        if taken.overlaps(*match.span()):
            continue
        if handle := _named_by(text, match):
            found.append(handle)
    return sorted(found)


def bare_handle(text: str, at: int) -> tuple[int, int, str] | None:
    """Start, end and `messenger:name` of a name after an @ without a messenger before it."""
    match = _BARE.match(text, at)
    return _named_by(text, match) if match else None


def _named_by(text: str, match: re.Match[str]) -> tuple[int, int, str] | None:
    """The handle of a name without a messenger before it, unless it is something else."""
    written = match.group().rstrip("._")
    name = written.lstrip("@")
    if len(name) < _LEAST or name.isdecimal() or _DOMAIN_LIKE.fullmatch(name):
        return None
    end = match.start() + len(written)
    behind = _BEHIND.match(text, end)
    app = next((a for a in _APPS if behind and behind[a]), None)
    return match.start(), end, f"{app or ('discord' if match['tagged'] else 'unknown')}:{name}"


def profile(link: str) -> str | None:
    """The handle in a link to a profile page, such as "telegram:name" for t.me/name."""
    match = _PROFILE.match(link)
    if not match:
        return None
    app = next(a for a in ("telegram", "instagram", "tiktok", "snapchat") if match[a])
    return f"{app}:{next(match[g] for g in 'abcd' if match[g])}"


def _is_handle(text: str, match: re.Match[str], app: str, written: str, name: str) -> bool:
    """Whether the word after the name of a messenger is marked as a name."""
    if name in _NOT_HANDLE or len(name) < _LEAST or _FIGURES_ONLY.fullmatch(name):
        return False
    if _DOMAIN_LIKE.fullmatch(name):
        return False
    if written.startswith("@"):
        return True
    cue = match["cue"]
    marked = any(c.isdecimal() or c == "_" for c in name)
    named = _NAMED.search(cue) is not None or (
        _NAMED_BEFORE.search(text, max(0, match.start() - 20), match.start()) is not None
    )
    if named and (":" in cue or marked or "." in name):
        return True
    ends = _CLAUSE_END.match(text, match.end()) is not None
    if ":" in cue and app not in ("line",) and (ends or marked):
        return True
    if app == "wechat" and any(c.isdecimal() for c in name):
        return True
    return marked and app not in _WORDLIKE_APPS and any(c.isalpha() for c in name)


def _after_apps(text: str) -> Iterator[re.Match[str]]:
    """Every match of `_HANDLE`, tried only where the name of a messenger may begin."""
    at = 0
    while app := _APP.search(text, at):
        match = _HANDLE.match(text, app.start())
        if match:
            yield match
        at = match.end() if match else app.start() + 1
