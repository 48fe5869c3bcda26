"""The languages in which every indicator has a title, a definition and rules."""

LANGUAGES = ("en", "es", "pt", "fr")
