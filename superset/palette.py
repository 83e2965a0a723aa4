"""Colours with the same meaning on every chart, which colour-blind readers can distinguish (after Okabe and Ito)."""

from __future__ import annotations

HOT = "#C1272D"
WARN = "#E69F00"
CALM = "#0072B2"
GOOD = "#009E73"
QUIET = "#8C96A0"

CATEGORICAL = [
    {
        "id": "smartFactory",
        "description": "Smart Factory",
        "label": "Smart Factory",
        "isDefault": True,
        "colors": [
            CALM,
            "#56B4E9",
            GOOD,
            "#CC79A7",
            "#7A5195",
            QUIET,
            "#B8A100",
            "#004C6D",
            "#5E3C58",
            "#00735A",
            WARN,
            HOT,
        ],
    },
]
# From cool to hot for temperatures, and from few to many for counts.
SEQUENTIAL = [
    {
        "id": "smartFactoryHeat",
        "description": "Cool to hot",
        "label": "Smart Factory: cool to hot",
        "isDiverging": False,
        "colors": ["#DCEAF5", "#9CC4E0", "#F6E3B5", "#E69F00", "#D55E00", HOT],
    },
    {
        "id": "smartFactoryCount",
        "description": "Few to many",
        "label": "Smart Factory: few to many",
        "isDiverging": False,
        "colors": ["#EEF4F9", "#B5D2E8", "#6FA8D1", CALM, "#004C6D"],
    },
]
