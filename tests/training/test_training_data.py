"""Training and validation glyphs: splits, augmentation, negatives."""

import shutil

import numpy as np
import pytest

from inkwise._util.errors import DataError, InkwiseError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.datasets import Dataset, choose_writers, load_dataset, split_by_writer
from inkwise.preprocessing import strokes_to_glyph
from inkwise.training import training_data as samples
from inkwise.training.synthesis.negatives import LOOK_ALIKES
from inkwise.training.training_data import (
    Split,
    load_split,
    redraw_strokes,
    stratified_mask,
    with_datasets,
)

LABELS = ["0", "1", "4", "7"]
WRITERS = list(range(100, 130))


@pytest.fixture
def written(save_strokes, hand):
    """30 writers, each with a 0, 1, 4 and 7, as an .npz of strokes."""
    rng = np.random.default_rng(0)
    samples = [hand(label, rng) for _ in WRITERS for label in LABELS]
    return save_strokes(samples, LABELS * len(WRITERS), np.repeat(WRITERS, len(LABELS)))


@pytest.fixture
def drawn_for(monkeypatch):
    """Who wrote the strokes that training draws."""
    seen = []

    def spy(strokes, styles, rng):
        seen.extend(strokes.writers.tolist())
        return redraw_strokes(strokes, styles, rng)

    monkeypatch.setattr("inkwise.training.training_data.redraw_strokes", spy)
    return seen


