from benchmarks.tables import format_table


def test_numbers_are_aligned_to_the_right_and_words_to_the_left():
    table = format_table(("task", "score"), [("a", "0.5"), ("longer", "10.25"), ("none", "-")])

    assert table.splitlines() == [
        "task    score",
        "------  -----",
        "a         0.5",
        "longer  10.25",
        "none        -",
    ]


def test_a_table_without_rows_is_its_header():
    assert format_table(("a", "b"), []) == "a  b\n-  -"
