"""Labels of ads as arrays (`targets`), and votes joined into probabilistic labels (`join`).

Training does this where ads have votes. To inspect the votes of a table:

    indicators = load_taxonomy().text_ids
    ballots = read_votes(ads, indicators)
    ballots = merge_ballots(ballots, rule_votes(texts, languages, indicators))
    joined = join_votes(ballots, indicators, len(ads))
    joined.targets.indicators      # (n, k) probabilities, NaN where not judged
    joined.targets.risk_shares     # (n, 4) probabilities of the levels
    joined.targets.confidence()    # chance that the likelier answer is right
    joined.items["no_contract"].voters()   # how often each voter is right, with intervals

To add a voter (a reviewer, another model, a keyword list), append its votes to the column.
"""
