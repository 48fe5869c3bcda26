"""A release's manifest in small, with obviously made-up figures."""

from __future__ import annotations

from typing import Any

from adrisk.evaluation.card import card
from adrisk.evaluation.release_manifest import ReleaseManifest


def make_figure(value: float, n: int = 790) -> dict[str, Any]:
    return {
        "value": value,
        "low": value / 2,
        "high": min(1.0, value * 1.5),
        "n": n,
        "positives": 24,
        "campaigns": 407,
    }


def make_ranking(value: float) -> dict[str, Any]:
    names = ["average_precision"]
    for budget in ("0.005", "0.01", "0.02", "0.05"):
        names += [f"recall_at_{budget}", f"precision_at_{budget}"]
    return {name: make_figure(value + i / 1000) for i, name in enumerate(names)}


def make_rate(passed: int, n: int) -> dict[str, Any]:
    return {
        "passed": passed,
        "n": n,
        "low": passed / n / 2,
        "high": 1.0,
        "unjudged": 3,
        "share": passed / n,
    }


def make_slice(value: float) -> dict[str, Any]:
    return {
        "n": 302,
        "positives": 17,
        "average_precision": make_figure(value),
        "calibration_error": make_figure(value / 10),
        "alerts_per_10000_at_0.02": make_figure(265.0),
    }


def make_report() -> dict[str, Any]:
    alerts = {f"alerts_per_10000_at_{b}": make_figure(100.0) for b in ("0.01", "0.02")}
    return {
        "protocol": 1,
        "n": 790,
        "positives": 24,
        "prevalence": 0.0304,
        "campaigns": 407,
        "risk": {
            **make_ranking(0.39),
            "calibration_error": make_figure(0.029),
            "ordinal_error": make_figure(0.15),
            **alerts,
        },
        "risk_by_campaign": make_ranking(0.261),
        "campaign_risk": {
            "campaigns": {
                **make_ranking(0.257),
                "calibration_error": make_figure(0.025),
                "reliability": [],
            }
        },
        "workload": {"share_seen": 0.9, "items": {"single ads": make_figure(78.0)}},
        "indicators": {
            "document_retention": {
                "n": 790,
                "positives": 24,
                "average_precision": make_figure(0.352),
                "calibration_error": make_figure(0.037),
            },
            "isolation_or_movement_control": {"n": 790, "positives": 0},
        },
        "slices": {
            "language": {"en": make_slice(0.478), "es": make_slice(0.233)},
            "kind": {"job": make_slice(0.454), "housing": {"n": 20, "positives": 0}},
            "length": {"1500 and more": make_slice(0.3), "under 200": make_slice(0.2)},
        },
        "curves": {"reliability": [{"stated": 0.0876, "observed": 0.275, "n": 80}]},
    }


def make_group() -> dict[str, Any]:
    return {
        "n": 411,
        "campaigns": 201,
        "judged": 402,
        "incomplete": make_figure(0.0219),
        "false_positive_rate": make_figure(0.0141),
        "others": make_figure(0.0093),
        "difference": make_figure(0.0048),
        "recall": make_figure(0.61),
    }


def make_judged() -> dict[str, Any]:
    return {"version": "3", "family": "ngram", "parameters": {}, "fingerprint": ""}


def make_fairness() -> dict[str, Any]:
    compared = {
        "groups": {"en": make_group()},
        "withheld": {},
        "withheld_groups": 2,
        "withheld_ads": 31,
        "differ": ["en"],
        "compared": 3,
    }
    swap = {
        "swaps": 333,
        "campaigns": 88,
        "over": make_figure(0.0072),
        **{name: make_figure(0.01) for name in ("over_of_could", "mean_change", "mean_distance")},
        "largest": 0.0812,
        "decision_changed": make_figure(0.0029),
        "findings_changed": make_figure(0.01),
        "quantiles": {},
        "log_odds": {"mean": 0.3, "largest": 0.4},
        "ads": 120,
        "languages": {},
    }
    return {
        "model": make_judged(),
        "least": {"ads": 50, "campaigns": 20},
        "unseen": {
            "sources": ["synthetic:3000"],
            "fingerprint": "b2b00a0c79ef5e13",
            "target": "risk of trafficking (synthetic labels)",
            "ads": 790,
            "lawful": 766,
            "judged": 751,
            "risky": 24,
            "campaigns": 407,
            "incomplete": make_figure(0.0196),
            "at": {
                "0.05": {
                    "threshold": 0.1,
                    "flagged": 17,
                    "false_positive_rate": make_figure(0.0117),
                    "groups": {"language": compared},
                }
            },
        },
        "lawful": {},
        "swaps": {
            "tolerance": 0.05,
            "threshold": 0.1,
            **{trait: {"swaps": 0} for trait in ("nationality", "gender", "city")},
            "name": swap,
        },
    }


