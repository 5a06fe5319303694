"""Splits by writer, and people with two numbers."""

import numpy as np

from inkwise.datasets import choose_writers, load_strokes_or_dataset, split_by_writer
from inkwise.datasets.splits import unipen_people


def test_split_by_writer_is_fixed():
    writers = np.array([1, 2, 3, 4, 5, 6, 1])
    # Computed by hand from SHA-256: a change would leak test writers into training.
    expected = ["validation", "validation", "test", "validation", "validation", "train", "validation"]
    assert split_by_writer(writers).tolist() == expected


def test_split_by_writer_assigns_about_a_third_to_each_split():
    splits, counts = np.unique(split_by_writer(np.arange(3000)), return_counts=True)
    assert splits.tolist() == ["test", "train", "validation"]
    assert counts.min() > 900


def test_split_by_writer_does_not_depend_on_integer_type():
    numbers = np.array([7, 8, 300], np.int16)
    assert split_by_writer(numbers).tolist() == split_by_writer(numbers.astype(np.int64)).tolist()


def test_choose_writers_takes_about_a_share_and_all_samples_of_a_writer():
    writers = np.repeat(np.arange(2000), 2)
    chosen = choose_writers(writers, 0.1)
    assert (chosen[::2] == chosen[1::2]).all()
    assert 160 < chosen[::2].sum() < 240
    assert not choose_writers(writers, 0.0).any()


def test_choose_writers_does_not_depend_on_other_writers():
    few = choose_writers(np.arange(500, 600), 0.3)
    np.testing.assert_array_equal(few, choose_writers(np.arange(1000), 0.3)[500:600])


def test_second_number_of_a_person_becomes_the_first():
    assert unipen_people(np.array([26, 69, 70, 5, 152], np.int16)).tolist() == [26, 26, 28, 5, 130]


def test_people_are_merged_in_unipen_files_only(tmp_path):
    arrays = {"points": np.array([[0, 0], [0, 9]]), "labels": np.array([1, 1]), "writer": np.array([69, 26])}
    for name, writers in (("pens", [69, 26]), ("unipen_letters", [26, 26])):
        path = tmp_path / f"{name}.npz"
        np.savez(path, stroke_offsets=np.array([0, 1, 2]), sample_offsets=np.array([0, 1, 2]), **arrays)
        assert load_strokes_or_dataset(path).writers.tolist() == writers
