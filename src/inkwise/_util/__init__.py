"""Helpers that every package may use: errors, files, text, intervals, system."""
