"""Doubtful values of a table: their crops and their corrections."""

from inkwise.review.crops import ScanCrops
from inkwise.review.reviewed_table import ReviewedTable, ReviewItem

__all__ = ["ReviewItem", "ReviewedTable", "ScanCrops"]
