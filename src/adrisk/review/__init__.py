"""What reviewers may see and do. So far: plain contacts, sealed, each opening on record."""
