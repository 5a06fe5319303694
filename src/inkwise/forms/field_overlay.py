"""A form's fields, drawn over its reference."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from inkwise.forms.form_reader import load_template_image
from inkwise.forms.template import FormTemplate

_FIELD_COLOR, _FIDUCIAL_COLOR = (20, 90, 200), (200, 60, 30)
_MAX_SIDE = 1600  # pixels, of a page that has no reference


def draw_fields(form: FormTemplate) -> Image.Image:
    """The fields with their names and cells, and the marks, over the reference, or over white paper.

    Raises:
        InkwiseError: the reference cannot be read.
    """
    if form.reference is None:
        scale = _MAX_SIDE / max(form.size)
        image = Image.new("RGB", (round(form.size[0] * scale), round(form.size[1] * scale)), "white")
    else:
        image = Image.fromarray(load_template_image(form)).convert("RGB")
    drawing = ImageDraw.Draw(image)
    fx, fy = image.width / form.size[0], image.height / form.size[1]
    line = max(2, max(image.size) // 800)
    font = ImageFont.load_default(max(12, max(image.size) // 90))
    for x, y, w, h in form.marks:
        drawing.rectangle([x * fx, y * fy, (x + w) * fx, (y + h) * fy], outline=_FIDUCIAL_COLOR, width=line)
    for field in form.fields:
        x, y, w, h = field.box
        drawing.rectangle([x * fx, y * fy, (x + w) * fx, (y + h) * fy], outline=_FIELD_COLOR, width=line)
        for cell in range(1, field.cells):
            across = (x + cell * w / field.cells) * fx
            drawing.line([across, y * fy, across, (y + h) * fy], fill=_FIELD_COLOR, width=line)
        drawing.text((x * fx, y * fy - line), field.name, fill=_FIELD_COLOR, font=font, anchor="lb")
    return image
