"""What every scoring process needs and none changes: the rule books of all languages.

Importing this loads them, which takes most of a second, so nothing imports it but the server that
the processes are forked from: they begin with the rule books in their memory, and share it.
"""

from __future__ import annotations

import gc
from contextlib import suppress

from adrisk.errors import AdriskError
from adrisk.indicators import LANGUAGES
from adrisk.reading import prepare

with suppress(AdriskError):  # a platform's faulty file is told where somebody asks for it
    _ = prepare([""] * len(LANGUAGES), LANGUAGES).findings
gc.freeze()  # so that the collector, in every process, leaves the shared pages alone
