"""The checks find what they are there to find."""
import unittest

import check


class ForbiddenIncludes(unittest.TestCase):
    def found(self, path, include):
        return check.forbidden_includes(path, f"#pragma once\n#include {include}\n")

    def test_the_wings_do_not_see_each_other(self):
        self.assertEqual(self.found("framework/orchestrate/store/store.cc", '"train/host/host.h"'),
                         ["train/host/host.h"])
        self.assertEqual(self.found("framework/train/trainer/trainer.cc", '"orchestrate/plan.h"'),
                         ["orchestrate/plan.h"])

    def test_the_orchestrating_wing_sees_no_tensor(self):
        for include in ("<torch/torch.h>", "<c10/util/Exception.h>", '"mvn/model.h"'):
            self.assertTrue(self.found("framework/orchestrate/run/sweep_run.cc", include), include)
            self.assertTrue(self.found("framework/runner/main.cc", include), include)
        for include in ('"mvn/error.h"', '"mvn/value.h"', '"mvn/params.h"', '"common/json.h"'):
            self.assertFalse(self.found("framework/orchestrate/run/sweep_run.cc", include), include)

    def test_the_rooms_of_a_wing_are_used_in_one_direction(self):
        for path, include in (("process/pipe.h", "store/store.h"), ("workers/worker.h", "run/view.h"),
                              ("run/sweep_run.h", "sessions/session.h"),
                              ("store/store.cc", "workers/places.h"), ("new/a.h", "store/store.h")):
            self.assertTrue(self.found(f"framework/orchestrate/{path}", f'"orchestrate/{include}"'),
                            path)
        for path, include in (("run/sweep_run.h", "workers/worker.h"), ("run/view.h", "run/labels.h"),
                              ("sessions/session.cc", "store/report.h")):
            self.assertFalse(
                self.found(f"framework/orchestrate/{path}", f'"orchestrate/{include}"'), path)

    def test_a_worker_never_touches_the_database(self):
        self.assertTrue(self.found("framework/worker/main.cc", "<SQLiteCpp/SQLiteCpp.h>"))
        self.assertTrue(self.found("framework/train/trainer/trainer.cc", "<sqlite3.h>"))

    def test_the_corridor_includes_neither_wing(self):
        for include in ('"train/a.h"', '"orchestrate/a.h"', '"mvn/linear.h"', "<torch/torch.h>"):
            self.assertTrue(self.found("framework/common/files.cc", include), include)
        self.assertFalse(self.found("framework/common/files.cc", "<nlohmann/json.hpp>"))

    def test_a_plugin_sees_the_sdk_alone(self):
        for include in ('"train/host/host.h"', '"common/json.h"', "<nlohmann/json.hpp>",
                        "<yaml-cpp/yaml.h>", "<spdlog/spdlog.h>", '"../gptneo/attention.h"'):
            self.assertTrue(self.found("plugins/mamba/mamba.cc", include), include)
        for include in ('"mvn/plugin.h"', "<torch/torch.h>", "<vector>", "<immintrin.h>",
                        '"scan.h"'):
            self.assertFalse(self.found("plugins/mamba/mamba.cc", include), include)

    def test_libraries_are_opened_in_one_place(self):
        for include in ("<boost/dll.hpp>", "<dlfcn.h>"):
            self.assertTrue(self.found("framework/train/host/plugin_host.cc", include), include)
            self.assertFalse(self.found("framework/train/sdk/library.cc", include), include)

    def test_source_code_that_a_program_writes_is_not_its_own(self):
        text = 'auto* code = R"(\n#include "mvn/plugin.h"\n)";\n#include "mvn/model.h"\n'
        self.assertEqual(check.forbidden_includes("framework/runner/new_plugin.cc", text),
                         ["mvn/model.h"])


class BadWords(unittest.TestCase):
    def test_somebodys_home(self):
        self.assertEqual(check.bad_words("ok\nsee /ho" + "me/anna/x\n"),
                         [(2, "a path of one machine")])
        self.assertEqual(check.bad_words("docs/home/index.md"), [])

    def test_unfinished_work(self):
        self.assertEqual(check.bad_words("// TO" + "DO: later"), [(1, "a mark of unfinished work")])


if __name__ == "__main__":
    unittest.main()
