"""The endurance benchmark detects wrong readings and failures."""

import pytest

from benchmarks.robustness.endurance import ExpectedRequest, check, run_load, same


def test_service_answers_many_reads_correctly(start, run):
    with start() as service:
        port = int(service.url.rpartition(":")[2])
        tally = run(run_load(service.process.pid, port, clients=4, minutes=0, reads=60))
        assert service.end() == 0
    assert (tally.answers, tally.wrong) == (60, [])
    assert {status for _, status in tally.seconds} == {200}
    assert [count for count, _ in tally.tenths][-1] == 60
    assert 50 < tally.tenths[0][1] / 2**20 < tally.most / 2**20 + 1 < 500


@pytest.mark.parametrize(
    ("status", "body", "right"),
    [
        (200, b'{"text":"7","confidence":0.9979,"elapsed_ms":3.1}', True),
        (200, b'{"text":"7","confidence":0.9980,"elapsed_ms":9}', True),
        (200, b'{"text":"1","confidence":0.9979,"elapsed_ms":3.1}', False),
        (200, b'{"text":"7","confidence":0.9879,"elapsed_ms":3.1}', False),
        (200, b'{"text":"7","elapsed_ms":3.1}', False),
        (503, b'{"error":"the request took longer than 10 seconds"}', False),
        (0, b"", False),
    ],
)
def test_endurance_check_allows_rounding(status, body, right):
    assert same(ExpectedRequest("a 7", b""), status, body, b'{"text":"7","confidence":0.9979}') == right


def test_endurance_stops_at_a_wrong_reading():
    with pytest.raises(SystemExit, match="a 7: 200 1, expected 200 7"):
        check(ExpectedRequest("a 7", b"", text="7"), 200, b'{"text":"1"}')
