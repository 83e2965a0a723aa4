"""The key that a page asks for: how a request carries it, and the cookie in which a browser keeps it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from starlette.datastructures import Headers

KEY_HEADER = "X-Pipeline-Key"
KEY_PARAMETER = "key"
KEY_VARIABLE = "SMART_FACTORY_PAGE_KEY"


@dataclass(frozen=True)
class Key:
    """A page's key; its owners may do everything that the page offers.

    Comparisons take the same time whatever is compared.

    Attributes:
        value: The key.
    """

    value: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @classmethod
    def given(cls, value: str) -> Key:
        """Return the key that a user has chosen.

        Raises:
            AuthorError: A header cannot carry it.
        """
        if not (value.isascii() and value.isprintable()) or value != value.strip():
            problem = f"The key in {KEY_VARIABLE} has characters that a header cannot carry."
            raise AuthorError(problem, "Choose one of letters, digits and punctuation; 32 random characters are safe.")
        return cls(value)

    def is_in(self, headers: Headers, port: str) -> bool:
        """Return whether a request carries the key, in its header or in a cookie."""
        if self.is_equal(headers.get(KEY_HEADER, "")):
            return True
        name, cookie = cookie_name(port), self._cookie_value()
        return any(_is_equal(value, cookie) for value in _cookies(headers, name))

    def is_equal(self, given: str) -> bool:
        """Return whether a text is the key."""
        return _is_equal(given, self.value)

    def cookie(self, port: str) -> str:
        """Return the header with which a browser keeps the key: out of reach for scripts and for other sites.

        Cookies are shared between the ports of a host, so that each page needs a name of its own. The value is not
        the key.
        """
        return f"{cookie_name(port)}={self._cookie_value()}; HttpOnly; SameSite=Strict; Path=/"

    def _cookie_value(self) -> str:
        return hmac.new(self.value.encode(), b"cookie", hashlib.sha256).hexdigest()


def cookie_name(port: str) -> str:
    """Return the name of the cookie of the page on a port."""
    return f"pipeline_key_{port}"


def _is_equal(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode(errors="surrogateescape"), expected.encode())


def _cookies(headers: Headers, name: str) -> list[str]:
    pairs = [pair.strip().partition("=") for line in headers.getlist("cookie") for pair in line.split(";")]
    return [value for key, _, value in pairs if key == name]
