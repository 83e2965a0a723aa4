"""Names of datasets, as Unity Catalog writes them and as the engine knows them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pipeline.foundation.errors import AuthorError

_PART = re.compile(r"`((?:[^`]|``)*)`|([^.`]+)")
_MOST_PARTS = 3
# Names become folders; a leading dot would hide one.
_NOT_IN_NAMES = re.compile(r"[/\\\x00-\x1f\x7f]|^\.|^\s*$")


def parts_of(written: str) -> tuple[str, ...]:
    """Return the parts of a name in lower case, without `LIVE.`, as Unity Catalog compares them.

    Raises:
        AuthorError: It is not a name.
    """
    parts: list[str] = []
    rest = written.strip()
    while match := _PART.match(rest):
        quoted, plain = match.groups()
        parts.append((quoted.replace("``", "`") if quoted is not None else plain).lower())
        rest = rest[match.end() :]
        if not rest.startswith("."):
            break
        rest = rest[1:]
    if len(parts) > 1 and parts[0] == "live":
        parts = parts[1:]
    if rest or not 1 <= len(parts) <= _MOST_PARTS or any(map(_NOT_IN_NAMES.search, parts)):
        problem = f"`{written}` is not the name of a table."
        raise AuthorError(problem, "Write `table`, `schema.table` or `catalog.schema.table`.")
    return tuple(parts)


@dataclass
class Names:
    """The names of one pipeline's datasets.

    Attributes:
        catalog: What comes before names of two parts.
        schema: What comes before names of one part; the home's schema of the pipeline.
    """

    catalog: str
    schema: str
    _full: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def declare(self, written: str) -> str:
        """Return the engine's name for a dataset that is declared under a name.

        Raises:
            AuthorError: Another catalog has a dataset with that schema and name.
        """
        full = self._completed(written)
        name = self._short(full)
        known = self._full.setdefault(name, full)
        if known != full:
            problem = f"`{'.'.join(known)}` and `{'.'.join(full)}` differ by their catalog alone."
            raise AuthorError(problem, "Give one of them another schema or name: catalogs are only names here.")
        return name

    def find(self, written: str) -> str | None:
        """Return the engine's name of the declared dataset that a name means, or None."""
        full = self._completed(written)
        name = self._short(full)
        return name if self._full.get(name) == full else None

    def full(self, written: str) -> str:
        """Return a name with its catalog and schema."""
        return ".".join(self._completed(written))

    def declared(self) -> list[str]:
        """Return the full names of all declared datasets."""
        return [".".join(full) for full in self._full.values()]

    def _completed(self, written: str) -> tuple[str, str, str]:
        parts = parts_of(written)
        catalog, schema, table = (*(self.catalog.lower(), self.schema)[: _MOST_PARTS - len(parts)], *parts)
        return catalog, schema, table

    def _short(self, full: tuple[str, str, str]) -> str:
        return full[2] if full[1] == self.schema else f"{full[1]}.{full[2]}"
