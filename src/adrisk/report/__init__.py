"""One self-contained page from the folder that `adrisk score` wrote: what to look at, and why.

queued(folder)                        which ads need their text
summarise(folder, texts, taxonomy)    the figures and the queue, as frozen values
render(summary)                       those values as HTML that loads nothing
write_report(folder, texts, out)      all of it, written in one step
behaviour_page(results, outcomes)     how a model did on the behaviour suites, as a page of its own
card(manifest)                        the model card of a release, as Markdown
fairness_lines(found)                 the fairness figures, as Markdown
"""

from adrisk.evaluation.behaviour.page import behaviour_page
from adrisk.evaluation.card import card
from adrisk.evaluation.fairness.page import fairness_lines
from adrisk.report.queue import QueueIndex, queued
from adrisk.report.render import render, write_report
from adrisk.report.summarise import Summary, summarise
from adrisk.scoring.outputs import AdView

__all__ = [
    "AdView",
    "QueueIndex",
    "Summary",
    "behaviour_page",
    "card",
    "fairness_lines",
    "queued",
    "render",
    "summarise",
    "write_report",
]
