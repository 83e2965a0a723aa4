"""Takes pictures of both dashboards into `docs/images/`, of a lakehouse filled for that purpose."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
IMAGES = CHECKOUT / "docs" / "images"
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "superset")]

from browser import open_dashboard, settle, signed_in  # noqa: E402

# What the plant sends, oldest first; an update follows each group.
_STORY = (
    (("batch", "--at", "-6h", "--seed", "1"), ("batch", "--at", "-2h", "--seed", "2")),
    (("late", "--seed", "3"), ("schema-change", "--at", "-1h", "--seed", "4")),
    (
        ("batch", "--anomaly-rate", "0", "--seed", "5"),
        ("trigger-event", "--files", "1", "--records", "4", "--devices", "4", "--seed", "6"),
    ),
)
# Slug, and the height of the page.
_PAGES = (("smart-factory-operations", 1880), ("pipeline-health", 3290))


def main() -> int:
    """Take the pictures and return the exit code."""
    with tempfile.TemporaryDirectory(prefix="smart-factory-screenshots-") as home:
        environment = {**os.environ, "SMART_FACTORY_HOME": home}
        environment.pop("SMART_FACTORY_WAREHOUSE_URL", None)
        for group in _STORY:
            for words in group:
                _run(environment, "generators", *words)
            _run(environment, "pipeline", "run")
        port, warehouse_port = _free_port(), _free_port()
        server = _serve(environment, port, warehouse_port)
        try:
            warehouse = f"hive://127.0.0.1:{warehouse_port}/smart_factory"
            _run({**environment, "SMART_FACTORY_WAREHOUSE_URL": warehouse}, "alerts", "check")
            _look(f"http://127.0.0.1:{port}", Path(home, "state", "superset", "viewer_password").read_text().strip())
        finally:
            server.terminate()
            server.wait()
    return 0


def _run(environment: dict[str, str], *words: str) -> None:
    subprocess.run([sys.executable, "-m", *words], check=True, cwd=CHECKOUT, env=environment)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _serve(environment: dict[str, str], port: int, warehouse_port: int) -> subprocess.Popen[str]:
    python = CHECKOUT / ".venv-superset" / "bin" / "python"
    server = subprocess.Popen(
        [str(python), "superset/serve.py", "--port", str(port), "--warehouse-port", str(warehouse_port)],
        cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout
    for line in server.stdout:
        print(line, end="")
        if line.startswith("Ctrl-C"):
            return server
    raise SystemExit("Superset did not start; its last words stand above.")


def _look(url: str, password: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for slug, height in _PAGES:
        with signed_in(url, "viewer", password, height=height) as page:
            open_dashboard(page, url, slug)
            settle(page)
            target = IMAGES / f"{slug}.png"
            page.screenshot(path=str(target))
            _shrink(target)
            print(f"{target.relative_to(CHECKOUT)}: {target.stat().st_size // 1024} KiB")


def _shrink(picture: Path) -> None:
    """Reduce the picture to 128 colours: enough for charts, and a third of the size."""
    from PIL import Image  # noqa: PLC0415

    with Image.open(picture) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
