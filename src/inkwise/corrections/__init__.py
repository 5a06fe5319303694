"""What a person taught: every answer with its drawing and its true label, kept in a database."""

from inkwise.errors import needs_extra

with needs_extra("app", "keeping corrections"):
    from inkwise.corrections.exchange import export_samples, import_samples
    from inkwise.corrections.sample import Sample
    from inkwise.corrections.store import Accuracy, Confusion, Store

__all__ = ["Accuracy", "Confusion", "Sample", "Store", "export_samples", "import_samples"]
