"""Forms: a template with named fields, and what was written into them."""

from inkwise.forms.field import KINDS, Field
from inkwise.forms.field_overlay import draw
from inkwise.forms.form_reader import Entry, FormReader, Sheet, prepared
from inkwise.forms.template import Form, FormError

__all__ = ["KINDS", "Entry", "Field", "Form", "FormError", "FormReader", "Sheet", "draw", "prepared"]
