"""Datasheet of a synthetic corpus: composition, labelling and limits.

In: the tables of a corpus as they are written. Out: Markdown. Counts are kept while the ads stream
past, in bounded memory; numbers of distinct texts and campaigns are estimated from the smallest
hashes if there are many. Ads of other sources are ignored.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from adrisk.escaping import code, plain
from adrisk.synthetic.annotators import ANNOTATORS, RISK
from adrisk.synthetic.cases import COUNTER
from adrisk.synthetic.table import TRUTH
from adrisk.types import RISKY

HEADING = "# Datasheet of "
"""The beginning of every datasheet."""

_PROBES = Path(__file__).with_name("probes.json")
_KEPT = 4096  # smallest hashes kept: above so many, a count is an estimate within about 3 %
_STEP = 10  # characters of a bin of lengths
_MOST = 6  # "five or more" indicators is the last column
_NEEDED = {"text", "label_source", "campaign_id", "split", "votes", "risk", *TRUTH.names}

_REAL_LENGTHS = (
    ("DIFrauD job scams (1,429 ads)", (249, 642, 1064, 1604, 2835)),
    ("EURES Spain (5,951)", (124, 246, 511, 824, 1353)),
    ("H-2 job orders (10,925)", (142, 370, 595, 954, 1215)),
)
"""Measured quantiles of the corpora whose lengths the formal register follows."""
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class CorpusCounts:
    """Counts of the synthetic ads among those seen so far.

    Attributes:
        ads: how many there are.
    """

    def __init__(self) -> None:
        self.ads = 0
        self._counters: dict[str, Counter[Any]] = {}
        self._texts, self._campaigns = _Distinct(), _Distinct()

    def add(self, table: pa.Table) -> None:
        """Count the synthetic rows of a table; a table without true labels has none."""
        if not set(table.column_names) >= _NEEDED:
            return
        table = table.filter(pc.starts_with(table["label_source"], "synthetic:"))
        if not table.num_rows:
            return
        self.ads += table.num_rows
        values: dict[str, list[Any]] = {
            name: table[name].to_pylist() for name in _NEEDED - {"text", "votes"}
        }
        texts: list[Any] = table["text"].to_pylist()
        self._texts.add(texts)
        self._campaigns.add(values["campaign_id"])
        for name in ("language", "location", "price", "account_id", "category"):
            if name in table.column_names:
                self._count(f"{name} empty", (v is None for v in table[name].to_pylist()))
        registers = [family.split("/")[1] for family in values["template_family"]]
        evidence = [
            len([name for name in stated if name not in COUNTER])
            for stated in values["true_indicators"]
        ]
        for name in ("region", "kind", "case", "split"):
            self._count(name, values[name])
        self._count("language", table["language"].to_pylist())
        self._count("length", zip(registers, [len(t) // _STEP for t in texts], strict=True))
        self._count("evidence", zip(values["kind"], evidence, strict=True))
        self._count("risk", zip(values["split"], values["true_risk"], strict=True))
        harmless = [h for h, r in zip(values["hard"], values["true_risk"], strict=True) if not r]
        self._count("hard", harmless)
        self._count("present", (i for stated in values["true_indicators"] for i in stated))
        self._count("denied", (i for stated in values["denied_indicators"] for i in stated))
        self._count_votes(table, values)

    def _count(self, name: str, values: Iterable[object]) -> None:
        self._counters.setdefault(name, Counter()).update(values)

    def _count_votes(self, table: pa.Table, values: Mapping[str, list[Any]]) -> None:
        made = pairs = agreeing = 0
        outcome: Counter[tuple[bool, bool]] = Counter()
        for votes, risk, truth in zip(
            table["votes"].to_pylist(), values["risk"], values["true_risk"], strict=True
        ):
            if votes is None:
                continue
            made += len(votes)
            levels = [v["says"] for v in votes if v["item"] == RISK and v["says"] != "unsure"]
            risky = [int(level) >= RISKY for level in levels]
            for at, one in enumerate(risky):
                for other in risky[at + 1 :]:
                    pairs += 1
                    agreeing += one == other
            outcome[truth >= RISKY, risk is not None and risk >= RISKY] += 1
        self._count("majority", outcome.elements())
        self._counters.setdefault("votes", Counter()).update(
            {"made": made, "pairs": pairs, "agreeing": agreeing}
        )

    def datasheet(self, name: str, sources: Sequence[str]) -> str:
        """The Markdown text; `name` is the corpus' file, `sources` what it was made from."""
        parts = [
            _head(name, sources),
            self._composition(),
            self._lengths(),
            self._marginals(),
            self._labels(),
            _probes(),
            _LIMITS,
        ]
        return "\n\n".join(part.strip() for part in parts) + "\n"

    def _share(self, counter: str, value: object) -> str:
        counts = self._counters.get(counter, Counter())
        return _percent(counts[value], counts.total())

    def _composition(self) -> str:
        texts, campaigns = self._texts.count(), self._campaigns.count()
        rows = [
            ("ads", f"{self.ads:,}"),
            ("campaigns", campaigns.words()),
            ("distinct texts", texts.words()),
            ("ads that repeat an earlier one, edited or not", campaigns.rest(self.ads)),
            ("ads whose text is a raw copy", texts.rest(self.ads)),
            ("test part (later in time, other paraphrase families)", self._share("split", "test")),
            ("risk 2 or 3, in truth", self._risky()),
            ("hard, of the ads with risk 0", self._share("hard", True)),
        ]
        rows += [
            (f"`{box}` left empty", self._share(f"{box} empty", True))
            for box in ("location", "price", "account_id", "category")
        ]
        return "\n\n".join(
            (
                "## Composition",
                _table(("what", "how many"), rows),
                self._breakdown("language", "Languages"),
                self._breakdown("region", "Regions"),
                self._breakdown("kind", "Kinds (other: au pairs, modelling, introductions, goods, "
                "trades, notices)"),
                self._breakdown("case", "Latent cases"),
            )
        )  # fmt: skip

    def _risky(self) -> str:
        risk = self._counters["risk"]
        shares = []
        for split in ("train", "test"):
            total = sum(n for (of, _), n in risk.items() if of == split)
            risky = sum(n for (of, level), n in risk.items() if of == split and level >= RISKY)
            shares.append(f"{_percent(risky, total)} ({split})")
        return ", ".join(shares)

    def _breakdown(self, name: str, title: str) -> str:
        counts = self._counters[name]
        shares = [
            f"{plain(value)} {_percent(n, counts.total())}" for value, n in counts.most_common()
        ]
        return f"**{title}:** {', '.join(shares)}."

    def _lengths(self) -> str:
        rows = [(label, *(f"{q:,}" for q in quantiles)) for label, quantiles in _REAL_LENGTHS]
        counts = self._counters["length"]
        for register in sorted({of for of, _ in counts}):
            bins = {at: n for (of, at), n in counts.items() if of == register}
            name = f"synthetic, {register} ({sum(bins.values()):,})"
            rows.append((name, *(f"{q:,}" for q in _quantiles(bins))))
        head = ("characters", *(f"{q:.0%}" for q in _QUANTILES))
        return (
            "## Lengths\n\nThe formal register follows real postings; terse and chatty are shorter "
            "like classifieds, of which no public corpus was at hand.\n\n" + _table(head, rows)
        )

    def _marginals(self) -> str:
        counts = self._counters["evidence"]
        head = ("kind", *map(str, range(_MOST - 1)), f"{_MOST - 1} or more")
        rows = []
        for kind in sorted({of for of, _ in counts}):
            total = sum(n for (of, _), n in counts.items() if of == kind)
            by = [
                sum(n for (of, k), n in counts.items() if of == kind and min(k, _MOST - 1) == at)
                for at in range(_MOST)
            ]
            rows.append((kind, *(_percent(n, total) for n in by)))
        present, denied = self._counters["present"], self._counters.get("denied", Counter())
        stated = [
            (f"`{name}`", _percent(present[name], self.ads), _percent(denied[name], self.ads))
            for name, _ in present.most_common()
        ]
        return "\n\n".join(
            (
                "## Marginals\n\nHow many indicators of evidence an ad states, in truth. In the "
                "field, 98 % of job ads had one or more and 15 % five or more (Volodko 2020); of "
                "service ads, 19 % had none, 58 % one, 21 % two, 1.7 % three or more (Giommoni and "
                "Ikwu 2021).",
                _table(head, rows),
                _table(("indicator", "ads that state it", "ads that deny it"), stated),
            )
        )

    def _labels(self) -> str:
        votes, majority = self._counters["votes"], self._counters["majority"]
        people = [
            (
                f"`{p.voter}`",
                *(f"{v:.1%}" for v in (p.misses, p.imagines, p.misreads, p.clears, p.raises)),
            )
            for p in ANNOTATORS
        ]
        head = ("who", "overlooks", "imagines", "misreads a denial", "clears a risky ad",
                "raises a harmless one")  # fmt: skip
        found, missed = majority[True, True], majority[True, False]
        wrong = majority[False, True]
        return "\n\n".join(
            (
                "## Labels\n\nOn the training part `indicators`, `indicators_known` and `risk` are "
                "the majority of three simulated annotators; `votes` has their single judgements. "
                "Each errs in a way of their own, more on hard and doubtful ads, and abstains. An "
                "indicator is present if more say present than anything else; the risk is the "
                "middle level. On the test part they are the truth. `true_indicators`, "
                "`denied_indicators`, `true_risk` and `latent` hold the truth of every ad: train "
                "on them only to learn what perfect labels would be worth.",
                _table(head, people),
                f"Here: {votes['made']:,} votes; two annotators agree on risky or not in "
                f"{_percent(votes['agreeing'], votes['pairs'])} of the cases; the majority finds "
                f"{_percent(found, found + missed)} of the risky training ads, and "
                f"{_percent(wrong, found + wrong)} of those that it calls risky are not.",
            )
        )


