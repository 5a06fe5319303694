"""The systems of the five documents that began the project, retrained and compared with what they report.

This module imports nothing: data sets are found without torch, which the systems need.
"""
