"""Forms: a template with named fields, and what was written into them."""

from inkwise.forms.drawing import draw
from inkwise.forms.field import KINDS, Field
from inkwise.forms.filled import Entry, FormReader, Sheet, prepared
from inkwise.forms.form import Form, FormError

__all__ = ["KINDS", "Entry", "Field", "Form", "FormError", "FormReader", "Sheet", "draw", "prepared"]
