"""`python -m adrisk` is `adrisk`."""

from adrisk.cli import main

raise SystemExit(main())
