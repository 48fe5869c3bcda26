"""Indicators (`taxonomy`), the rules that find them in text (`match`), and naive `keywords`."""