class _Distinct:
    """Estimator of the number of distinct strings, by the smallest hashes."""

    def __init__(self) -> None:
        self._smallest: list[int] = []  # negated, so that the largest is on top
        self._kept: set[int] = set()

    def add(self, strings: Iterable[str]) -> None:
        for text in strings:
            digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
            value = int.from_bytes(digest, "big")
            if value in self._kept:
                continue
            if len(self._smallest) < _KEPT:
                heapq.heappush(self._smallest, -value)
            elif value < -self._smallest[0]:
                self._kept.discard(-heapq.heapreplace(self._smallest, -value))
            else:
                continue
            self._kept.add(value)

    def count(self) -> _Count:
        if len(self._smallest) < _KEPT:
            return _Count(len(self._smallest), exact=True)
        return _Count(round((_KEPT - 1) * 2**64 / -self._smallest[0]), exact=False)


class _Count:
    """A number, exact or estimated, as text."""

    def __init__(self, number: int, *, exact: bool) -> None:
        self._number, self._about = number, "" if exact else "about "

    def words(self) -> str:
        return f"{self._about}{self._number:,}"

    def rest(self, ads: int) -> str:
        return f"{self._about}{_percent(max(ads - self._number, 0), ads)}"


def _head(name: str, sources: Sequence[str]) -> str:
    made = ", ".join(map(code, sources))
    return f"""
{HEADING}{plain(name)}

**Every ad that this sheet describes is invented.** They were generated by adrisk from {made}, to
build and compare methods that rank online ads for human review of possible human trafficking. No
lawful public corpus carries such labels. The same arguments make the same ads again.

A case is drawn first (what is going on, in which trade and place, who is behind it), then what the
author states of it and what the author denies, then a campaign of copies and near-copies. No
person, firm, street or telephone number is real: numbers are from ranges reserved for fiction,
mail is at example.org. Nothing is explicit, and no service ad speaks of youth.
"""


