"""Inkwise reads handwritten digits, says how sure it is, and says nothing where there is no digit."""
