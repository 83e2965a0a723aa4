from __future__ import annotations

from pipeline.drawing.mermaid import mermaid
from tests.drawing.updates import Story


def test_chart_has_every_box_with_state_and_counts_and_every_arrow_with_its_rows() -> None:
    story = Story()
    story.batch("paid_orders", 1200, dropped=30, warned=4)
    story.end("paid_orders")
    story.batch("refused_orders", 30)
    story.end("revenue", "SKIPPED")
    counts = "1,170 written, 30 dropped, 4 warned"
    lines = mermaid(story.summary).splitlines()
    assert lines[:11] == [
        "flowchart LR",
        '    n0[/"landing/orders"/]',
        '    n1["<b>orders</b><br/>· QUEUED<br/>0 written"]',
        f'    n2["<b>paid_orders</b><br/>✔ COMPLETED<br/>{counts}<br/>known_customer: 30 failed<br/>small: 4 failed"]',
        '    n3["<b>refused_orders</b><br/>▸ RUNNING<br/>30 written"]',
        '    n4["<b>revenue</b><br/>⊘ SKIPPED<br/>0 written"]',
        "    n0 -->|0| n1",
        "    n1 -->|1,200| n2",
        "    n2 -.->|30 rejected| n3",
        "    n1 --> n4",
        "    n2 --> n4",
    ]
    assert len(lines) == 15
