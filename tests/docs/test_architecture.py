"""The picture of the layers and the list of rooms, compared with the contract that `make lint` checks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]

_NODE = re.compile(r'(\w+)(?:\["([^"]+)"\])?')
_ARROW = re.compile(rf"^ *{_NODE.pattern} --> {_NODE.pattern}$", re.MULTILINE)


def layers_of(contract: str) -> list[str]:
    (layers,) = (item["layers"] for item in CONTRACTS if item["name"].startswith(contract))
    return [str(layer) for layer in layers]


def drawn_layers() -> list[str]:
    """Return the text of each box of the picture, following its arrows from the top down."""
    picture = PAGE.split("```mermaid\n", 1)[1].split("```", 1)[0]
    texts: dict[str, str] = {}
    next_box = {}
    for upper, upper_text, lower, lower_text in _ARROW.findall(picture):
        texts |= {box: text for box, text in ((upper, upper_text), (lower, lower_text)) if text}
        assert upper not in next_box, f"two arrows leave {upper}"
        next_box[upper] = lower
    assert picture.count("-->") == len(next_box)
    (box,) = next_box.keys() - next_box.values()
    drawn = [texts[box]]
    while box in next_box:
        box = next_box[box]
        drawn.append(texts[box])
    return drawn


def test_picture_of_the_layers_shows_the_layers_of_the_contract() -> None:
    *programs, engine = layers_of("The programs around the engine point down")
    assert engine == "pipeline"
    assert drawn_layers() == [*programs, *layers_of("Imports point down")]


def test_list_of_rooms_names_every_room_from_the_top_layer_down() -> None:
    listed = re.findall(
        r"^\| `(\w+)` \| (.+) \| (.+) \|$", PAGE.split("## The layers\n")[1].split("\n## ")[0], re.MULTILINE
    )
    rooms = [room for layer in layers_of("Imports point down") for room in layer.split(" | ")]
    assert [room for room, _, _ in listed] == rooms


def test_lists_of_forbidden_sources_name_every_room_of_the_engine() -> None:
    sources = {item["name"]: set(item["source_modules"]) for item in CONTRACTS if item["type"] == "forbidden"}
    rooms = {f"pipeline.{room}" for layer in layers_of("Imports point down") for room in layer.split(" | ")}
    assert sources == {
        "The engine knows neither the demo's tables nor the programs around it": rooms,
        "Only the room `delta` imports Delta's libraries": rooms - {"pipeline.delta"}
        | {"alerts", "generators", "demo"},
    }


def test_modules_that_the_page_names_exist() -> None:
    named = set(re.findall(r"`([\w/]+(?:\.py|/))`", PAGE))
    files = {path for path in named if not (CHECKOUT / path).exists() and not (CHECKOUT / "pipeline" / path).exists()}
    folders_of_the_home = {path for path in files if path.startswith(("landing/", "state/"))}
    assert files - folders_of_the_home == set()