@pytest.fixture
def mnist_writers(monkeypatch, tmp_path):
    """A file of 600 writers, and blank digits in place of MNIST."""
    blank = Dataset("mnist-train", np.zeros((60_000, 28, 28), np.uint8), np.resize(LABELS, 60_000))
    monkeypatch.setattr("inkwise.datasets.load_strokes_or_dataset", lambda name: blank)
    np.savez(tmp_path / "writers.npz", train_writer=np.arange(60_000) // 100)
    return tmp_path / "writers.npz"


def writers_of(part):
    return np.array(WRITERS)[split_by_writer(np.array(WRITERS)) == part]


def test_test_third_of_writers_is_left_out(tiny, written, drawn_for):
    split = load_split(tiny.set(data={"train": (str(written),)}))
    assert set(drawn_for) == set(writers_of("train"))
    assert not set(drawn_for) & set(writers_of("test"))
    assert len(split.training) == 4 * len(writers_of("train"))
    assert len(split.validation) == 4 * len(writers_of("validation"))
    assert min(len(writers_of(part)) for part in ("train", "validation", "test")) > 3


@pytest.mark.parametrize("name", ["unipen_digits", "others"])
def test_final_training_takes_all_writers_but_a_few_and_the_test_third_of_unipen(
    tiny, written, drawn_for, name
):
    path = written.rename(written.with_name(f"{name}.npz"))
    few = set(np.array(WRITERS)[choose_writers(np.array(WRITERS), 0.2)])
    test = set(writers_of("test")) if name == "unipen_digits" else set()
    split = load_split(tiny.set(data={"train": (str(path),), "validation": 0.2, "final": True}))
    assert few - test
    assert set(drawn_for) == set(WRITERS) - few - test
    assert len(split.validation) == 4 * len(few - test)


def test_final_training_needs_no_validation_writers(tiny, written):
    split = load_split(
        tiny.set(data={"train": (*tiny.data.train, str(written)), "validation": 0.001, "final": True})
    )
    assert len(split.training) > 4 * len(WRITERS)


def test_writers_of_few_samples_are_redrawn_more_often(tiny, save_strokes, hand, drawn_for):
    rng = np.random.default_rng(0)
    few, many = writers_of("train")[:2]
    labels = LABELS * 10
    writers = [few] * 4 + [many] * 32 + [writers_of("validation")[0]] * 4
    path = save_strokes([hand(label, rng) for label in labels], labels, writers)
    split = load_split(tiny.set(data={"train": (str(path),), "stroke_redraws": 6}))
    assert set(drawn_for) == {few, many}
    assert 4 * 6 < drawn_for.count(few) < drawn_for.count(many)
    assert len(split.training) == pytest.approx(36 * 6, rel=0.15)
    assert split.originals.sum() == 36
    assert split.originals[:36].all()


def test_scans_of_known_writers_are_degraded_as_often_as_strokes_are_redrawn(tiny, shapes, tmp_path):
    writers = np.resize(WRITERS, len(shapes[0]))
    np.savez(tmp_path / "scans.npz", images=shapes[0], labels=shapes[1], writer=writers)
    split = load_split(tiny.set(data={"train": (str(tmp_path / "scans.npz"),), "stroke_redraws": 3}))
    plain = split.training[split.originals]
    assert len(split.training) == 3 * len(plain)
    assert not np.array_equal(split.training[~split.originals][: len(plain)], plain)


def test_mnist_is_split_by_its_writers(tiny, mnist_writers):
    recipe = tiny.set(data={"train": ("mnist-train",), "mnist_writers": str(mnist_writers)})
    one, other = load_split(recipe), load_split(recipe.set(seed=1))
    writers = np.arange(60_000) // 100
    held = choose_writers(writers, tiny.data.validation)
    assert len(one.validation) == held.sum()
    np.testing.assert_array_equal(one.validation, other.validation)


@pytest.mark.parametrize(
    "arrays", [{}, {"train_writer": np.zeros(3, int)}, {"train_writer": np.zeros(60_000)}]
)
def test_other_files_than_of_mnist_writers_are_rejected(tiny, mnist_writers, tmp_path, arrays):
    np.savez(tmp_path / "odd.npz", **arrays)
    recipe = tiny.set(data={"train": ("mnist-train",), "mnist_writers": str(tmp_path / "odd.npz")})
    with pytest.raises(DataError, match=r"odd\.npz: expected an array train_writer of 60,000 integers"):
        load_split(recipe)


def test_large_validation_set_is_cut_and_leaves_training_as_it_is(tiny, monkeypatch):
    whole = load_split(tiny)
    monkeypatch.setattr(samples, "_MAX_VALIDATION", 7)
    split = load_split(tiny)
    assert len(whole.validation) > len(split.validation) == 7
    assert len({*split.validation_labels}) > 1
    np.testing.assert_array_equal(split.training, whole.training)


def test_validation_strokes_are_unaugmented(tiny, written, hand):
    split = load_split(tiny.set(data={"train": (str(written),)}))
    rng = np.random.default_rng(0)
    by_writer = {
        writer: [strokes_to_glyph([s.astype(np.float32) for s in hand(label, rng)]) for label in LABELS]
        for writer in WRITERS
    }
    expected = np.concatenate([by_writer[writer] for writer in writers_of("validation")])
    np.testing.assert_array_equal(split.validation, expected)
    assert split.validation_labels.tolist() == LABELS * len(writers_of("validation"))


def test_images_are_split_by_label(tiny):
    split = load_split(tiny)
    assert len(split.training) == 160
    assert {label: (split.validation_labels == label).sum() for label in LABELS} == dict.fromkeys(LABELS, 10)
    assert split.classes == ("0", "1", "4", "7")
    both = np.concatenate([split.training, split.validation])
    everything = load_dataset(tiny.data.train[0]).glyphs
    assert sorted(glyph.tobytes() for glyph in both) == sorted(glyph.tobytes() for glyph in everything)


def test_split_depends_on_the_seed(tiny):
    one, again, other = load_split(tiny), load_split(tiny), load_split(tiny.set(seed=1))
    np.testing.assert_array_equal(one.training, again.training)
    assert not np.array_equal(one.validation, other.validation)


@pytest.mark.parametrize(("rescans", "variants"), [(0, 1), (2, 3)])
def test_only_training_data_are_multiplied(tiny, written, rescans, variants):
    recipe = tiny.set(data={"scan_augmentation": rescans, "stroke_redraws": variants})
    pictures, strokes = load_split(recipe), load_split(recipe.set(data={"train": (str(written),)}))
    assert len(pictures.training) == 160 * (1 + rescans)
    assert (pictures.training_labels == "7").sum() == 40 * (1 + rescans)
    assert len(pictures.validation) == 40
    writers = len(writers_of("train"))
    assert len(strokes.training) == 4 * writers * variants
    assert strokes.training_labels.tolist() == LABELS * writers * variants
    assert len(strokes.validation) == 4 * len(writers_of("validation"))


def test_several_sets_are_joined(tiny, written):
    split = load_split(tiny.set(data={"train": (*tiny.data.train, str(written))}))
    assert len(split.training) == 160 + 4 * len(writers_of("train"))
    assert len(split.validation_labels) == 40 + 4 * len(writers_of("validation"))


def test_unlabelled_samples_are_left_out(tiny, shapes, tmp_path):
    labels = shapes[1].copy()
    labels[::2] = ""
    np.savez(tmp_path / "half.npz", images=shapes[0], labels=labels)
    split = load_split(tiny.set(data={"train": (str(tmp_path / "half.npz"),)}))
    assert len(split.training) + len(split.validation) == 100
    assert "" not in split.classes


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([""] * 200, "holds no labels to train on"),
        (["3"] * 200, "at least two different labels are needed to train"),
        (
            [str(number) for number in range(200)],
            "too few samples, or writers, to train on some and choose by",
        ),
    ],
)
def test_too_few_samples_are_rejected(tiny, shapes, tmp_path, labels, reason):
    path = tmp_path / "odd.npz"
    np.savez(path, images=shapes[0], labels=np.array(labels))
    with pytest.raises(DataError, match=rf"odd\.npz: {reason}"):
        load_split(tiny.set(data={"train": (str(path),)}))


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_one_writer_is_rejected(tiny, save_strokes, hand, part):
    rng = np.random.default_rng(0)
    writer = writers_of(part)[0]
    path = save_strokes([hand(label, rng) for label in LABELS], LABELS, [writer] * 4)
    with pytest.raises(DataError, match=r"strokes\.npz: too few samples, or writers, to train on some"):
        load_split(tiny.set(data={"train": (str(path),)}))