def _probes() -> str:
    if not _PROBES.is_file():
        return "## Probes\n\nNot measured yet: run `python evaluation/benchmarks/probes.py`."
    results = json.loads(_PROBES.read_text(encoding="utf-8"))
    rows = [
        (name, f"{f['value']:.3f}", f"{f['low']:.3f} to {f['high']:.3f}")
        for name, f in results["probes"].items()
    ]
    judged = results["judged_on"]
    return "\n\n".join(
        (
            f"## Probes\n\nWhat shortcuts and plain learners reach, measured on "
            f"`{results['corpus']}` with `{results['command']}`: trained on "
            f"{results['trained_on']['ads']:,} ads with the annotators' labels, judged on "
            f"{judged['ads']:,} by the truth, prevalence {judged['prevalence']:.1%}; average "
            "precision with a 95 % bootstrap interval over campaigns.",
            _table(("probe", "average precision", "95 % interval"), rows),
            f"Dealing single ads at random instead of whole campaigns adds "
            f"{results['random_split_gap']:+.3f} to TF-IDF with logistic regression: copies of one "
            "ad on both sides flatter. The rules and this corpus share authors, which flatters the "
            "rules.",
        )
    )


_LIMITS = """
## Known gaps

- Sentences are put together, so an ad holds less of a story than a person's, and two sentences now
  and then sit oddly side by side. Slang, code-switching and bad spelling are rarer than in life.
- Four languages in twelve regions; no migrant languages, no machine translation, no images, no
  links, no replies of the platform.
- Which indicators go together, how often ads deny them, and how annotators err are assumptions,
  made after published studies where there are any. The shares of cases are not those of any place.
- The difficulty is designed: the banks and shares were tuned (on other seeds) until the probes
  landed where they do. On the test part seven in ten statements are in a common wording, which
  uses the words of the training families; the others are far from them.
- Telephone numbers for fiction exist in some countries only. Ads from Spain, Portugal, Belgium and
  Latin America show few numbers, and those of other countries; where a range is spent (in corpora
  of about a million ads), handles and mail take its place.
- Youth in service ads is left out on purpose, and minors occur in job ads only.

## What a score on it does not show

How a method does on real ads; whether a flagged ad is trafficking; how often trafficking occurs;
how fair a method is to people of any origin. A method that fails here is unlikely to work in the
field; one that does well here finds what a generator planted, and has shown no more.
"""


def _quantiles(bins: Mapping[int, int]) -> list[int]:
    total, found, seen = sum(bins.values()), [], 0
    wanted = list(_QUANTILES)
    for at in sorted(bins):
        seen += bins[at]
        while wanted and seen >= wanted[0] * total:
            found.append(at * _STEP + _STEP // 2)
            wanted.pop(0)
    return found


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
