"""What a person taught: every answer with its drawing and its true label, kept in a database."""

from inkwise.errors import InkwiseError

try:
    from inkwise.corrections.exchange import export_samples, import_samples
    from inkwise.corrections.sample import Sample
    from inkwise.corrections.store import Accuracy, Confusion, Store
except ModuleNotFoundError as error:
    # SQLAlchemy, Alembic and psycopg are not in the base install
    raise InkwiseError(f'inkwise.corrections needs {error.name}: pip install "inkwise[app]"') from error

__all__ = ["Accuracy", "Confusion", "Sample", "Store", "export_samples", "import_samples"]
