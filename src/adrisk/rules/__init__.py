"""What the indicators mean (`taxonomy`), and the words that show them (`rules`, `keywords`)."""
