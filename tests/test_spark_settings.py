"""The part of the settings that says where Spark's tasks run."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipeline.foundation.errors import AuthorError
from pipeline.spark_settings import SparkSettings


@pytest.mark.parametrize(
    ("given", "master"),
    [
        ({}, "local[*]"),
        ({"cores": 3}, "local[3]"),
        ({"master": "local[4]", "cores": 3}, "local[4]"),
        ({"master": "spark://a:7077", "cores": 3}, "spark://a:7077"),
        ({"master": "spark://a:7077,b:7077"}, "spark://a:7077,b:7077"),
        ({"master": "k8s://https://k:6443"}, "k8s://https://k:6443"),
    ],
)
def test_tasks_run_where_the_master_says_and_locally_on_the_number_of_cores(
    given: dict[str, object], master: str
) -> None:
    assert SparkSettings.model_validate(given).where_tasks_run == master


@pytest.mark.parametrize("master", ["", "yarn", "spark://a", "spark://a:b", "local[x]", "localhost:7077", "spark:/a:1"])
def test_master_that_spark_does_not_know_is_refused(master: str) -> None:
    with pytest.raises(ValidationError, match="expected `local"):
        SparkSettings(master=master)


def test_environment_overrides_the_file_for_one_machine() -> None:
    found = SparkSettings(master="spark://a:1", cores_max=4).with_environment(
        {
            "SMART_FACTORY_SPARK_MASTER": "spark://b:2",
            "SMART_FACTORY_EXECUTOR_CORES": "2",
            "SMART_FACTORY_CORES_MAX": "",
        }
    )
    assert found == SparkSettings(master="spark://b:2", executor_cores=2, cores_max=4)


def test_variable_with_a_wrong_value_is_refused_by_its_name() -> None:
    with pytest.raises(AuthorError, match=r"The variable SMART_FACTORY_CORES_MAX: .*got 'many'"):
        SparkSettings().with_environment({"SMART_FACTORY_CORES_MAX": "many"})
