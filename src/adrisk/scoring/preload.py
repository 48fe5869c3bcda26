"""What every scoring process needs and none changes: the rule books of all languages, read once.

Importing this loads them and reads their own examples with them, which compiles the patterns that
are asked for most; it takes two seconds at most, so nothing imports it but the server that the
processes are forked from: they begin with all this in their memory, and share it.
"""

from __future__ import annotations

import gc
from contextlib import suppress

from adrisk.batch import make_batch
from adrisk.errors import AdriskError
from adrisk.rules.platform import LANGUAGES
from adrisk.rules.rulebook import load_rules

with suppress(AdriskError):  # a platform's faulty file is told where somebody asks for it
    for _language in LANGUAGES:
        _texts = [t for rule in load_rules(_language) for t in (*rule.finds, *rule.leaves)]
        _ = make_batch(_texts, [_language] * len(_texts)).rule_hits
gc.freeze()  # so that the collector, in every process, leaves the shared pages alone
