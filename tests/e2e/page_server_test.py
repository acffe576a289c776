#!/usr/bin/env python3
"""What `mvn-runner ui` answers, and whom: page_server_test.py --runner FILE --worker FILE"""
import argparse
import json
import os
import pathlib
import sys
import unittest

from page_place import Led, Place, Server

ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("--runner", type=pathlib.Path, required=True)
ARGUMENTS.add_argument("--worker", type=pathlib.Path, required=True)


class PageServer(unittest.TestCase):
    options = None

    @classmethod
    def setUpClass(cls):
        cls.place = Place(cls.options.runner, cls.options.worker)
        code, out, err = cls.place.run("sweep.yaml")
        assert code == 1, out + err  # some trials fail
        cls.server = Server(cls.place, "--port", "0")

    @classmethod
    def tearDownClass(cls):
        cls.server.end()
        cls.place.close()

    def json(self, path):
        status, headers, text = self.server.ask(path)
        self.assertEqual(status, 200, text)
        self.assertIn("json", headers["Content-Type"])
        return json.loads(text)

    def test_serves_the_page_under_a_strict_policy(self):
        status, headers, text = self.server.ask("/")
        self.assertEqual(status, 200)
        self.assertTrue(text.startswith("<!doctype html>"))
        policy = headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertIn("script-src 'self';", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        for name in ("page.js", "page.css", "plotly.js"):
            self.assertEqual(self.server.ask(name)[0], 200)

    def test_answers_under_its_own_names_alone(self):
        port = self.server.port
        for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
            self.assertEqual(self.server.ask("/", host=host)[0], 200, host)
        for host in (f"evil.example:{port}", "127.0.0.1", "localhost", f"127.0.0.1:{port + 1}",
                     f"localhost.evil.example:{port}", f"localhost:{port}@evil.example", ""):
            for path in ("/", "/api/changes?sweep=demo"):
                self.assertEqual(self.server.ask(path, host=host)[0], 403, host)

    def test_is_only_read(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
            status, headers, _ = self.server.ask("/api/changes?sweep=demo", method=method)
            self.assertEqual(status, 405, method)
            self.assertEqual(headers["Allow"], "GET")

    def test_has_nothing_else(self):
        for path in ("/results", "/results/results.db", "/results.db", "/../sweep.yaml",
                     "/%2e%2e/sweep.yaml", "/page.html", "/api", "/api/", "/api/query", "/page.js/"):
            self.assertEqual(self.server.ask(path)[0], 404, path)
        for path in ("/api/changes?sweep=other", "/api/changes", "/api/trial?sweep=demo&id=../..",
                     "/api/trial?sweep=demo"):
            self.assertEqual(self.server.ask(path)[0], 404, path)
        self.assertEqual(self.json("/api/curves?sweep=demo&metric=other")["curves"], [])

    def test_listens_on_loopback_alone(self):
        def listening(table):
            with open(table, encoding="ascii") as file:
                rows = [line.split() for line in file][1:]
            return [row[1] for row in rows
                    if row[3] == "0A" and row[1].endswith(f":{self.server.port:04X}")]
        self.assertEqual(listening("/proc/net/tcp"), [f"0100007F:{self.server.port:04X}"])
        self.assertEqual(listening("/proc/net/tcp6") if os.path.exists("/proc/net/tcp6") else [],
                         [])

    @unittest.skipIf(os.getuid() != 0, "only root can become somebody else")
    def test_another_user_of_the_machine_sees_nothing(self):
        self.assertEqual(self.server.ask("/")[0], 200)  # and all that Python needs is loaded
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setuid(65534)
                os.write(write, str(self.server.ask("/")[0]).encode())
            finally:
                os._exit(0)  # this is no test
        os.close(write)
        with os.fdopen(read) as answer:
            self.assertEqual(answer.read(), "403")
        os.waitpid(child, 0)

    def test_the_answers_are_the_views(self):
        sections = self.json("/api/changes?sweep=demo")["sections"]
        code, out, err = self.place.run(
            "query", "SELECT params, n, mean, low, high FROM group_stats", "--format", "json")
        self.assertEqual(code, 0, err)
        for group, row in zip(sections["groups"], json.loads(out), strict=True):
            self.assertEqual({name: group[name] for name in row}, row)
        self.assertEqual(sections["counts"]["failed"], 6)

    def test_sends_only_what_changed(self):
        first = self.json("/api/changes?sweep=demo")
        query = f"/api/changes?sweep=demo&epoch={first['epoch']}&since={first['now']}"
        self.assertEqual(self.json(query)["sections"], {})
        other = f"/api/changes?sweep=demo&epoch={first['epoch'] + 1}&since={first['now']}"
        self.assertEqual(len(self.json(other)["sections"]), len(first["sections"]))

    def test_follows_a_sweep_that_runs(self):
        place = Place(self.options.runner, self.options.worker)
        led = Led(place)
        try:
            led.report(0.25)
            self.until_known(place, "SELECT 1 FROM metrics")
            server = Server(place, "--port", "0")
            try:
                for value in (0.5, 0.75):
                    led.report(value)
                    while not self.has_value(server, value):
                        pass  # each look is a request; what never comes is the test's time limit
            finally:
                server.end()
        finally:
            led.end()
            place.close()

    @staticmethod
    def until_known(place, sql):
        while "1" not in place.run("query", sql)[1]:
            pass

    @staticmethod
    def has_value(server, value):
        curves = json.loads(server.ask("/api/curves?sweep=led&metric=eval/accuracy")[2])["curves"]
        trials = json.loads(server.ask("/api/changes?sweep=led")[2])["sections"].values()
        objectives = [each.get("objective") for each in trials if isinstance(each, dict)]
        return bool(curves) and value in curves[0]["mean"] and value in objectives

    def test_a_taken_port_is_one_clear_line(self):
        code, out, err = self.place.run("ui", "--port", str(self.server.port))
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(err, f"mvn-runner: port {self.server.port} is taken; give another with "
                              "--port, or none for a free one\n")

    def test_says_how_to_reach_it_through_ssh_and_ends_when_told(self):
        server = Server(self.place, "demo", "--port", "0", USER="ada",
                        SSH_CONNECTION="192.0.2.1 5000 192.0.2.7 22")
        second = server.process.stdout.readline()
        self.assertIn(f"ssh -L {server.port}:127.0.0.1:{server.port} ada@192.0.2.7", second)
        self.assertEqual(server.end(), (0, ""))

    def test_the_terminal_says_the_same(self):
        best = json.loads(self.place.run("top", "demo", "-n", "1", "--json")[1])
        best = best["stages"][0]["configurations"][0]
        table = self.place.run("top", "-n", "1")[1]
        self.assertIn(best["params"], table)
        self.assertIn("and 7 more (-n)", table)
        trial = json.loads(self.place.run("show", best["best_trial"], "--json")[1])
        self.assertEqual(trial["params"], best["params"])
        self.assertEqual(trial["state"], "done")
        shown = self.place.run("show", best["best_trial"])[1]
        for part in ("What sets it apart", "args.model  mamba   (others: gptneo)", "┤",
                     f"results/demo/{best['best_trial']}/attempts/1/log.txt"):
            self.assertIn(part, shown)
        curve = json.loads(self.place.run("curve", best["best_trial"], "--json")[1])
        self.assertEqual(curve["curve"], trial["curve"])
        self.assertEqual(self.place.run("curve", "demo", "-n", "2")[1].count("┤"), 4)

    def test_the_terminal_says_what_went_wrong(self):
        _, out, _ = self.place.run("query", "SELECT trial FROM trials WHERE state = 'failed'",
                                   "--format", "json")
        code, out, err = self.place.run("show", json.loads(out)[0]["trial"])
        self.assertEqual(code, 0, err)
        self.assertIn("What went wrong\n  failed: exit code 3\n", out)
        self.assertIn("  | out of memory </script>", out)

    def test_an_unknown_sweep_is_told_at_once(self):
        code, _, err = self.place.run("ui", "dmeo", "--port", "0")
        self.assertEqual(code, 64)
        self.assertIn("no sweep is called 'dmeo'; did you mean 'demo'?", err)


if __name__ == "__main__":
    PageServer.options, rest = ARGUMENTS.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
