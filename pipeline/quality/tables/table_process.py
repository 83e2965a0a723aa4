"""Great Expectations in a process of its own: judges whole tables over the JVM of the update that started it.

It reads one request a line from standard input, writes one answer a line to standard output, both JSON, and ends when
its input ends.
"""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.quality.suite_file import open_context
from pipeline.quality.tables.judging import TableJudging
from pipeline.quality.tables.table_verdict import Request
from pipeline.spark.attached import attached_session


def main() -> None:
    """Answer requests until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What libraries print must not be mistaken for an answer.
    os.dup2(2, 1)
    suites = Path(sys.argv[1])
    # The import takes seconds, during which the update's flows keep running.
    context = open_context(suites)
    for line in sys.stdin:
        request = Request(**json.loads(line))
        answer: dict[str, Any] = {"number": request.number}
        try:
            session = partial(attached_session, request.port, request.secret)
            answer["document"] = {"results": TableJudging(context, suites, session, request).results()}
        except Exception as error:  # noqa: BLE001 - the update reports it
            text = str(error).strip().splitlines()
            answer["problem"] = f"{type(error).__name__}: {text[0] if text else 'no message'}"
        answers.write(json.dumps(answer, default=_plain) + "\n")
        answers.flush()


def _plain(value: Any) -> Any:
    """Return a NumPy number as a Python one, and anything else that JSON does not know as text."""
    return value.item() if hasattr(value, "item") else str(value)


if __name__ == "__main__":
    main()
