import io
import json
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from inkwise.app import transfer_routes as transfer

BLANK = ",".join(["0"] * 784)


def packed(**files):
    """Return a ZIP file of texts: packed(images_csv="0,0")."""
    return packed_names({name.replace("_", "."): text for name, text in files.items()})


def packed_names(files, method=zipfile.ZIP_DEFLATED):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def send(client, data, writer="zoe"):
    return client.post(f"/api/import?writer={writer}", content=data)


def error(client, data):
    """Import, check that nothing is kept, and return the error."""
    response = send(client, data)
    assert response.status_code in (413, 422)
    assert client.get("/api/samples").json()["total"] == 0
    return response.json()["error"]


def test_export_can_be_imported(client, keep):
    kept = [keep(label="=1"), keep("ben", label="7")]
    response = client.get("/api/export")
    assert response.headers["Content-Disposition"] == 'attachment; filename="inkwise-samples.zip"'
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert send(client, response.content).json() == {"added": 0}
    for sample in kept:
        client.delete(f"/api/samples/{sample['id']}")
    assert send(client, response.content).json() == {"added": 2}
    listed = client.get("/api/samples").json()["samples"]
    assert sorted(each["id"] for each in listed) == sorted(each["id"] for each in kept)


def test_export_has_three_files_without_formulas(client, keep):
    keep(label="=1")
    keep("ben")
    with zipfile.ZipFile(io.BytesIO(client.get("/api/export?writer=anna").content)) as archive:
        assert archive.namelist() == ["images.csv", "labels.csv", "samples.jsonl"]
        assert archive.read("labels.csv") == b"'=1\n"


def test_export_without_samples_is_404(client):
    response = client.get("/api/export?writer=anna")
    assert (response.status_code, response.json()) == (404, {"error": "there are no samples of anna"})


def test_import_of_json_lines(client, keep):
    sample = keep()
    client.delete(f"/api/samples/{sample['id']}")
    assert send(client, json.dumps(sample).encode() + b"\n").json() == {"added": 1}
    assert client.get("/api/samples").json()["samples"] == [sample]


def test_csv_pair_belongs_to_the_importing_writer(client):
    data = packed(images_csv=f"{BLANK}\n{BLANK}\n", labels_csv="'=1\n7\n")
    assert send(client, data).json() == {"added": 2}
    listed = client.get("/api/samples?writer=zoe").json()["samples"]
    assert sorted(each["label"] for each in listed) == ["7", "=1"]


def test_import_names_the_invalid_row(client):
    short = packed(images_csv=f"{BLANK}\n1,2,3\n", labels_csv="7\n1\n")
    assert error(client, short) == "images.csv: row 2: 3 values, not 784"
    assert error(client, b"hello") == "samples.jsonl: row 1: is not JSON"
    assert error(client, b"\xff\xfe") == "samples.jsonl: is not a text file"
    assert (
        error(client, packed(images_csv=BLANK)) == "labels.csv: cannot be opened (No such file or directory)"
    )


def test_import_ignores_paths_in_the_archive(client):
    data = packed_names({"../images.csv": BLANK, "/labels.csv": "7", "a/samples.jsonl": "{}"})
    assert error(client, data) == "ZIP file: found neither images.csv nor labels.csv nor samples.jsonl"


def test_import_rejects_damaged_archives(client):
    whole = packed(images_csv=BLANK * 99, labels_csv="7\n")
    assert error(client, whole[40:]) == "ZIP file: damaged or protected by a password"
    spoilt = bytearray(whole)
    spoilt[60:70] = b"x" * 10
    assert error(client, bytes(spoilt)) == "ZIP file: damaged or protected by a password"
    locked = bytearray(packed_names({"images.csv": BLANK}, zipfile.ZIP_STORED))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert error(client, bytes(locked)) == "ZIP file: damaged or protected by a password"
    odd = packed_names({"images.csv": BLANK}, zipfile.ZIP_BZIP2)
    assert error(client, odd) == "ZIP file: the compression method is not supported"


def test_import_limits_the_unpacked_size(client, monkeypatch):
    monkeypatch.setattr(transfer, "UNPACKED_BYTES", 2**20)
    large = packed(images_csv="0" * 2**20, labels_csv="7")
    assert error(client, large) == "ZIP file: at most 1 MB are unpacked"


def test_import_limits_the_number_of_entries(client):
    many = packed_names({"samples.jsonl": "", **{f"{number:060}": "" for number in range(10_000)}})
    assert error(client, many) == "ZIP file: too many entries"


@pytest.fixture
def full(monkeypatch):
    """Make temporary files fail as on a full disk."""

    @contextmanager
    def full(*args, **options):
        with Path("/dev/full").open("w+b", buffering=0) as file:
            yield file

    return lambda: monkeypatch.setattr(transfer.tempfile, "TemporaryFile", full)


FULL = {"error": "temporary files cannot be written (No space left on device)"}


def test_import_with_full_disk_is_507(client, full):
    full()
    response = send(client, packed(images_csv=BLANK, labels_csv="7"))
    assert (response.status_code, response.json()) == (507, FULL)


def test_export_with_full_disk_is_507(client, keep, full):
    keep()
    full()
    response = client.get("/api/export")
    assert (response.status_code, response.json()) == (507, FULL)


def test_disk_full_during_unpacking_is_507(client, monkeypatch):
    data = packed(images_csv=BLANK, labels_csv="7")
    monkeypatch.setattr(transfer, "_chunks", lambda packed: Path("/dev/full").write_bytes(b"x"))
    response = send(client, data)
    assert (response.status_code, response.json()) == (507, FULL)
    assert client.get("/api/samples").json()["total"] == 0


def test_import_without_temporary_folder_is_503(client, monkeypatch):
    def none(*args, **options):
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/secret']")

    monkeypatch.setattr(transfer.tempfile, "TemporaryFile", none)
    response = send(client, b"{}")
    assert response.status_code == 503
    assert response.json() == {"error": "temporary files cannot be written (No such file or directory)"}
