"""The program's command line: help, options, wrong use, and what it says about it."""
import re
import unittest

from harness import Case, run


class Usage(Case):
    def test_without_a_command_it_says_what_to_do(self):
        self.fails(self.textclf(), 2, "train", "predict", "--help")

    def test_an_unknown_command_is_named(self):
        self.fails(self.textclf("trian"), 2, "trian", "train")

    def test_help_goes_to_standard_output(self):
        for words in (("--help",), ("-h",), ("help",), ("train", "--help"), ("train", "-h"), ("eval", "--help"),
                      ("predict", "--help"), ("info", "--help"), ("convert", "--help"), ("options", "--help"),
                      ("help", "train")):
            result = self.textclf(*words)
            self.assertEqual((result.code, result.err), (0, ""), words)
            self.assertIn("textclf", result.out)

    def test_version_is_the_librarys(self):
        self.assertRegex(self.textclf("--version").out, r"^textclf \d+\.\d+\.\d+\n$")

    def test_help_of_train_lists_every_option_of_the_table(self):
        table = self.textclf("options").lines[1:]
        self.assertGreater(len(table), 40)
        help_text = self.textclf("train", "--help").out
        for line in table:
            self.assertIn("  --" + line.split()[0] + " ", help_text)

    def test_other_commands_have_the_options_of_a_run_only(self):
        for command in ("eval", "predict", "info"):
            help_text = self.textclf(command, "--help").out
            self.assertIn("--threads", help_text)
            self.assertNotIn("--hidden-dim", help_text)

    def test_convert_has_weights_beside_those_of_a_run(self):
        help_text = self.textclf("convert", "--help").out
        for part in ("INPUT OUTPUT", "--weights", "f32|bf16|int8", "--max-memory"):
            self.assertIn(part, help_text)
        self.assertNotIn("--hidden-dim", help_text)

    def test_an_unknown_option_is_answered_with_the_nearest(self):
        self.fails(self.textclf("train", "--hiden-dim", "3"), 2, "--hiden-dim", "did you mean --hidden-dim?")
        self.fails(self.textclf("train", "--inptu", "3"), 2, "did you mean --input?")
        self.fails(self.textclf("predict", "--modle=x"), 2, "did you mean --model?")
        self.fails(self.textclf("train", "--entirely-other"), 2, "textclf train --help")
        self.fails(self.textclf("train", "--" + "x" * 5000), 2, "not an option")
        self.fails(self.textclf("train", "-x"), 2, "two dashes")

    def test_an_option_of_training_is_refused_elsewhere_with_the_reason(self):
        self.fails(self.textclf("predict", "--hidden-dim", "3"), 2, "--hidden-dim", "textclf train")

    def test_a_bad_value_is_answered_with_what_is_accepted(self):
        self.fails(self.textclf("train", "--hidden-dim", "zero"), 2, "--hidden-dim zero", "1 to ")
        self.fails(self.textclf("train", "--hidden-dim", "0"), 2, "--hidden-dim 0", "1 to ")
        self.fails(self.textclf("train", "--task", "clasify"), 2, "classify|multilabel|regress")
        self.fails(self.textclf("train", "--dropout", "0,5"), 2, "--dropout 0,5")
        self.fails(self.textclf("predict", "--top", "0"), 2, "--top 0", "at least 1")
        self.fails(self.textclf("predict", "--top", "-1"), 2, "--top -1")
        self.fails(self.textclf("predict", "--top", "9" * 30), 2, "--top")
        self.fails(self.textclf("train", "--input="), 2, "--input is empty")

    def test_a_missing_value_is_told(self):
        self.fails(self.textclf("train", "--input"), 2, "--input needs a value: FILE")
        self.fails(self.textclf("train", "--hidden-dim"), 2, "--hidden-dim needs a value")
        self.fails(self.textclf("train", "--json=yes"), 2, "--json takes no value")

    def test_names_may_be_spelled_with_underscores(self):
        self.fails(self.textclf("train", "--hidden_dim", "0"), 2, "--hidden-dim 0")

    def test_missing_options_are_named(self):
        self.fails(self.textclf("train"), 2, "--input is missing")
        self.fails(self.textclf("train", "--input", "x.tsv"), 2, "--output is missing")
        self.fails(self.textclf("eval", "--model", "x"), 2, "--input is missing")
        self.fails(self.textclf("eval", "--input", "x"), 2, "--model is missing")
        self.fails(self.textclf("predict", "text"), 2, "--model is missing")
        self.fails(self.textclf("info"), 2, "model file is missing")
        self.fails(self.textclf("info", "a", "b"), 2, "one model file")

    def test_combinations_that_make_no_sense_are_refused(self):
        train = ("train", "--input", "a.tsv", "--output", "m")
        self.fails(self.textclf(*train, "rest"), 2, "rest is not expected")
        self.fails(self.textclf(*train, "--checkpoint-every", "5"), 2, "--checkpoint FILE")
        self.fails(self.textclf(*train, "--validation", "b.tsv", "--validation-split", "0.1"), 2, "not both")
        self.fails(self.textclf("train", "--input", "-", "--validation", "-", "--output", "m"), 2, "standard input")
        self.fails(self.textclf(*train, "--checkpoint", "m"), 2, "different files")
        self.fails(self.textclf("predict", "--model", "m", "--input", "a", "text"), 2, "not both")
        self.fails(self.textclf("eval", "--model", "m", "--input", "a", "b"), 2, "b is not expected")

    def test_what_would_fail_at_the_end_fails_at_once(self):
        path = self.file("a.tsv", "x\t1\n")
        self.fails(self.textclf("train", "--input", path, "--output", self.folder / "no" / "m"), 1, "No such file")
        self.fails(self.textclf("train", "--input", path, "--output", self.folder), 1, "folder")
        self.fails(self.textclf("train", "--input", path, "--output", self.folder / "m", "--checkpoint",
                                self.folder / "no" / "c"), 1, "--checkpoint")

    def test_man_page_names_every_command_and_option(self):
        page = self.textclf("options", "--man")
        self.assertEqual((page.code, page.err), (0, ""))
        for name in ("train", "eval", "predict", "info", "convert", "options"):
            self.assertIn("TEXTCLF " + name, page.out)
        plain = page.out.replace("\\-", "-")
        for line in self.textclf("options").lines[1:]:
            self.assertIn("\\fB--" + line.split()[0] + "\\fR", plain)
        for line in page.lines:
            self.assertTrue(not line.startswith((".", "'")) or re.match(r"\.(TH|SH|TP|B|br)\b", line), line)

    def test_bash_completes_commands_options_and_values(self):
        script = self.file("c.bash", self.textclf("options", "--bash").out)

        def complete(*words):
            line = " ".join("'%s'" % word for word in words)
            done = run(["bash", "-c", f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _textclf; "
                                      'printf "%s\\n" "${COMPREPLY[@]}"'])
            self.assertEqual(done.err, "")
            return done.lines
        self.assertEqual(complete("textclf", "pre"), ["predict"])
        self.assertEqual(complete("textclf", "train", "--hid"), ["--hidden-dim"])
        self.assertEqual(complete("textclf", "train", "--optimizer", "ad"), ["adam", "adamw", "adagrad"])
        self.assertEqual(complete("textclf", "predict", "--hid"), [""])
        self.assertEqual(complete("textclf", "con"), ["convert"])
        self.assertEqual(complete("textclf", "convert", "--we"), ["--weights"])
        self.assertEqual(complete("textclf", "convert", "--weights", ""), ["f32", "bf16", "int8", "pq"])


if __name__ == "__main__":
    unittest.main()
