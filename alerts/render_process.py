"""A process that renders templates for another one: whatever a template does, it costs this process alone.

It needs nothing but Jinja2, reads one request after the other from its standard input, and answers on its
standard output.
"""

from __future__ import annotations

import pickle
import resource
import struct
import sys
from typing import IO, Any

from jinja2 import StrictUndefined, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_MEMORY_BYTES = 512 * 1024**2
MOST_SECONDS = 10
MOST_CHARACTERS = 100_000
_CUT = "\n… (cut)"
_LENGTH = struct.Struct(">I")
SANDBOX = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, trim_blocks=False)


def send(stream: IO[bytes], value: object) -> None:
    """Write one value to a stream."""
    content = pickle.dumps(value)
    stream.write(_LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Return the next value of a stream.

    Raises:
        EOFError: The stream has ended.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    return pickle.loads(stream.read(_LENGTH.unpack(head)[0]))  # noqa: S301 - the two ends are one program


def rendered(template: str, variables: dict[str, Any]) -> tuple[str, str]:
    """Return `text` with the rendered text, `undefined` with a message about a name, or `failed` with a reason."""
    try:
        pieces, length = [], 0
        for piece in SANDBOX.from_string(template).generate(variables):
            pieces.append(piece)
            length += len(piece)
            if length > MOST_CHARACTERS:
                return "text", "".join(pieces)[:MOST_CHARACTERS] + _CUT
        return "text", "".join(pieces)
    except UndefinedError as error:
        return "undefined", str(error)[:500]
    except MemoryError:
        return "failed", "it needs too much memory"
    except Exception as error:  # noqa: BLE001 - a template may fail in any way
        return "failed", f"{type(error).__name__}: {error}"[:500]


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            template, variables = receive(sys.stdin.buffer)
        except EOFError:
            return
        # It ends even if the process that waits for it has died.
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime) + MOST_SECONDS + 1
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
        send(sys.stdout.buffer, rendered(template, variables))


if __name__ == "__main__":
    _main()
