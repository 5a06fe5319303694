"""Doubtful values of a table: their crops and their corrections."""

from inkwise.review.crops import Scans
from inkwise.review.reviewed_table import Item, Review

__all__ = ["Item", "Review", "Scans"]
