"""From scores to flags: what a team decides, the thresholds that follow, and the queue they make.

In: calibrated risk, campaigns, and which ads escalate or cannot be judged. Out: a level, reasons in
words and a place in the queue for each ad. A flag asks a person to look; it never accuses.
"""
