from rich.table import Table

from inkwise.cli.table import print_table


def test_piped_no_line_is_broken_and_no_text_is_markup(capsys):
    table = Table("path", "what", box=None)
    table.add_row("folder/" * 30, "[bold]")
    print_table(table)
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["path", "what"]
    assert row.split() == ["folder/" * 30, "[bold]"]
