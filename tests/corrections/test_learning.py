"""Fine-tuning on small shapes: in this process, and as a job in another."""

import io
import shutil
import sys
import time
import uuid
from functools import partial

import numpy as np
import pytest
from rich.console import Console

from inkwise import datasets
from inkwise._util.errors import DataError, InkwiseError, ModelError, StoreError
from inkwise.corrections import (
    Accuracy,
    FineTuningJob,
    FineTuningState,
    Store,
    VersionScores,
    learn,
    number_learning,
)
from inkwise.corrections import learning_jobs as learning
from inkwise.corrections.learning_jobs import compare_versions, is_held_out
from inkwise.datasets.idx import idx_bytes
from inkwise.preprocessing import strokes_to_glyph
from inkwise.recognition import Model
from inkwise.training import fine_tuning as finetune
from inkwise.training import load_recipe, number_fine_tuning, train
from inkwise.training.recipes import FINE_TUNING

SHAPES = {
    "0": [[0, 0], [50, 0], [50, 80], [0, 80], [0, 0]],
    "1": [[0, 0], [0, 90]],
    "7": [[0, 0], [60, 0], [20, 90]],
}
CROSS = [[[0, 0], [60, 80]], [[60, 0], [0, 80]]]
SCORES = VersionScores(Accuracy(9_950, 10_000), Accuracy(3, 4))
QUICK = FINE_TUNING.set(
    own_samples={"glyph_count": 600}, optimization={"batch": 32, "lr": 3e-3, "precision": "float32"}
)

# Program of a job, with the shapes in place of MNIST.
CHILD = """
import sys
from functools import partial
from inkwise import datasets
from inkwise.corrections import learning_jobs as learning
from inkwise.training import fine_tuning as finetune
from inkwise.training import number_fine_tuning as numbers
from inkwise.training.recipes import FINE_TUNING
numbers._OWN_LINES = numbers._REPLAY_LINES = numbers._HELD_OUT_LINES = numbers._STEPS = 4
learning.load_dataset = lambda name: datasets.load_dataset(sys.argv[1])
optimization = {"batch": 32, "lr": 3e-3, "precision": "float32"}
quick = FINE_TUNING.set(own_samples={"glyph_count": int(sys.argv[2])}, optimization=optimization)
finetune.fine_tune = partial(finetune.fine_tune, recipe=quick)
learning.run_job_process()
"""


