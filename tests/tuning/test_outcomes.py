import csv
import io
import json

import pytest
from matplotlib import pyplot as plt
from optuna.trial import create_trial
from rich.console import Console

from inkwise._util.errors import DataError
from inkwise._util.files import locked
from inkwise.training import load_recipe
from inkwise.tuning import run_search
from inkwise.tuning.outcomes import TrialOutcome, best_first, outcomes_table, trial_outcome, write_files
from inkwise.tuning.search import search_display
from inkwise.tuning.study_plots import comparable_keys, write_plots

PNG = b"\x89PNG\r\n\x1a\n"
KEYS = ["model.neurons2", "optimization.lr"]


def trial_values(neurons2, lr):
    return dict(zip(KEYS, (neurons2, lr), strict=True))


DONE = [
    TrialOutcome(0, "done", {"model.neurons2": 4, "optimization.lr": 0.001}, 0.9, 3, 1.25),
    TrialOutcome(1, "done", {"model.neurons2": 8, "optimization.lr": 0.01}, 0.95, 3, 2.5),
    TrialOutcome(2, "pruned", {"model.neurons2": 4, "optimization.lr": 0.0001}, 0.97, 1, 0.5),
    TrialOutcome(3, "done", {"model.neurons2": 8, "optimization.lr": 0.002}, 0.95, 3, 2.5),
]
LATER = [
    TrialOutcome(4, "diverged", {"model.neurons2": 4, "optimization.lr": 0.01}, None, 0, 0.1),
    TrialOutcome(5, "running", {"model.neurons2": 4, "optimization.lr": 0.005}, 0.99, 1, 0.3),
    TrialOutcome(6, "waiting", {}, None, 0, None),
]


@pytest.fixture
def search(plan):
    return plan("model.neurons2=4,8", "optimization.lr=1e-4..1e-2", trials=7)


def printed(thing, **options):
    console = Console(file=io.StringIO(), width=120, **options)
    console.print(thing)
    return console.file.getvalue()


def test_trial_outcome_of_each_state(search, opened):
    study = opened(search)
    claims = [study.claim() for _ in range(4)]
    for claim in claims[:3]:
        claim.trial.report(0.75, 1)
        claim.trial.report(0.5, 2)
    study.finish(claims[0], 0.625, seconds=2.5)  # the 0.75 is of a lost attempt
    study.finish(claims[1], None, seconds=1.5)
    study.finish(claims[2], None, seconds=0.5, diverged=True)
    done, pruned, diverged, running, waiting, *_ = map(trial_outcome, study.trials())
    assert done == TrialOutcome(0, "done", claims[0].values, 0.625, 2, 2.5)
    assert pruned == TrialOutcome(1, "pruned", claims[1].values, 0.75, 2, 1.5)
    assert diverged == TrialOutcome(2, "diverged", claims[2].values, None, 2, 0.5)
    assert (running.state, running.accuracy, running.epochs, running.finished) == ("running", None, 0, False)
    assert 0 <= running.seconds < 60
    assert waiting == TrialOutcome(4, "waiting", {}, None, 0, None)


def test_best_first_puts_earlier_of_equals_first():
    assert [one.number for one in best_first([*reversed(LATER), *DONE])][:3] == [1, 3, 0]
    assert best_first(LATER + DONE)[3].state == "pruned"


def test_outcomes_table_leaves_unknown_values_empty():
    lines = [
        line.split()
        for line in printed(
            outcomes_table([DONE[0], LATER[0], LATER[2]], ["model.neurons2", "optimization.lr"])
        ).splitlines()
    ]
    assert lines[1:] == [
        ["0", "done", "4", "0.001", "90.00%", "3", "1.2"],
        ["4", "diverged", "4", "0.01", "0", "0.1"],
        ["6", "waiting", "0"],
    ]


def test_best_json_is_a_recipe_file(search, tmp_path):
    path = write_files(search, DONE + LATER)
    assert path == tmp_path / "best.json"
    best = search.recipe.set(model={"neurons2": 8}, optimization={"lr": 0.01})
    assert json.loads(path.read_text()) == json.loads(json.dumps(best.to_dict()))
    assert load_recipe(str(path)) == best


def test_trials_csv_lists_every_trial(search, tmp_path):
    write_files(search, DONE + LATER)
    with (tmp_path / "trials.csv").open() as file:
        rows = [*csv.reader(file)]
    assert rows[0] == ["trial", "state", "model.neurons2", "optimization.lr", "accuracy", "epochs", "seconds"]
    assert rows[1] == ["0", "done", "4", "0.001", "0.9", "3", "1.25"]
    assert rows[-1] == ["6", "waiting", "", "", "", "0", ""]


