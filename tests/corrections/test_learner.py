import threading
import time
import uuid

import numpy as np
import pytest

from inkwise import InkwiseError, StoreError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.corrections import Accuracy, LabelledAnswer, Learner, Store, VersionScores
from inkwise.corrections.learner import MAX_ADAPTATION_SAMPLES, MAX_CACHED_WRITERS, RETRY_SECONDS

A = [[(0, 100), (40, 0), (80, 100)], [(15, 60), (65, 60)]]
SEVEN = [[(0, 0), (55, 0), (25, 75)]]
SCORES = VersionScores(mnist=Accuracy(9_965, 10_000), own=Accuracy(27, 33))


@pytest.fixture
def learner(url):
    learner = Learner(url)
    yield learner
    learner.close()


def drawn(strokes, seed):
    rng = np.random.default_rng(seed)
    return [np.array(stroke, float) + rng.normal(0, 3, (len(stroke), 2)) for stroke in strokes]


def teach(learner, writer, strokes, label, times):
    for seed in range(times):
        learner.keep(writer, "canvas", [LabelledAnswer(label, drawn(strokes, seed))])


def test_keep_stores_answer_and_strokes(learner):
    digit = learner.read_strokes("anna", SEVEN).digits[0]
    (kept,) = learner.keep(
        "anna",
        "canvas",
        [LabelledAnswer("7", SEVEN, answer=digit.label, probability=digit.probability, model="m")],
    )
    sample = learner.store.get(kept.id)
    assert (sample.label, sample.answer, sample.source, sample.model) == ("7", "7", "canvas", "m")
    assert sample.strokes == [[[0, 0], [55, 0], [25, 75]]]
    np.testing.assert_array_equal(sample.glyph, digit.glyph)


def test_five_samples_add_a_letter(learner):
    assert learner.read_strokes("anna", A, "digit").digits[0].label != "A"
    teach(learner, "anna", A, "A", 5)
    teach(learner, "anna", SEVEN, "7", 2)
    assert learner.read_strokes("anna", drawn(A, 99), "digit").digits[0].label == "A"
    assert learner.read_strokes("anna", drawn(SEVEN, 99)).text == "7"
    assert learner.recognizer("anna").labels == (*"0123456789", "A")


def test_confirmed_rejection_teaches_no_digit(learner):
    for seed in range(3):
        digit = learner.read_strokes("anna", drawn(A, seed)).digits[0]
        learner.keep("anna", "canvas", [LabelledAnswer(NOT_A_DIGIT, drawn(A, seed), answer=NOT_A_DIGIT)])
        assert digit.doubt == NOT_A_DIGIT
    assert learner.read_strokes("anna", drawn(A, 99)).digits[0].doubt == NOT_A_DIGIT
    assert learner.read_strokes("anna", SEVEN).text == "7"
    assert learner.recognizer("anna").labels == (*"0123456789",)


def test_samples_of_non_digits_make_a_drawing_rejected(learner):
    teach(learner, "anna", SEVEN, NOT_A_DIGIT, 5)
    assert learner.read_strokes("anna", SEVEN).digits[0].doubt == NOT_A_DIGIT


def test_letters_are_read_besides_digits_if_asked(learner):
    letters = learner.recognizer("anna", letters=True)
    assert letters.model.name.startswith("letters (")
    assert learner.read_strokes("anna", A, letters=True).digits[0].label == "A"
    assert learner.read_strokes("anna", SEVEN, letters=True).model == letters.model.name
    assert learner.recognizer("anna").labels == (*"0123456789",)


def test_answers_of_the_letters_model_change_letters_alone(learner):
    model = learner.recognizer("anna", letters=True).model.name
    for seed in range(5):
        answer = LabelledAnswer("Z", drawn(SEVEN, seed), answer="7", probability=0.9, model=model)
        learner.keep("anna", "canvas", [answer])
    assert learner.read_strokes("anna", SEVEN, letters=True).digits[0].label == "Z"
    assert learner.read_strokes("anna", SEVEN).text == "7"
    assert learner.recognizer("anna").labels == (*"0123456789",)
    teach(learner, "anna", SEVEN, "1", 5)
    assert learner.read_strokes("anna", SEVEN).digits[0].label == "1"


