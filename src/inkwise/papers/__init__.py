"""The systems of the documents that Inkwise began with: trained again, and held against what they claim."""

from inkwise.papers.reproduction import reproduce, try_out
from inkwise.papers.rows import ROWS, Claim, Row

__all__ = ["ROWS", "Claim", "Row", "reproduce", "try_out"]
