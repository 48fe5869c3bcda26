"""Traits in ads (words of nationality, gender and place), for measuring fairness only.

find_nations(text, language)          mentions of nationality, as spans
swap_nation, swap_gender, swapper     the same ad with one trait exchanged
"""
