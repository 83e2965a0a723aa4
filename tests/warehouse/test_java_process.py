"""The end of Spark's process is noticed, whatever it looks like."""

from __future__ import annotations

from subprocess import TimeoutExpired
from types import SimpleNamespace
from typing import Any

import pytest
from py4j.protocol import Py4JNetworkError

from pipeline.warehouse.java_process import JAVA_FLAGS, Java, Strain, WarehouseEndedError


class Process:
    """A process that has ended with a code, ends with one while it is waited for, or runs until it is killed."""

    def __init__(self, returncode: int | None = None, *, ends_with: int | None = None) -> None:
        self.returncode = returncode
        self._ends_with = ends_with

    def poll(self) -> int | None:
        return self.returncode

    def kill(self) -> None:
        self.returncode = -9

    def wait(self, timeout: float | None = None) -> None:
        if self.returncode is None:
            self.returncode = self._ends_with
        if self.returncode is None:
            assert timeout is not None, "this process does not end by itself"
            raise TimeoutExpired("java", timeout)


def java(process: Process, *, stopped: bool | None = False, times: tuple[int, int] = (0, 0)) -> Java:
    collector = SimpleNamespace(getCollectionTime=lambda: times[1])
    collectors = SimpleNamespace(size=lambda: 1, get=lambda _: collector)
    factory = SimpleNamespace(
        getGarbageCollectorMXBeans=lambda: collectors,
        getRuntimeMXBean=lambda: SimpleNamespace(getUptime=lambda: times[0]),
    )

    def is_stopped() -> bool:
        if stopped is None:
            raise Py4JNetworkError
        return stopped

    management = SimpleNamespace(ManagementFactory=factory)
    jvm = SimpleNamespace(java=SimpleNamespace(lang=SimpleNamespace(management=management)))
    context: Any = SimpleNamespace(
        _gateway=SimpleNamespace(proc=process), _jvm=jvm,
        _jsc=SimpleNamespace(sc=lambda: SimpleNamespace(isStopped=is_stopped)),
    )  # fmt: skip
    return Java(context, "1g")


def test_process_that_serves_is_left_alone() -> None:
    process = Process()
    java(process).check()
    assert process.returncode is None


@pytest.mark.parametrize(
    ("code", "reason"), [(3, "a query needed more memory than Spark has (1g)"), (137, "the exit code 137")]
)
def test_process_that_has_ended_is_reported_with_its_reason(code: int, reason: str) -> None:
    with pytest.raises(WarehouseEndedError) as raised:
        java(Process(code)).check()
    assert reason in raised.value.problem
    assert raised.value.exit_code == 1


def test_process_whose_context_has_stopped_is_ended() -> None:
    process = Process()
    with pytest.raises(WarehouseEndedError, match="its Spark context stopped"):
        java(process, stopped=True).check()
    assert process.returncode == -9


def test_process_that_ends_a_moment_after_its_context_is_reported_with_its_own_reason() -> None:
    with pytest.raises(WarehouseEndedError, match="a query needed more memory than Spark has"):
        java(Process(ends_with=3), stopped=True).check()


def test_process_that_cannot_be_asked_is_ended() -> None:
    process = Process()
    with pytest.raises(WarehouseEndedError):
        java(process, stopped=None).check()
    assert process.returncode == -9


@pytest.mark.parametrize(
    ("times", "is_too_much"),
    [
        ([(0, 0), (5_000, 4_900), (14_000, 13_900)], False),
        ([(0, 0), (5_000, 4_900), (16_000, 15_000)], True),
        ([(0, 0), (60_000, 1_000), (61_000, 2_000), (76_000, 16_500)], True),
        ([(0, 0), (10_000, 5_000), (20_000, 10_000), (30_000, 15_000)], False),
        ([(0, 0), (16_000, 1_000), (20_000, 5_000), (25_000, 10_000)], False),
    ],
    ids=["short", "long", "after_calm", "half", "not_yet"],
)
def test_strain_is_too_much_when_hardly_anything_but_collecting_goes_on(
    times: list[tuple[int, int]], *, is_too_much: bool
) -> None:
    strain = Strain()
    assert [strain.is_too_much(*one) for one in times][-1] is is_too_much


def test_java_ends_at_the_first_lack_of_memory() -> None:
    assert "-XX:+ExitOnOutOfMemoryError" in JAVA_FLAGS
