"""Many files become one table: several processes, one page at a time, and on again after a kill."""

from inkwise.stacks.crops import Scans
from inkwise.stacks.reader import Columns, Reader, Row, rows
from inkwise.stacks.review import Item, Review
from inkwise.stacks.run import read_stack
from inkwise.stacks.sources import found
from inkwise.stacks.tables import cells, csv_line, json_line
from inkwise.stacks.view import View

__all__ = [
    "Columns",
    "Item",
    "Reader",
    "Review",
    "Row",
    "Scans",
    "View",
    "cells",
    "csv_line",
    "found",
    "json_line",
    "read_stack",
    "rows",
]
