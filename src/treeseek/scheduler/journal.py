"""Where replies are kept, so that a killed run can be resumed: a contract, and one in memory."""

from copy import deepcopy
from typing import Any, Protocol


class Journal(Protocol):
    """Stores replies under (place of the search, barrier, index)."""

    def get(self, place: tuple[Any, ...], barrier: int, index: int) -> dict[str, Any] | None:
        """The record, None if there is none."""
        ...

    def put(self, place: tuple[Any, ...], barrier: int, index: int, record: dict[str, Any]) -> None:
        """Store `record`; a later put of the same place is never made."""
        ...


class MemoryJournal(dict[tuple[Any, ...], dict[str, Any]]):
    """A journal that lives as long as the process: a dict of plain records."""

    def get(self, place: Any, barrier: int = 0, index: int = 0) -> Any:  # type: ignore[override]
        """The record, None if there is none."""
        return deepcopy(super().get((*place, barrier, index)))

    def put(self, place: tuple[Any, ...], barrier: int, index: int, record: dict[str, Any]) -> None:
        """Store `record`."""
        self[(*place, barrier, index)] = deepcopy(record)
