"""The packages of the images are published for both processor architectures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.compose
_CHECKOUT = Path(__file__).resolve().parents[2]
# Pure Python, published as source: they build anywhere without a compiler.
_SOURCES = ("pyspark", "pure-sasl", "pyhive", "odfpy", "wtforms-json")


@pytest.mark.parametrize("platform", ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"])
@pytest.mark.parametrize("image", ["spark", "superset"])
def test_packages_of_an_image_are_published_for_the_platform(image: str, platform: str, tmp_path: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    sources = [option for name in _SOURCES for option in ("--no-binary", name)]
    done = subprocess.run(
        [uv, "pip", "install", "--dry-run", "--python", sys.executable, "--target", tmp_path,
         "--python-platform", platform, "--only-binary", ":all:", *sources,
         "--require-hashes", "-r", _CHECKOUT / "requirements" / f"{image}.txt"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
