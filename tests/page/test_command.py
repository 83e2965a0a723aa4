"""`python -m pipeline page` as a process: it says where it is, answers, and ends at a word."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = (sys.executable, "-m", "pipeline", "page")


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_page_says_where_it_is_and_ends_although_its_stream_is_followed(tmp_path: Path, word: signal.Signals) -> None:
    words = [*COMMAND, "--home", str(tmp_path / "a home"), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as page:
        assert page.stdout is not None
        said = page.stdout.readline()
        address = re.search(r"at (http://127\.0\.0\.1:\d+/) \(Ctrl-C ends it\)", said)
        assert address is not None, said
        with urlopen(f"{address[1]}api/graph", timeout=30) as answer:
            assert json.load(answer)["update"] is None
        with urlopen(f"{address[1]}api/stream", timeout=30) as stream:
            assert stream.readline() == b"event: change\n"
            page.send_signal(word)
            rest, complaints = page.communicate(timeout=30)
        assert (rest.splitlines()[-1], complaints, page.returncode) == ("The page has ended.", "", 0)


def test_port_that_is_taken_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = [*COMMAND, "--home", str(tmp_path), "--port", port]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"The page cannot listen on 127.0.0.1:{port}: Address already in use.")
    assert "--port" in ended.stderr
