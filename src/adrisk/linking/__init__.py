"""Campaigns: ads that share an author or a template, the unit of splitting, review and counting.

signatures(folded) -> (n, 64)        what is kept of each text, part by part
link(ad_ids, signatures, contacts)   one campaign for every ad, and why: a `Linked`
link_texts(ads)                      both, for a table that fits in memory
campaign_facts(ids, groups, facts)   when, where, who, and what only shows across ads
"""

from __future__ import annotations

import pyarrow as pa

from adrisk.extract.places import guess_regions
from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.linking.facts import campaign_facts
from adrisk.linking.grouped import AdFacts, Column
from adrisk.linking.link import CONTACTS, link
from adrisk.linking.links import Linked
from adrisk.linking.minhash import WIDTH, agreement, signatures
from adrisk.linking.signing import Signer, Texts

__all__ = [
    "CONTACTS",
    "WIDTH",
    "AdFacts",
    "Column",
    "Linked",
    "agreement",
    "campaign_facts",
    "link",
    "link_texts",
    "signatures",
]


def link_texts(ads: pa.Table, *, similarity: float = 0.7) -> Linked:
    """The campaign of every ad of a table with the columns `ad_id` and `text`.

    Where there are also `location` and `language`, phones are read as those of the region.

    Contacts are compared under a key that is forgotten on return.
    """
    texts = Texts()
    regions = (
        guess_regions(ads["location"].to_pylist(), ads["language"].to_pylist())
        if {"location", "language"} <= set(ads.column_names)
        else None
    )
    text_of, new = texts.add(ads["text"], regions)
    rows = pa.array(new)
    where = None if regions is None else [regions[row] for row in new]
    signed = Signer(Pseudonymiser.ephemeral())((ads["text"].take(rows), where))
    return link(
        ads["ad_id"], signed.signatures, signed.contacts, text_of=text_of, similarity=similarity
    )
