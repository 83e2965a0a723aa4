"""Great Expectations' Data Docs: web pages of the suites and each table's last verdicts."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from datetime import datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.foundation.errors import DataError
from pipeline.quality.rules import RuleMeta
from pipeline.quality.suite_file import load_suite, open_context

if TYPE_CHECKING:
    from collections.abc import Mapping

_SITE = "local"
_STYLE = """<style>
body { font-family: system-ui, sans-serif; margin: 1rem 2rem; }
table { border-collapse: collapse; margin: 0.5rem 0; }
td, th { border: 1px solid #ccc; padding: 0.25rem 0.6rem; text-align: left; }
.fa-times::before { content: "✘"; color: #b00020; }
.fa-check-circle::before { content: "✔"; color: #1a7f37; }
.fa-exclamation-triangle::before { content: "?"; color: #9a6700; }
</style>"""


def build_data_docs(
    suites: Path, generated: Path, validations: Path, judged_by_row: Mapping[str, dict[str, Any]], site: Path
) -> Path:
    """Build Data Docs from the last verdicts, and return the start page.

    Args:
        suites: The folder of suites.
        generated: The folder of those that are generated from rules of declarations; it may be missing.
        validations: The folder of the documents that updates have stored, with a folder for each table.
        judged_by_row: For each suite whose rules are judged row by row, its newest batch from the event log: `table`,
            `judged_at` and the counts under `data_quality`.
        site: The folder of the pages; its former content is deleted.

    Raises:
        DataError: No table has been judged yet.
    """
    documents = {file.parent.name: json.loads(file.read_text(encoding="utf-8")) for file in _last(validations)}
    if not documents and not judged_by_row:
        raise DataError("No table has been judged yet.", "Run `python -m pipeline run`, then build the documents.")
    shutil.rmtree(site, ignore_errors=True)
    files = {file.stem: file for folder in (generated, suites) for file in folder.glob("*.json")}
    with tempfile.TemporaryDirectory(prefix="lakehouse-suites-") as together:
        # Great Expectations reads one folder.
        for file in files.values():
            shutil.copy(file, together)
        context = open_context(Path(together))
        context.add_data_docs_site(_SITE, _site(site))
        for table, last in documents.items():
            if last["document"]:
                _keep(context, last["suite"], table, last["judged_at"], last["document"]["results"])
        for suite, evidence in judged_by_row.items():
            file = files.get(suite, suites / f"{suite}.json")
            results = _results_by_row(load_suite(context, suite, file), evidence["data_quality"])
            _keep(context, suite, evidence["table"], evidence["judged_at"], results)
        with warnings.catch_warnings():
            # The renderer warns about its own dependencies.
            warnings.simplefilter("ignore")
            context.build_data_docs(site_names=[_SITE])
    _make_readable_offline(site)
    return site / "index.html"


def _make_readable_offline(site: Path) -> None:
    """Add a style sheet and a list of verdicts to the pages, whose own come from servers on the internet."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8").replace("</head>", f"{_STYLE}</head>", 1)
        if page.parent == site:
            links = "".join(
                f'<li><a href="{escape(str(verdict.relative_to(site)))}">{escape(verdict.stem)}</a></li>'
                for verdict in sorted((site / "validations").rglob("*.html"))
            )
            text = text.replace("</body>", f"<h2>Last verdicts</h2><ul>{links}</ul></body>", 1)
        page.write_text(text, encoding="utf-8")


def _last(validations: Path) -> list[Path]:
    return sorted(validations.glob("*/last.json"))


def _site(folder: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def _keep(context: Any, suite: str, table: str, judged_at: str, results: list[dict[str, Any]]) -> None:
    """Store a validation result where the site's builder finds it."""
    from great_expectations.core.expectation_validation_result import (  # noqa: PLC0415 - takes seconds
        expectationSuiteValidationResultSchema,
    )
    from great_expectations.core.run_identifier import RunIdentifier  # noqa: PLC0415
    from great_expectations.data_context.types.resource_identifiers import (  # noqa: PLC0415
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    passed = sum(bool(result["success"]) for result in results)
    run = RunIdentifier(run_name=table, run_time=datetime.fromisoformat(judged_at))
    document = {
        "success": passed == len(results),
        "results": results,
        "suite_name": suite,
        "suite_parameters": {},
        "statistics": {
            "evaluated_expectations": len(results),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(results) - passed,
            "success_percent": 100 * passed / len(results) if results else None,
        },
        "meta": {
            "run_id": run.to_json_dict(),
            "great_expectations_version": version("great-expectations"),
            "batch_spec": {"data_asset_name": table},
        },
    }
    key = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(name=suite), run_id=run, batch_identifier=table
    )
    context.validation_results_store.set(key, expectationSuiteValidationResultSchema.load(document))


def _results_by_row(suite: Any, quality: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an update's counts for each rule as results; expectations of one name share the rule's count."""
    counted = {item["name"]: item for item in quality["expectations"] if item.get("scope", "row") == "row"}
    results = []
    for expectation in suite.expectations:
        meta = RuleMeta.of(expectation.expectation_type, expectation.meta or {}, "")
        if meta.name not in counted:
            continue
        failed = counted[meta.name]["failed_records"]
        rows = failed + counted[meta.name]["passed_records"]
        results.append({
            "success": failed == 0,
            "expectation_config": expectation.configuration.to_json_dict(),
            "result": {
                "element_count": rows,
                "unexpected_count": failed,
                "unexpected_percent": 100 * failed / rows if rows else 0.0,
                "partial_unexpected_list": [],
            },
            "meta": {},
            "exception_info": {"raised_exception": False, "exception_message": None, "exception_traceback": None},
        })  # fmt: skip
    return results