def test_write_files_without_complete_trial(search, tmp_path):
    assert write_files(search, [DONE[2], *LATER]) is None
    write_plots(search, [])
    assert [path.name for path in tmp_path.iterdir()] == ["trials.csv"]


def complete_trials(search, *values, accuracy):
    return [
        create_trial(params=chosen, distributions=search.space, value=accuracy(chosen)) for chosen in values
    ]


@pytest.mark.parametrize("count", [1, 9])
def test_write_plots(search, tmp_path, count):
    values = [
        {"model.neurons2": 4 + 4 * (index % 2), "optimization.lr": 1e-4 * (index + 1)}
        for index in range(count)
    ]
    write_plots(
        search, complete_trials(search, *values, accuracy=lambda chosen: 100 * chosen["optimization.lr"])
    )
    pictures = {path.name: path.read_bytes() for path in (tmp_path / "pictures").iterdir()}
    names = {"history", "slices", "accuracy-model.neurons2", "accuracy-optimization.lr"}
    names |= {"importance"} if count > 1 else set()
    assert {*pictures} == {f"{name}.png" for name in names}
    assert all(picture.startswith(PNG) for picture in pictures.values())
    assert not plt.get_fignums()


def test_write_plots_reports_unusable_folder(search, tmp_path):
    (tmp_path / "pictures").write_text("not a folder")
    trials = complete_trials(search, {"model.neurons2": 4, "optimization.lr": 1e-3}, accuracy=lambda _: 0.5)
    with pytest.raises(DataError, match=r"pictures: cannot be made \(File exists\)$"):
        write_plots(search, trials)


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ([{"model.neurons2": 4, "optimization.lr": 1e-3}], []),
        (
            [{"model.neurons2": 4, "optimization.lr": 1e-3}, {"model.neurons2": 4, "optimization.lr": 1e-2}],
            [],
        ),
        (
            [{"model.neurons2": 4, "optimization.lr": 1e-3}, {"model.neurons2": 8, "optimization.lr": 1e-2}],
            ["model.neurons2", "optimization.lr"],
        ),
    ],
)
def test_importances_need_two_varied_keys(search, values, keys):
    trials = complete_trials(search, *values, accuracy=lambda chosen: chosen["optimization.lr"])
    assert comparable_keys(search, trials) == keys


def test_display_prints_a_line_per_finished_trial_to_a_pipe(search):
    console = Console(file=io.StringIO(), width=60)
    with search_display(console, search, [DONE[0], *LATER]) as update:
        update([*DONE, *LATER])
        update([*DONE, *LATER])
    assert console.file.getvalue().splitlines() == [
        "2 of 4 trials are done",
        "trial 1 done: model.neurons2=8 optimization.lr=0.01  95.00%  epoch 3  2.5 s  (3 of 7)",
        "trial 2 pruned: model.neurons2=4 optimization.lr=0.0001  97.00%  epoch 1  0.5 s  (4 of 7)",
        "trial 3 done: model.neurons2=8 optimization.lr=0.002  95.00%  epoch 3  2.5 s  (5 of 7)",
    ]


def test_display_fits_running_and_best_trials_on_terminal(search):
    console = Console(file=io.StringIO(), width=100, height=7, force_terminal=True)
    with search_display(console, search, LATER) as update:
        update([*DONE, *LATER])
    shown = console.file.getvalue()
    assert "5 of 7 trials are done, 1 running" in shown
    assert shown.index("running", shown.index("validation accuracy")) < shown.index("95.00%")
    assert "97.00%" not in shown


def test_run_search_reads_trials_and_writes_files_under_one_lock(plan, opened, monkeypatch):
    search = plan("model.neurons2=4,8", sampler="grid")
    study = opened(search)
    for claim in [study.claim() for _ in range(2)]:
        study.finish(claim, 0.5, seconds=1.0)
    called = []

    def check_locked(name, function):
        def checked(*arguments):
            with pytest.raises(DataError), locked(search.out / "trials.csv", wait=0):
                pass
            called.append(name)
            return function(*arguments)

        monkeypatch.setattr(f"inkwise.tuning.search.{name}", checked)

    check_locked("trial_outcome", trial_outcome)
    check_locked("write_files", write_files)
    run_search(search, 1, Console(file=io.StringIO()))
    assert called == ["trial_outcome", "trial_outcome", "write_files"]
