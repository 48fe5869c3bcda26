"""Campaigns: ads that share an author or a template, the unit of splitting, review and counting."""