def test_learner_of_a_letters_model_reads_letters_only(url):
    learner = Learner(url, "letters")
    assert learner.recognizer("anna", letters=True) is learner.recognizer("anna")
    answer = LabelledAnswer("Z", SEVEN, answer="7", probability=0.9, model=learner.base.model.name)
    for _ in range(5):
        learner.keep("anna", "canvas", [answer])
    assert learner.read_strokes("anna", SEVEN).digits[0].label == "Z"
    learner.close()


def test_writers_do_not_affect_each_other(learner):
    teach(learner, "anna", SEVEN, "1", 5)
    assert learner.read_strokes("anna", SEVEN).digits[0].label == "1"
    assert learner.read_strokes("ben", SEVEN).digits[0].label == "7"


def test_relabelling_and_undo_take_effect_at_once(learner):
    teach(learner, "anna", SEVEN, "1", 5)
    for sample in learner.store.samples(writer="anna"):
        learner.store.label(sample.id, "7")
    assert learner.read_strokes("anna", SEVEN).digits[0].label == "7"
    for _ in range(5):
        learner.store.undo("anna")
    assert learner.read_strokes("anna", SEVEN).digits[0].label == "1"


def test_learners_that_share_a_database_share_samples(learner, url):
    other = Learner(url)
    assert other.read_strokes("anna", SEVEN).digits[0].label == "7"
    teach(learner, "anna", SEVEN, "1", 5)
    assert other.read_strokes("anna", SEVEN).digits[0].label == "1"
    other.close()


def test_promoted_version_reads_until_it_is_rolled_back(learner, default_weights):
    version = learner.store.versions.add("anna", default_weights, 10, SCORES, SCORES)
    assert learner.recognizer("anna").model is learner.base.model
    learner.store.versions.promote("anna", version.number)
    assert learner.recognizer("anna").model is not learner.base.model
    assert learner.recognizer("ben").model is learner.base.model
    assert learner.read_strokes("anna", SEVEN).text == "7"
    learner.store.versions.promote("anna", 0)
    assert learner.recognizer("anna").model is learner.base.model
    assert learner.damage("anna") is None


def test_promoted_line_reader_reads_numbers_until_it_is_rolled_back(learner, default_weights, line_weights):
    versions = learner.store.versions
    versions.add("anna", default_weights, 10, SCORES, SCORES, lines=line_weights, promote=True)
    assert learner.recognizer("anna")._numbers.model is not learner.base._numbers.model
    teach(learner, "anna", SEVEN, "7", 1)
    assert learner.recognizer("anna")._numbers.model is not learner.base._numbers.model
    assert learner.recognizer("ben")._numbers.model is learner.base._numbers.model
    versions.promote("anna", 0)
    assert learner.recognizer("anna")._numbers.model is learner.base._numbers.model


def test_base_model_reads_and_adapts_in_place_of_a_damaged_version(learner, damaged_weights, caplog):
    teach(learner, "anna", SEVEN, "1", 5)
    version = learner.store.versions.add("anna", damaged_weights, 10, SCORES, SCORES, promote=True)
    assert learner.read_strokes("anna", SEVEN).digits[0].label == "1", "with the corrections"
    assert learner.recognizer("anna").model is learner.base.model
    line = learner.damage("anna")
    assert line.startswith(f"version {version.number} is damaged (the model: ")
    assert line.endswith("): the base model is used instead")
    teach(learner, "anna", A, "A", 5)
    assert learner.read_strokes("anna", drawn(A, 99), "digit").digits[0].label == "A"
    assert [record.getMessage() for record in caplog.records] == [line], "it is logged once"
    assert learner.damage("ben") is None


def test_valid_version_replaces_a_damaged_one(learner, damage_model, default_weights):
    damaged, sound = (
        learner.store.versions.add("anna", weights, 10, SCORES, SCORES).number
        for weights in (damage_model("truncated", default_weights), default_weights)
    )
    for number in (damaged, sound):
        learner.store.versions.promote("anna", number)
        assert bool(learner.damage("anna")) == (number == damaged)
        assert (learner.recognizer("anna").model is learner.base.model) == (number == damaged)


def test_recognizer_retries_after_the_database_failed(learner, default_weights, monkeypatch, clock):
    learner.store.versions.add("anna", default_weights, 10, SCORES, SCORES, promote=True)
    with monkeypatch.context() as patch:
        patch.setattr(learner.store, "newest", raising(StoreError("disk I/O error")))
        assert learner.recognizer("anna").model is learner.base.model
    clock(10 * RETRY_SECONDS)
    assert learner.recognizer("anna").model is not learner.base.model


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


def threads(model):
    return model._session.get_session_options().intra_op_num_threads


