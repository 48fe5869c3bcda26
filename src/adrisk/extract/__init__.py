"""Contacts in ads: phones, e-mails, messaging handles and links, as spans of the raw text.

find_contacts(raw, region)              of one ad
contacts_column(raw, folded, regions)   of many ads
obscured_column(raw, folded)            only whether an ad hides one
pseudonym.Pseudonymiser                 what may leave this package instead of a contact
"""

from __future__ import annotations

from adrisk.extract.column import contacts_column, find_contacts, obscured_column

__all__ = ["contacts_column", "find_contacts", "obscured_column"]
