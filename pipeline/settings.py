"""A pipeline's settings, read from its YAML file."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.foundation.clock import read_duration, wait_after
from pipeline.foundation.errors import AuthorError, LakehouseError, UnknownNameError
from pipeline.foundation.shown import brief
from pipeline.foundation.yaml_file import read_yaml
from pipeline.home.places import CHECKOUT
from pipeline.spark_settings import SparkSettings, WarehouseSettings

# The pipeline that every program runs unless --pipeline names another. The engine names it nowhere else.
DEFAULT_SCHEMA = "smart_factory"
DEFAULT_SETTINGS = CHECKOUT / "pipeline" / f"{DEFAULT_SCHEMA}.yml"
_MOST_PROBLEMS = 10
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


Duration = Annotated[timedelta, BeforeValidator(read_duration)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RetrySettings(_Strict):
    """How often a fault of the environment is retried, and after which wait."""

    attempts: int = Field(default=3, ge=1, le=20)
    first_wait: Duration = timedelta(seconds=1)
    longest_wait: Duration = timedelta(seconds=30)

    def seconds_to_next_attempt(self, error: LakehouseError, attempt: int) -> float | None:
        """Return how many seconds to wait after a failed attempt, or None if there is not to be another one.

        Only a fault of the environment may pass by itself.

        Args:
            error: What the attempt failed with.
            attempt: Its number, counted from 1.
        """
        if not error.retryable or attempt >= self.attempts:
            return None
        return wait_after(attempt, self.first_wait, self.longest_wait).total_seconds()


class ArrivalSettings(_Strict):
    """When `run --on-file-arrival` starts an update.

    Attributes:
        settle: How long the landing zone must stay unchanged first.
        longest_wait: How long to wait at most while files keep arriving.
        at_least_every: How long to wait at most while no file arrives.
    """

    settle: Duration = timedelta(seconds=2)
    longest_wait: Duration = timedelta(minutes=1)
    at_least_every: Duration = timedelta(hours=1)


class NotificationSettings(_Strict):
    """Who is notified of which moments of an update, as Apprise URLs."""

    on_update_start: tuple[str, ...] = ()
    on_update_success: tuple[str, ...] = ()
    on_update_failure: tuple[str, ...] = ()
    on_flow_failure: tuple[str, ...] = ()


class Settings(_Strict):
    """One pipeline: its name, where its code and suites are, and how it runs.

    Attributes:
        file: The YAML file that the settings come from.
        target_schema: The folder and SQL schema of the tables; `schema` in the file.
        source: The Python module with the declared tables; with `sources` the settings file itself.
        sources: Patterns of the files that are written for Databricks, in the place of `source`.
        catalog: The name of the catalog that these files call their own.
        paths, tables: Folders of this machine, by the paths that begin so; files, by the outside tables they stand for.
        secrets: The values of secrets, each by `scope/key`.
        functions: A Python file with stand-ins for functions of Databricks alone.
        quarantine: Whether rows that an expectation drops are kept, in a table beside.
        expectations: The folder of Great Expectations suites.
        table_expectations: When whole tables are judged: `after_update` judges those that the update changed,
            `on_request` leaves it to `pipeline validate`.
        table_expectations_rows: A table with more rows is judged only when it has grown by a tenth or a day has passed.
        trigger_interval: In continuous mode, the time from the start of one batch of files to the next; flows that
            read tables look four times as often.
        trigger_intervals: The same for single tables.
        configuration: The parameters of `sources`: what `spark.conf.get` returns and `${name}` stands for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    file: Path
    name: str = Field(min_length=1)
    mode: Literal["triggered", "continuous"] = "triggered"
    target_schema: str = Field(alias="schema")
    source: Path
    sources: tuple[str, ...] = ()
    catalog: str = "main"
    paths: dict[str, Path] = {}
    tables: dict[str, Path] = {}
    secrets: dict[str, str] = {}
    functions: Path | None = None
    quarantine: bool = True
    expectations: Path
    table_expectations: Literal["after_update", "on_request"] = "after_update"
    table_expectations_rows: int = Field(1_000_000, ge=0)
    trigger_interval: Duration = timedelta(seconds=1)
    trigger_intervals: dict[str, Duration] = {}
    file_arrival: ArrivalSettings = ArrivalSettings()
    retries: RetrySettings = RetrySettings()
    spark: SparkSettings = SparkSettings()
    warehouse: WarehouseSettings = WarehouseSettings()
    notifications: NotificationSettings = NotificationSettings()
    configuration: dict[str, str] = {}

    @field_validator("target_schema")
    @classmethod
    def _is_identifier(cls, value: str) -> str:
        if not _IDENTIFIER.fullmatch(value):
            msg = f"`{brief(value)}` is not a valid schema name; expected lower-case letters, digits and underscores"
            raise ValueError(msg)
        return value

    @model_validator(mode="before")
    @classmethod
    def _has_one_source(cls, data: Any) -> Any:
        if not data.get("sources"):
            return data
        if "source" in data:
            msg = "`source` and `sources` are both given; expected one of them"
            raise ValueError(msg)
        sources = [data["sources"]] if isinstance(data["sources"], str) else data["sources"]
        return {"expectations": Path("expectations"), **data, "sources": sources, "source": data["file"]}

    @field_validator("source", "expectations", "functions", mode="after")
    @classmethod
    def _beside_the_file(cls, value: Path | None, info: Any) -> Path | None:
        folder: Path = info.data["file"].parent
        return value and (folder / value).resolve()

    @field_validator("paths", "tables", mode="after")
    @classmethod
    def _all_beside_the_file(cls, value: dict[str, Path], info: Any) -> dict[str, Path]:
        folder: Path = info.data["file"].parent
        return {name: (folder / path).resolve() for name, path in value.items()}

    @field_validator("configuration", mode="before")
    @classmethod
    def _as_texts(cls, value: object) -> object:
        kinds = (bool, int, float)
        pairs = value.items() if isinstance(value, dict) else ()
        texts = {name: yaml.safe_dump(item).split("\n")[0] if isinstance(item, kinds) else item for name, item in pairs}
        return texts if isinstance(value, dict) else value


