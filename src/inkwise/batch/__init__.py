"""Many files become one table, read by several processes or on a Ray cluster, and resumed after a kill."""

from inkwise.batch.batch_display import BatchDisplay
from inkwise.batch.batch_run import read_batch
from inkwise.batch.page_rows import BatchOptions, Columns, PageRow, read_rows
from inkwise.batch.sources import find_files
from inkwise.batch.tables import csv_line, json_line, row_values

__all__ = [
    "BatchDisplay",
    "BatchOptions",
    "Columns",
    "PageRow",
    "csv_line",
    "find_files",
    "json_line",
    "read_batch",
    "read_rows",
    "row_values",
]
