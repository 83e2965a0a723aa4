"""The alerts in a folder: each is a YAML file with its SQL file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from alerts.message import check_templates
from alerts.model import Alert, AlertSpec
from alerts.observe import with_moment
from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.foundation.yaml_file import read_yaml
from pipeline.settings import explained

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

SHIPPED = Path(__file__).parent


def load_alert(path: Path, now: datetime) -> Alert:
    """Return the alert in a YAML file and its SQL file, checked as far as possible without a warehouse.

    Args:
        path: The YAML file.
        now: Any moment; the query and the templates are checked with it.

    Raises:
        AuthorError: A file cannot be read, a key is unknown, a value is wrong, or a template fails.
    """
    spec = _spec(path)
    query_file = path.parent / spec.query
    try:
        sql = query_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"{path.name}: the query file {query_file} cannot be read: {error}."
        raise AuthorError(problem, "Write the SQL there, or correct `query`.") from None
    if not with_moment(sql, now, query_file.name):
        problem = f"{query_file} is empty."
        raise AuthorError(problem, "Write the query there.")
    if spec.freshness is not None:
        with_moment(spec.freshness, now, f"{path.name}: freshness")
    check_templates(spec, now, path.name)
    return Alert(key=path.stem, spec=spec, sql=sql)


def load_alerts(folder: Path, names: Sequence[str], now: datetime) -> list[Alert]:
    """Return the named alerts of a folder, or without names all of them, in order of file name.

    Args:
        folder: The folder of the YAML files.
        names: File names without the ending, or the alerts' own names.
        now: Any moment; see `load_alert`.

    Raises:
        AuthorError: The folder has no alerts, a name is unknown or used twice, or a file is wrong.
    """
    alerts = {path.stem: load_alert(path, now) for path in sorted(folder.glob("*.yml"))}
    if not alerts:
        problem = f"{folder} contains no alerts."
        raise AuthorError(problem, "Name a folder with *.yml files by --folder.")
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
        declared = read_yaml(path)
    except (OSError, yaml.YAMLError) as error:
        problem = f"{path} cannot be read: {error}."
        raise AuthorError(problem, "Correct the file.") from None
    try:
        return AlertSpec.model_validate(declared)
    except ValidationError as error:
        raise explained(error, path, AlertSpec) from None
