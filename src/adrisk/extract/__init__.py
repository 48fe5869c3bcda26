"""Contacts and other findings in ads, as spans of the raw text.

find_contacts(raw, region)              phones, e-mails, messaging handles and links of one ad
contacts_column(raw, folded, regions)   of many ads
masked_column(raw, folded, regions)     the same, and the texts with placeholders for them
obscured_ads(contacts)                  whether each ad hides one
find_mentions, mentions_column          prices, wages, hours and places
guess_region, guess_regions             where an ad's phones are likely from
pseudonym.Pseudonymiser                 what may leave this package instead of a contact
"""
