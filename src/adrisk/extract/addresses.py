"""E-mail addresses, messaging handles and links in a folded text.

Spelled-out forms count: "name (at) example (dot) org", "nombre arroba example punto org". A word
after the name of a messenger is a handle only if something says so: an @, an "id", or a colon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from adrisk.extract.patterns import any_of

_CLEAR_ENDINGS = "com|net|org|info|biz|app|xyz|online"
_WORDLIKE_ENDINGS = (
    "me|is|it|in|at|us|no|to|be|my|id|de|es|ch|am|as|so|do|la|se|site|club|top|live|link|tv"
)
ENDINGS = (
    f"{_CLEAR_ENDINGS}|{_WORDLIKE_ENDINGS}|io|co|cc|ly|eu|uk|fr|pt|br|mx|ar|cl|pe|nl|ie|pl|ro|bg|hu|cz|ua"
    "|ru|tr|cn|jp|kr|th|vn|ph|sg|hk|tw|ae|za|ng|ke|ca|au|nz"
)
"""Endings a domain may have without http or www before it."""
SPELLED_HINT = (  # RE2 syntax
    r"[(\[{<*_-][\s\pZ]?(?:at|arroba|arobase|@|dot|punto|ponto|point|\.)[\s\pZ]?[)\]}>*_-]"
    r"|arroba|arobase|[\s\pZ](?:dot|punto|ponto|point)[\s\pZ]"
)
"""What a text holds if an "at" or a dot is spelled out in it."""


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_OPEN, _CLOSE = r"[(\[{<*_-]", r"[)\]}>*_-]"
_DOT_WORDS = "dot|punto|ponto|point"
_SPELLED_AT = (
    rf"\s?{_OPEN}\s?(?:at|arroba|arobase|@)\s?{_CLOSE}\s?|\s{{1,3}}(?:arroba|arobase)\s{{1,3}}"
)
_SPELLED_DOT = (
    rf"(?:\s?{_OPEN}\s?(?:{_DOT_WORDS}|\.)\s?{_CLOSE}\s?|\s{{1,3}}(?:{_DOT_WORDS})\s{{1,3}})"
)
_ANY_SPELLED_DOT = re.compile(_SPELLED_DOT)
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_DOT = rf"(?:\.|{_SPELLED_DOT})"
_ANY_SPELLED_AT = re.compile(_SPELLED_AT)
_WEAK_AT = re.compile(r" {1,3}at {1,3}")
_LONGEST_LOCAL = 64
_LOCAL = re.compile(
    rf"(?<![\w.+%-])[\w.+%-]{{1,{_LONGEST_LOCAL}}}(?:{_SPELLED_DOT}[\w+%-]{{1,64}})*\Z"
)
_LOCAL_BACKWARDS = re.compile(r"[\w.+%-]+")
_LAST_LABEL = r"[^\W\d_]{2,24}(?![\w@])"
_DOMAIN = re.compile(rf"{_LABEL}(?:{_DOT}{_LABEL})*{_DOT}{_LAST_LABEL}")
_PLAIN_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.{_LAST_LABEL}")
_SPELLED_DOMAIN = re.compile(
    rf"{_LABEL}(?:{_DOT}{_LABEL})*{_SPELLED_DOT}(?:{_CLEAR_ENDINGS})(?!\w)"
)
_NOT_LOCAL = _set_of(
    "us me look find visit apply email mail contact write available online or and see it is"
    " working work located based here now today not join meet stay posted listed"
)

_SURE_LINK = re.compile(
    r"(?:(?:https?|hxxps?)://|(?<![\w@.])www\.)[^\s<>\"'|]+",
)
_SCHEME = re.compile(r"^(?:https?|hxxps?)://")
_ENDING = re.compile(r"\.([a-z]{2,6})(?!\.?[\w@-])(/[^\s<>\"'|]*)?")
_ENDINGS = frozenset(ENDINGS.split("|"))
_HOST_BACKWARDS = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_LONGEST_HOST = 100
_SPELLED_ENDING = re.compile(rf"{_SPELLED_DOT}(?:{_CLEAR_ENDINGS})(?!\w)")
_SPELLED_HOST = re.compile(rf"(?<![\w@.-]){_LABEL}(?:{_DOT}{_LABEL})*$")
_TRAILING = ".,;:!?)]}>…»”"
_SENTENCE_STARTS = frozenset(_WORDLIKE_ENDINGS.split("|"))
_NOT_HOST = _set_of("the a el un a la le au at on in our nuestro primer")
_TELEGRAM = re.compile(r"(?:t|telegram)\.me/(?!joinchat|\+|s/)([\w.]{3,32})")
_WHATSAPP = re.compile(r"(?:wa\.me/|(?:api|web)\.whatsapp\.com/send/?\?phone=)\+?(\d{8,15})")

_APPS = {
    "whatsapp": r"what'?s?\s?app|whats\s?ap|wsp|wpp",
    "telegram": r"telegramm?|telega|телеграмм?|тг|tg",
    "line": r"line|ไลน์",
    "wechat": r"we\s?chat|weixin|微信|薇信|vx|wx",
    "signal": r"signal",
    "viber": r"viber|вайбер",
    "snapchat": r"snap\s?chat|snap",
    "instagram": r"instagram|insta|ig",
    "kik": r"kik",
    "skype": r"skype",
    "threema": r"threema",
}
_APP = re.compile(any_of("|".join(_APPS.values()).split("|")))
_NAMED_APP = "|".join(f"(?P<{name}>{words})" for name, words in _APPS.items())
_HANDLE = re.compile(
    rf"(?<![a-z0-9_])(?:{_NAMED_APP})(?:(?<=[^\x00-\x7f])|(?![a-z0-9_]))"
    r"(?P<cue>[\s:=>\-–—•.()]{0,4}(?:(?:my|our|me|us|on|at|is|mi|mon|meu|id|user(?:name)?|name|nick"
    r"|usuario|usuário|handle|account|号|號)[\s:=]{0,3}){0,3})"
    r"(?P<name>@?[a-z0-9][a-z0-9._-]{2,31})"
)
_NAMED = re.compile(r"\b(?:id|user(?:name)?|nick|usuario|usuário|handle|account)\b|[号號]")
_CLAUSE_END = re.compile(r"[^\S\n]{0,3}(?:$|[\n\r,;.!?)|/])")
_NOT_HANDLE = _set_of(
    "yes only available disponible disponivel disponível oui sim here below number please contact"
    " call text message now too also and for the chat group app ads our 24h"
)


@dataclass(frozen=True, slots=True)
class Address:
    """An address at `text[start:end]` of the folded text; `spelled` if written unusually."""

    kind: str
    start: int
    end: int
    value: str
    spelled: bool


def find_addresses(text: str, *, handles: bool = True, spelled: bool = True) -> list[Address]:
    """E-mails, handles and links of a folded text, without overlaps, in order.

    Args:
        text: the folded text.
        handles: whether a messenger is named in it.
        spelled: whether `SPELLED_HINT` is in it.
    """
    found = _emails(text, spelled)
    for more in (_handles(text) if handles else [], _links(text, spelled)):
        found += [new for new in more if not overlaps(new.start, new.end, found)]
    return sorted(found, key=lambda address: address.start)


def overlaps(start: int, end: int, others: list[Address]) -> bool:
    """Whether a span shares a character with one of the others."""
    return any(start < other.end and other.start < end for other in others)


def _emails(text: str, spelled: bool) -> list[Address]:
    found: list[Address] = []
    for at, at_end, domain in _ats(text, spelled):
        behind = domain.match(text, at_end)
        if not behind:
            continue
        start = _local_start(text, at, spelled)
        if start is None or (at_end - at > 1 and text[start:at] in _NOT_LOCAL):
            continue
        end = behind.end()
        local, host = text[start:at], behind.group()
        if spelled:
            local, host = _undotted(local), _undotted(host)
        value = f"{local.strip('.')}@{host}"
        if local.strip(".") and not overlaps(start, end, found):
            found.append(Address("email", start, end, value, text[start:end] != value))
    return found


def _ats(text: str, spelled: bool) -> Iterator[tuple[int, int, re.Pattern[str]]]:
    """Where an @ is written in some way, and the pattern of the domain that must follow it."""
    at = text.find("@")
    while at >= 0:
        # "name @ example.org" is an address, "telegram @name" is not.
        spaced = text[at - 1 : at].isspace() and text[at + 1 : at + 2].isspace()
        yield at - spaced, at + 1 + spaced, _DOMAIN if spelled else _PLAIN_DOMAIN
        at = text.find("@", at + 1)
    if spelled:
        for match in _ANY_SPELLED_AT.finditer(text):
            yield match.start(), match.end(), _DOMAIN
        if _SPELLED_ENDING.search(text):
            for match in _WEAK_AT.finditer(text):
                yield match.start(), match.end(), _SPELLED_DOMAIN


def _local_start(text: str, at: int, spelled: bool) -> int | None:
    """Where the name before an @ begins."""
    if spelled:
        before = _LOCAL.search(text, max(0, at - _LONGEST_HOST), at)
        return before.start() if before else None
    backwards = _LOCAL_BACKWARDS.match(text[max(0, at - _LONGEST_LOCAL - 1) : at][::-1])
    return at - backwards.end() if backwards and backwards.end() <= _LONGEST_LOCAL else None


def _undotted(written: str) -> str:
    return re.sub(r"\s", "", _ANY_SPELLED_DOT.sub(".", written))


def _links(text: str, spelled: bool) -> list[Address]:
    found: list[Address] = []
    for start, end in _link_spans(text, spelled):
        written = text[start:end].rstrip(_TRAILING)
        if written and not overlaps(start, start + len(written), found):
            found.append(_link(start, written, spelled))
    return found


def _link_spans(text: str, spelled: bool) -> Iterator[tuple[int, int]]:
    """Spans that may be links, the surest first."""
    if "://" in text or "www." in text:
        for match in _SURE_LINK.finditer(text):
            yield match.span()
    for match in _ENDING.finditer(text):
        if match[1] not in _ENDINGS:
            continue
        at = match.start()
        backwards = _HOST_BACKWARDS.match(text[max(0, at - _LONGEST_HOST) : at][::-1])
        if not backwards or text[at - backwards.end() - 1 : at - backwards.end()] in ("@", "."):
            continue
        # "cash.It's" is a sentence without its space, "t.me/name" is not.
        if match[2] or match[1] not in _SENTENCE_STARTS or "." in backwards.group():
            yield at - backwards.end(), match.end()
    if spelled:
        for match in _SPELLED_ENDING.finditer(text):
            at = match.start()
            host = _SPELLED_HOST.search(text, max(0, at - _LONGEST_HOST), at)
            if host and host.group() not in _NOT_HOST:
                yield host.start(), match.end()


def _link(start: int, written: str, spelled: bool) -> Address:
    value = _SCHEME.sub("", _undotted(written) if spelled else written)
    value = value.removeprefix("www.").rstrip("/")
    spelled = spelled and _ANY_SPELLED_DOT.search(written) is not None
    spelled |= written.startswith("hxxp")
    kind = "link"
    if telegram := _TELEGRAM.match(value):
        kind, value = "handle", f"telegram:{telegram.group(1)}"
    elif whatsapp := _WHATSAPP.match(value):
        kind, value = "phone", f"+{whatsapp.group(1)}"
    return Address(kind, start, start + len(written), value, spelled)


def _handles(text: str) -> list[Address]:
    found = []
    for match in _after_apps(text):
        app = next(name for name in _APPS if match[name])
        written = match["name"].rstrip("._-")
        name = written.lstrip("@")
        cue = match["cue"]
        named = _NAMED.search(cue) is not None
        said = (
            written.startswith("@")
            or (named and (":" in cue or any(c.isdecimal() or c in "._" for c in name)))
            or (":" in cue and app != "line" and _CLAUSE_END.match(text, match.end()) is not None)
            or (app == "wechat" and any(c.isdecimal() for c in name))
        )
        if not said or name in _NOT_HANDLE or len(name) < 3 or name.isdecimal():
            continue
        if re.fullmatch(rf"{_LABEL}(?:\.{_LABEL})*\.(?:com|net|org|me)", name):
            continue
        start = match.start("name")
        found.append(Address("handle", start, start + len(written), f"{app}:{name}", False))
    return found


def _after_apps(text: str) -> Iterator[re.Match[str]]:
    """Every match of `_HANDLE`; it is tried only where the name of a messenger may begin."""
    at = 0
    while app := _APP.search(text, at):
        match = _HANDLE.match(text, app.start())
        if match:
            yield match
        at = match.end() if match else app.start() + 1
