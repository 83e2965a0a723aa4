"""Finds phrases that a native reader has to decode, in text and in a program's words; exits 1 where it finds one."""

from __future__ import annotations

import re
import subprocess
import sys
import tokenize
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parent.parent
_TEXT_ENDINGS = {".md", ".yml", ".yaml", ".html", ".sql", ".toml", ".in", ".java", ".js", ".css"}
_TEXT_NAMES = {"Makefile", ".env.example"}
# These quote the phrases in order to find them.
_OWN_FILES = {"scripts/plain_english.py", "tests/scripts/test_plain_english.py"}

_LONGER = "longer|more|less|fewer|different|better|worse|larger|smaller|slower|faster|later|earlier|older|newer|higher"
_IDIOMS = "good|harm|match|need|news|point|problem|use|wonder"
_PHRASES = (
    (rf"(?<!\bthere\s)\b(?:is|are|was|were) no (?!(?:{_LONGER}|{_IDIOMS})\b)[a-z`]+", "say `is not a`"),
    (r"(?<!\bthere\s)\b(?:is|are|was|were) none\b(?! of\b)", "say `is not one` or `is empty`"),
    (r"\b(?:un)?told\b", "say logged, emitted, notified, reported or given"),
    (r"\b(?:unsaid|unheard)\b", "say missing, omitted or ignored"),
    (r"\bwhoever\b", "name who does it"),
    (r"\bwhat is un(?!der|til|ique|it|known)[a-z]+", "name it: the unsent messages, the unread rows"),
    (r"\bstands? (?:there|beside|behind|in(?! for\b))\b", "say is, lies or comes with"),
    (r"\bholds? some\b", "say is not empty"),
    (r"(?:^|[.:;!?] |[\"'(|] ?)(?-i:Of) (?:no|an?|what) ", "begin with the subject"),
    (r"\bso (?:many|long|few|far) at most\b", "say at most, and of what"),
    (r"\bmay none\b", "say that none may"),
    (r"\bto be had\b", "say available"),
)
# A phrase may be broken across two lines.
PHRASES = tuple(
    (re.compile(re.sub(r" (?!\?)", r"\\s+", phrase), re.IGNORECASE | re.MULTILINE), remedy)
    for phrase, remedy in _PHRASES
)
_INSERTED = re.compile(r"\{[^{}\n]*\}")


def findings(text: str) -> list[tuple[int, str, str]]:
    """Return each phrase in a text: its line, the phrase, what to write instead."""
    found = [
        (text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), remedy)
        for phrase, remedy in PHRASES
        for match in phrase.finditer(text)
    ]
    return sorted(found)


def words_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield the comments and strings of a Python file, each with its first line."""
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type in kinds:
            # Before Python 3.12 an f-string comes with the code between its braces.
            yield token.start[0], _INSERTED.sub("{}", token.string)


def violations(root: Path, files: list[str]) -> list[str]:
    """Return every phrase in these files below a folder as `file:line: phrase: remedy`."""
    lines = []
    for path in files:
        text = (root / path).read_text(encoding="utf-8")
        parts = words_of(text) if path.endswith(".py") else [(1, text)]
        for first, part in parts:
            lines += [f"{path}:{first + line - 1}: `{found}`: {remedy}" for line, found, remedy in findings(part)]
        if path.endswith(".py"):
            names = re.finditer(r"^ *def (test_\w+)", text, re.MULTILINE)
            lines += [
                f"{path}:{text.count(chr(10), 0, name.start()) + 1}: `{found}` in a test's name: {remedy}"
                for name in names
                for _, found, remedy in findings(name[1].replace("_", " "))
            ]
    return lines


def _read(path: str) -> bool:
    file = Path(path)
    return path not in _OWN_FILES and (file.suffix in {".py", *_TEXT_ENDINGS} or file.name in _TEXT_NAMES)


def main() -> int:
    """Check all files of the checkout that git knows, or those that are given, and return the exit code."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    files = sys.argv[1:] or [path for path in listed.stdout.split("\0") if path and (CHECKOUT / path).is_file()]
    found = violations(CHECKOUT, [path for path in files if _read(path)])
    sys.stdout.writelines(f"{line}\n" for line in found)
    sys.stdout.write(
        f"plain English: {len(found)} phrases to rewrite\n" if found else "plain English: nothing to rewrite\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
