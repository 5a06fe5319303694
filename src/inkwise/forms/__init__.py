"""Forms: a template with named fields, and what was written into them."""

from inkwise.forms.field import KINDS, Field
from inkwise.forms.field_overlay import draw_fields
from inkwise.forms.form_reader import FieldReading, FormReader, FormReading, load_reference
from inkwise.forms.template import FormError, FormTemplate

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
