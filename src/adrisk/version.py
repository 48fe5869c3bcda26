"""The version of adrisk, stated once."""

__version__ = "0.4.0"
