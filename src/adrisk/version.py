"""The version of adrisk, stated once."""

__version__ = "0.1.0"
