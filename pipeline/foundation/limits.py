"""How much counts as little: below these limits a job is done in this process, above them by Spark's workers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits that choose between two ways of doing the same; the result never depends on them.

    The defaults were measured on a machine with two cores.

    Attributes:
        few_rows: Up to this many rows are passed between Spark and this process.
        few_bytes: The most memory that such rows take.
        driver_bytes: Up to this much compressed data is read from files in this process.
        driver_files: The most files that are read in this process.
        sampled_files: How many files of a larger batch are sampled for new keys, so that most batches are read once.
        sampled_records: How many records of each.
        wide_bytes: A row with more text than this is wide: a batch of 20,000 such rows might not fit into memory.
        measured_texts: Adding up the lengths of more texts than this costs Spark as much as asking for a batch's size.
    """

    few_rows: int = 100_000
    few_bytes: int = 64 * 1024**2
    driver_bytes: int = 4 * 1024**2
    driver_files: int = 20_000
    sampled_files: int = 8
    sampled_records: int = 1_000
    wide_bytes: int = 8 * 1024
    measured_texts: int = 64


DEFAULT_LIMITS = Limits()
