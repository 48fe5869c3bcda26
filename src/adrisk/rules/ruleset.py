"""Rule set: the taxonomy with the rules of every language, and those of a platform's file.

In: the path of a platform's file, or none. Out: a frozen `Ruleset`, which is passed to the
functions that need rules. Several can be in use at once. The environment is not read here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from adrisk.rules.entries import LANGUAGES
from adrisk.rules.platform import Extension, load_extension
from adrisk.rules.rulebook import BOOKS, Rulebook, load_rulebook
from adrisk.rules.taxonomy import TAXONOMY_FILE, Taxonomy, taxonomy_with


@dataclass(frozen=True, eq=False)
class Ruleset:
    """The indicators, and the rules that find them.

    Attributes:
        taxonomy: indicators, and how they combine into risk.
        extension: the platform's file; None for the rules that adrisk ships.
    """

    taxonomy: Taxonomy
    extension: Extension | None = None

    @property
    def platform_file(self) -> Path | None:
        """The platform's file, from which another process loads the same rules."""
        return None if self.extension is None else self.extension.path

    def book(self, language: str) -> Rulebook:
        """The rules of one language, compiled on the first call.

        Raises:
            ConfigError: if a rule is incomplete or its pattern cannot be parsed.
        """
        return load_rulebook(language, self.extension)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the taxonomy, all rules, and the platform's file with its lists, if any."""
        files = [TAXONOMY_FILE, *(BOOKS / f"{code}.yaml" for code in LANGUAGES)]
        digest = hashlib.sha256()
        for path in files:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        if self.extension is not None:
            digest.update(self.extension.digest)
            for name, phrases in self.extension.restricted:
                digest.update(f"{name}\0{chr(0).join(phrases)}".encode())
        return digest.hexdigest()


def load_ruleset(platform_file: Path | None = None) -> Ruleset:
    """The rules that adrisk ships, followed by those of a platform's file.

    Equal files give the same value, which shares compiled patterns and caches.

    Args:
        platform_file: a platform's own indicators, rules and restricted lists.

    Raises:
        ConfigError: if a file cannot be read or an entry is wrong; the message names both.
    """
    return _ruleset(None if platform_file is None else load_extension(platform_file))


@lru_cache(maxsize=8)
def _ruleset(extension: Extension | None) -> Ruleset:
    return Ruleset(taxonomy_with(extension), extension)
