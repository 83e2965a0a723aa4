"""The real stack, as its user types at it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.superset.server import Client, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = "smart-factory-test"
LASTING = ("generator", "pipeline", "warehouse", "alerts", "superset-db", "superset")
_RECEIVER = f"{PROJECT}-receiver"
_LONGEST_ACT_SECONDS = 400
_RECEIVE = """
import http.server, sys
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["content-length"])).decode(), flush=True)
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("0.0.0.0", 9000), Receiver).serve_forever()
"""
# Asked inside the pipeline's container, while no update runs.
_INVARIANTS = """
import json
from collections import Counter
from demo.recap import *
from demo.stack import *
from demo.stage import *
from pipeline.home import Home
stage = StackStage(Home.find())
with stage.still():
    ids = {table: stage.frame(table, ["record_id"])["record_id"].to_pylist() for table in (BRONZE, SILVER, QUARANTINE)}
    files = {file.path: (file.state, file.rows) for file in stage.files() if file.state != "waiting"}
    by_file = stage.rows_by_file()
    written = {name: total.rows_written - total.rows_deleted for name, total in stage._record.totals().items()}
    rows = {table: stage.rows(table) for table in TABLES}
    gold = sum(stage.frame(GOLD, ["reading_count"])["reading_count"].to_pylist())
print(json.dumps({
    "each bronze record once": max(Counter(ids[BRONZE]).values()) == 1,
    "silver and quarantine are bronze": sorted(ids[SILVER] + ids[QUARANTINE]) == sorted(ids[BRONZE]),
    "each file's rows once": by_file == {path: rows for path, (state, rows) in files.items() if rows},
    "gold counts silver": gold == rows[SILVER],
    "the log's sums are the tables": all(written[table] == rows[table] for table in TABLES),
}), flush=True)
"""


class Stack:
    """One project of Compose, beside whatever else runs on the machine."""

    def __init__(self) -> None:
        self.ports = {name: str(free_port()) for name in ("PAGE_PORT", "SUPERSET_PORT", "WAREHOUSE_PORT")}
        self._environment = {
            **os.environ, **self.ports,
            "COMPOSE_PROJECT_NAME": PROJECT,
            "GENERATOR_INTERVAL": "60s",
            "SMART_FACTORY_ALERT_URLS": f"json://{_RECEIVER}:9000/",
            "SUPERSET_ADMIN_PASSWORD": "",
        }  # fmt: skip

    def compose(self, *arguments: str, seconds: float = 1500) -> str:
        """Run a command of Compose and return what it printed."""
        return self._docker("compose", *arguments, seconds=seconds)

    def up(self, *options: str) -> None:
        """Start what does not run, wait until all of it works, and have the receiver beside it."""
        self.compose("up", "--detach", "--wait", "--wait-timeout", "900", *options)
        if not self._docker("ps", "--quiet", "--filter", f"name={_RECEIVER}"):
            self._docker("run", "--detach", "--rm", "--name", _RECEIVER, "--network", f"{PROJECT}_default",
                         "smart-factory/lakehouse", "python", "-c", _RECEIVE)  # fmt: skip

    def down(self, *options: str) -> None:
        """End the stack."""
        subprocess.run(["docker", "rm", "--force", _RECEIVER], capture_output=True, check=False)
        self.compose("--profile", "demo", "down", *options)

    def end(self) -> None:
        """End the stack and delete all it has kept."""
        self.down("--volumes")

    def play(self, act: str) -> str:
        """Play an act as `make` does."""
        return self.compose("run", "--rm", "--no-TTY", "demo", act)

    @contextmanager
    def playing(self, act: str) -> Iterator[None]:
        """Play an act beside the block, which begins once the act has, and wait for its end.

        Raises:
            AssertionError: The act has failed.
        """
        with subprocess.Popen(
            ["docker", "compose", "run", "--rm", "--no-TTY", "--no-deps", "demo", act],
            cwd=CHECKOUT, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ) as process:  # fmt: skip
            assert process.stdout
            said = next((line for line in process.stdout if "Act " in line), "")
            yield
            said += process.communicate(timeout=_LONGEST_ACT_SECONDS)[0]
            assert process.returncode == 0, said

    def ask(self, service: str, *command: str) -> str:
        """Run a command in a service's container."""
        return self.compose("exec", "--no-TTY", service, *command)

    def broken_promises(self) -> set[str]:
        """Return which of the lakehouse's promises do not hold now."""
        holds: dict[str, bool] = json.loads(self.ask("pipeline", "python", "-c", _INVARIANTS).splitlines()[-1])
        return {promise for promise in holds if not holds[promise]}

    def rows(self) -> int:
        """Return how many rows bronze holds."""
        count = "import deltalake as d; print(d.DeltaTable('/lakehouse/smart_factory/bronze_sensor_readings').count())"
        return int(self.ask("pipeline", "python", "-c", count))

    def container(self, service: str) -> dict[str, Any]:
        """Return what the engine says of a service's container."""
        name = self.compose("ps", "--all", "--quiet", service).strip()
        facts: dict[str, Any] = json.loads(self._docker("inspect", name))[0]
        return facts

    def told(self) -> list[str]:
        """Return the subjects of the alerts that the receiver was sent."""
        lines = self._docker("logs", _RECEIVER).splitlines()
        return [json.loads(line)["title"] for line in lines if line.startswith("{")]

    def kill(self, service: str) -> None:
        """Kill a service's container at once."""
        self._docker("kill", self.container(service)["Id"])

    def crash(self, service: str) -> None:
        """Kill all processes of a service but its container's first, as a lack of memory does."""
        command = ["docker", "compose", "exec", "--no-TTY", service, "sh", "-c", "kill -KILL -1"]
        subprocess.run(command, cwd=CHECKOUT, env=self._environment, capture_output=True, check=False, timeout=60)

    def started_at(self, service: str) -> str:
        """Return when a service's container was last started; later is greater."""
        return str(self.container(service)["State"]["StartedAt"])

    def is_well(self, service: str) -> bool:
        """Tell whether a service works."""
        state = self.container(service)["State"]
        return bool(state["Running"]) and state["Health"]["Status"] == "healthy"

    def dashboards(self) -> Client:
        """Return the administrator of the dashboards, signed in."""
        password = self.ask("superset", "cat", "/superset/state/superset/admin_password").strip()
        return Client(f"http://127.0.0.1:{self.ports['SUPERSET_PORT']}", "admin", password)

    def _docker(self, *arguments: str, seconds: float = 1500) -> str:
        done = subprocess.run(
            ["docker", *arguments], cwd=CHECKOUT, env=self._environment, capture_output=True, text=True,
            check=False, timeout=seconds,
        )  # fmt: skip
        assert done.returncode == 0, (arguments, done.stdout[-3000:], done.stderr[-3000:])
        return done.stdout


def wait_until(is_true: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, f"after {seconds} s still not: {what}"
        time.sleep(1)
