"""The systems of the five documents that began the project, retrained and compared with what they report.

Importing this package registers its data sets; it needs no torch.
"""

from inkwise.reproduction import modified_mnist

__all__ = ["modified_mnist"]
