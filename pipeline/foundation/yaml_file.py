"""Small YAML files that people write: settings and alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 256 * 1024
# What all aliases stand for counts: a few lines of them can mean billions of values.
MOST_VALUES = 20_000


def read_yaml(file: Path) -> Any:
    """Return the content of a YAML file, which is read in a bounded time.

    Raises:
        OSError: It cannot be read.
        YAMLError: It is not YAML in UTF-8, too large, too deep, or has too many values.
    """
    with file.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        problem = f"it has more than {MOST_BYTES // 1024} KB"
        raise yaml.YAMLError(problem)
    loader: Any = None
    try:
        loader = yaml.SafeLoader(content.decode("utf-8"))
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {}, set())
        return loader.construct_document(node)
    except RecursionError:
        problem = "it is nested too deeply"
        raise yaml.YAMLError(problem) from None
    except (ValueError, TypeError) as error:
        raise yaml.YAMLError(str(error)) from None
    finally:
        if loader is not None:
            loader.dispose()


def _count(node: yaml.Node, known: dict[int, int], above: set[int]) -> int:
    """Return the number of values in a node, counting those behind each alias again."""
    key = id(node)
    if key in above:
        problem = "an alias contains itself"
        raise yaml.YAMLError(problem)
    if key not in known:
        parts = node.value if isinstance(node, yaml.CollectionNode) else ()
        children = [one for part in parts for one in (part if isinstance(part, tuple) else (part,))]
        known[key] = 1 + sum(_count(child, known, above | {key}) for child in children)
        if known[key] > MOST_VALUES:
            problem = f"it has more than {MOST_VALUES:,} values, counting what its aliases stand for"
            raise yaml.YAMLError(problem)
    return known[key]
