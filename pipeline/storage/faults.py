"""Classifies the faults of an object store: of the network and the store, or of the credentials."""

from __future__ import annotations

import re
from contextlib import contextmanager
from textwrap import shorten
from typing import TYPE_CHECKING

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    InvalidPathError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from pipeline.foundation.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from collections.abc import Iterator

# A listing that is refused is a fault without a class of its own.
_REFUSED = re.compile(r"\b(?:401|403|AccessDenied|SignatureDoesNotMatch|InvalidAccessKeyId|ExpiredToken)\b")
_NO_BUCKET = "NoSuchBucket"
# A signature is as good as a password while it is valid.
_SECRET = re.compile(r"(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"]+", re.IGNORECASE)
_LONGEST_ACCOUNT = 300


class StoreRefusedError(EnvironmentFaultError):
    """The store refuses what was asked of it; the same request will be refused again."""

    retryable = False


@contextmanager
def store_faults(uri: str) -> Iterator[None]:
    """Turn the exceptions of the store's library into errors of this project.

    A file that exists, has changed or is missing is a response and not a fault: those exceptions pass unchanged.

    Raises:
        StoreRefusedError: The credentials or the bucket are wrong, or the library cannot represent a listed name.
        EnvironmentFaultError: The store cannot be reached, or has a fault; whether a write has happened is unknown.
    """
    try:
        yield
    except (AlreadyExistsError, PreconditionError):
        raise
    except FileNotFoundError as error:
        if _NO_BUCKET in str(error):
            raise store_fault(uri, error) from error
        raise
    except (BaseError, OSError) as error:
        raise store_fault(uri, error) from error


def store_fault(uri: str, error: Exception) -> EnvironmentFaultError:
    """Return the error for a fault of the store, in one line and without secrets."""
    # What follows is the library's own structure of the same fault.
    account = _SECRET.sub(r"\1***", " ".join(str(error).partition("Debug source:")[0].split()))
    shown = shorten(account, _LONGEST_ACCOUNT, placeholder=" ...")
    if _NO_BUCKET in account:
        problem = f"{uri} cannot be read or written: the bucket does not exist."
        return StoreRefusedError(problem, "Create the bucket, or correct the address of the home.")
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or _REFUSED.search(account):
        problem = f"The object store refuses access to {uri}: {shown}."
        return StoreRefusedError(problem, "Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the user's rights.")
    if isinstance(error, InvalidPathError):
        problem = f"A name below {uri} cannot be used: {shown}."
        return StoreRefusedError(problem, "Rename the object: names have no control characters and no empty parts.")
    problem = f"The object store did not answer as it should for {uri}: {shown}."
    return EnvironmentFaultError(problem, "Check that AWS_ENDPOINT_URL names a running store; then run again.")
