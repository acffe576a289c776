"""scripts/count-tests on what ctest writes."""
import pathlib
import subprocess
import tempfile
import unittest
from xml.sax.saxutils import escape

SCRIPT = pathlib.Path(__file__).parents[3] / "scripts" / "count-tests"

# A program of several tests, as GoogleTest runs it.
PROGRAM = """Running main() from gtest_main.cc
[ RUN      ] Scan.Works
[       OK ] Scan.Works (3 ms)
[ RUN      ] All/Scan.Windows/1
scan_test.cc:5: Failure
[  FAILED  ] All/Scan.Windows/1, where GetParam() = "c" (0 ms)
[ RUN      ] Scan.OnAGpu
/src/scan_test.cc:7: Skipped
there is no GPU here

[  SKIPPED ] Scan.OnAGpu (1 ms)
[  PASSED  ] 1 test.
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Scan.OnAGpu
[  FAILED  ] 1 test, listed below:
[  FAILED  ] All/Scan.Windows/1, where GetParam() = "c"
"""


def case(name, status, output="", skipped=None):
    mark = "" if skipped is None else f'<skipped message="{skipped}"/>'
    return (f'<testcase name="{name}" status="{status}">{mark}'
            f"<system-out>{escape(output)}</system-out></testcase>")


def count(*cases):
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(f"<testsuite>{''.join(cases)}</testsuite>")
        file.flush()
        return subprocess.run([SCRIPT, file.name], capture_output=True, text=True,
                              check=True).stdout


class CountTests(unittest.TestCase):
    def test_a_program_counts_as_its_tests(self):
        self.assertEqual(count(case("scan", "fail", PROGRAM), case("plain", "run")),
                         "skipped:\n     1  there is no GPU here\n"
                         "failed:\n        All/Scan.Windows/1 in scan\n2 passed, 1 failed, 1 skipped\n")

    def test_reasons_are_grouped_the_most_frequent_first(self):
        gpu = case("gpu", "notrun", PROGRAM, "SKIP_REGULAR_EXPRESSION_MATCHED")
        tool = case("format", "notrun", "skipped: no clang-format-14\n", "SKIP_RETURN_CODE=4")
        self.assertEqual(count(tool, gpu, gpu).splitlines()[:3],
                         ["skipped:", "     2  there is no GPU here",
                          "     1  no clang-format-14"])

    def test_what_began_and_did_not_end_failed(self):
        crashed = PROGRAM + "[ RUN      ] Scan.Crashes\n"
        self.assertIn("failed:\n        All/Scan.Windows/1 in Scan\n        Scan.Crashes\n",
                      count(case("Scan", "fail", crashed)))

    def test_what_failed_without_a_test_of_its_own_counts_once(self):
        self.assertEqual(count(case("a", "fail", "[ RUN      ] A.B\n[       OK ] A.B (0 ms)\n"),
                               case("b", "fail")),
                         "failed:\n        a\n        b\n1 passed, 2 failed, 0 skipped\n")

    def test_what_was_to_fail_and_did_passed(self):
        self.assertEqual(count(case("gpu", "run", PROGRAM)),
                         "skipped:\n     1  there is no GPU here\n2 passed, 0 failed, 1 skipped\n")

    def test_a_program_that_is_not_there_failed(self):
        self.assertEqual(count(case("gone", "notrun", "", "Unable to find executable")),
                         "failed:\n        gone\n0 passed, 1 failed, 0 skipped\n")


if __name__ == "__main__":
    unittest.main()
