"""Words of nationality, gender and place in ads: to measure fairness with, never to judge by.

find_nations(text, language)          mentions of nationality, as spans
swap_nation, swap_gender, swapper     the same ad with one trait exchanged
"""

from adrisk.evaluation.fairness.lexicon import LANGUAGES, Lexicon, Sense, load_lexicon
from adrisk.evaluation.fairness.mentions import Mention, find_nations
from adrisk.evaluation.fairness.swaps import swap_gender, swap_nation, swapper

__all__ = [
    "LANGUAGES",
    "Lexicon",
    "Mention",
    "Sense",
    "find_nations",
    "load_lexicon",
    "swap_gender",
    "swap_nation",
    "swapper",
]
