"""Suites as Great Expectations stores them, written by tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def expectation(kind: str, name: str, action: str, *, when_present: bool = False, **kwargs: Any) -> dict[str, Any]:
    """Return one expectation of a suite; `fail_above` goes to its meta."""
    meta: dict[str, Any] = {"name": name, "action": action, "why": f"why {name}"}
    if when_present:
        meta["when_present"] = True
    if "fail_above" in kwargs:
        meta["fail_above"] = kwargs.pop("fail_above")
    return {"type": f"expect_{kind}", "kwargs": kwargs, "meta": meta}


def write_suite(folder: Path, name: str, *expectations: dict[str, Any]) -> Path:
    """Write a suite and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    suite: dict[str, Any] = {"name": name, "expectations": list(expectations), "meta": {}, "notes": None}
    file.write_text(json.dumps(suite, indent=2), encoding="utf-8")
    return file
