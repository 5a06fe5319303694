"""Many files become one table, read by several processes or on a Ray cluster, and resumed after a kill."""

from inkwise.batch.batch_display import View
from inkwise.batch.batch_run import read_stack
from inkwise.batch.page_rows import Columns, Reader, Row, rows
from inkwise.batch.sources import found
from inkwise.batch.tables import cells, csv_line, json_line

__all__ = [
    "Columns",
    "Reader",
    "Row",
    "View",
    "cells",
    "csv_line",
    "found",
    "json_line",
    "read_stack",
    "rows",
]
