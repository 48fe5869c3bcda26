"""Evaluation of models on ads that nothing was fitted on, and the pages made from it.

Figures come from `adrisk.metrics`; the modules named after a result hold its form in JSON files,
and `templates` its page. `evaluation/protocol.md` says why each figure is there.
"""
