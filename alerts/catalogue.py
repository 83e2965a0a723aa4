"""The alerts of a folder: each a YAML file and the SQL beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ValidationError

from alerts.message import check_templates
from alerts.model import Alert, AlertSpec
from alerts.statement import with_moment
from pipeline.errors import AuthorError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

SHIPPED = Path(__file__).parent


def load_alert(path: Path, now: datetime) -> Alert:
    """Return the alert of a YAML file and the SQL beside it, checked as far as no warehouse is needed.

    Args:
        path: The YAML file.
        now: Any moment; the query and the templates are tried out with it.

    Raises:
        AuthorError: A file cannot be read, a key is unknown, a value is wrong, or a template fails.
    """
    spec = _spec(path)
    query_file = path.parent / spec.query
    try:
        sql = query_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"{path.name}: the query file {query_file} cannot be read: {error}."
        raise AuthorError(problem, "Put the SQL there, or correct `query`.") from None
    if not with_moment(sql, now, query_file.name):
        problem = f"{query_file} is empty."
        raise AuthorError(problem, "Write the query into it.")
    if spec.freshness is not None:
        with_moment(spec.freshness, now, f"{path.name}: freshness")
    check_templates(spec, now, path.name)
    return Alert(key=path.stem, spec=spec, sql=sql)


def load_alerts(folder: Path, names: Sequence[str], now: datetime) -> list[Alert]:
    """Return the named alerts of a folder, or all of them in order of file name when none is named.

    Args:
        folder: Where the YAML files are.
        names: File names without the ending, or the alerts' own names.
        now: Any moment; see `load_alert`.

    Raises:
        AuthorError: The folder holds no alert, a name is unknown or used twice, or a file is wrong.
    """
    alerts = {path.stem: load_alert(path, now) for path in sorted(folder.glob("*.yml"))}
    if not alerts:
        problem = f"{folder} holds no alert."
        raise AuthorError(problem, "Name a folder with *.yml files in it by --folder.")
    by_name: dict[str, str] = {}
    for key, alert in alerts.items():
        if alert.spec.name in by_name:
            problem = f"{by_name[alert.spec.name]}.yml and {key}.yml are both named `{alert.spec.name}`."
            raise AuthorError(problem, "Give each alert a name of its own.")
        by_name[alert.spec.name] = key
    for name in names:
        if name not in alerts and name not in by_name:
            kind = "alert"
            raise UnknownNameError(kind, name, [*alerts, *by_name], str(folder))
    return [alerts[by_name.get(name, name)] for name in names] if names else list(alerts.values())


def _spec(path: Path) -> AlertSpec:
    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problem = f"{path} cannot be read: {error}."
        raise AuthorError(problem, "Correct the file.") from None
    try:
        return AlertSpec.model_validate(declared)
    except ValidationError as error:
        raise _readable(error, path.name) from None


def _readable(error: ValidationError, where: str) -> AuthorError:
    details = error.errors(include_url=False)
    for detail in details:
        if detail["type"] == "extra_forbidden":
            *parents, key = detail["loc"]
            within = ".".join([where, *map(str, parents)])
            return UnknownNameError("key", str(key), _keys(AlertSpec, parents), within)
    lines = [f"{'.'.join(map(str, detail['loc'])) or 'the file'}: {_sentence(detail)}" for detail in details]
    problem = f"{where}: " + "; ".join(dict.fromkeys(lines))
    return AuthorError(problem, "Correct the file; docs/alerts.md lists every key.")


def _sentence(detail: Any) -> str:
    text = str(detail["msg"]).removeprefix("Value error, ").rstrip(".")
    return text if detail["type"] in {"missing", "value_error"} else f"{text}; got {detail['input']!r}"


def _keys(model: type[BaseModel], parents: Sequence[int | str]) -> list[str]:
    for parent in parents:
        annotation = model.model_fields[str(parent)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return list(model.model_fields)
