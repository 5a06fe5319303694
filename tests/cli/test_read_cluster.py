"""`inkwise read --on ray`: what is refused before a cluster is asked."""

import pytest


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--on", "spark", "--out", "table"], "--on 'spark': expected ray"),
        (["--on", "ray"], "--on ray needs --out: the folder of the table, or its URL"),
        (
            ["--on", "ray", "--out", "table", "--jobs", "2"],
            "--on ray writes Parquet, with all the cluster has",
        ),
        (["--on", "ray", "--out", "table", "--csv"], "--on ray writes Parquet, with all the cluster has"),
        (["--address", "head:6379"], "--address needs --on ray"),
    ],
)
def test_options_that_do_not_go_together(inkwise, options, reason):
    status, out, err = inkwise("read", "scans", *options)
    assert (status, out) == (1, "")
    assert err.startswith(f"inkwise: {reason}")


def test_the_extra_is_named_where_it_is_not_installed(inkwise, without_module):
    without_module("ray", "inkwise.batch")
    status, _, err = inkwise("read", "scans", "--on", "ray", "--out", "table")
    assert (status, err) == (1, 'inkwise: --on ray needs ray: pip install "inkwise[cluster]"\n')
