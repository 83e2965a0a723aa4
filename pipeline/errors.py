"""What can go wrong, split by whose fault it is: the author's, the data's, the environment's."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class LakehouseError(Exception):
    """Base of every error this project raises on purpose.

    Attributes:
        problem: What happened, where, what was got and what was expected.
        remedy: The command or edit that helps.
        retryable: Whether the same work may succeed when tried again unchanged.
        exit_code: What a command ends with when this error ends it.
    """

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem} {remedy}")


class AuthorError(LakehouseError):
    """A declaration, a suite, a setting or a command line is wrong; an edit puts it right."""

    exit_code = 2


class DataError(LakehouseError):
    """The data breaks a promise that the pipeline was told to keep."""


class EnvironmentFaultError(LakehouseError):
    """The machine, a disk or another process stands in the way; waiting or repairing it helps."""

    retryable = True


class DamagedStateError(EnvironmentFaultError):
    """Something on disk is gone, damaged or too small; only a hand can put it right."""

    retryable = False


class UnknownNameError(AuthorError):
    """A name that nothing carries; the message offers the nearest one that exists."""

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


def told_causes(error: BaseException | None) -> list[dict[str, str]]:
    """Return `class_name` and `message` of an error and of each that caused it, the error itself first.

    An error that was read back from a record has the name of the class that was raised then.
    """
    chain: list[dict[str, str]] = []
    while error is not None:
        name = getattr(error, "class_name", type(error).__name__)
        chain.append({"class_name": name, "message": str(error)})
        error = error.__cause__
    return chain
