"""Rule books of adrisk, loaded once in the fork server of the scoring processes.

Importing this module matches the examples of the rule books, which compiles the patterns used most
(two seconds at most). The processes are forked with the result and share its memory. Only the fork
server imports it.
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
gc.freeze()  # the garbage collector of no process then copies the shared pages
