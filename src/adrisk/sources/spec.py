"""Read a SOURCE argument: which adapter, which place, which parameters.

In: one argument such as `emscad:jobs.csv`, `synthetic:20000?seed=7`, `s3://bucket/*.parquet`.
Out: a `Spec`. It opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from adrisk.errors import SourceError, did_you_mean

PLAIN = "file"
"""The adapter of everything that has no scheme of its own: files, globs, folders, URLs, -."""

# Two letters at least, so that C:\ads.csv is a path; s3:// and memory:// are URLs, not schemes.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9_+.-]+):(?!//)(.*)", flags=re.DOTALL)


@dataclass(frozen=True, slots=True)
class Spec:
    """One SOURCE argument: as written, its adapter, its place, its parameters."""

    text: str
    scheme: str
    target: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse(text: str, schemes: Collection[str]) -> Spec:
    """The spec of one argument.

    Raises:
        SourceError: if it names a scheme that does not exist.
    """
    if not text.strip():
        raise SourceError("a source is empty; expected a file, folder, URL, - or scheme:place")
    match = _SCHEME.fullmatch(text)
    if match is None:
        return Spec(text, PLAIN, text)
    scheme, target = match.group(1).lower(), match.group(2)
    if scheme in schemes and scheme != PLAIN:
        return Spec(text, scheme, target)
    if Path(text).exists():
        return Spec(text, PLAIN, text)
    known = sorted(name for name in schemes if name != PLAIN)
    raise SourceError(
        f"{text!r}: there is no source named {scheme!r}{did_you_mean(scheme, known)}; "
        f"the sources are {', '.join(known)}, or a path or URL without a scheme"
    )


def split_parameters(spec: Spec, allowed: Collection[str]) -> Spec:
    """The spec with `?name=value&...` cut from its target into its parameters.

    Raises:
        SourceError: for a parameter that the source does not have.
    """
    target, _, query = spec.target.partition("?")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    for name in parameters:
        if name not in allowed:
            raise SourceError(
                f"{spec.text!r}: {spec.scheme} has no parameter {name!r}"
                f"{did_you_mean(name, allowed)}; it has {', '.join(sorted(allowed))}"
            )
    return Spec(spec.text, spec.scheme, target, parameters)
