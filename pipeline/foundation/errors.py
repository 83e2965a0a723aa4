"""Errors, divided by whose fault they are: the author's, the data's or the environment's."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class LakehouseError(Exception):
    """The base of every error that this project raises on purpose.

    Attributes:
        problem: What happened, where, what was found and what was expected.
        remedy: The command or edit that helps.
        retryable: Whether the same work may succeed on a retry.
        exit_code: The exit code of a command that this error ends.
    """

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem} {remedy}")


class AuthorError(LakehouseError):
    """A declaration, a suite, a setting or a command line is wrong; an edit fixes it."""

    exit_code = 2

    def put_at(self, location: object) -> None:
        """Begin the problem with the place in the author's files that an edit has to change."""
        self.problem = f"{location}: {self.problem}"
        self.args = (f"{self.problem} {self.remedy}",)


class NoDataError(AuthorError):
    """What a query reads is not there yet, so that nobody can say which columns it has."""


class DataError(LakehouseError):
    """The data violates a rule that stops the pipeline."""


class EnvironmentFaultError(LakehouseError):
    """The machine, a disk or another process prevents the work; waiting or a repair helps."""

    retryable = True


class DamagedStateError(EnvironmentFaultError):
    """Something on disk is missing, damaged or too small; only a person can fix it."""

    retryable = False


class UnknownNameError(AuthorError):
    """A name that does not exist; the message suggests the closest one that does."""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str) -> None:
        self.name = name
        self.known = sorted(known)
        nearest = difflib.get_close_matches(name, self.known, n=1, cutoff=0.5)
        hint = f"Did you mean `{nearest[0]}`?" if nearest else f"Known are: {', '.join(self.known) or 'none'}."
        super().__init__(f"{where}: there is no {kind} `{name}`.", hint)


class PipelineBusyError(LakehouseError):
    """Another update holds the pipeline's lock."""

    exit_code = 3

    def __init__(self, holder: str) -> None:
        self.holder = holder
        super().__init__(
            f"Another update holds this lakehouse: {holder}.",
            "Wait until it ends, or stop that process, then run the command again.",
        )


def causes_of(error: BaseException | None) -> list[dict[str, str]]:
    """Return `class_name` and `message` of an error and of each that caused it, the error itself first.

    An error that was read back from the event log has the name of the class that was raised then.
    """
    chain: list[dict[str, str]] = []
    while error is not None:
        name = getattr(error, "class_name", type(error).__name__)
        chain.append({"class_name": name, "message": str(error)})
        error = error.__cause__
    return chain
