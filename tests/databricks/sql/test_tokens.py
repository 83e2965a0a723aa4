from __future__ import annotations

import pytest

from pipeline.databricks.sql.tokens import Token, tokens_of
from pipeline.foundation.errors import AuthorError


def test_text_becomes_tokens_with_their_places_and_lines() -> None:
    text = "SELECT `a b`, 'x;y' -- no; token\nFROM /* a /* nested */ one */ ${schema}.t"
    assert tokens_of(text, "f.sql", 5) == [
        Token("word", "SELECT", 0, 5),
        Token("quoted", "`a b`", 7, 5),
        Token("sign", ",", 12, 5),
        Token("string", "'x;y'", 14, 5),
        Token("word", "FROM", 33, 6),
        Token("parameter", "${schema}", 63, 6),
        Token("sign", ".", 72, 6),
        Token("word", "t", 73, 6),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s'", "it's"),
        (r"'a\n\t\'b\''", "a\n\t'b'"),
        (r"'\u00e9\101\q'", "éAq"),
        (r"'100\%'", r"100\%"),
        (r'"say \"no\""', 'say "no"'),
        (r"r'a\n'", r"a\n"),
        ("`a``b`", "a`b"),
        ("$$a;b$$", "a;b"),
        ("word", "word"),
    ],
)
def test_value_of_a_token_is_what_spark_reads(text: str, value: str) -> None:
    assert [token.value for token in tokens_of(text, "f.sql")] == [value]


def test_signs_of_two_characters_are_one_token() -> None:
    words = [token.word for token in tokens_of("a=>b::int||c|>d<=>e->f", "f.sql")]
    assert words == ["A", "=>", "B", "::", "INT", "||", "C", "|>", "D", "<=>", "E", "->", "F"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a\n'open", "f.sql:2: the text in ' does not end."),
        ("`open", "f.sql:1: the text in ` does not end."),
        ("a /* b /* c */", "f.sql:1: the comment does not end."),
    ],
)
def test_text_without_its_end_is_refused_with_the_line_of_its_beginning(text: str, problem: str) -> None:
    with pytest.raises(AuthorError) as caught:
        tokens_of(text, "f.sql")
    assert caught.value.problem == problem
