"""A column as a declaration's list of columns has it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ColumnDefinition:
    """A column as a declaration has it.

    Attributes:
        type: Its type as Spark SQL; empty where only the name is given.
        generated: The expression that gives its value; empty where the query does.
    """

    name: str
    type: str = ""
    not_null: bool = False
    comment: str = ""
    generated: str = ""

    @property
    def ddl(self) -> str:
        """The column as Spark's DDL has it."""
        quoted = self.name.replace("`", "``")
        comment = self.comment.replace("\\", "\\\\").replace("'", "\\'")
        parts = [f"`{quoted}`", self.type, "NOT NULL" if self.not_null else ""]
        parts.append(f"GENERATED ALWAYS AS ({self.generated})" if self.generated else "")
        parts.append(f"COMMENT '{comment}'" if comment else "")
        return " ".join(part for part in parts if part)
