"""The notebook, executed against the real warehouse."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.superset.server import CHECKOUT, environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.superset.conftest import Plant

NOTEBOOK = CHECKOUT / "notebooks" / "sensor_analysis.ipynb"
PYTHON = CHECKOUT / ".venv-notebook" / "bin" / "python"


def cells(file: Path, kind: str) -> list[dict[str, Any]]:
    notebook = json.loads(file.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def shown(file: Path) -> list[dict[str, str]]:
    """Return what each output shows, by its kind."""
    outputs = [output for cell in cells(file, "code") for output in cell["outputs"]]
    return [{kind: "".join(text) for kind, text in output["data"].items()} for output in outputs]


def test_notebook_asks_the_two_saved_queries() -> None:
    sources = ["".join(cell["source"]) for cell in cells(NOTEBOOK, "code")]
    asked = [source.split('"""')[1].strip() for source in sources if source.count('"""') == 2 and "ask(" in source[:40]]
    text = NOTEBOOK.with_suffix(".sql").read_text(encoding="utf-8")
    assert len(asked) == 2
    assert all(f"{sql};" in text for sql in asked)


@pytest.mark.superset
@pytest.mark.spark
def test_notebook_runs_against_the_warehouse(plant: Plant, tmp_path: Path) -> None:
    if not PYTHON.exists():
        pytest.skip("There is no .venv-notebook/; run `make test-superset`.")
    plant.generate("trigger-event")
    plant.update()
    plant.see_tables()
    url = f"hive://127.0.0.1:{plant.server.warehouse_port}/smart_factory"
    done = subprocess.run(
        [str(PYTHON), str(NOTEBOOK.with_name("execute.py")), str(tmp_path / "executed.ipynb")],
        env=environment(SMART_FACTORY_WAREHOUSE_URL=url), capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    by_location, chart, hot = shown(tmp_path / "executed.ipynb")
    assert "Factory Floor B" in by_location["text/html"]
    assert chart["image/png"]
    assert "MFG-" in hot["text/html"]
