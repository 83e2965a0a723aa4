from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.errors import DamagedStateError
from pipeline.home.format import FORMAT, NewerHomeError, read_format, write_format
from pipeline.home.places import Home

if TYPE_CHECKING:
    from pathlib import Path


def test_format_is_read_as_it_was_written(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home")
    assert read_format(home.format) is None
    write_format(home.format, FORMAT)
    assert read_format(home.format) == FORMAT
    assert json.loads((tmp_path / "a home" / "state" / "format.json").read_text()) == {"format": 2}
    assert Home.find(home.root) == home


def test_home_of_a_newer_format_is_refused_wherever_it_is_opened(tmp_path: Path) -> None:
    write_format(Home(tmp_path).format, FORMAT + 1)
    with pytest.raises(NewerHomeError) as raised:
        Home.find(tmp_path)
    assert raised.value.exit_code == 2
    assert str(raised.value) == (
        f"The home {tmp_path} has format 3; this version reads formats up to 2. "
        "Use the version that wrote it or a later one, or choose another home with --home or SMART_FACTORY_HOME."
    )


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": "two"}', '{"format": null}'])
def test_format_that_is_damaged_is_refused_with_a_remedy(tmp_path: Path, content: str) -> None:
    home = Home(tmp_path)
    home.format.parent.mkdir()
    home.format.write_text(content)
    with pytest.raises(DamagedStateError, match=r'format\.json: .* Restore the file; .* it is \{"format": 2\}'):
        Home.find(tmp_path)
