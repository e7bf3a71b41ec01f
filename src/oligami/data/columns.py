"""From rows to columns."""

from dataclasses import fields
from typing import Any


class Table:
    """Rows by column name, to become a dataset's columns. What a row does not say is None."""

    def __init__(self) -> None:
        """Begin without rows."""
        self.rows: list[dict[str, Any]] = []

    def add(self, **row: object) -> None:
        """Add a row."""
        self.rows.append(row)

    def columns(self, dataset: type) -> dict[str, tuple[Any, ...]]:
        """Return the columns of a dataset, each as long as there are rows.

        Raises:
            ValueError: a row names a column that the dataset does not have.
        """
        names = [column.name for column in fields(dataset)]
        strange = {name for row in self.rows for name in row} - set(names)
        if strange:
            raise ValueError(f"{dataset.__name__} has no column {', '.join(sorted(strange))}")
        return {name: tuple(row.get(name) for row in self.rows) for name in names}
