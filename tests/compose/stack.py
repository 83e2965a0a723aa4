"""The real Docker stack, driven by the commands that a user types."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
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
# Runs inside the pipeline's container, while no update is running.
_INVARIANTS = """
import json
from collections import Counter
from demo.recap import *
from demo.stack import *
from demo.stage import *
from pipeline.home.places import Home
stage = StackStage(Home.find())
with stage.still():
    ids = {table: stage.frame(table, ["record_id"])["record_id"].to_pylist() for table in (BRONZE, SILVER, QUARANTINE)}
    files = {file.path: (file.state, file.rows) for file in stage.files() if file.state != "waiting"}
    by_file = stage.rows_by_file()
    written = stage.history.totals()
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
    """A Compose project of its own, which does not disturb others on the machine."""

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
        """Run a command of Compose and return its output."""
        return self._docker("compose", *arguments, seconds=seconds)

    def up(self, *options: str) -> None:
        """Start the services that are not running and the alert receiver, and wait until all are healthy."""
        self.compose("up", "--detach", "--wait", "--wait-timeout", "900", *options)
        if not self._docker("ps", "--quiet", "--filter", f"name={_RECEIVER}"):
            self._docker("run", "--detach", "--rm", "--name", _RECEIVER, "--network", f"{PROJECT}_default",
                         "smart-factory/lakehouse", "python", "-c", _RECEIVE)  # fmt: skip

    def up_on_cluster(self, workers: int) -> None:
        """Start the stack anew with a Spark cluster, and wait until all services are healthy."""
        self.compose("--profile", "cluster", "up", "--detach", "--wait", "--wait-timeout", "900", "--force-recreate",
                     "--scale", f"spark-worker={workers}")  # fmt: skip

    def executors(self) -> int:
        """Return the number of executors in the containers of the workers."""
        count = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c '[C]oarseGrainedExecutorBackend' || true"
        names = self.compose("--profile", "cluster", "ps", "--quiet", "spark-worker").split()
        return sum(int(self._docker("exec", name, "sh", "-c", count)) for name in names)

    def page(self) -> dict[str, Any]:
        """Return what the page reports about the pipeline's tables and updates."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['PAGE_PORT']}/api/graph") as answer:
            facts: dict[str, Any] = json.load(answer)
        return facts

    def kill_worker(self) -> None:
        """Kill the container of one worker."""
        self._docker("kill", self.compose("--profile", "cluster", "ps", "--quiet", "spark-worker").split()[0])

    def down(self, *options: str) -> None:
        """Stop the stack."""
        subprocess.run(["docker", "rm", "--force", _RECEIVER], capture_output=True, check=False)
        self.compose("--profile", "demo", "--profile", "cluster", "down", *options)

    def end(self) -> None:
        """Stop the stack and delete its volumes."""
        self.down("--volumes")

    def play(self, act: str) -> str:
        """Play an act as `make` does."""
        return self.compose("run", "--rm", "--no-TTY", "demo", act)

    @contextmanager
    def playing(self, act: str) -> Iterator[None]:
        """Play an act while the block runs, which begins after the act has begun, and wait for the act to end.

        Raises:
            AssertionError: The act failed.
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
        """Run a command in a service's container and return its output."""
        return self.compose("exec", "--no-TTY", service, *command)

    def broken_promises(self) -> set[str]:
        """Return the promises of the lakehouse that are broken now."""
        holds: dict[str, bool] = json.loads(self.ask("pipeline", "python", "-c", _INVARIANTS).splitlines()[-1])
        return {promise for promise in holds if not holds[promise]}

    def rows(self) -> int:
        """Return the number of rows in bronze."""
        count = "import deltalake as d; print(d.DeltaTable('/lakehouse/smart_factory/bronze_sensor_readings').count())"
        return int(self.ask("pipeline", "python", "-c", count))

    def container(self, service: str) -> dict[str, Any]:
        """Return what Docker reports about a service's container."""
        name = self.compose("ps", "--all", "--quiet", service).strip()
        facts: dict[str, Any] = json.loads(self._docker("inspect", name))[0]
        return facts

    def received(self) -> list[str]:
        """Return the subjects of the alerts that the receiver got, oldest first."""
        lines = self._docker("logs", _RECEIVER).splitlines()
        return [json.loads(line)["title"] for line in lines if line.startswith("{")]

    def kill(self, service: str) -> None:
        """Kill a service's container."""
        self._docker("kill", self.container(service)["Id"])

    def crash(self, service: str) -> None:
        """Kill all processes of a service except the container's first, as the kernel does when memory runs out."""
        command = ["docker", "compose", "exec", "--no-TTY", service, "sh", "-c", "kill -KILL -1"]
        subprocess.run(command, cwd=CHECKOUT, env=self._environment, capture_output=True, check=False, timeout=60)

    def started_at(self, service: str) -> str:
        """Return when a service's container was last started; later times compare greater."""
        return str(self.container(service)["State"]["StartedAt"])

    def is_well(self, service: str) -> bool:
        """Return whether a service is running and healthy."""
        state = self.container(service)["State"]
        return bool(state["Running"]) and state["Health"]["Status"] == "healthy"

    def dashboards(self) -> Client:
        """Return a client of Superset, signed in as the administrator."""
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
    """Wait until a condition holds; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, f"after {seconds} s still not true: {what}"
        time.sleep(1)
