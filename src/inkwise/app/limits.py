"""How much a client may send."""

BODY_BYTES = 4 * 2**20
"""Of a body, where nothing else is said."""

UPLOAD_BYTES = 32 * 2**20
"""Of a picture."""

IMPORT_BYTES = 256 * 2**20
"""Of an import as it is sent."""

UNPACKED_BYTES = 512 * 2**20
"""Of all files of an import, unpacked."""

MAX_INTEGER = 2**31 - 1
"""Numbers above this the databases cannot hold."""

BODY_BYTES_AT = {"/api/picture": UPLOAD_BYTES, "/api/import": IMPORT_BYTES}