def drawn(strokes, rng):
    """Strokes with random deviations."""
    return [(np.array(stroke) + rng.normal(0, 4, (len(stroke), 2))).tolist() for stroke in strokes]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A data set of 150 shapes."""
    rng = np.random.default_rng(0)
    labels = list(SHAPES) * 50
    glyphs = [strokes_to_glyph(drawn([SHAPES[label]], rng), float(rng.uniform(1.8, 4))) for label in labels]
    folder = tmp_path_factory.mktemp("shapes")
    (folder / "train-images-idx3-ubyte").write_bytes(idx_bytes(np.stack(glyphs)))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.array(labels).astype(np.uint8)))
    return folder


@pytest.fixture(scope="session")
def base(folder, tmp_path_factory):
    """A model trained on the shapes."""
    shapes = load_recipe("default").set(
        data={"train": (str(folder),), "test": (), "validation": 0.2},
        model={"channels": (8, 8, 8)},
        optimization={"epochs": 8, "batch": 16, "precision": "float32"},
    )
    return train(shapes, tmp_path_factory.mktemp("base"), device="cpu", console=Console(file=io.StringIO()))


@pytest.fixture(autouse=True)
def _small(folder, monkeypatch):
    monkeypatch.setattr(learning, "load_dataset", lambda name: datasets.load_dataset(folder))
    monkeypatch.setattr(finetune, "fine_tune", partial(finetune.fine_tune, recipe=QUICK))
    for name in ("_OWN_LINES", "_REPLAY_LINES", "_HELD_OUT_LINES", "_STEPS"):
        monkeypatch.setattr(number_fine_tuning, name, 4)
    monkeypatch.setattr(number_learning, "_HELD_OUT_NUMBERS", 4)
    monkeypatch.setattr(learning, "_COMMAND", [sys.executable, "-c", CHILD, str(folder), "600"])


@pytest.fixture(params=["sqlite"])
def url(request, make_url):
    """SQLite, unless a test asks for PostgreSQL: fine-tuning does not depend on the database."""
    return make_url(request.param)


@pytest.fixture
def teach(store):
    """Add drawings of Anna's, a third of them crosses: teach(30)."""

    def teach(count):
        rng = np.random.default_rng(1)
        for number in range(count):
            label = ["×", "7", "1"][number % 3]
            strokes = drawn(CROSS if label == "×" else [SHAPES[label]], rng)
            store.add(strokes_to_glyph(strokes), writer="anna", source="canvas", strokes=strokes, label=label)

    return teach


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_learn_trains_and_stores_a_version(store, teach, base, tmp_path):
    teach(45)
    told = []

    version = learn(store, "anna", base, progress=lambda step, share: told.append((step, share)))

    held = [sample for sample in store.samples(writer="anna") if is_held_out(sample.id)]
    assert version.samples == 45 - len(held)
    assert version.before.mnist.n == version.after.mnist.n == 150
    assert version.before.own.n == version.after.own.n == len(held)
    assert version.after.own.right > version.before.own.right, "the crosses were unknown"
    assert store.versions.list("anna") == [version]
    path = tmp_path / "learnt.onnx"
    path.write_bytes(store.versions.weights(version.number))
    model = Model(path)
    assert model.labels == ("0", "1", "7", "×")
    assert model.name == f"{Model(base).name}, learnt from {version.samples} of anna"
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert {f"learning {version.samples} samples", "loading MNIST"} < {step for step, _ in told}
    second = learn(store, "anna", base)
    assert second.before == version.after, "compared with the writer's present version"


def test_learn_compares_with_the_base_model_after_a_damaged_version(
    store, teach, base, untrained, monkeypatch, caplog
):
    teach(12)
    damaged = store.versions.add("anna", b"damaged", 10, SCORES, SCORES, promote=True)
    measured = []
    monkeypatch.setattr(learning, "_scores", lambda model, *_: measured.append(model.name) or SCORES)

    version = learn(store, "anna", base)

    assert measured[0] == Model(base).name
    assert store.versions.promoted("anna") == version.number
    (line,) = [record.getMessage() for record in caplog.records if record.name == "inkwise.corrections"]
    assert line.startswith(f"version {damaged.number} is damaged (the model: ")


def test_comparison_names_and_leaves_out_a_damaged_version(store, teach, base):
    teach(12)
    weights = base.read_bytes()
    numbers = [
        store.versions.add("anna", onnx, 10, SCORES, SCORES).number
        for onnx in (weights, weights[:1000], weights)
    ]
    comparison = compare_versions(store, "anna", Model(base))
    assert comparison.versions == [0, numbers[0], numbers[2]]
    assert len({tuple(row) for row in comparison.accuracy}) == 1
    (line,) = comparison.damaged
    assert line.startswith(f"version {numbers[1]} is damaged (the model: ")


def test_held_out_third_depends_on_the_id_alone():
    ids = [uuid.UUID(int=number) for number in range(3_000)]
    held = [is_held_out(each) for each in ids]
    assert held == [is_held_out(uuid.UUID(str(each))) for each in ids]
    assert 900 < sum(held) < 1_100
    # From SHA-256 of the id: a change here would evaluate versions on their training samples.
    assert [number for number in range(10) if held[number]] == [2, 9]


@pytest.fixture
def untrained(monkeypatch):
    """Replace the training: the new model is the base model."""
    monkeypatch.setattr(finetune, "fine_tune", lambda base, path, *_, **__: shutil.copy(base, path))


def scored(monkeypatch, *misses):
    """Let the next models miss this many of MNIST and of the writer's own samples, of 100 each."""
    counts = iter(misses)
    monkeypatch.setattr(learning, "_accuracy", lambda model, dataset: Accuracy(100 - next(counts), 100))