def test_label_of_validation_only_is_a_class():
    glyphs = np.zeros((2, 28, 28), np.uint8)
    split = Split(glyphs, np.array(["0", "2"]), glyphs, np.array(["0", "1"]), np.ones(2, bool))
    assert split.classes == ("0", "1", "2")


def test_non_digits_are_the_last_class():
    glyphs = np.zeros((3, 28, 28), np.uint8)
    split = Split(glyphs, np.array(["z", NOT_A_DIGIT, "0"]), glyphs[:1], np.array(["~"]), np.ones(3, bool))
    assert split.classes == ("0", "z", "~", NOT_A_DIGIT)
    negatives = Split(glyphs[:1], np.array(["0"]), glyphs[:1], np.array([NOT_A_DIGIT]), np.ones(1, bool))
    assert negatives.classes[-1] == NOT_A_DIGIT


def test_missing_set_is_named(tiny):
    for keys in ({"train": ("none.npz",)}, {"negatives": ("none.npz",)}):
        with pytest.raises(DataError, match=r"none\.npz"):
            load_split(tiny.set(data=keys))


@pytest.fixture
def letters(tmp_path):
    """letters(labels) gives a set of pictures with these labels, each with a brightness of its own."""

    def letters(labels):
        glyphs = np.zeros((len(labels), 28, 28), np.uint8)
        glyphs[:, 6:20, 8:18] = np.linspace(150, 255, len(labels)).astype(np.uint8)[:, None, None]
        path = tmp_path / "letters.csv"  # which is read as it is
        head = ",".join(["label", *(f"pixel{number}" for number in range(784))])
        rows = [
            ",".join([label, *map(str, glyph.ravel().tolist())])
            for label, glyph in zip(labels, glyphs, strict=True)
        ]
        path.write_text("\n".join([head, *rows, ""]))
        return str(path), dict(zip((glyph.tobytes() for glyph in glyphs), labels, strict=True))

    return letters


def test_negatives_exclude_characters_like_digits(tiny, letters):
    path, label_of = letters([*LOOK_ALIKES, *"0123456789", *"AEKMWx#?"])
    split = load_split(tiny.set(data={"negatives": (path,)}))
    assert split.classes == ("0", "1", "4", "7", NOT_A_DIGIT)
    taught = [
        label_of[glyph.tobytes()]
        for glyphs, labels in (
            (split.training, split.training_labels),
            (split.validation, split.validation_labels),
        )
        for glyph in glyphs[labels == NOT_A_DIGIT]
    ]
    assert sorted(taught) == sorted("AEKMWx#?")


