"""Registry of sources or classifier families, extended by entry points of installed packages.

In: the entries of adrisk, and the name of an entry point group. Out: a mapping from name to entry.
Names of plugins come from package metadata; a plugin is imported only when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from adrisk.errors import AdriskError, PluginError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry that a package offers; `problem` is the reason why it cannot be used."""

    what: str
    name: str
    package: str
    problem: str | None


class Registry(MutableMapping[str, T], Generic[T]):
    """Mapping from name to entry; a name of adrisk cannot be replaced by a plugin.

    Names can be tested and listed without importing a plugin; `[]` imports it.
    """

    def __init__(
        self, group: str, what: str, own: Mapping[str, T], check: Callable[[str, object], T]
    ) -> None:
        """Packages are not searched yet.

        Args:
            group: group of the entry points.
            what: a word for one entry, for messages.
            own: the entries of adrisk.
            check: returns the object of an entry point, or raises TypeError with what is wrong.
        """
        self._group, self._what, self._check = group, what, check
        self._own = dict(own)
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        """The entry of this name.

        Raises:
            KeyError: if there is none.
            PluginError: if it is a plugin that cannot be loaded, or two packages offer it.
        """
        if name in self._own:
            return self._own[name]
        if name not in self._loaded:
            self._loaded[name] = self._load(self._entry(name))
        return self._loaded[name]

    def __setitem__(self, name: str, value: T) -> None:
        self._own[name] = value

    def __delitem__(self, name: str) -> None:
        del self._own[name]

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._offers

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from (name for name in self._offers if name not in self._own)

    def __len__(self) -> int:
        return len(self._own.keys() | self._offers.keys())

    def plugins(self) -> list[Plugin]:
        """Every entry of an installed package, loaded once to find problems."""
        return [
            Plugin(self._what, name, _package(entry), self._problem(name, entry))
            for name, entries in self._offers.items()
            for entry in entries
        ]

    @cached_property
    def _offers(self) -> dict[str, tuple[EntryPoint, ...]]:
        """Entry points by name, usually one."""
        entries = sorted(entry_points(group=self._group), key=lambda e: (e.name, _package(e)))
        names = dict.fromkeys(entry.name for entry in entries)
        return {name: tuple(entry for entry in entries if entry.name == name) for name in names}

    def _problem(self, name: str, entry: EntryPoint) -> str | None:
        if name in self._own:
            return (
                f"the {self._what} {name!r} of {_package(entry)} is not used: adrisk has "
                "one of that name; rename the entry point"
            )
        try:
            self._load(self._entry(name))
        except AdriskError as error:
            return str(error)
        return None

    def _entry(self, name: str) -> EntryPoint:
        """The one entry point of a name."""
        entries = self._offers.get(name, ())
        if not entries:
            raise KeyError(name)
        if len(entries) > 1:
            raise PluginError(
                f"{' and '.join(map(_package, entries))} both have a {self._what} named {name!r}; "
                "uninstall all of them but one"
            )
        return entries[0]

    def _load(self, entry: EntryPoint) -> T:
        try:
            return self._check(entry.name, entry.load())
        except Exception as error:  # the code of a plugin may raise anything
            reason = next(iter(str(error).splitlines()), "") or "no reason given"
            raise PluginError(
                f"the {self._what} {entry.name!r} of {_package(entry)} cannot be loaded "
                f"({type(error).__name__}: {reason}); repair or uninstall that package"
            ) from error


def _package(entry: EntryPoint) -> str:
    """Name and version of the package of an entry point."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
