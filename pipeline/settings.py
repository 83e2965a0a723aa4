"""A pipeline's settings, read from its YAML file."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from pipeline.clock import parse_duration
from pipeline.errors import AuthorError, UnknownNameError
from pipeline.home import CHECKOUT

DEFAULT_SETTINGS = CHECKOUT / "pipeline" / "smart_factory.yml"
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")

Duration = Annotated[
    timedelta, BeforeValidator(lambda value: parse_duration(value) if isinstance(value, str) else value)
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RetrySettings(_Strict):
    """How often a fault of the environment is tried again, and after what wait."""

    attempts: int = Field(default=3, ge=1, le=20)
    first_wait: Duration = timedelta(seconds=1)
    longest_wait: Duration = timedelta(seconds=30)


class ArrivalSettings(_Strict):
    """When `run --on-file-arrival` starts an update.

    Attributes:
        settle: For how long nothing may have changed in the landing zone.
        longest_wait: After how long files are read although more keep coming.
        at_least_every: After how long an update runs although no file has come.
    """

    settle: Duration = timedelta(seconds=2)
    longest_wait: Duration = timedelta(minutes=1)
    at_least_every: Duration = timedelta(hours=1)


class SparkSettings(_Strict):
    """What the Spark session is given.

    Attributes:
        driver_memory: The JVM's heap, which all of Spark shares on one machine.
        cores: How many cores tasks use; `*` for all.
        compiler: `quick` compiles less thoroughly and starts sooner, which suits updates of seconds;
            `thorough` pays for itself from about a million rows on. `auto` is `quick`, but `thorough` in the
            continuous mode, in updates on file arrival, and for one update that finds more than 100 MB to read.
        configuration: More of Spark's own settings.
    """

    driver_memory: str = "1536m"
    cores: int | Literal["*"] = "*"
    compiler: Literal["auto", "quick", "thorough"] = "auto"
    configuration: dict[str, str] = {}


class NotificationSettings(_Strict):
    """Which moments of an update are told to whom, as Apprise URLs."""

    on_update_start: tuple[str, ...] = ()
    on_update_success: tuple[str, ...] = ()
    on_update_failure: tuple[str, ...] = ()
    on_flow_failure: tuple[str, ...] = ()


class Settings(_Strict):
    """One pipeline: what it is called, where its code and suites are, how it runs.

    Attributes:
        file: The YAML file that the settings come from.
        target_schema: The folder and SQL schema of the tables; `schema` in the file.
        source: The Python module with the declared tables.
        expectations: The folder of Great Expectations suites.
        table_expectations: When whole tables are judged: `after_update`, those that it has changed, or
            `on_request`.
        table_expectations_rows: A table of more rows is judged only when it has grown by a tenth, or a day has passed.
        trigger_interval: In continuous mode, the pause from the start of one batch of files to the next; flows that
            read tables look four times as often.
        trigger_intervals: The pause of single tables.
        configuration: Values that declarations and steps may ask for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    file: Path
    name: str = Field(min_length=1)
    mode: Literal["triggered", "continuous"] = "triggered"
    target_schema: str = Field(alias="schema")
    source: Path
    expectations: Path
    table_expectations: Literal["after_update", "on_request"] = "after_update"
    table_expectations_rows: int = Field(1_000_000, ge=0)
    trigger_interval: Duration = timedelta(seconds=1)
    trigger_intervals: dict[str, Duration] = {}
    file_arrival: ArrivalSettings = ArrivalSettings()
    retries: RetrySettings = RetrySettings()
    spark: SparkSettings = SparkSettings()
    notifications: NotificationSettings = NotificationSettings()
    configuration: dict[str, str] = {}

    @field_validator("target_schema")
    @classmethod
    def _is_identifier(cls, value: str) -> str:
        if not _IDENTIFIER.fullmatch(value):
            msg = f"`{value}` is no schema name; expected lower-case letters, digits and underscores"
            raise ValueError(msg)
        return value

    @field_validator("source", "expectations", mode="after")
    @classmethod
    def _beside_the_file(cls, value: Path, info: Any) -> Path:
        folder: Path = info.data["file"].parent
        return (folder / value).resolve()


def load_settings(file: Path = DEFAULT_SETTINGS) -> Settings:
    """Return the settings of a YAML file; relative paths in it count from its folder.

    Raises:
        AuthorError: The file is missing, is not YAML, or has an unknown key or a value that does not fit.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"The settings file {file} cannot be read: {error.strerror}."
        raise AuthorError(problem, "Give the path of a pipeline's YAML file with --pipeline.") from error
    except yaml.YAMLError as error:
        problem = f"The settings file {file} is not YAML: {error}."
        raise AuthorError(problem, "Correct the line it names.") from error
    if not isinstance(content, dict):
        problem = f"The settings file {file} holds {type(content).__name__}; expected keys and values."
        raise AuthorError(problem, f"Start from {DEFAULT_SETTINGS}.")
    if "file" in content:
        raise UnknownNameError("setting", "file", _known_keys([]), str(file))
    try:
        return Settings.model_validate({"file": file.resolve(), **content})
    except ValidationError as error:
        raise _explained(error, file) from error


def _explained(error: ValidationError, file: Path) -> AuthorError:
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    where = f"{file}:{_line_of(file, place)}"
    if first["type"] == "extra_forbidden":
        return UnknownNameError("setting", ".".join(place), _known_keys(place[:-1]), where)
    problem = f"{where}: `{'.'.join(place)}`: {first['msg']}; got {first.get('input')!r}."
    return AuthorError(problem, "Correct that key.")


def _line_of(file: Path, place: list[str]) -> int:
    """Return the line, from 1, of the key that a path of keys leads to, or of the last one on it that there is."""
    node = yaml.compose(file.read_text(encoding="utf-8"))
    line = 1
    for part in place:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((key, value) for key, value in pairs if key.value == part), None)
        if found is None:
            return line
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _known_keys(place: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in place:
        annotation = model.model_fields[part].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    prefix = "".join(f"{part}." for part in place)
    return [prefix + (field.alias or name) for name, field in model.model_fields.items() if name != "file"]
