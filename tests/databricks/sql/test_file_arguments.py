from __future__ import annotations

import pytest

from pipeline.databricks.sql.file_arguments import FileArguments, file_arguments
from pipeline.databricks.sql.tokens import tokens_of
from pipeline.declare.dataset import SourceLocation
from pipeline.foundation.errors import AuthorError

HERE = SourceLocation("f.sql", 3)


def arguments(function: str, text: str) -> FileArguments:
    return file_arguments(function, tokens_of(text, "f.sql"), HERE, lambda expression: f"<{expression}>")


def test_read_files_takes_named_arguments_and_finds_types() -> None:
    text = "'/Volumes/x', FORMAT => \"csv\", header => true, maxFilesPerTrigger => 5, sep => chr(9)"
    assert arguments("read_files", text) == FileArguments(
        "/Volumes/x",
        {
            "header": "true",
            "maxFilesPerTrigger": "5",
            "sep": "<chr(9)>",
            "format": "csv",
            "cloudFiles.inferColumnTypes": "true",
        },
    )


def test_read_files_with_a_schema_or_a_choice_keeps_it() -> None:
    with_schema = arguments("read_files", "path => '/x', format => 'json', schema => 'id INT, at DATE'")
    assert with_schema == FileArguments("/x", {"format": "json"}, "id INT, at DATE")
    assert arguments("read_files", "'/x', inferColumnTypes => FALSE").options == {"inferColumnTypes": "false"}


def test_cloud_files_takes_a_format_and_a_map() -> None:
    text = "concat('/x', '/y'), 'csv', map('header', 'true', 'cloudFiles.inferColumnTypes', 'true')"
    options = {"format": "csv", "header": "true", "cloudFiles.inferColumnTypes": "true"}
    found = arguments("cloud_files", text)
    assert (found.path, dict(found.options), found.schema) == ("<concat('/x', '/y')>", options, None)


@pytest.mark.parametrize(
    ("function", "text", "problem"),
    [
        ("read_files", "format => 'csv'", "f.sql:3: `read_files` is called without a path."),
        ("read_files", "'/x', 'csv'", "f.sql:3: argument 2 of `read_files` has no name."),
        ("cloud_files", "'/x', 'csv', 'header'", "f.sql:3: the options of `cloud_files` are not a map."),
    ],
)
def test_arguments_that_are_not_of_the_function_are_refused(function: str, text: str, problem: str) -> None:
    with pytest.raises(AuthorError) as caught:
        arguments(function, text)
    assert caught.value.problem == problem
