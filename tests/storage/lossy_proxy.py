"""Passes requests on to an S3 server, and loses answers on the way back."""

from __future__ import annotations

import threading
from http.client import HTTPConnection

from tests.storage.loopback import Handler, LoopbackServer


class LossyProxy(LoopbackServer):
    """A proxy on loopback; `lose` says of how many of the next writes and deletions the answer is lost."""

    def __init__(self, port: int) -> None:
        self.lost: list[str] = []
        self._to_lose = 0
        self._guard = threading.Lock()
        proxy = self

        class PassingOn(Handler):
            def answer(self) -> None:
                body = self.body()
                server = HTTPConnection("127.0.0.1", port)
                server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    server.putheader(name, value)
                server.endheaders(body)
                answer = server.getresponse()
                content = answer.read()
                server.close()
                if proxy.loses(self.command):
                    self.close_connection = True
                    return
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                        self.send_header(name, value)
                length = answer.headers["Content-Length"] if self.command == "HEAD" else str(len(content))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                self.wfile.write(content)

        super().__init__(PassingOn)

    def lose(self, count: int) -> None:
        with self._guard:
            self._to_lose = count

    def loses(self, method: str) -> bool:
        with self._guard:
            if method in {"GET", "HEAD"} or not self._to_lose:
                return False
            self._to_lose -= 1
            self.lost.append(method)
            return True
