"""Many files become one table, read by several processes or on a Ray cluster, and resumed after a kill."""

from inkwise.batch.batch_loop import Backend, BatchSummary, LocalBackend, RowSink, read_batch, read_rows
from inkwise.batch.journal import Journal, OtherSettingsError
from inkwise.batch.page_rows import BatchOptions, Columns, PageRow
from inkwise.batch.spreadsheet import write_xlsx
from inkwise.batch.tables import check_format, csv_line, json_line, row_values

__all__ = [
    "Backend",
    "BatchOptions",
    "BatchSummary",
    "Columns",
    "Journal",
    "LocalBackend",
    "OtherSettingsError",
    "PageRow",
    "RowSink",
    "check_format",
    "csv_line",
    "json_line",
    "read_batch",
    "read_rows",
    "row_values",
    "write_xlsx",
]
