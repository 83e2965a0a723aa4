"""Every kind of bad input."""

from generators.faults.bombs import BOMB_FAULTS
from generators.faults.columns import COLUMN_FAULTS
from generators.faults.documents import DOCUMENT_FAULTS
from generators.faults.fault import Fault, land_fault, return_to_fault
from generators.faults.files import FILE_FAULTS
from generators.faults.values import VALUE_FAULTS

FAULTS: tuple[Fault, ...] = (*DOCUMENT_FAULTS, *VALUE_FAULTS, *COLUMN_FAULTS, *FILE_FAULTS, *BOMB_FAULTS)

__all__ = ["FAULTS", "Fault", "land_fault", "return_to_fault"]
