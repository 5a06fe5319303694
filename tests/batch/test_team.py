"""Processes that read pages."""

from shades import Shades, pdf

from inkwise.batch import PageRow
from inkwise.batch.process_pool import PageTask, read_in_processes


class Counted(bytes):
    """Bytes that count how often they are sent to another process."""

    sent = 0

    def __reduce__(self):
        Counted.sent += 1
        return bytes, (bytes(self),)


def test_what_comes_from_standard_input_is_sent_once_to_each_process(tmp_path):
    pdf(tmp_path / "a.pdf", range(100, 106))
    content = Counted((tmp_path / "a.pdf").read_bytes())
    tasks = iter([PageTask("-", content, number, known=True) for number in range(1, 7)])
    results = [result for _, result in read_in_processes(lambda: next(tasks, None), Shades(), 2)]
    texts = [result.values["text"] for result in results if isinstance(result, PageRow)]
    assert sorted(texts) == ["100", "101", "102", "103", "104", "105"]
    assert Counted.sent <= 2