def make_faithfulness() -> dict[str, Any]:
    lost = {
        "explanation": make_figure(0.41),
        "other_words": make_figure(0.06),
        "difference": make_figure(0.35),
    }
    return {
        "model": make_judged(),
        "data": {
            "sources": ["synthetic:3000"],
            "fingerprint": "b2b00a0c79ef5e13",
            "target": "risk of trafficking (synthetic labels)",
            "unseen": 790,
        },
        "flagged": {
            "budget": 0.05,
            "threshold": 0.1,
            "ads": 120,
            "explained": 60,
            "without_spans": 5,
            "campaigns": 40,
        },
        "draws": 3,
        "points": [
            {"spans": 1, "ads": 55, "without_room": 0, "deleted": {"probability": lost}},
        ],
    }


def make_card(manifest: dict[str, Any]) -> str:
    """The card of a manifest that is given as JSON values."""
    return card(ReleaseManifest.model_validate(manifest))


def make_manifest() -> dict[str, Any]:
    behaviour = {
        "model": {
            "name": "adrisk",
            "version": "3",
            "family": "ngram",
            "fingerprint": "",
            "target": "risk of trafficking (synthetic labels)",
        },
        "languages": {"en": make_rate(88, 179)},
        "suites": {"cases": 768, "languages": ["en"], "fingerprint": "f65ae5c552ee9269"},
        "passing": {"higher": "log-odds above by 0.25"},
        "all": make_rate(352, 715),
        "functions": {"negated": {"all": make_rate(13, 64), "languages": {"en": make_rate(2, 16)}}},
        "moves": {
            "swapped_name": {
                "n": 40,
                "could_fail": 2,
                "mean": 0.0007,
                "largest": 0.0082,
                "language": "en",
                "case": "s1",
            }
        },
    }
    return {
        "format": 1,
        "release": "2026.11-ngram",
        "made": "2026-11-24",
        "again": "adrisk train configs/train/release.yaml",
        "licence": "Apache-2.0",
        "configuration": {"train": {}, "evaluate": {}, "policies": []},
        "registered": {"name": "adrisk", "version": "3", "run": "abc"},
        "model": {
            "family": "ngram",
            "fingerprint": "ab" * 32,
            "parameters": {"bits": 18, "findings": True},
            "seed": 5,
            "labels": ["document_retention", "isolation_or_movement_control"],
            "facts": {"reread_share": 0.0321},
        },
        "weights": {"weights.safetensors": {"sha256": "cd" * 32, "bytes": 7340408}},
        "libraries": {"adrisk": "0.1.0", "numpy": "2.4.6"},
        "machine": {"python": "3.11.7", "cores": 2},
        "seconds": {"train": 32.0, "judge": 300.0},
        "data": {
            "sources": ["synthetic:3000"],
            "fingerprint": "b2b00a0c79ef5e13",
            "target": "risk of trafficking (synthetic labels)",
            "ads": 3000,
            "campaigns": 1489,
            "quarantined": 7,
            "labels": "votes of 3 voters",
            "split_by": "campaign",
            "parts": {"fit": {"ads": 1524, "campaigns": 716, "risky": 43}},
            "languages": {"en": 1162, "es": 766},
            "kinds": {"job": 1953},
        },
        "calibration": {
            "ads": 415,
            "methods": {"sigmoid": 19},
            "uncalibrated": ["exit_penalty"],
            "languages": [],
        },
        "thresholds": [{"budget": 0.01, "threshold": 0.1717, "n": 271}],
        "quality": {
            "model": make_judged(),
            "data": {
                "sources": ["synthetic:3000"],
                "fingerprint": "b2b00a0c79ef5e13",
                "ads": 3000,
                "campaigns": 1489,
                "quarantined": 7,
                "target": "risk of trafficking (synthetic labels)",
                "split_by": "campaign",
            },
            "report": make_report(),
            "baselines": {"rules": make_ranking(0.922)},
            "random_split": {"average_precision": make_figure(0.684), "gap": 0.294},
            "beside": {
                "release": "2026.11-first",
                "risk": {
                    "first": make_figure(0.39),
                    "second": make_figure(0.31),
                    "difference": make_figure(0.08),
                },
            },
        },
        "guarantees": [
            {
                "recall": 0.5,
                "share": None,
                "confidence": 0.9,
                "threshold": 0.0208,
                "qualified": True,
                "campaigns": 71,
                "positives": 9,
                "recall_seen": 0.56,
                "share_seen": 0.02,
                "more_positives": None,
                "words": "recall at least 0.5 with 90% confidence",
            }
        ],
        "behaviour": behaviour,
        "fairness": make_fairness(),
        "faithfulness": make_faithfulness(),
    }
