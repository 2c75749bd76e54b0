"""tests/unchanged: which tests it leaves out, after what was changed, and when it forgets."""

import json
import os
import re
import subprocess
import tempfile
import time
import unittest

TOOL = os.path.join(os.path.dirname(__file__), "..", "..", "unchanged")


class UnchangedCase(unittest.TestCase):
    """A directory for ctest."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="venus-unchanged-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def write(self, name, content):
        with open(os.path.join(self.directory, name), "w") as out:
            out.write(content)

    def tool(self, *arguments):
        return subprocess.run([TOOL, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    def run_tests(self, meanwhile=lambda: None):
        """What tests/run does; the names of the tests that ran."""
        left_out = self.tool("skip", self.directory)
        results = os.path.join(self.directory, "results.xml")
        done = subprocess.run(["ctest", "--test-dir", self.directory, "-E", left_out, "--output-junit", results],
                              capture_output=True, text=True)
        meanwhile()
        self.tool("passed", self.directory, results)
        return set(re.findall(r"Test +#\d+: (\w+)", done.stdout))

    def edit(self, name, content):
        """Some time before the next run."""
        self.write(name, content)
        past = time.time() - 10
        os.utime(os.path.join(self.directory, name), (past, past))


class Files(UnchangedCase):
    """A test that runs on two files, and one of which nothing is known."""

    def setUp(self):
        super().setUp()
        self.write("a", "1")
        self.write("b", "1")
        files = ";".join(os.path.join(self.directory, name) for name in "ab")
        self.write("CTestTestfile.cmake", f"""
            add_test(known grep -q 1 {self.directory}/a)
            set_tests_properties(known PROPERTIES REQUIRED_FILES "{files}")
            add_test(unknown true)""")

    def test_what_passed_is_left_out_until_a_file_changes(self):
        for name in "ab":
            self.edit(name, "1")
        self.assertEqual(self.run_tests(), {"known", "unknown"})
        self.assertEqual(self.run_tests(), {"unknown"})
        for name in "ab":
            self.edit(name, "1 more")
            self.assertEqual(self.run_tests(), {"known", "unknown"}, name)
            self.assertEqual(self.run_tests(), {"unknown"}, name)

    def test_the_way_back_runs_nothing_again(self):
        for content in ("1", "12", "123"):
            self.edit("a", content)
            self.run_tests()
        for content in ("12", "1", "123"):
            self.edit("a", content)
            self.assertEqual(self.run_tests(), {"unknown"}, content)

    def test_only_the_latest_states_are_remembered(self):
        for state in range(10):
            self.edit("a", f"1 {state}")
            self.run_tests()
        self.edit("a", "1 0")
        self.assertEqual(self.run_tests(), {"known", "unknown"})

    def test_what_failed_runs_again(self):
        self.edit("a", "1")
        self.run_tests()
        self.edit("a", "2")
        for _ in range(2):
            self.assertEqual(self.run_tests(), {"known", "unknown"})
        self.edit("a", "1")
        self.assertEqual(self.run_tests(), {"unknown"})

    def test_what_was_edited_meanwhile_was_not_seen(self):
        self.edit("a", "1")
        self.run_tests(meanwhile=lambda: self.write("a", "1 edited"))
        self.assertIn("known", self.run_tests())

    def test_a_memory_that_cannot_be_read_is_none(self):
        self.edit("a", "1")
        self.run_tests()
        [memory] = [name for name in os.listdir(self.directory) if name.endswith(".json")]
        with open(os.path.join(self.directory, memory)) as saved:
            self.assertEqual(list(json.load(saved)), ["known"])
        self.write(memory, "{")
        self.assertIn("known", self.run_tests())


NINJA = """
rule cc
  command = cc -MD -MF $out.d -c $in -o $out
  depfile = $out.d
  deps = gcc
rule link
  command = cc $in -o $out
build one.o: cc one.c
build two.o: cc two.c
build program: link one.o two.o
"""


class BuiltMeanwhile(UnchangedCase):
    """Two tests of a program that a fixture builds, one of which does not need the second source."""

    def setUp(self):
        super().setUp()
        self.write("build.ninja", NINJA)
        self.edit("one.c", "int two(void); int main(void) { return two(); }")
        self.edit("two.c", "int two(void) { return 0; }")
        program = os.path.join(self.directory, "program")
        self.write("CTestTestfile.cmake", f"""
            add_test(build ninja -C {self.directory})
            add_test(both {program})
            add_test(first {program})
            set_tests_properties(build PROPERTIES FIXTURES_SETUP built)
            set_tests_properties(both first PROPERTIES FIXTURES_REQUIRED built REQUIRED_FILES {program})
            set_tests_properties(first PROPERTIES ENVIRONMENT "RUNS_WITHOUT=/two[.]c$")""")

    def test_sources_count_before_they_are_compiled(self):
        self.assertEqual(self.run_tests(), {"build", "both", "first"})
        self.assertEqual(self.run_tests(), set())
        self.edit("one.c", "int two(void); int main(void) { return 2 * two(); }")
        self.assertEqual(self.run_tests(), {"build", "both", "first"})
        self.edit("two.c", "int two(void) { return -0; }")
        self.assertEqual(self.run_tests(), {"build", "both"})
        self.assertEqual(self.run_tests(), set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
