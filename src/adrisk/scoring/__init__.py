"""From ads to what is known of their texts: the half of scoring that worker processes do.

A process imports this and nothing of the stages: what it imports, it waits for.
"""
