"""Entry point of `python -m adrisk`."""

from adrisk.cli import main

raise SystemExit(main())
