"""Policies: thresholds with guarantees, abstention, the review queue and reasons.

In: calibrated risk, campaigns, and which ads escalate or cannot be scored reliably. Out: a level,
reasons and a place in the queue for each ad. A flag asks for review; it never accuses.
"""
