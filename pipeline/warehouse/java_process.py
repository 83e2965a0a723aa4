"""The Java process below the warehouse: whether it still serves, and why it has ended."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError

from pipeline.foundation.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from pyspark import SparkContext

# A process that has run out of memory may have lost any of its threads, and would go on without them.
JAVA_FLAGS = ("-XX:+ExitOnOutOfMemoryError",)
_RAN_OUT_OF_MEMORY = 3
# A process that runs out of memory closes its context's threads first and ends a moment later.
_SECONDS_TO_END = 5
_LONGEST_STRAIN_MS = 15_000
_LARGEST_SHARE = 0.8


class WarehouseEndedError(EnvironmentFaultError):
    """Spark has ended below the warehouse."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The SQL warehouse has ended: {reason}.",
            "Start it again; `spark.driver_memory` or SMART_FACTORY_DRIVER_MEMORY gives it more memory.",
        )


class Java:
    """Spark's Java process.

    Args:
        context: The context that runs in it.
        memory: The size of its heap, as the settings write it.
    """

    def __init__(self, context: SparkContext, memory: str) -> None:
        self._context: Any = context
        # PySpark has no public way to its process.
        self._process: Any = self._context._gateway.proc  # type: ignore[union-attr]  # noqa: SLF001
        self._memory = memory
        self._strain = Strain()

    def check(self) -> None:
        """Return if Spark still serves; else end what is left of it, because nothing restarts what seems to run.

        Raises:
            WarehouseEndedError: It has run out of memory, spends its time looking for memory, or has stopped.
        """
        reason = "its Spark context stopped"
        with suppress(Py4JError, OSError):
            if self._process.poll() is None and not self._context._jsc.sc().isStopped():  # noqa: SLF001
                if not self._strain.is_too_much(*self._times()):
                    return
                reason = f"a query needed almost all memory that Spark has ({self._memory}), and nothing else went on"
        with suppress(TimeoutExpired):
            self._process.wait(timeout=_SECONDS_TO_END)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        elif self._process.returncode == _RAN_OUT_OF_MEMORY:
            reason = f"a query needed more memory than Spark has ({self._memory})"
        else:
            reason = f"Spark's process ended with the exit code {self._process.returncode}"
        raise WarehouseEndedError(reason)

    def _times(self) -> tuple[int, int]:
        """Return for how many milliseconds the process has run, and has collected garbage."""
        management = self._context._jvm.java.lang.management.ManagementFactory  # noqa: SLF001
        collectors = management.getGarbageCollectorMXBeans()
        spent = sum(collectors.get(index).getCollectionTime() for index in range(collectors.size()))
        return management.getRuntimeMXBean().getUptime(), spent


class Strain:
    """How much of its time a process has spent on collecting garbage lately."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque()

    def is_too_much(self, run_ms: int, collected_ms: int) -> bool:
        """Return whether it has done little else for a while.

        Args:
            run_ms: For how long the process has run.
            collected_ms: For how much of that time it has collected garbage.
        """
        self._seen.append((run_ms, collected_ms))
        while len(self._seen) > 1 and run_ms - self._seen[1][0] >= _LONGEST_STRAIN_MS:
            self._seen.popleft()
        began_ms, before_ms = self._seen[0]
        span_ms = run_ms - began_ms
        return span_ms >= _LONGEST_STRAIN_MS and collected_ms - before_ms > _LARGEST_SHARE * span_ms
