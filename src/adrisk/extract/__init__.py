"""Contacts and other findings in ads, as spans of the raw text.

find_contacts(raw, region)              phones, e-mails, messaging handles and links of one ad
contacts_column(raw, folded, regions)   of many ads
obscured_column(raw, folded)            only whether an ad hides one
find_mentions, mentions_column          prices, wages, hours and places
guess_region, guess_regions             where an ad's phones are likely from
pseudonym.Pseudonymiser                 what may leave this package instead of a contact
"""
