"""Prefect flows, one a file, thin over `adrisk.stages`. Installed, they are `adrisk_pipelines`."""
