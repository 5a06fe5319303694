"""The systems of the documents that Inkwise began with: trained again, and held against what they claim."""

from inkwise.reproduction.claims import ROWS, Claim, Row
from inkwise.reproduction.experiments import reproduce, try_out

__all__ = ["ROWS", "Claim", "Row", "reproduce", "try_out"]
