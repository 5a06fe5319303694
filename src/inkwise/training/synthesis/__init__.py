"""Synthetic training data: strokes, allographs, composed lines, negatives and degradation."""
