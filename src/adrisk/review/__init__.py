"""Review store: sealed plain contacts, with a record of every opening."""
