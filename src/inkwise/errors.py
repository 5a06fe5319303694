"""The errors that a user can cause and mend: each is one clear line."""


class InkwiseError(ValueError):
    """Something the user gave cannot be used; the message is one line that names it and says why."""


class PictureError(InkwiseError):
    """A picture that cannot be decoded, or that is refused before it is decoded."""


class DataError(InkwiseError):
    """A data set that cannot be had, or whose bytes are not what they claim to be."""


class ModelError(InkwiseError):
    """A model file that cannot be used."""


class StoreError(InkwiseError):
    """A database of corrections that cannot be used, or what it cannot take in."""
