"""Rules in use by a command or a flow: an option or a configuration names the platform's file.

Where neither does, the environment variable `ADRISK_TAXONOMY` may. This is the only place that
reads it; whatever lies below is handed a `Ruleset`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from adrisk.errors import ConfigError

if TYPE_CHECKING:
    from adrisk.rules.ruleset import Ruleset

VARIABLE = "ADRISK_TAXONOMY"


def rules_in_use(named: Path | None = None) -> Ruleset:
    """The rules of adrisk, with those of the platform's file that is in use.

    Args:
        named: the file that an option or a configuration names, if it does.

    Raises:
        ConfigError: if the file is not there or an entry is wrong.
    """
    from adrisk.rules.ruleset import load_ruleset

    return load_ruleset(_platform_file(named))


def _platform_file(named: Path | None) -> Path | None:
    if named is None:
        from_environment = os.environ.get(VARIABLE, "").strip()
        return Path(from_environment) if from_environment else None
    if not named.is_file():
        raise ConfigError(f"the taxonomy file {named} is not there; check the path")
    return named.resolve()
