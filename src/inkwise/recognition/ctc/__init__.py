"""Connectionist temporal classification: alignment, beam search and constraints as finite automata."""