def test_stroke_negatives_are_split_by_writer_and_redrawn(tiny, written, monkeypatch):
    recipe = tiny.set(data={"negatives": (str(written),), "stroke_redraws": 3})
    with pytest.raises(DataError, match=r"strokes\.npz: holds nothing but digits and what looks like them"):
        load_split(recipe)
    rename(written, dict(zip(LABELS, "AEKM", strict=True)))
    train, validation = (len(writers_of(part)) for part in ("train", "validation"))
    split = load_split(recipe)
    assert (split.training_labels == NOT_A_DIGIT).sum() == 4 * train * 3
    assert (split.validation_labels == NOT_A_DIGIT).sum() == 4 * validation
    monkeypatch.setattr(samples, "_MAX_NEGATIVES", 60)
    split = load_split(recipe)
    labels = np.concatenate([split.training_labels, split.validation_labels])
    assert 0 < (labels == NOT_A_DIGIT).sum() <= 60, "so that they do not outweigh the digits"


def rename(path, names):
    """Change the labels of a stroke file."""
    with np.load(path) as file:
        arrays = dict(file)
    arrays["labels"] = np.array([names[label] for label in arrays["labels"].tolist()])
    np.savez(path, **arrays)


def test_synthetic_negatives_are_added_with_a_twelfth_for_validation(tiny):
    split, again, without = (
        load_split(tiny.set(data={"synthetic_negatives": count})) for count in (24, 24, 0)
    )
    assert split.classes == (*without.classes, NOT_A_DIGIT)
    assert (split.training_labels == NOT_A_DIGIT).sum() == 24
    assert (split.validation_labels == NOT_A_DIGIT).sum() == 2
    np.testing.assert_array_equal(split.training, again.training)
    digits = split.training_labels != NOT_A_DIGIT
    np.testing.assert_array_equal(split.training[digits], without.training)
    assert split.training[~digits].any((1, 2)).all()


def test_one_label_with_negatives_is_rejected(tiny, tmp_path, shapes):
    path = tmp_path / "odd.npz"
    np.savez(path, images=shapes[0][:20], labels=np.full(20, "3"))
    with pytest.raises(DataError, match=r"odd\.npz: at least two different labels are needed to train"):
        load_split(tiny.set(data={"train": (str(path),), "synthetic_negatives": 4}))


def test_stratified_mask_takes_at_least_one_and_never_all():
    labels = np.array(["a"] * 100 + ["b"] * 10 + ["c"] * 2 + ["d"])
    chosen = stratified_mask(labels, 0.2, np.random.default_rng(0))
    assert {label: chosen[labels == label].sum() for label in "abcd"} == {"a": 20, "b": 2, "c": 1, "d": 0}
    assert stratified_mask(labels, 0.99, np.random.default_rng(0))[labels == "b"].sum() == 9


def test_idx_folder_has_its_own_test_set(tiny, tmp_path, shapes_folder):
    clothes = tmp_path / "clothes"
    clothes.mkdir()
    for part in ("train", "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            shutil.copy(shapes_folder / f"train-{kind}-ubyte", clothes / f"{part}-{kind}-ubyte.gz")
    before = tiny.set(data={"test": ("mnist-test",)})

    both = with_datasets(before, f"{clothes},mine.csv")
    assert both.data.train == (str(clothes / "train"), "mine.csv")
    assert both.data.test == (str(clothes / "t10k"),)
    assert load_dataset(both.data.test[0]).labels.tolist() == load_dataset(str(shapes_folder)).labels.tolist()

    assert with_datasets(before, "mnist-train,a.npz").data.test == ("mnist-test",)
    for alone in (str(shapes_folder), "mine.csv", str(clothes / "train")):
        changed = with_datasets(before, alone).data
        assert (changed.train, changed.test) == ((alone,), ())
    with pytest.raises(InkwiseError, match=r"recipe key data\.train must name at least one data set"):
        with_datasets(before, ",")
