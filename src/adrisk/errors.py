"""Exceptions of adrisk, as one tree.

AdriskError                  an error a user can act on; the command line prints one line
├── UsageError               wrong usage or configuration: exit code 2
│   ├── ConfigError          a configuration file that cannot be accepted
│   ├── SourceError          an ad source that cannot be opened or understood
│   ├── ModelError           a model that cannot be found or trusted
│   ├── CorpusError          a corpus that cannot be used for this task
│   ├── MissingExtraError    an optional dependency that is not installed
│   └── PluginError          a plugin that cannot be loaded, or is installed twice
└── RunError                 the work failed: exit code 1

Every message says what was expected, what arrived, where, and what to do next.
Mistakes of the programmer are ValueError and TypeError.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AdriskError(Exception):
    """Base class of errors a user can act on."""

    exit_code = 1


class UsageError(AdriskError):
    """Wrong usage or configuration; nothing was done."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration file that cannot be accepted."""


class SourceError(UsageError):
    """An ad source that cannot be opened or understood."""


class ModelError(UsageError):
    """A model that cannot be found, read or trusted."""


class CorpusError(UsageError):
    """A corpus that cannot be used for this task: empty, unlabelled or of one class."""


class MissingExtraError(UsageError):
    """An optional dependency that is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package}, which is not installed; run: pip install 'adrisk[{extra}]'"
        )


class PluginError(UsageError):
    """A plugin that cannot be loaded, or that two packages offer."""


class RunError(AdriskError):
    """The work failed; finished parts are kept and can be resumed."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The nearest known name, ignoring case, for a message about an unknown one; or nothing.

    >>> did_you_mean("Bitts", ["bits", "seed"])
    " (did you mean 'bits'?)"
    """
    by_lower = {item.lower(): item for item in known}
    close = difflib.get_close_matches(str(name).lower(), by_lower, n=1)
    return f" (did you mean {by_lower[close[0]]!r}?)" if close else ""
