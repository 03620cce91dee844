"""The program's data readers: formats, line ends, compression, bad lines."""
import gzip
import os
import resource
import subprocess
import unittest

from harness import BINARIES, EMULATED, Case, Result, run


def read(task, path, form="", text="", label="", flags="", stdin=b""):
    result = run([BINARIES / "read_records", task, path, form, text, label, flags], stdin=stdin)
    import json
    result.records = [json.loads(line) for line in result.lines]
    return result


class Readers(Case):
    def pairs(self, result):
        self.assertEqual(result.code, 0, result.err)
        return [(",".join(record["labels"]), record["text"]) for record in result.records]

    def both(self, name, content, expected, task="label", **more):
        self.assertEqual(self.pairs(read(task, self.file(name, content), **more)), expected)

    # lines

    def test_tsv_splits_at_the_first_tab(self):
        self.both("a.tsv", "x\tone\ttwo \n y\t\"q\n", [("x", "one\ttwo "), (" y", '"q')])

    def test_last_line_needs_no_line_end(self):
        self.both("a.tsv", "x\t1\ny\t2", [("x", "1"), ("y", "2")])

    def test_crlf_and_byte_order_mark_are_no_part_of_the_data(self):
        self.both("a.tsv", b"\xef\xbb\xbfx\t1\r\ny\t2\r\n", [("x", "1"), ("y", "2")])

    def test_only_the_first_mark_is_dropped(self):
        self.both("a.tsv", b"x\t\xef\xbb\xbf1\n", [("x", "\ufeff1")])

    def test_an_empty_text_is_a_record(self):
        self.both("a.tsv", "x\t\ny\t\r\n", [("x", ""), ("y", "")])

    def test_nul_within_a_text_stays(self):
        self.both("a.tsv", b"x\ta\0b\n", [("x", "a\0b")])

    def test_utf16_is_refused_with_the_way_out(self):
        for form in ("utf-16-le", "utf-16-be"):
            path = self.file("a.tsv", "\ufeffx\ty\n".encode(form))
            self.fails(read("label", path), 1, "UTF-16", "iconv")

    def test_stray_bytes_like_a_utf16_mark_are_text(self):
        self.assertEqual(read("texts", self.file("a.txt", b"\xff\xfe x\n")).code, 0)

    def test_long_lines_come_whole(self):
        text = "word " * 200_000
        self.both("a.tsv", "x\t" + text + "\ny\tz\n", [("x", text), ("y", "z")])

    def test_empty_file_has_no_records(self):
        for name in ("a.tsv", "a.csv", "a.jsonl", "a.txt"):
            self.both(name, "", [])
            self.both(name, b"\xef\xbb\xbf", [])

    def test_a_line_too_long_for_memory_is_named(self):
        if EMULATED:
            self.skipTest("an emulator needs more memory than that for itself")
        path = self.file("a.tsv", b"x\t1\nx\t" + b"a" * 40_000_000)
        done = subprocess.run([BINARIES / "read_records", "label", path], capture_output=True,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (60_000_000,) * 2))
        if b"Sanitizer" in done.stderr:
            self.skipTest("sanitizers need their own address space")
        result = Result(done)
        self.assertEqual(result.code, 1)
        self.assertIn("line 2: the line is longer than memory holds", result.err)

    # compression and sources

    def test_gzip_by_content_whatever_the_name(self):
        self.both("a.tsv.gz", "x\t1\n", [("x", "1")])
        self.both("a.tsv", gzip.compress(b"x\t1\n"), [("x", "1")])
        path = self.folder / "b.tsv.gz"
        path.write_bytes(b"x\t1\n")
        self.assertEqual(self.pairs(read("label", path)), [("x", "1")])

    def test_gzip_members_follow_each_other(self):
        text = b"".join(b"x\t%d\n" % i for i in range(50_000))
        parts = gzip.compress(text) + gzip.compress(b"y\tlast\n")
        for content in (parts, parts + bytes(700)):
            records = read("label", self.file("a.tsv", content)).records
            self.assertEqual((len(records), records[-1]["text"]), (50_001, "last"))

    def test_damaged_gzip_is_told(self):
        whole = gzip.compress(os.urandom(100_000))
        self.fails(read("texts", self.file("a.txt", whole[:-9])).silent(), 1, "ends too early")
        self.fails(read("texts", self.file("a.txt", whole[:5])).silent(), 1, "ends too early")
        self.fails(read("texts", self.file("a.txt", whole + b"rest")).silent(), 1, "follow the gzip data")
        broken = bytearray(whole)
        broken[-6] ^= 1
        self.fails(read("texts", self.file("a.txt", bytes(broken))).silent(), 1, "damaged")

    def test_standard_input_is_read_and_read_twice(self):
        for flags in ("", "t"):
            for stdin in (b"x\t1\ny\t2\n", gzip.compress(b"x\t1\ny\t2\n")):
                result = read("label", "-", "tsv", flags=flags, stdin=stdin)
                self.assertEqual(self.pairs(result), [("x", "1"), ("y", "2")])

    def test_a_redirected_file_is_read_twice_from_its_place(self):
        path = self.file("a.tsv", "skip\tme\nx\t1\n")
        with open(path, "rb") as source:
            source.seek(8)
            os.lseek(source.fileno(), 8, os.SEEK_SET)
            done = subprocess.run([BINARIES / "read_records", "label", "-", "tsv", "", "", "t"], stdin=source,
                                  capture_output=True)
        self.assertEqual(Result(done).out.count("\n"), 1)
        self.assertIn('"text":"1"', Result(done).out)

    def test_every_format_can_be_read_twice(self):
        self.both("a.csv", 'label,text\nx,"a\nb"\n', [("x", "a\nb")], flags="t")
        self.both("a.jsonl", '{"text":"a","label":"x"}\n', [("x", "a")], flags="t")
        self.both("a.txt", "__label__x a\n", [("x", "a")], flags="t")
        self.both("a.tsv.gz", b"\xef\xbb\xbfx\ta\n", [("x", "a")], flags="t")

    def test_missing_file_and_folder_are_told(self):
        self.fails(read("label", self.folder / "no.tsv"), 1, "no.tsv", "No such file")
        (self.folder / "d.tsv").mkdir()
        self.fails(read("label", self.folder / "d.tsv"), 1, "folder")

    def test_format_by_extension_or_by_name(self):
        self.both("a.data", "x\t1\n", [("x", "1")], form="tsv")
        self.fails(read("label", self.file("a.data", "")), 2, "--format")
        self.fails(read("label", "-"), 2, "standard input", "--format")
        self.fails(read("label", self.file("a.tsv", ""), "xml"), 2, "xml", "jsonl")
        self.fails(read("label", self.file("tsv", "")), 2, "--format")

    # labels

    def test_bad_lines_are_named_by_file_and_line(self):
        path = self.file("a.tsv", "x\t1\nno tab\n")
        self.fails(read("label", path).silent(), 1, "a.tsv, line 2:", "no TAB")
        self.fails(read("label", self.file("a.tsv", "\tx\n")), 1, "line 1", "label is empty")
        self.fails(read("label", self.file("a.tsv", "\n")), 1, "line 1", "empty")
        self.fails(read("label", self.file("a.tsv", b"\xff\tx\n")), 1, "line 1", "UTF-8")
        self.fails(read("label", self.file("a.tsv", b"a\rb\tx\n")), 1, "CR")

    def test_bad_lines_are_skipped_and_counted_where_asked(self):
        path = self.file("a.tsv", "x\t1\nno tab\n\ny\t2\n")
        for flags in ("s", "st"):
            result = read("label", path, flags=flags)
            self.assertEqual(self.pairs(result), [("x", "1"), ("y", "2")])
            self.assertIn("skipped 2 bad lines; the first is line 2: no TAB", result.err)

    def test_a_message_is_one_printable_line_whatever_the_data(self):
        path = self.file("a.csv", "a\x1b[2J,\tb\x7f\n")
        result = read("label", path)
        self.fails(result, 1, "(a?[2J, ?b?)")
        self.assertNotIn("\x1b", result.err)

    def test_multilabel_joins_labels_by_commas(self):
        self.both("a.tsv", "a,b\tx\n\ty\nc\tz\n", [("a,b", "x"), ("", "y"), ("c", "z")], task="labels")
        self.fails(read("labels", self.file("a.tsv", "a,,b\tx\n")), 1, "label is empty")

    def test_classify_takes_a_comma_as_part_of_the_label(self):
        self.both("a.tsv", "a,b\tx\n", [("a,b", "x")])

    def test_targets_are_numbers_joined_by_commas(self):
        result = read("targets", self.file("a.tsv", "1.5,-2e3\tx\n+.5,7.\ty\n"))
        self.assertEqual([record["targets"] for record in result.records], [[1.5, -2000], [0.5, 7]])

    def test_what_is_no_number_is_no_target(self):
        for bad in ("", "x", "nan", "inf", "0x10", " 1", "1 ", "1,", "1e", "1e39", "--1", "1.2.3"):
            self.fails(read("targets", self.file("a.tsv", bad + "\ttext\n")), 1, "line 1")

    def test_target_counts_must_agree(self):
        self.fails(read("targets", self.file("a.tsv", "1\tx\n1,2\ty\n")).silent(), 1, "line 2: 2 targets where the lines")

    # csv

    def test_csv_reads_rfc_4180(self):
        self.both("a.csv", 'label,text\r\nx,plain\r\n"y","two\r\nlines, ""quoted"""\r\nz,\n',
                  [("x", "plain"), ("y", 'two\r\nlines, "quoted"'), ("z", "")])

    def test_csv_columns_by_name_and_number(self):
        content = "id,review,stars\n1,good,5\n"
        self.both("a.csv", content, [("5", "good")], text="review", label="stars")
        self.both("a.csv", content, [("5", "good")], text="review", label="3")
        self.both("a.csv", content, [("stars", "review"), ("5", "good")], text="2", label="3")
        self.both("a.csv", content, [("5", "good")], text="2", label="3", flags="h")
        self.both("a.csv", content, [("", "good")], task="texts", text="review")
        self.both("a.csv", content, [("", "review"), ("", "good")], task="texts", text="2")

    def test_csv_columns_that_are_not_there_are_told(self):
        path = self.file("a.csv", "a,b\n1,2\n")
        self.fails(read("label", path), 1, 'no column "text"', "(a, b)", "--text-column")
        self.fails(read("label", path, text="a"), 1, 'no column "label"', "--label-column")
        self.fails(read("label", path, text="a", label="3"), 1, "no column 3", "2 fields")
        self.fails(read("label", path, text="0", label="1"), 1, "no column 0")

    def test_csv_rows_have_as_many_fields_as_the_first(self):
        path = self.file("a.csv", 'label,text\nx,one, two\n"y","a\nb"\nz\n')
        self.fails(read("label", path), 1, "line 2: 3 fields where the first row has 2")
        result = read("label", path, flags="s")
        self.assertEqual([(r["labels"], r["line"]) for r in result.records], [(["y"], 3)])
        self.assertIn("skipped 2 bad lines", result.err)

    def test_csv_bad_quotes_cost_one_line(self):
        path = self.file("a.csv", 'label,text\nx,5" disk\ny,"a"b\n"z,open\nw,fine\n')
        self.fails(read("label", path), 1, "line 2: a quote stands inside a field")
        result = read("label", path, flags="s")
        self.assertEqual(self.pairs(result), [("w", "fine")])
        self.assertIn("skipped 3 bad lines", result.err)

    def test_csv_quote_that_never_closes_is_told_where_it_opens(self):
        path = self.file("a.csv", 'label,text\nx,"a\nb\nc\n')
        self.fails(read("label", path), 1, "line 2: a quote that opens in this row never closes")

    def test_csv_of_one_column_holds_empty_texts(self):
        self.both("a.csv", "text\na\n\n\"\"\nb\n", [("", "a"), ("", ""), ("", ""), ("", "b")], task="texts")

    def test_csv_line_numbers_count_lines_within_quotes(self):
        records = read("label", self.file("a.csv", 'label,text\nx,"a\n\nb"\ny,c\n')).records
        self.assertEqual([record["line"] for record in records], [2, 5])

    # jsonl

    def test_jsonl_reads_label_labels_targets_and_weight(self):
        self.both("a.jsonl", '{"text": "a\\u0000b", "label": "x", "id": 3}\n', [("x", "a\0b")])
        self.both("a.jsonl", '{"text": "", "label": 7}\n', [("7", "")])
        self.both("a.jsonl", '{"text": "a", "labels": ["x"]}\n', [("x", "a")])
        self.both("a.jsonl", '{"text": "a", "labels": ["x", 2]}\r\n{"text": "b", "labels": []}\n',
                  [("x,2", "a"), ("", "b")], task="labels")
        self.both("a.jsonl", '{"text": "a", "label": "x"}\n', [("x", "a")], task="labels")
        result = read("targets", self.file("a.jsonl", '{"text": "a", "targets": [1, 2.5], "weight": 0.25}\n'))
        self.assertEqual((result.records[0]["targets"], result.records[0]["weight"]), ([1, 2.5], 0.25))

    def test_jsonl_bad_lines_are_told(self):
        for task, line, part in (
                ("label", '{"text": "a"}', 'no "label"'), ("label", '{"label": "a"}', 'no string "text"'),
                ("label", "[1]", "not a JSON object"), ("label", "{", "not valid JSON"), ("label", "", "empty"),
                ("label", '{"text": "a", "text": "b", "label": "x"}', "duplicate"),
                ("label", '{"text": "a", "label": 1.5}', "fraction"), ("label", '{"text": "a", "label": null}', "null"),
                ("label", '{"text": "a", "label": ""}', "empty"), ("label", '{"text": "a", "label": "a\\tb"}', "TAB"),
                ("label", '{"text": "a", "label": "a\\u0000b"}', "NUL"),
                ("label", '{"text": "a", "labels": ["x", "y"]}', "more than one label"),
                ("label", '{"text": "a", "labels": []}', "empty"), ("label", '{"text": "a", "labels": "x"}', "list"),
                ("label", '{"text": "a", "label": "x", "labels": ["x"]}', "both"),
                ("label", '{"text": "a", "label": "x", "weight": -1}', "weight"),
                ("label", '{"text": "a", "label": "x", "weight": "1"}', "weight"),
                ("labels", '{"text": "a", "labels": ["x,y"]}', "comma"), ("labels", '{"text": "a"}', 'no "labels"'),
                ("targets", '{"text": "a"}', "targets"), ("targets", '{"text": "a", "targets": []}', "targets"),
                ("targets", '{"text": "a", "targets": ["1"]}', "not a number"),
                ("targets", '{"text": "a", "targets": [1e60]}', "range of a float"),
                ("texts", '{"text": "\\ud800"}', "not valid JSON")):
            with self.subTest(line=line):
                self.fails(read(task, self.file("a.jsonl", line + "\n")), 1, "a.jsonl, line 1: ", part)

    def test_jsonl_deep_nesting_is_a_bad_line(self):
        line = '{"text": "a", "label": "x", "deep": ' + "[" * 100_000 + "]" * 100_000 + "}"
        self.fails(read("label", self.file("a.jsonl", line)), 1, "line 1", "depth")

    # txt

    def test_txt_reads_fasttext_labels(self):
        self.both("a.txt", "__label__x some text \n__label__y\n  __label__z\t t __labelw\n",
                  [("x", "some text "), ("y", ""), ("z", "t __labelw")])
        self.both("a.txt", "__label__x __label__y text\nnone\n", [("x,y", "text"), ("", "none")], task="labels")
        self.fails(read("label", self.file("a.txt", "text\n")), 1, "line 1", "__label__")
        self.fails(read("label", self.file("a.txt", "__label__x __label__y t\n")), 1, "more than one label")
        self.fails(read("label", self.file("a.txt", "__label__ t\n")), 1, "label is empty")
        self.fails(read("targets", self.file("a.txt", "1 t\n")), 2, "no targets")

    def test_txt_takes_labels_from_anywhere_in_the_line_as_fasttext_does(self):
        self.both("a.txt", "some __label__x text\nmore\t__label__y\n", [("x", "some text"), ("y", "more\t")])
        self.both("a.txt", "__label__a one __label__b two  __label__c\r\nsix __label__d\v__label__e\ften\0__label__f\n",
                  [("a,b,c", "one two  "), ("d,e,f", "six ten\0")], task="labels")
        self.both("a.txt", "a__label__x __label__y b__label__z _ __ __label _label__\n",
                  [("y", "a__label__x b__label__z _ __ __label _label__")])
        many = " ".join(f"w{number} __label__{number}" for number in range(50000))
        self.both("a.txt", many + "\nx __label__1\n", [(",".join(map(str, range(50000))),
                                                       "".join(f"w{number} " for number in range(50000))), ("1", "x ")],
                  task="labels")
        for line in ("a __label__x b __label__y", "__label__x a __label__y"):
            self.fails(read("label", self.file("a.txt", line + "\n")), 1, "line 1", "more than one label", "multilabel")
        self.fails(read("label", self.file("a.txt", "a __label__ b\n")), 1, "label is empty")
        self.fails(read("labels", self.file("a.txt", "a __label__x,y b\n")), 1, "comma")

    def test_txt_without_labels_is_one_text_a_line(self):
        self.both("a.txt", "__label__x a\n\n b \r\n", [("", "__label__x a"), ("", ""), ("", " b ")], task="texts")
        self.assertEqual(self.pairs(read("texts", "-", stdin=b"a\n\nb")), [("", "a"), ("", ""), ("", "b")])

    def test_tsv_for_prediction_ignores_the_label(self):
        self.both("a.tsv", "\ta\nx\tb\n", [("", "a"), ("", "b")], task="texts")
        self.fails(read("texts", self.file("a.tsv", "plain\n")), 1, "--format txt")


def silent(self):
    """For failures that come after some records."""
    self.out = ""
    return self


Result.silent = silent

if __name__ == "__main__":
    unittest.main()
