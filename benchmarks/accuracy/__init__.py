"""Error rates on handwriting, pages, numbers and non-digits."""