@pytest.mark.parametrize(
    ("misses", "asked", "promoted"),
    [((3, 9, 3, 9), 0, 1), ((3, 9, 9, 0), 0, 0), ((3, 9, 9, 0), 1, 1), ((3, 9, 0, 10), 0, 0)],
)
def test_learn_promotes_a_version_that_is_worse_on_neither_or_on_request(
    store, teach, base, untrained, monkeypatch, misses, asked, promoted
):
    teach(12)
    scored(monkeypatch, *misses)
    version = learn(store, "anna", base, promote=bool(asked))
    assert (version.promoted, store.versions.promoted("anna")) == (bool(promoted), promoted * version.number)


def test_learn_stores_nothing_of_deleted_samples(store, teach, base, untrained):
    teach(12)
    with pytest.raises(StoreError, match="the samples of anna were deleted meanwhile"):
        learn(store, "anna", base, progress=lambda step, _: "new" in step and store.erase("anna"))
    assert store.versions.list("anna") == []


def test_learn_uses_glyphs_without_strokes(store, base):
    rng = np.random.default_rng(1)
    for _ in range(30):
        store.add(strokes_to_glyph(drawn(CROSS, rng)), writer="anna", source="import", label="×")
    version = learn(store, "anna", base)
    assert version.after.own.misses < version.before.own.misses


def test_learn_rejects_too_few_samples(store, teach, base, add):
    teach(7)
    add(answer="7")
    with pytest.raises(StoreError) as caught:
        learn(store, "anna", base)
    assert str(caught.value) == "anna has 7 labelled samples; learning needs 3 more, 10 in all"


def test_learn_names_what_is_missing(store, teach, base, monkeypatch, without_module):
    teach(12)
    with pytest.raises(ModelError, match=r"none\.onnx: cannot be opened"):
        learn(store, "anna", base.with_name("none.onnx"))
    monkeypatch.setattr(learning, "load_dataset", lambda name: datasets.load_dataset("nowhere"))
    with pytest.raises(DataError, match="nowhere"):
        learn(store, "anna", base)
    without_module("torch", "inkwise.training.fine_tuning")
    for begin in (lambda: learn(store, "anna", base), lambda: FineTuningJob(store).start("anna")):
        with pytest.raises(InkwiseError, match=r"^learning needs torch: pip install torch --index"):
            begin()
    assert store.versions.list("anna") == []


@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        ((), []),
        (("onnx",), ["'/opt/my python' -m pip install 'inkwise[train]'"]),
        (
            ("torch", "scipy"),
            [
                "'/opt/my python' -m pip install torch --index-url https://download.pytorch.org/whl/cpu",
                "'/opt/my python' -m pip install 'inkwise[train]'",
            ],
        ),
        (
            ("torch", "pip"),
            [
                "uv pip install --python '/opt/my python' torch"
                " --index-url https://download.pytorch.org/whl/cpu",
                "uv pip install --python '/opt/my python' 'inkwise[train]'",
            ],
        ),
    ],
)
def test_install_commands_are_those_of_this_installation(monkeypatch, absent, expected):
    monkeypatch.setattr(learning, "find_spec", lambda name: None if name in absent else object())
    monkeypatch.setattr(learning.sys, "executable", "/opt/my python")
    assert learning.install_commands() == expected


def test_time_left_is_measured_from_the_finished_share(store, monkeypatch):
    now = [1000.0]
    job = FineTuningJob(store)
    monkeypatch.setattr(learning.time, "monotonic", lambda: now[0])
    job._began = job._reported = now[0]
    job._state = FineTuningState("running", "anna", "starting")

    def left(seconds, share=None):
        now[0] += seconds
        if share is not None:
            job._update({"share": share})
        state = job.state()
        return state.seconds, state.seconds_left

    assert left(10) == (10, None)
    assert left(10, 0.1) == (20, None), "too little is measured"
    assert left(40, 0.6) == (60, 40)
    assert left(15) == (75, 25), "it passes while nothing is reported"
    assert left(30) == (105, None), "longer than measured"
    assert left(15, 0.8) == (120, 30)
    job._update({"status": "done", "share": 1.0})
    assert job.state().seconds_left is None


