"""Brings what lies outside `docs/` onto the site: README, contributing, changelog, and the files that pages link to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File
from pymdownx.superfences import fence_code_format

from scripts.site_links import PAGES, rewritten, site_place, targets

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

CHECKOUT = Path(__file__).resolve().parent.parent
_LANGUAGES = {".py": "python", ".sql": "sql", ".yml": "yaml", ".java": "java"}


# `make docs` brings it from npm where there is one; without it the diagrams are shown as their text.
MERMAID = CHECKOUT / ".cache" / "mermaid" / "package" / "dist" / "mermaid.min.js"
_MERMAID_ON_SITE = "files/mermaid.min.js"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Draw diagrams, if the library that draws them is on this machine: the site asks no other for it."""
    if MERMAID.exists():
        fence = {"name": "mermaid", "class": "mermaid", "format": fence_code_format}
        config.mdx_configs.setdefault("pymdownx.superfences", {})["custom_fences"] = [fence]
        config.extra_javascript.append(_MERMAID_ON_SITE)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside `docs/`, and each file or folder that one of all pages links to."""
    for path, page in PAGES.items():
        files.append(File.generated(config, page, content=_text(path)))
    if MERMAID.exists():
        files.append(File.generated(config, _MERMAID_ON_SITE, abs_src_path=str(MERMAID)))
    for path in _linked(files):
        files.append(_file(path, config))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Return the page with its links leading to where their targets are on the site."""
    return rewritten(markdown, page.file.src_uri)


def _file(path: str, config: MkDocsConfig) -> File:
    place, page = CHECKOUT / path, site_place(path)
    if place.is_dir():
        return File.generated(config, page, content=_folder_page(path))
    if not page.endswith(".md"):
        return File.generated(config, page, abs_src_path=str(place))
    return File.generated(config, page, content=_code_page(path))


def _linked(files: Files) -> list[str]:
    """Return what pages link to outside the pages and `docs/`; the build itself finds a link to nothing."""
    found = set[str]().union(*(targets(file.content_string, file.src_uri) for file in files.documentation_pages()))
    outside = {target for target in found if not target.startswith("docs/") and target not in PAGES}
    return sorted(target for target in outside if (CHECKOUT / target).exists())


def _code_page(path: str) -> str:
    language = _LANGUAGES.get(Path(path).suffix, "text")
    return f"# {path}\n\n````{language}\n{_text(path)}````\n"


def _folder_page(path: str) -> str:
    inside = sorted(file for file in (CHECKOUT / path).rglob("*") if file.suffix in {*_LANGUAGES, ".json"})
    blocks = [f"## {file.relative_to(CHECKOUT / path)}\n\n````{_LANGUAGES.get(file.suffix, 'json')}\n"
              f"{file.read_text('utf-8')}````\n" for file in inside]  # fmt: skip
    return f"# {path}\n\n" + "\n".join(blocks)


def _text(path: str) -> str:
    return (CHECKOUT / path).read_text(encoding="utf-8")
