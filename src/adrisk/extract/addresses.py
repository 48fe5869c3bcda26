"""E-mail addresses, links and handles in a folded text.

Spelled-out forms count: "name (at) example (dot) org", "nombre arroba example punto org".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from adrisk.extract.handles import bare_handle, find_handles, profile
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
_NOT_LOCAL = frozenset(
    (
        "us me look find visit apply email mail contact write available online or and see it is"
        " working work located based here now today not join meet stay posted listed"
    ).split()
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
_NOT_HOST = frozenset("the a el un a la le au at on in our nuestro primer".split())
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
