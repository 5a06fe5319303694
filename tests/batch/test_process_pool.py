"""Reading pages in several processes."""

from shades import Shades, pdf

from inkwise.batch import PageRow
from inkwise.batch.page_rows import PageTask
from inkwise.batch.process_pool import read_in_processes


class CountedBytes(bytes):
    """Bytes that count how often they are sent to another process."""

    sent = 0

    def __reduce__(self):
        CountedBytes.sent += 1
        return bytes, (bytes(self),)


class Queue:
    """Six pages of standard input."""

    def __init__(self, content):
        self.tasks = [PageTask("-", content, number, known=True) for number in range(6, 0, -1)]

    def take(self):
        return self.tasks.pop() if self.tasks else None


def test_read_in_processes_sends_standard_input_once_to_each_process(tmp_path):
    pdf(tmp_path / "a.pdf", range(100, 106))
    queue = Queue(CountedBytes((tmp_path / "a.pdf").read_bytes()))
    results = [result for _, result in read_in_processes(queue, Shades(), 2)]
    texts = [result.values["text"] for result in results if isinstance(result, PageRow)]
    assert sorted(texts) == ["100", "101", "102", "103", "104", "105"]
    assert CountedBytes.sent <= 2
