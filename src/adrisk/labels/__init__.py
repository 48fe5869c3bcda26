"""What is known of ads: label columns as arrays (`targets`), votes joined into labels (`join`).

Training does all of this by itself where ads carry votes. To look at the votes of a table:

    indicators = load_taxonomy().text_ids
    ballots = read_votes(ads, indicators)
    ballots = together(ballots, rule_votes(texts, languages, indicators))  # the rules beside them
    joined = join_votes(ballots, indicators, len(ads))
    joined.targets.indicators      # (n, k) probabilities, NaN where nobody judged
    joined.targets.risk_shares     # (n, 4) probabilities of the levels
    joined.targets.confidence()    # chance that the likelier answer is right
    joined.items["no_contract"].voters()   # how often each voter is right, with intervals

To add a voter - a reviewer, another model, an old keyword list - append its votes to the column.
"""
