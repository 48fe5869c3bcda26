"""The parameters of a family by name: the keyword arguments of its `__init__`.

In: a family's class, and the parameters given to it. Out: its parameters and their defaults; an
unknown name is refused with the nearest one that exists. Values are checked where they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adrisk.errors import did_you_mean


def defaults_of(kind: Callable[..., Any]) -> Mapping[str, Any]:
    """The parameters of a family, each with its default."""
    return getattr(kind.__init__, "__kwdefaults__", None) or {}


def check_names(name: str, kind: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Refuse a parameter that the family, called by this name, does not have.

    Raises:
        ValueError: naming the parameter, the nearest one, and all there are.
    """
    known = defaults_of(kind)
    for parameter in given:
        if parameter not in known:
            raise ValueError(
                f"{name} has no parameter {parameter!r}{did_you_mean(parameter, known)}; "
                f"it has {', '.join(sorted(known))}"
            )
