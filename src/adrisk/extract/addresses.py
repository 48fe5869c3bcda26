"""E-mail addresses, messenger handles and links in a folded text.

Spelled-out forms count: "name (at) example (dot) org", "nombre arroba example punto org". Handles
are names in messengers: "telegram: @name", "my insta is @name", "DM @name", "微信abc123". A word
after the name of a messenger is a handle only with a mark: an @, a colon, a word like "id", or a
figure or underscore in it. A name after an @ alone is of an unknown messenger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from adrisk.extract.number_words import any_of
from adrisk.text.spans import DisjointSpans

_CLEAR_ENDINGS = "com|net|org|info|biz|app|xyz|online"
_WORDLIKE_ENDINGS = (
    "me|is|it|in|at|us|no|to|be|my|id|de|es|ch|am|as|so|do|la|se|site|club|top|live|link|tv"
)
ENDINGS = (
    f"{_CLEAR_ENDINGS}|{_WORDLIKE_ENDINGS}|io|co|cc|ly|eu|uk|fr|pt|br|mx|ar|cl|pe|nl|ie|pl|ro|"
    f"bg|hu|cz|ua"
    "|ru|tr|cn|jp|kr|th|vn|ph|sg|hk|tw|ae|za|ng|ke|ca|au|nz"
)
"""Endings a domain may have without http or www before it."""

_AT_WORDS, _DOT_WORDS = "arroba|arobase|собака", "dot|punto|ponto|point|точка"
_OPEN, _CLOSE = r"[(\[{<*_-]", r"[)\]}>*_-]"
SPELLED_HINT = (  # RE2 syntax
    rf"{_OPEN} ?(?:at|{_AT_WORDS}|@|{_DOT_WORDS}|\.) ?{_CLOSE}"
    r"|[a-z0-9_][(\[]a[)\]][a-z0-9-]+\.[a-z]|[a-z0-9_]#[a-z0-9-]+\.[a-z]"
    rf"|(?:arroba|arobase|собака)[\s\pZ]|"
    rf"[\s\pZ](?:{_DOT_WORDS})[\s\pZ]+(?:{_CLEAR_ENDINGS})(?:$|[^a-z0-9])"
    r"|[a-z0-9][\s\pZ]\.[\s\pZ](?:com|org)(?:$|[^a-z0-9])"
)
"""A pattern in every text with a spelled-out "at" or dot."""
_HOST = r"[a-z0-9_\x{df}-\x{24f}-]+"
LINK_HINT = (  # RE2 syntax
    r"://|www\."
    rf"|(?:^|[^a-z0-9_.@\x{{df}}-\x{{24f}}-]){_HOST}(?:\.{_HOST})*\.(?:{ENDINGS})(?:$|[^a-z0-9@])"
)
"""A pattern in every text with a link; an e-mail address alone does not match."""


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Letters of addresses are Latin: in scripts without spaces, words touch them.
_W = r"a-z0-9_\u00df-\u00f6\u00f8-\u024f"
_L = r"a-z0-9\u00df-\u00f6\u00f8-\u024f"
_SPELLED_AT = (
    rf"\s?{_OPEN}\s?(?:at|{_AT_WORDS}|@)\s?{_CLOSE}\s?|\s{{1,3}}(?:{_AT_WORDS})\s{{1,3}}"
    rf"|(?<=[{_W}])[(\[]a[)\]](?=[{_L}-]+\.[a-z])|(?<=[{_W}])#(?=[{_L}-]+\.[a-z])"
)
_SPELLED_DOT = (
    rf"(?:\s?{_OPEN}\s?(?:{_DOT_WORDS}|\.)\s?{_CLOSE}\s?|\s{{1,3}}(?:{_DOT_WORDS})\s{{1,3}}"
    r"|\s\.\s(?=(?:com|org)\b))"
)
_ANY_SPELLED_DOT = re.compile(_SPELLED_DOT)
_LABEL = rf"[{_L}](?:[{_W}-]{{0,61}}[{_L}])?"
_DOT = rf"(?:\.|{_SPELLED_DOT})"
_ANY_SPELLED_AT = re.compile(_SPELLED_AT)
_WEAK_AT = re.compile(r" {1,3}at {1,3}")
_LONGEST_LOCAL = 64
_LOCAL = re.compile(
    rf"(?<![{_W}.+%-])[{_W}.+%-]{{1,{_LONGEST_LOCAL}}}(?:{_SPELLED_DOT}[{_W}+%-]{{1,64}})*\Z"
)
_LOCAL_BACKWARDS = re.compile(rf"[{_W}.+%-]+")
_LAST_LABEL = rf"[a-z\u00df-\u00f6\u00f8-\u024f]{{2,24}}(?![{_W}@])"
_DOMAIN = re.compile(rf"{_LABEL}(?:{_DOT}{_LABEL})*{_DOT}{_LAST_LABEL}")
_PLAIN_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.{_LAST_LABEL}")
_SPELLED_DOMAIN = re.compile(
    rf"{_LABEL}(?:{_DOT}{_LABEL})*{_SPELLED_DOT}(?:{_CLEAR_ENDINGS})(?!\w)"
)
_NOT_LOCAL = _set_of(
    "us me look find visit apply email mail contact write available online or and see it is"
    " working work located based here now today not join meet stay posted listed"
)

# Scripts without spaces end a link, and so does what only ends a sentence.
_LINK_CHARACTER = r"[^\s<>\"'|\u0e00-\u0e7f\u2e80-\uffef]"
_SURE_LINK = re.compile(rf"(?:(?:https?|hxxps?)://|(?<![{_W}@.])www\.){_LINK_CHARACTER}+")
_SCHEME = re.compile(r"^(?:https?|hxxps?)://")
_ENDING = re.compile(rf"\.([a-z]{{2,6}})(?!\.?[{_W}@-])(/{_LINK_CHARACTER}*)?")
_ENDINGS = frozenset(ENDINGS.split("|"))
_HOST_BACKWARDS = re.compile(rf"[{_W}-]+(?:\.[{_W}-]+)*")
_LONGEST_HOST = 100
_SPELLED_ENDING = re.compile(
    rf"{_SPELLED_DOT}(?:{_CLEAR_ENDINGS})(?![{_W}])(?:/{_LINK_CHARACTER}*)?"
)
_SPELLED_HOST = re.compile(rf"(?<![{_W}@.-]){_LABEL}(?:{_DOT}{_LABEL})*$")
_TRAILING = ".,;:!?)]}>…»”"
_SENTENCE_STARTS = frozenset(_WORDLIKE_ENDINGS.split("|"))
_NOT_HOST = _set_of("the a el un a la le au at on in our nuestro primer")
_WHATSAPP = re.compile(r"(?:wa\.me/|(?:api|web)\.whatsapp\.com/send/?\?phone=)\+?(\d{8,15})")


@dataclass(frozen=True, slots=True)
class Address:
    """An address at `text[start:end]` of the folded text; `spelled` if written unusually."""

    kind: str
    start: int
    end: int
    value: str
    spelled: bool


def find_addresses(text: str, *, links: bool = True, spelled: bool = True) -> list[Address]:
    """E-mails, handles and links of a folded text, without overlaps, in order.

    Args:
        text: the folded text.
        links: whether `LINK_HINT` matches.
        spelled: whether `SPELLED_HINT` matches.
    """
    taken = DisjointSpans()
    found = _emails(text, spelled, taken)
    found += [
        Address("handle", start, end, value, False)
        for start, end, value in find_handles(text)
        if taken.add(start, end)
    ]
    if links or spelled:
        found += _links(text, spelled, taken)
    return sorted(found, key=lambda address: address.start)


def address_at(text: str, at: int) -> Address | None:
    """The e-mail or handle around an @ of a folded text, if it is the only one nearby."""
    if text[at - 1 : at].isspace() and text[at + 1 : at + 2].isspace():
        emails = _emails(text, spelled=False, taken=DisjointSpans())
        return next((a for a in emails if a.start <= at < a.end), None)
    if (behind := _PLAIN_DOMAIN.match(text, at + 1)) and (
        (start := _local_start(text, at, spelled=False)) is not None
    ):
        value = f"{text[start:at].strip('.')}@{behind.group()}"
        if value[0] != "@":
            return Address("email", start, behind.end(), value, text[start : behind.end()] != value)
    if handle := bare_handle(text, at):
        return Address("handle", *handle, spelled=False)
    return None


def _emails(text: str, spelled: bool, taken: DisjointSpans) -> list[Address]:
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
        if local.strip(".") and taken.add(start, end):
            found.append(Address("email", start, end, value, text[start:end] != value))
    return found


def _ats(text: str, spelled: bool) -> Iterator[tuple[int, int, re.Pattern[str]]]:
    """Start and end of each @ in any writing, and the pattern of the domain that must follow."""
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
    """The start of the name before an @."""
    if spelled:
        before = _LOCAL.search(text, max(0, at - _LONGEST_HOST), at)
        return before.start() if before else None
    backwards = _LOCAL_BACKWARDS.match(text[max(0, at - _LONGEST_LOCAL - 1) : at][::-1])
    return at - backwards.end() if backwards and backwards.end() <= _LONGEST_LOCAL else None


def _undotted(written: str) -> str:
    return re.sub(r"\s", "", _ANY_SPELLED_DOT.sub(".", written))


def _links(text: str, spelled: bool, taken: DisjointSpans) -> list[Address]:
    found: list[Address] = []
    for start, end in _link_spans(text, spelled):
        written = text[start:end].rstrip(_TRAILING)
        if written and taken.add(start, start + len(written)):
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
    if handle := profile(value):
        kind, value = "handle", handle
    elif whatsapp := _WHATSAPP.match(value):
        kind, value = "phone", f"+{whatsapp.group(1)}"
    return Address(kind, start, start + len(written), value, spelled)


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
    [
        "yes",
        "only",
        "available",
        "disponible",
        "disponivel",
        "disponível",
        "oui",
        "sim",
        "here",
        "below",
        "number",
        "please",
        "contact",
        "call",
        "text",
        "message",
        "now",
        "too",
        "also",
        "and",
        "for",
        "the",
        "chat",
        "group",
        "app",
        "ads",
        "our",
        "24h",
    ]
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
