"""One self-contained page from the folder that `adrisk score` wrote: what to look at, and why.

queued(folder)                        which ads need their text
summarise(folder, texts, taxonomy)    the figures and the queue, as frozen values
render(summary)                       those values as HTML that loads nothing
write_report(folder, texts, out)      all of it, written in one step
"""
