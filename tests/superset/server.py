"""A real Superset beside a real warehouse, and what a test asks it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from bundle import load_assets

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = CHECKOUT / ".venv-superset" / "bin" / "python"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SUPERSET_", "SMART_FACTORY_"))}
    return {**kept, **more}


@dataclass
class Server:
    """`superset/serve.py` as a process of its own."""

    home: Path
    port: int
    warehouse_port: int
    more: dict[str, str]
    process: subprocess.Popen[str] | None = None
    output: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        words = ["--home", str(self.home), "--port", str(self.port)]
        if "SMART_FACTORY_WAREHOUSE_URL" not in self.more:
            words += ["--warehouse-port", str(self.warehouse_port)]
        self.process = subprocess.Popen(
            [str(PYTHON), str(CHECKOUT / "superset" / "serve.py"), *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(**self.more), cwd=CHECKOUT,
        )  # fmt: skip
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if "Ctrl-C ends it" in line:
                return self
        raise AssertionError(f"Superset did not start:\n{self.output}\n{self.logs()}")

    def end(self) -> int:
        """End it as a person or an operating system does, and return its exit code."""
        assert self.process
        # As its block ends, the pipe that it talks through is closed.
        with self.process:
            self.process.send_signal(signal.SIGTERM)
            return self.process.wait(timeout=60)

    def logs(self) -> str:
        logs = sorted((self.home / "state" / "superset").glob("*.log"))
        return "\n".join(f"== {log.name}\n{log.read_text(encoding='utf-8')[-2000:]}" for log in logs)

    def password(self, user: str) -> str:
        return (self.home / "state" / "superset" / f"{user}_password").read_text(encoding="utf-8").strip()

    def client(self, user: str = "admin") -> Client:
        return Client(self.url, user, self.password(user))


class Client:
    """Somebody who has signed in to the REST API."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._session = requests.Session()
        signed_in = self.post(
            "security/login", {"username": user, "password": password, "provider": "db", "refresh": False}
        )
        self._session.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
        # Without them, every change is refused.
        form = self._session.get(f"{url}/login/", timeout=120).text
        self._session.headers["Referer"] = url
        self._session.headers["X-CSRFToken"] = form.split('id="csrf_token"')[1].split('value="')[1].split('"')[0]

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return self._session.request(method, f"{self._url}/api/v1/{path}", timeout=120, allow_redirects=False, **more)

    def get(self, path: str, **parameters: str) -> Any:
        answer = self.ask("GET", path, params=parameters)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:2000])
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        answer = self.ask("POST", path, json=body)
        assert answer.status_code in {200, 201}, (path, answer.status_code, answer.text[:2000])
        return answer.json()

    def put(self, path: str, body: Any) -> Any:
        answer = self.ask("PUT", path, json=body)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:2000])
        return answer.json()

    def ids(self, kind: str) -> dict[str, int]:
        """Return the ids of all charts, dashboards or datasets by uuid."""
        found = self.get(f"{kind}/", q="(page_size:200,columns:!(id,uuid))")["result"]
        return {str(entry["uuid"]): entry["id"] for entry in found}

    def rows(self, chart: int) -> list[dict[str, Any]]:
        """Return what a chart shows now, past every cache."""
        result = self.get(f"chart/{chart}/data/", force="true")["result"][0]
        assert not result.get("error"), result["error"]
        return list(result["data"])

    def all_rows(self) -> dict[str, list[dict[str, Any]]]:
        """Return what each of our charts shows now, by its file's name."""
        ids = self.ids("chart")
        charts = {Path(asset.path).stem: ids[asset.uuid] for asset in load_assets() if asset.kind == "charts"}
        with ThreadPoolExecutor(4) as pool:
            return dict(zip(charts, pool.map(self.rows, charts.values()), strict=True))


def wait_until(is_true: Any, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.3)
