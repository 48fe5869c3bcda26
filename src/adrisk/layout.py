"""Names of the files adrisk writes, columns that are named more than once, and default shares.

Each stands here once; the columns of whole tables are in `adrisk.schema`.
"""

from __future__ import annotations

# The folder of a scoring run.
SCORES_FOLDER = "scores"
PART_FILES = "part-*.parquet"
CAMPAIGNS_FILE = "campaigns.parquet"
LINKS_FILE = "links.parquet"
FACTS_FILE = "campaign_facts.parquet"
APART_FILE = "apart.parquet"
FLAGS_FILE = "flags.parquet"
QUARANTINE_FILE = "quarantine.jsonl"
MANIFEST_FILE = "manifest.json"
REPORT_FILE = "report.html"

# What an unfinished run keeps beside them.
WORK_FOLDER = ".work"
STATE_FILE = "state.json"

MODEL_FILE = "model.json"
"""The manifest of a model folder."""

LINKS_ENDING = ".links.parquet"
"""Behind the stem of the campaigns file that `adrisk link` writes."""

FACT_COLUMNS = ("posted_at", "language", "location", "category", "account_id")
"""Columns of ads that the facts of campaigns are made of."""

NEAR_COPY, SHARED_CONTACT, JOINED_EARLIER = "near-copy", "shared contact", "joined earlier"
"""Kinds of links, and words for why an ad is in its campaign."""

REVIEW_SHARE = 0.02
"""The share of ads to flag where a team states nothing."""

AUDIT_SHARE = 0.05
"""Of the capacity, for ads below the threshold."""

INCOMPLETE_SHARE = 0.05
"""Of the capacity, for ads that are not judged."""

BUDGETS = (0.005, 0.01, REVIEW_SHARE, 0.05)
"""Shares of ads under review that models are measured at."""

BATCH_ROWS = 10_240
"""Ads that scoring reads at once."""

PART_ROWS = 51_200
"""Ads of a file of scores."""

MANY_ADS = 60_000
"""From so many ads on, starting processes pays; fewer are read on threads."""