def until(job, condition):
    """Wait at most 10 minutes for a state of a job."""
    end = time.monotonic() + 600
    while not condition(job.state()):
        assert time.monotonic() < end, job.state()
        time.sleep(0.02)
    return job.state()


@pytest.mark.slow
def test_job_learns_in_the_background(store, teach, base):
    teach(30)
    job = FineTuningJob(store, base)
    assert job.state() == FineTuningState()
    assert job.start("anna").status == "running"
    with pytest.raises(StoreError, match="anna's model is being fine-tuned: wait, or cancel it"):
        job.start("ben")
    seen = until(job, lambda state: state.share > 0.2)
    assert (seen.writer, seen.error, seen.version) == ("anna", None, None)

    state = job.wait()

    (version,) = store.versions.list("anna")
    assert state == FineTuningState("done", "anna", "learning numbers", 1.0, None, version.number)
    assert job.cancel() == state, "nothing is left to cancel"


@pytest.mark.slow
def test_cancelled_job_stores_nothing_and_another_can_start(store, teach, base, folder, monkeypatch):
    monkeypatch.setattr(learning, "_COMMAND", [sys.executable, "-c", CHILD, str(folder), "1000000"])
    teach(30)
    job = FineTuningJob(store, base)
    job.start("anna")
    until(job, lambda state: state.step)
    assert job.cancel().status == "cancelled"
    assert store.versions.list("anna") == []
    assert job.start("anna").status == "running"
    job.cancel()


def test_failed_job_reports_the_error(store, teach, base):
    teach(3)
    job = FineTuningJob(store, base)
    job.start("anna")
    state = job.wait()
    assert state.status == "failed"
    assert state.error == "anna has 3 labelled samples; learning needs 7 more, 10 in all"


def test_killed_job_reports_the_exit_status(store, base, monkeypatch):
    monkeypatch.setattr(learning, "_COMMAND", [sys.executable, "-c", "print('{\"sha', end=''); exit(3)"])
    job = FineTuningJob(store, base)
    job.start("anna")
    assert job.wait().error == "the process that learns has ended by itself (3)"


def test_password_is_in_no_command_line(postgresql, base, monkeypatch):
    orders = {}

    def follow(process, given):
        with process:
            orders.update(given)

    monkeypatch.setattr(learning, "_COMMAND", [sys.executable, "-c", "pass"])
    with Store.open(postgresql.replace("inkwise@", "inkwise:secret@")) as store:
        job = FineTuningJob(store, base)
        monkeypatch.setattr(job, "_follow", follow)
        job.start("anna")
        job.wait()
    assert "secret" not in " ".join(map(str, job._process.args))
    assert "secret" in orders["url"]


def test_accuracy_counts_rejected_non_digits_as_right(base, monkeypatch):
    model = Model(base)
    said = np.array([[0.9, 0.0, 0.1], [0.3, 0.3, 0.2], [0.9, 0.0, 0.1]], np.float32)
    monkeypatch.setattr(model, "run", lambda glyphs: (said, None))
    monkeypatch.setattr(model, "threshold", 0.5)
    labels = np.array(["0", "not a digit", "not a digit"])
    dataset = datasets.Dataset("few", np.zeros((3, 28, 28), np.uint8), labels)
    assert learning._accuracy(model, dataset) == Accuracy(2, 3)


def test_learn_starts_from_a_bundled_model_by_name(store, teach, base, untrained, monkeypatch):
    monkeypatch.setattr(learning, "model_source", {"tiny": base}.__getitem__)
    teach(12)
    learn(store, "anna", "tiny")
    assert store.versions.list("anna")


def test_learn_leaves_out_what_the_letters_model_answered(store, base, add):
    for _ in range(20):
        add(label="Z", model="letters (2025-11-30)")
    with pytest.raises(StoreError, match="anna has 0 labelled samples"):
        learn(store, "anna", base)


def test_learn_rejects_a_model_that_reads_letters(store, teach):
    teach(12)
    with pytest.raises(ModelError, match="a model that reads letters cannot learn"):
        learn(store, "anna", "letters")
