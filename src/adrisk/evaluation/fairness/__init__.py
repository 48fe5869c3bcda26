"""Words of nationality, gender and place in ads: to measure fairness with, never to judge by.

find_nations(text, language)          mentions of nationality, as spans
swap_nation, swap_gender, swapper     the same ad with one trait exchanged
"""
