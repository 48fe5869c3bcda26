"""Rule books that adrisk ships, read once for all scoring processes, which share their memory.

Importing this loads them and reads their own examples with them, which compiles the patterns that
are asked for most; it takes two seconds at most, so nothing imports it but the server that the
processes are forked from: they begin with all this in their memory, and share it.
"""

from __future__ import annotations

import gc

from adrisk.batch import make_batch
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.ruleset import load_ruleset

_rules = load_ruleset()
for _language in LANGUAGES:
    _texts = [t for rule in _rules.book(_language).rules for t in (*rule.finds, *rule.leaves)]
    _ = make_batch(_texts, [_language] * len(_texts), rules=_rules).rule_hits
gc.freeze()  # so that the collector, in every process, leaves the shared pages alone
