"""`python -m pipeline page` as a process: it says where it is, answers, and ends at a word."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = (sys.executable, "-m", "pipeline", "page")


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_page_prints_its_address_and_stops_at_a_signal_while_a_stream_is_open(
    tmp_path: Path, word: signal.Signals
) -> None:
    words = [*COMMAND, "--home", str(tmp_path / "a home"), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as page:
        assert page.stdout is not None
        said = page.stdout.readline()
        address = re.search(r"at (http://127\.0\.0\.1:\d+/) \(Ctrl-C stops it\)", said)
        assert address is not None, said
        with urlopen(f"{address[1]}api/graph", timeout=30) as answer:
            assert json.load(answer)["update"] is None
        with urlopen(f"{address[1]}api/stream", timeout=30) as stream:
            assert stream.readline() == b"event: change\n"
            page.send_signal(word)
            rest, complaints = page.communicate(timeout=30)
        assert (rest.splitlines()[-1], complaints, page.returncode) == ("The page has stopped.", "", 0)


@pytest.mark.parametrize(
    ("words", "variable", "asks"),
    [
        ((), "", False),
        (("--key",), "", True),
        ((), "one-of-my-own", True),
        (("--no-key",), "one-of-my-own", False),
    ],
    ids=["loopback", "key", "variable", "no_key_beside_variable"],
)
def test_page_asks_for_a_key_by_option_or_variable(
    tmp_path: Path, words: tuple[str, ...], variable: str, *, asks: bool
) -> None:
    environment = os.environ | {"SMART_FACTORY_PAGE_KEY": variable}
    command = [*COMMAND, "--home", str(tmp_path / "home"), "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as page:
        assert page.stdout is not None
        said = page.stdout.readline()
        address = re.search(r"at http://[a-z0-9.]+:(\d+)/(?:\?key=(\S+))? \(Ctrl-C", said)
        assert address is not None, said
        url = f"http://127.0.0.1:{address[1]}/api/graph"
        status = _status(url)
        with_key = _status(url, variable or address[2] or "")
        page.send_signal(signal.SIGTERM)
        rest, _ = page.communicate(timeout=30)
    assert (status, with_key) == (401 if asks else 200, 200)
    # A key of the user's own is a secret, which a log must not show.
    assert (address[2] is not None) == (asks and not variable)
    assert not variable or variable not in said + rest


def _status(url: str, key: str = "") -> int:
    try:
        with urlopen(Request(url, headers={"X-Pipeline-Key": key}), timeout=30) as answer:
            return int(answer.status)
    except HTTPError as refusal:
        refusal.close()
        return refusal.code


def test_port_in_use_is_named_with_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = [*COMMAND, "--home", str(tmp_path), "--port", port]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"The page cannot listen on 127.0.0.1:{port}: Address already in use.")
    assert "--port" in ended.stderr