def load_settings(file: Path = DEFAULT_SETTINGS) -> Settings:
    """Return the settings in a YAML file, with what the environment sets; relative paths are relative to its folder.

    Raises:
        AuthorError: The file is missing or is not YAML, a key is unknown, or a value or a variable does not fit.
    """
    try:
        content = read_yaml(file)
    except OSError as error:
        problem = f"The settings file {file} cannot be read: {error.strerror}."
        raise AuthorError(problem, "Give the path of a pipeline's YAML file with --pipeline.") from error
    except yaml.YAMLError as error:
        problem = f"The settings file {file} is not YAML: {error}."
        raise AuthorError(problem, "Correct the line it names.") from error
    if not isinstance(content, dict):
        problem = f"The settings file {file} contains {type(content).__name__}; expected keys and values."
        raise AuthorError(problem, f"Start from {DEFAULT_SETTINGS}.")
    if "file" in content:
        raise UnknownNameError("setting", "file", _known_keys(Settings, []), str(file))
    try:
        settings = Settings.model_validate({"file": file.resolve(), **content})
    except ValidationError as error:
        raise explained(error, file, Settings, "setting") from error
    return settings.model_copy(update={"spark": settings.spark.with_environment(os.environ)})


def explained(error: ValidationError, file: Path, model: type[BaseModel], kind: str = "key") -> AuthorError:
    """Return the error for a YAML file that does not fit its model: each place with its line, and what was expected.

    Args:
        error: What pydantic found.
        file: The YAML file.
        model: What its content was to be.
        kind: What a key of it is called.
    """
    problems = []
    for detail in error.errors(include_url=False)[:_MOST_PROBLEMS]:
        place = [str(part) for part in detail["loc"]]
        where = f"{file}:{_line_of(file, place)}"
        if detail["type"] == "extra_forbidden":
            return UnknownNameError(kind, brief(".".join(place)), _known_keys(model, place[:-1]), where)
        text = detail["msg"].removeprefix("Value error, ").rstrip(".")
        got = (
            ""
            if detail["type"] in {"missing", "value_error"}
            else f"; got {brief(repr(detail['input']) if isinstance(detail['input'], str) else detail['input'])}"
        )
        problems.append(f"{where}: {'`' + brief('.'.join(place)) + '`: ' if place else ''}{text}{got}.")
    return AuthorError(" ".join(dict.fromkeys(problems)), "Correct the file.")


def _line_of(file: Path, place: list[str]) -> int:
    """Return the line, from 1, of the key at a path of keys, or of the last key on the path that exists."""
    node = yaml.compose(file.read_text(encoding="utf-8"))
    line = 1
    for part in place:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((key, value) for key, value in pairs if key.value == part), None)
        if found is None:
            return line
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _known_keys(model: type[BaseModel], place: list[str]) -> list[str]:
    for part in place:
        annotation = model.model_fields[part].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    prefix = "".join(f"{part}." for part in place)
    return [prefix + (field.alias or name) for name, field in model.model_fields.items() if name != "file"]
