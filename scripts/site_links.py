"""Where on the documentation's site a file of the checkout stands, and the links between them."""

from __future__ import annotations

import posixpath
import re

# The page of the site that a file outside `docs/` becomes.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "bench/README.md": "bench/README.md",
    "bench/results/notes.md": "bench/results/notes.md",
}
PICTURES = {".svg", ".png"}
_LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")


def origin_of(page: str) -> str:
    """Return the path in the checkout that a page of the site comes from."""
    origins = {site: path for path, site in PAGES.items()}
    return origins.get(page, f"docs/{page}")


def site_place(path: str) -> str:
    """Return where on the site a file or folder of the checkout stands."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if posixpath.splitext(path)[1] in PICTURES or path == "LICENSE":
        return f"files/{path}"
    return f"files/{path}.md"


def rewritten(markdown: str, page: str) -> str:
    """Return the text of a page with the links of its origin as links of the site."""
    origin = origin_of(page)

    def link(match: re.Match[str]) -> str:
        target = _target(origin, match[2])
        if target is None:
            return match[0]
        relative = posixpath.relpath(site_place(target), posixpath.dirname(page) or ".")
        return f"{match[1]}{relative}{match[3] or ''}{match[4]}"

    return _LINK.sub(link, markdown)


def targets(markdown: str, page: str) -> set[str]:
    """Return the paths in the checkout to which a page of the site links."""
    found = (_target(origin_of(page), match[2]) for match in _LINK.finditer(markdown))
    return {target for target in found if target}


def _target(origin: str, link: str) -> str | None:
    """Return the path in the checkout to which a link leads, or None if it leads to the web."""
    if re.match(r"[a-z]+:", link):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))
