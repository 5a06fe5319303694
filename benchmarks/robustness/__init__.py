"""Kills, outages, overload and malformed input."""
