"""How each table is kept equal to its query; a declaration that cannot be is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.foundation.errors import AuthorError
from pipeline.foundation.identity import RECORD_ROW
from pipeline.plans.numbering import numbering_of
from pipeline.plans.operators import Refused
from pipeline.plans.streams import StreamKeeping, UnsupportedQueryError, keeping_of_stream
from pipeline.plans.views import ViewKeeping, keeping_of_view
from pipeline.plans.windows import UTC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.declare.dataset import TimeWindow
    from pipeline.declare.graph import Graph, Node, NumberedBy
    from pipeline.plans.windows import Window

_WHOLE = "A @materialized_view may read it with read()"


def kept_by_itself(node: Node) -> StreamKeeping:
    """Return how a streaming table is kept, as far as its own query says.

    Raises:
        UnsupportedQueryError: No way of keeping it gives what its query says.
    """
    assert node.frame is not None
    if node.dataset.once_for is not None:
        return StreamKeeping("by batch", "Its query runs once in the table's life, and again after a full refresh.")
    one = _reads_one_stream(node)
    kept = keeping_of_stream(node.frame, node.name, str(node.dataset.location), reads_one_stream=one)
    return kept if node.dataset.changes is None else _kept_by_key(node, kept)


def _kept_by_key(node: Node, kept: StreamKeeping) -> StreamKeeping:
    """Return how a table is kept whose query returns changes.

    Raises:
        UnsupportedQueryError: The changes do not come as rows that are only ever added, each by itself.
    """
    changes = node.dataset.changes
    assert changes is not None
    if kept.way == "with Spark's state":
        refused = Refused(
            f"{kept.operators} among its changes",
            "keeps a state beside the one that the table is",
            "Declare a table with that query, and name it as the source of the changes.",
        )
        raise UnsupportedQueryError(str(node.dataset.location), node.name, refused)
    what = "all its versions" if changes.has_history else "its newest row"
    if node.dataset.snapshots is not None:
        reason = "Each snapshot is compared with what the table holds, and replaces the rows of the keys that differ."
        return StreamKeeping("by key", reason, output_mode="update", keys=changes.keys)
    reason = f"The changes of each key decide {what}; a batch replaces the rows of the keys that it changes."
    return StreamKeeping("by key", reason, output_mode="update", keys=changes.keys)


def numbered_by(node: Node) -> NumberedBy | None:
    """Return what the rows of a record are numbered by in a streaming table, or None where they are not."""
    assert node.frame is not None
    found = numbering_of(node.frame) if _reads_one_stream(node) else None
    return None if found is None else found.by


def _reads_one_stream(node: Node) -> bool:
    streamed = set(node.streamed)
    return len(streamed) <= 1 and not streamed & set(node.snapshots)


def takes_files(node: Node) -> bool:
    """Return whether a streaming table's query can be given a batch of the files that it reads, and nothing else."""
    is_table = node.dataset.kind != "temporary_view" and not node.files_are_stored and not node.streams
    return is_table and kept_by_itself(node).way == "by batch"


def carries_rows(node: Node) -> bool:
    """Return whether each row of a streaming table comes from one row of one source."""
    return not node.dataset.rules and kept_by_itself(node).way == "by batch"


def refused_source(graph: Graph, node: Node, kept: Mapping[str, StreamKeeping]) -> Refused | None:
    """Return what a streaming table cannot read as it does, or None if it can be kept.

    Args:
        graph: The declarations.
        node: The table.
        kept: How it and the tables before it are kept.
    """
    keeping = kept[node.name]
    has_state = keeping.way == "with Spark's state"
    if has_state and node.files is not None:
        return Refused(
            f"{keeping.operators} over files",
            "keeps a state that files read again would contradict",
            "Declare a table that returns read_files(), and read that with read_stream() here.",
        )
    for name in node.streamed:
        source = graph.nodes[name]
        filled_by = source.quarantine_of or name
        if filled_by not in kept or kept[filled_by].output_mode != "append":
            return Refused(f"the stream of `{name}`", "replaces its rows and not only adds some", f"{_WHOLE}.")
        if (has_state or node.dataset.changes is not None) and source.quarantine_of is not None:
            return Refused(
                f"{keeping.operators or 'changes'} over the quarantine `{name}`",
                "cannot take back what it has counted when rows are replayed",
                f"{_WHOLE}.",
            )
    replaced = [name for name in sorted(graph.streamed_by(node.name)) if _is_overwritten(graph.nodes[name])]
    if has_state and replaced:
        return Refused(
            f"{keeping.operators} over rows of `{replaced[0]}`, whose files allow overwrites",
            "cannot take back what it has counted when a file is replaced",
            f"Take `allow_overwrites` away from `{replaced[0]}`. {_WHOLE}.",
        )
    return None


def _is_overwritten(node: Node) -> bool:
    return node.files is not None and node.files.allow_overwrites


