"""HTML report, terminal lists and exports of a scored folder.

report(folder)                        the report as one HTML file that loads nothing
read_queue(folder)                    the queued campaigns, and the ads whose text is needed
summarise(folder, texts, taxonomy)    all values of the page
campaign_item(folder, which)          one campaign in full
compare_policies(folder, old, new)    the ads whose level a new policy changes
simulate(folder, model)               expected recall by number of campaigns to review
"""