def test_models_run_on_one_thread_and_share_the_line_model(learner, default_weights):
    learner.store.versions.add("anna", default_weights, 10, SCORES, SCORES, promote=True)
    teach(learner, "ben", SEVEN, "7", 1)
    recognizers = [learner.base, learner.recognizer("anna"), learner.recognizer("ben")]
    assert len({id(recognizer) for recognizer in recognizers}) == 3
    assert [threads(recognizer.model) for recognizer in recognizers] == [1, 1, 1]
    lines = {id(recognizer._numbers.model): recognizer._numbers.model for recognizer in recognizers}
    assert [threads(each) for each in lines.values()] == [1]


def test_close_waits_for_a_concurrent_open(tmp_path, monkeypatch):
    opening, go_on = threading.Event(), threading.Event()
    closed = []
    open_ = Store.open

    def slow(url):
        opening.set()
        assert go_on.wait(60)
        store = open_(url)
        monkeypatch.setattr(store, "close", lambda close=store.close: closed.append(close()))
        return store

    monkeypatch.setattr(Store, "open", slow)
    learner = Learner(f"sqlite:///{tmp_path / 'taught.db'}")
    opener = threading.Thread(target=lambda: learner.store)
    opener.start()
    assert opening.wait(60)
    closer = threading.Thread(target=learner.close)
    closer.start()
    go_on.set()
    opener.join()
    closer.join()
    assert len(closed) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["taught.db"]


def test_keep_stores_all_answers_or_none(learner):
    with pytest.raises(InkwiseError, match="label is empty"):
        learner.keep("anna", "canvas", [LabelledAnswer("7", SEVEN), LabelledAnswer(" ", SEVEN)])
    assert learner.store.count() == 0
    learner.keep("anna", "canvas", [LabelledAnswer("7", SEVEN), LabelledAnswer("1", SEVEN)])
    assert learner.store.undo("anna").label == "1"


def test_keep_rejects_an_answer_without_strokes_and_glyph(learner):
    for answer in (LabelledAnswer("7"), LabelledAnswer("7", strokes=[])):
        with pytest.raises(InkwiseError, match="needs the strokes or the glyph"):
            learner.keep("anna", "canvas", [answer])


@pytest.fixture
def clock(monkeypatch):
    """Let so many seconds go by: clock(2.0)."""
    gone = 0.0

    def pass_by(seconds):
        nonlocal gone
        gone += seconds

    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + gone)
    return pass_by


def test_reading_works_without_the_database_and_keep_raises(tmp_path, clock):
    learner = Learner(f"sqlite:///{tmp_path / 'no folder' / 'taught.db'}")
    assert learner.read_strokes("anna", SEVEN).text == "7"
    with pytest.raises(StoreError, match="unable to open"):
        learner.keep("anna", "canvas", [LabelledAnswer("7", SEVEN)])
    (tmp_path / "no folder").mkdir()
    with pytest.raises(StoreError, match="unable to open"):
        learner.keep("anna", "canvas", [LabelledAnswer("7", SEVEN)])
    clock(RETRY_SECONDS)
    learner.keep("anna", "canvas", [LabelledAnswer("7", SEVEN)])
    assert learner.store.count() == 1, "it is retried after a while"
    learner.close()


def test_adaptation_uses_the_newest_samples(learner, glyph):
    learner.keep("anna", "import", [LabelledAnswer("x", glyph=glyph)])
    learner.keep("anna", "import", [LabelledAnswer("7", glyph=glyph)] * MAX_ADAPTATION_SAMPLES)
    assert learner.recognizer("anna").labels == tuple("0123456789")


def test_keep_stores_a_repeated_id_once(learner):
    answer = LabelledAnswer("7", SEVEN, id=uuid.uuid4())
    first, again = (learner.keep("anna", "canvas", [answer])[0] for _ in range(2))
    assert first.id == again.id == answer.id
    assert learner.store.count() == 1


def test_cache_holds_a_limited_number_of_writers(learner):
    teach(learner, "anna", SEVEN, "1", 5)
    assert learner.read_strokes("anna", SEVEN).digits[0].label == "1"
    for number in range(MAX_CACHED_WRITERS):
        learner.read_strokes(f"writer {number}", SEVEN)
    assert len(learner._writer_states) == MAX_CACHED_WRITERS
    assert learner.read_strokes("anna", SEVEN).digits[0].label == "1", "after the recognizer was rebuilt"
