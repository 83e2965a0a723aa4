"""Runs a module of declarations."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING

from pipeline.declare.dataset import Registry
from pipeline.declare.decorators import collecting
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pathlib import Path


def load_declarations(module_file: Path) -> Registry:
    """Return the declarations that a Python module makes.

    Raises:
        AuthorError: The module is missing, does not run, or declares nothing.
    """
    if not module_file.is_file():
        problem = f"The pipeline's source {module_file} does not exist."
        raise AuthorError(problem, "Correct `source` in the settings file.")
    spec = importlib.util.spec_from_file_location(f"_declared_{module_file.stem}", module_file)
    if spec is None or not isinstance(spec.loader, SourceFileLoader):
        problem = f"The pipeline's source {module_file} is not a Python module."
        raise AuthorError(problem, "Name a file that ends in .py as `source`.")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(module_file.parent))
    try:
        with collecting(Registry()) as registry:
            # Compile without the cache, which misses a change within the same second that keeps the length.
            exec(spec.loader.source_to_code(module_file.read_bytes(), module_file), module.__dict__)  # noqa: S102
    except AuthorError:
        raise
    except Exception as error:
        problem = f"{module_file} does not run: {type(error).__name__}: {error}."
        raise AuthorError(problem, "Correct the module; `python -m pipeline dry-run` tries it.") from error
    finally:
        sys.path.remove(str(module_file.parent))
    registry.close()
    if not registry.datasets:
        problem = f"{module_file} declares no table."
        raise AuthorError(problem, "Decorate a function with @table or @materialized_view.")
    return registry
