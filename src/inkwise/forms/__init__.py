"""Forms: templates with named fields, the registration of scans, and the reading of fields."""

from inkwise.forms.form_reader import (
    FieldReading,
    FormReader,
    FormReading,
    draw_fields,
    load_reference,
)
from inkwise.forms.template import KINDS, Field, FormError, FormTemplate

__all__ = [
    "KINDS",
    "Field",
    "FieldReading",
    "FormError",
    "FormReader",
    "FormReading",
    "FormTemplate",
    "draw_fields",
    "load_reference",
]