def keeping_of_streams(graph: Graph) -> dict[str, StreamKeeping]:
    """Return how each streaming table is kept, except for quarantines, which the flow of their table fills.

    Raises:
        AuthorError: A streaming table has an operator that nothing can keep over a stream, has an input that is
            not a stream, or rows in front of a quarantine have no identity of their own.
    """
    kept: dict[str, StreamKeeping] = {}
    for node in graph.tables:
        if node.dataset.kind == "streaming_table" and node.quarantine_of is None:
            kept[node.name] = kept_by_itself(node)
            refused = refused_source(graph, node, kept)
            if refused is not None:
                raise UnsupportedQueryError(str(node.dataset.location), node.name, refused)
            if node.dataset.quarantine and not node.dataset.rules:
                _check_identity(graph, node, kept)
    return kept


def keeping_of_views(graph: Graph, streams: Mapping[str, StreamKeeping]) -> dict[str, ViewKeeping]:
    """Return how each materialized view is kept.

    Args:
        graph: The declarations.
        streams: How each streaming table is kept.

    Raises:
        AuthorError: `time_window` or `keys` are not what a query groups by.
    """
    views = (node for node in graph.tables if node.dataset.kind == "materialized_view")
    return {node.name: _keeping_of_view(graph, node, streams) for node in views}


def _keeping_of_view(graph: Graph, node: Node, streams: Mapping[str, StreamKeeping]) -> ViewKeeping:
    """Return how a materialized view is kept.

    Raises:
        AuthorError: `time_window` or `keys` are not what its query groups by.
    """
    assert node.frame is not None
    sources = graph.stored_inputs(node.name)
    is_plain = len(sources) == 1 and not node.dataset.rules and not node.outside
    only_grows = is_plain and _only_grows(graph.nodes[sources[0]], streams)
    kept = keeping_of_view(node.frame, is_over_one_append_only_source=only_grows)
    hint = node.dataset.time_window
    if hint is not None and kept.window is not None and not _agrees(hint, kept.window):
        problem = f"{node.dataset.location}: `time_window` of `{node.name}` is not the window that its query groups by."
        raise AuthorError(problem, f"Write time_window={_written(kept.window)}, or leave `time_window` out.")
    groups = [key for key in kept.keys if kept.window is None or key != kept.window.name]
    unknown = set(node.dataset.keys) - set(kept.keys) - set(kept.aliases)
    if node.dataset.keys and kept.keys and (unknown or not set(groups) <= set(node.dataset.keys)):
        problem = f"{node.dataset.location}: `keys` of `{node.name}` are not the columns that its query groups by."
        raise AuthorError(problem, f"Write keys={json.dumps(groups)}, or leave `keys` out.")
    return kept


def _only_grows(source: Node, streams: Mapping[str, StreamKeeping]) -> bool:
    """Return whether a table's flow only ever adds rows to it."""
    if source.dataset.kind != "streaming_table":
        return False
    filled_by = source.quarantine_of or source.name
    return filled_by in streams and streams[filled_by].output_mode == "append"


def _check_identity(graph: Graph, node: Node, streams: Mapping[str, StreamKeeping]) -> None:
    """Check that each row of a table with a quarantine has an identity of its own.

    Raises:
        UnsupportedQueryError: Several rows come of one record, here or upstream, and they cannot be numbered.
    """
    if streams[node.name].way != "by batch":
        return
    maker: Node | None = node
    # Rows of a quarantine have passed this check with its own table.
    while maker is not None and maker.quarantine_of is None and streams[maker.name].way == "by batch":
        if streams[maker.name].has_several_rows and maker.numbered_by is None:
            assert maker.frame is not None
            found = numbering_of(maker.frame)
            assert found is not None
            assert found.refused is not None
            raise UnsupportedQueryError(str(maker.dataset.location), maker.name, found.refused)
        maker = graph.nodes[graph.stored_inputs(maker.name)[0]] if maker.streams else None
    source = graph.nodes[graph.stored_inputs(node.name)[0]]
    if RECORD_ROW in source.stored_columns and RECORD_ROW not in node.stored_columns:
        refused = Refused(
            f"a query without `{RECORD_ROW}` in front of a quarantine",
            "does not say which of a record's rows it judges",
            f"Keep `{RECORD_ROW}` in the query, or leave out the quarantine.",
        )
        raise UnsupportedQueryError(str(node.dataset.location), node.name, refused)


def _agrees(hint: TimeWindow, window: Window) -> bool:
    same_phase = (hint.offset - window.offset) % window.width == hint.offset * 0
    return (hint.column, hint.width, hint.zone) == (window.column, window.width, window.zone) and same_phase


def _written(window: Window) -> str:
    """Return a window as an author declares it."""
    offset = f", offset={_duration(window.offset.total_seconds())}" if window.offset else ""
    zone = f', zone="{window.zone}"' if window.zone != UTC else ""
    return f'TimeWindow("{window.column}", {_duration(window.width.total_seconds())}{offset}{zone})'


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds % length == 0:
            return f"timedelta({unit}={seconds // length:g})"
    return f"timedelta(seconds={seconds:g})"
