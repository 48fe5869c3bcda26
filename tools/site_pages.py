"""Markdown pages of the repository as pages of the documentation site: a hook of mkdocs.

In: the pages of docs/, and those outside it that the navigation of `mkdocs.yml` names below
`repository/`. Out: one site in which links between them work. A link to any other file of the
repository, such as a module, becomes plain text: the site has no copy of it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PREFIX = "repository/"
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\[]*(?:\[[^\]]*\][^\]\[]*)?)\]\((?P<target>[^()\s]+)\)")
_FENCE = re.compile(r"^\s*(```|~~~)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages of the navigation that lie outside docs/."""
    from mkdocs.structure.files import File

    root = Path(config["config_file_path"]).parent
    for page in _pages(config["nav"]):
        if page.startswith(PREFIX):
            text = (root / page.removeprefix(PREFIX)).read_text(encoding="utf-8")
            files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """The page with its links as the site has them."""
    known = {file.src_uri for file in files.documentation_pages()}
    return relinked(markdown, page.file.src_uri, known)


def relinked(markdown: str, page: str, known: set[str]) -> str:
    """A page with links to the site's pages, and other links to files as plain text.

    Args:
        markdown: as in the repository, where links lead from file to file.
        page: its path in the site.
        known: paths in the site of all pages.

    >>> relinked("[a](../evaluation/a.md) [b](../src/b.py)", "x.md", {"repository/evaluation/a.md"})
    '[a](repository/evaluation/a.md) b'
    """
    lines, fenced = [], False
    for line in markdown.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        lines.append(line if fenced else LINK.sub(lambda m: _relinked(m, page, known), line))
    return "\n".join(lines)


def _relinked(found: re.Match[str], page: str, known: set[str]) -> str:
    target = found["target"]
    if re.match(r"[a-z]+:|#", target):
        return found[0]
    path, hash_, anchor = target.partition("#")
    inside = page.startswith(PREFIX)
    folder = posixpath.dirname(page.removeprefix(PREFIX) if inside else f"docs/{page}")
    wanted = posixpath.normpath(posixpath.join(folder, path))
    place = wanted.removeprefix("docs/") if wanted.startswith("docs/") else PREFIX + wanted
    if place not in known:
        return found["text"]
    return f"[{found['text']}]({posixpath.relpath(place, posixpath.dirname(page))}{hash_}{anchor})"


def _pages(nav: Any) -> Iterator[str]:
    """The paths that a navigation names."""
    if isinstance(nav, str):
        yield nav
        return
    for entry in nav.values() if isinstance(nav, dict) else nav:
        yield from _pages(entry)
