#!/usr/bin/env python3
"""mvn-runner and the Hugging Face hub, against a small hub on this machine with the faults of networks.

hub_test.py --runner FILE [--python FILE] [--worker FILE] [--writer FILE] [TEST...]: that Python's huggingface_hub, where
it has one, reads what mvn-runner wrote and the reverse; that mvn-worker trains.
"""
import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import hub_server

ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("--runner", type=pathlib.Path, required=True)
ARGUMENTS.add_argument("--python", type=pathlib.Path)
ARGUMENTS.add_argument("--worker", type=pathlib.Path)
ARGUMENTS.add_argument("--writer", type=pathlib.Path, help="write_columnar, where Arrow is there")

TOKEN = "hf_secret"
MODEL = "acme/tiny"
DATA = "acme/texts"
BIG = 3_000_000  # bytes of the weights


def write_repositories(root):
    """A model in its usual files, beside what nobody needs, and a data set."""
    model = root / "models" / MODEL
    model.mkdir(parents=True)
    (model / "config.json").write_text('{"model_type": "gpt_neo"}')
    (model / "tokenizer.json").write_text('{"version": "1.0"}')
    (model / "tokenizer_config.json").write_text("{}")
    (model / "README.md").write_text("# tiny")
    (model / "model.safetensors").write_bytes(random.Random(1).randbytes(BIG))
    (model / "pytorch_model.bin").write_bytes(random.Random(2).randbytes(BIG))
    (model / "onnx").mkdir()
    (model / "onnx" / "model.onnx").write_bytes(random.Random(3).randbytes(BIG))
    data = root / "datasets" / DATA
    (data / "deep").mkdir(parents=True)
    (data / "train.jsonl").write_text('{"text": "good", "label": 1}\n{"text": "bad", "label": 0}\n')
    (data / "deep" / "dev set.jsonl").write_text('{"text": "fine", "label": 1}\n')


NEEDED = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


class HubTest(unittest.TestCase):
    options = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.root = self.folder / "root"
        write_repositories(self.root)
        self.hub = hub_server.Hub(self.root)
        self.addCleanup(self.hub.close)
        self.home = self.folder / "home"
        self.model = self.hub.repositories[f"models/{MODEL}"]

    @property
    def faults(self):
        return self.hub.faults

    def environment(self, **more):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("HF_", "HUGGING", "SSL_"))
                       and "proxy" not in name.lower() and "CA_BUNDLE" not in name}
        environment.update(HF_ENDPOINT=self.hub.endpoint, HF_HOME=str(self.home),
                           HOME=str(self.folder / "user"), HF_HUB_DOWNLOAD_TIMEOUT="1",
                           MVN_HUB_PAUSE="0", NO_COLOR="1")
        environment.update(more)
        return environment

    def run_runner(self, *arguments, preexec=None, **environment):
        return subprocess.run([self.options.runner, *arguments], capture_output=True, text=True,
                              env=self.environment(**environment), cwd=self.folder, check=False,
                              preexec_fn=preexec)

    def fetch(self, *arguments, **environment):
        return self.run_runner("fetch", *arguments, **environment)

    def query(self, sql):
        done = self.run_runner("query", "--format", "json", sql)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def fetched(self, *arguments, **environment):
        """What a fetch that must work says with --json."""
        done = self.fetch("--json", *arguments, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def refused(self, *arguments, **environment):
        """The one line of a fetch that must not work."""
        done = self.fetch(*arguments, **environment)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        return done.stderr.strip().splitlines()[-1]

    def check_whole(self, snapshot, names=None, repository=None):
        """Exactly these files are there, each with the bytes that the hub has."""
        repository = repository or self.model
        snapshot = pathlib.Path(snapshot)
        found = sorted(str(path.relative_to(snapshot)) for path in snapshot.rglob("*")
                       if path.is_file())
        self.assertEqual(found, sorted(NEEDED if names is None else names))
        for name in found:
            self.assertEqual((snapshot / name).read_bytes(),
                             repository.files[name].source.read_bytes(), name)

    def check_no_partial(self):
        """Every blob is what its name says, whatever happened."""
        for blob in self.home.glob("hub/*/blobs/*"):
            if blob.suffix == ".incomplete":
                continue
            content = blob.read_bytes()
            is_large = len(blob.name) == 64
            actual = hashlib.sha256(content).hexdigest() if is_large else hub_server.git_hash(content)
            self.assertEqual(actual, blob.name)

    def snapshot(self):
        return self.home / "hub" / "models--acme--tiny" / "snapshots" / self.model.commit


class Fetch(HubTest):
    def test_a_model_is_the_files_that_are_read(self):
        entry, = self.fetched(f"hf:{MODEL}")
        self.assertEqual(entry["commit"], self.model.commit)
        self.assertEqual(entry["path"], str(self.snapshot()))
        self.assertEqual(entry["reference"], f"hf:{MODEL}@{self.model.commit}")
        self.check_whole(entry["path"])
        weights = pathlib.Path(entry["path"]) / "model.safetensors"
        self.assertEqual(os.readlink(weights),
                         f"../../blobs/{self.model.files['model.safetensors'].hash}")
        self.assertEqual((self.snapshot().parent.parent / "refs" / "main").read_text(),
                         self.model.commit)

    def test_nothing_is_fetched_twice(self):
        self.fetched(f"hf:{MODEL}")
        before = len(self.hub.seen)
        self.fetched(f"hf:{MODEL}")
        # Where main is now is asked again, and nothing else.
        self.assertEqual([seen.path for seen in self.hub.seen[before:]],
                         [f"/api/models/{MODEL}/revision/main"])

    def test_a_commit_needs_no_question_at_all(self):
        self.fetched(f"hf:{MODEL}")
        before = len(self.hub.seen)
        self.fetched(f"hf:{MODEL}@{self.model.commit}")
        self.assertEqual(len(self.hub.seen), before)

    def test_a_file_of_a_data_set(self):
        data = self.hub.repositories[f"datasets/{DATA}"]
        entry, = self.fetched(f"hf:datasets/{DATA}/deep/dev set.jsonl")
        self.assertEqual(pathlib.Path(entry["path"]).read_text(), '{"text": "fine", "label": 1}\n')
        self.assertEqual(entry["reference"], f"hf:datasets/{DATA}@{data.commit}/deep/dev set.jsonl")
        self.assertTrue(os.path.islink(entry["path"]))
        entry, = self.fetched(f"hf:datasets/{DATA}/train.jsonl@main")
        self.assertIn("good", pathlib.Path(entry["path"]).read_text())

    def test_a_new_commit_brings_what_changed(self):
        self.fetched(f"hf:{MODEL}")
        (self.root / "models" / MODEL / "config.json").write_text('{"model_type": "mamba"}')
        self.hub.reload()
        repository = self.hub.repositories[f"models/{MODEL}"]
        before = len(self.hub.requests("storage"))
        entry, = self.fetched(f"hf:{MODEL}")
        self.check_whole(entry["path"], repository=repository)
        self.assertEqual(len(self.hub.requests("storage")), before)

    def test_shards_come_with_their_index_and_nothing_beside_them(self):
        folder = self.root / "models" / "acme" / "sharded"
        folder.mkdir()
        for name in ("config.json", "tokenizer.json", "model.safetensors.index.json",
                     "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                     "pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json"):
            (folder / name).write_text(name)
        self.hub.reload()
        entry, = self.fetched("hf:acme/sharded")
        names = sorted(file["path"] for file in entry["files"])
        self.assertEqual(names, ["config.json", "model-00001-of-00002.safetensors",
                                 "model-00002-of-00002.safetensors",
                                 "model.safetensors.index.json", "tokenizer.json"])

    def test_two_files_of_one_content(self):
        folder = self.root / "models" / "acme" / "twins"
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / "tokenizer_config.json").write_text("{}")
        (folder / "model.safetensors").write_text("")  # and one without any
        self.hub.reload()
        entry, = self.fetched("hf:acme/twins")
        self.check_whole(entry["path"], ["config.json", "model.safetensors", "tokenizer_config.json"],
                         self.hub.repositories["models/acme/twins"])

    def test_pages_of_a_listing(self):
        self.faults.page_size = 2
        entry, = self.fetched(f"hf:{MODEL}")
        self.check_whole(entry["path"])

    def test_without_a_network(self):
        line = self.refused(f"hf:{MODEL}", HF_HUB_OFFLINE="1")
        self.assertIn("is not in", line)
        self.assertIn(f"mvn-runner fetch hf:{MODEL}", line)
        self.fetched(f"hf:{MODEL}")
        before = len(self.hub.seen)
        entry, = self.fetched(f"hf:{MODEL}", HF_HUB_OFFLINE="1")
        self.check_whole(entry["path"])
        self.assertEqual(len(self.hub.seen), before)

    def test_a_hub_that_is_away_is_where_it_was_last(self):
        self.fetched(f"hf:{MODEL}")
        done = self.fetch(f"hf:{MODEL}", HF_ENDPOINT="http://127.0.0.1:1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("cannot be reached", done.stderr)
        self.assertIn("where it was last", done.stderr)

    def test_through_a_proxy(self):
        proxy = hub_server.Proxy()
        self.addCleanup(proxy.close)
        entry, = self.fetched(f"hf:{MODEL}", http_proxy=proxy.address)
        self.check_whole(entry["path"])
        self.assertEqual(len(proxy.passed), len(self.hub.seen))
        self.assertTrue(all(url.startswith("http://") for url in proxy.passed))
        passed = len(proxy.passed)
        shutil.rmtree(self.home)
        self.fetched(f"hf:{MODEL}", http_proxy=proxy.address, no_proxy="localhost,127.0.0.1")
        self.assertEqual(len(proxy.passed), passed)

    def test_text_output(self):
        done = self.fetch(f"hf:{MODEL}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, f"hf:{MODEL}@{self.model.commit}  4 files, 3.0 MB\n"
                                      f"  {self.snapshot()}\n")
        self.assertIn("fetching 4 files, 3.0 MB", done.stderr)
        self.assertRegex(done.stderr, r"fetched 4 files, 3.0 MB, in .*MB/s\)")


class Refusals(HubTest):
    def test_each_has_its_line(self):
        self.faults.gated = {f"models/{MODEL}"}
        self.assertIn("is gated: accept its terms at", self.refused(f"hf:{MODEL}"))
        self.faults.gated = set()
        self.assertIn("has no such model, or it is private", self.refused("hf:acme/nothing"))
        self.assertIn("has no such data set", self.refused("hf:datasets/acme/nothing/a.tsv"))
        self.assertIn("has no revision 'v9'", self.refused(f"hf:{MODEL}@v9"))
        line = self.refused(f"hf:datasets/{DATA}/trian.jsonl")
        self.assertIn("has no file or folder 'trian.jsonl'", line)
        self.assertIn("did you mean 'train.jsonl'?", line)
        for bad in (f"hf:{MODEL}@", "hf:", "hf:a b/c", "hf:acme/../etc", "hf:spaces/acme/x",
                    f"hf:{MODEL}/../../x"):
            self.assertIn("write hf:OWNER/NAME", self.refused(bad), bad)
        self.assertIn("is not on the hub", self.refused("models/tiny"))
        self.assertEqual(list(self.folder.rglob("blobs/*")), [])

    def test_a_private_model_wants_the_token_and_never_tells_it(self):
        self.faults.hidden = {f"models/{MODEL}"}
        self.assertIn("set HF_TOKEN", self.refused(f"hf:{MODEL}"))
        self.assertIn("does not take the token in HF_TOKEN",
                      self.refused(f"hf:{MODEL}", HF_TOKEN="hf_wrong"))
        entry, = self.fetched(f"hf:{MODEL}", HF_TOKEN=TOKEN)
        self.check_whole(entry["path"])

    def test_the_token_of_the_file(self):
        self.faults.hidden = {f"models/{MODEL}"}
        self.home.mkdir()
        (self.home / "token").write_text(f"{TOKEN}\n")
        self.fetched(f"hf:{MODEL}")

    def test_the_storage_does_not_get_the_token(self):
        self.fetched(f"hf:{MODEL}", HF_TOKEN=TOKEN)
        self.assertTrue(self.hub.requests("storage"))
        for seen in self.hub.requests("hub"):
            self.assertEqual(seen.headers.get("Authorization"), f"Bearer {TOKEN}", seen.path)
        for seen in self.hub.requests("storage"):
            self.assertNotIn("Authorization", seen.headers)

    def test_a_listing_that_leads_out_of_the_cache(self):
        self.model.files["../../evil"] = self.model.files.pop("README.md")
        self.model.files["../../evil"].path = "../../evil"
        self.assertIn("outside of the repository", self.refused(f"hf:{MODEL}"))

    def test_something_that_is_no_hub(self):
        self.faults.statuses = [("/api/", 200, {})]
        self.assertIn("is HF_ENDPOINT right?", self.refused(f"hf:{MODEL}"))
        self.assertIn("HF_ENDPOINT", self.refused(f"hf:{MODEL}", HF_ENDPOINT="hub.example"))


class Certificates(HubTest):
    """Over HTTPS, with a certificate that only this test knows."""

    def setUp(self):
        super().setUp()
        self.certificate = self.folder / "certificate.pem"
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout",
             self.folder / "key.pem", "-out", self.certificate], capture_output=True, check=False)
        if made.returncode != 0:
            self.skipTest("no openssl to make a certificate with")
        self.hub.close()
        self.hub = hub_server.Hub(self.root, tls=(self.certificate, self.folder / "key.pem"))
        self.addCleanup(self.hub.close)

    def test_one_that_nobody_vouches_for(self):
        line = self.refused(f"hf:{MODEL}")
        self.assertIn("its certificate is not accepted", line)
        self.assertIn("SSL_CERT_FILE", line)

    def test_one_that_is_known(self):
        entry, = self.fetched(f"hf:{MODEL}", SSL_CERT_FILE=str(self.certificate))
        self.check_whole(entry["path"])

    def test_it_is_not_led_to_plain_http(self):
        self.hub.storage = self.hub.storage.replace("https:", "http:")
        line = self.refused(f"hf:{MODEL}", SSL_CERT_FILE=str(self.certificate))
        self.assertIn("leads to an address that is none", line)


class NetworkFaults(HubTest):
    def check(self, **environment):
        entry, = self.fetched(f"hf:{MODEL}", **environment)
        self.check_whole(entry["path"])
        self.check_no_partial()
        self.assertEqual(list(self.home.rglob("*.incomplete")), [])
        self.assertEqual([ref.name for ref in self.home.glob("hub/*/refs/*")], ["main"])

    def test_cut_at_every_tenth(self):
        for tenth in range(10):
            with self.subTest(tenth=tenth):
                shutil.rmtree(self.home, ignore_errors=True)
                self.faults.cuts = [tenth / 10]
                self.check()
        self.faults.cuts = [tenth / 10 for tenth in range(10)]
        shutil.rmtree(self.home)
        self.check()

    def test_what_came_is_not_fetched_again(self):
        self.faults.cuts = [0.5]
        self.check()
        ranges = [seen.headers.get("Range") for seen in self.hub.requests("storage")]
        if ranges[:1] == [None] and len(ranges) == 2:
            self.assertEqual(ranges[1], f"bytes={BIG // 2}-")

    def test_a_storage_that_knows_no_ranges(self):
        self.faults.ignores_ranges = True
        self.faults.cuts = [0.5, 0.7]
        self.check()

    def test_too_many_cuts_in_a_row_end_it_and_the_next_goes_on(self):
        self.faults.cuts = [0.4] + [0.4] * 30
        line = self.refused(f"hf:{MODEL}")
        self.assertIn("the same command again goes on", line)
        self.check_no_partial()
        self.faults.cuts = []
        self.check()

    def test_a_byte_that_is_another_one(self):
        self.faults.damages = 1
        self.check()

    def test_bytes_that_stay_wrong(self):
        self.faults.damages = 100
        line = self.refused(f"hf:{MODEL}")
        self.assertIn("by the hub's listing", line)
        self.assertIn("nothing of it is kept", line)
        self.check_no_partial()
        self.faults.damages = 0
        self.check()

    def test_a_length_that_is_another_one(self):
        self.faults.lengths = 1
        self.check()
        shutil.rmtree(self.home)
        self.faults.lengths = 100
        self.assertIn("by the hub's listing", self.refused(f"hf:{MODEL}"))

    def test_too_many_requests_and_trouble(self):
        for status, headers in ((429, {"Retry-After": "0"}), (429, {"Retry-After": "1"}), (503, {}),
                                (500, {}), (429, {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"})):
            for part in ("/revision/", "/tree/", "/resolve/", "signature"):
                with self.subTest(status=status, headers=headers, part=part):
                    shutil.rmtree(self.home, ignore_errors=True)
                    self.faults.statuses = [(part, status, headers)]
                    self.check()
                    self.assertEqual(self.faults.statuses, [])

    def test_trouble_that_does_not_end(self):
        self.faults.statuses = [("/resolve/", 503, {})] * 100
        self.assertIn("it answers 503", self.refused(f"hf:{MODEL}"))
        shutil.rmtree(self.home)
        self.faults.statuses = [("/tree/", 429, {"Retry-After": "86400"})]
        self.assertIn("it answers 429", self.refused(f"hf:{MODEL}"))

    def test_redirects_without_end(self):
        self.faults.redirect_loop = True
        self.assertIn("without end", self.refused(f"hf:{MODEL}"))

    def test_a_connection_that_sleeps(self):
        self.faults.stalls = [0.3]
        self.check()

    def test_two_at_once_fetch_each_file_once(self):
        command = [self.options.runner, "fetch", f"hf:{MODEL}"]
        both = [subprocess.Popen(command, env=self.environment(), cwd=self.folder,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                for _ in range(2)]
        for process in both:
            _, errors = process.communicate()
            self.assertEqual(process.returncode, 0, errors)
        self.check()
        self.assertEqual(len(self.hub.requests("storage")), 1)

    def test_a_limit_on_the_size_of_files_is_a_full_disk(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (BIG // 2, BIG // 2))
        done = self.run_runner("fetch", f"hf:{MODEL}", preexec=limit)
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertIn("No space left on device", done.stderr)
        self.check_no_partial()
        self.check()

    def test_killed_at_any_time(self):
        """Wherever it was, the next one goes on, and nothing was ever there in part."""
        dice = random.Random(7)
        command = [self.options.runner, "fetch", f"hf:{MODEL}"]
        for _ in range(12):
            shutil.rmtree(self.home, ignore_errors=True)
            # It waits at a share of the weights that is its own: there it is killed.
            self.faults.stalls = [1.0] * 3 + [dice.random()]
            dice.shuffle(self.faults.stalls)
            process = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.PIPE, text=True,
                                       env=self.environment(HF_HUB_DOWNLOAD_TIMEOUT="600"))
            self.wait_for_growth()
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.check_no_partial()
            self.faults.stalls = []
            self.check()

    def wait_for_growth(self):
        """Until something of the weights is there."""
        while not any(path.stat().st_size > 0 for path in self.home.rglob("blobs/*")
                      if path.exists()):
            os.sched_yield()


class Python(HubTest):
    """The cache of huggingface_hub itself."""

    def setUp(self):
        super().setUp()
        python = self.options.python
        if python is None or not python.exists() or subprocess.run(
                [python, "-c", "import huggingface_hub"], capture_output=True,
                check=False).returncode != 0:
            self.skipTest("no Python with huggingface_hub: pip install huggingface_hub")

    def python(self, code, **environment):
        done = subprocess.run([self.options.python, "-c", code], capture_output=True, text=True,
                              env=self.environment(HF_HUB_DOWNLOAD_TIMEOUT="10", **environment),
                              cwd=self.folder, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def test_it_reads_what_we_wrote(self):
        self.fetched(f"hf:{MODEL}")
        before = len(self.hub.seen)
        path = self.python("import huggingface_hub as h\n"
                           f"print(h.snapshot_download('{MODEL}', local_files_only=True))")
        self.check_whole(path)
        path = self.python("import huggingface_hub as h\n"
                           f"print(h.hf_hub_download('{MODEL}', 'config.json'))", HF_HUB_OFFLINE="1")
        self.assertEqual(path, str(self.snapshot() / "config.json"))
        self.assertEqual(len(self.hub.seen), before)
        self.python("import huggingface_hub as h\n"
                    f"h.hf_hub_download('{MODEL}', 'model.safetensors')")
        self.assertEqual(len(self.hub.requests("storage")), 1)
        summary = json.loads(self.python(
            "import huggingface_hub as h, json\n"
            "c = h.scan_cache_dir()\n"
            "print(json.dumps([[r.repo_id, r.nb_files] for r in c.repos] + "
            "[str(w) for w in c.warnings]))"))
        self.assertEqual(summary, [[MODEL, len(NEEDED)]])

    def test_we_read_what_it_wrote(self):
        path = self.python("import huggingface_hub as h\n"
                           f"print(h.snapshot_download('{MODEL}', ignore_patterns=['*.onnx', '*.bin', "
                           "'*.md']))")
        before = len(self.hub.requests("storage"))
        entry, = self.fetched(f"hf:{MODEL}")
        self.assertEqual(entry["path"], path)
        self.check_whole(path)
        self.assertEqual(len(self.hub.requests("storage")), before)
        entry, = self.fetched(f"hf:{MODEL}", HF_HUB_OFFLINE="1")
        self.check_whole(entry["path"])


class Sweeps(HubTest):
    """A sweep over a model and data of the hub, with a worker that trains nothing."""

    SWEEP = f"""name: hubbed
metric: {{name: eval/accuracy, goal: maximize}}
model: {{plugin: toy, weights: hf:{MODEL}, tokenizer: hf:{MODEL}}}
task: {{plugin: play, steps: 2, data: hf:{DATA}/train.jsonl}}
parameters: {{optimizer.lr: {{values: [0.1, 0.01]}}}}
"""

    def setUp(self):
        super().setUp()
        self.sweep = self.folder / "sweep.yaml"
        self.sweep.write_text(self.SWEEP)
        self.data = self.hub.repositories[f"datasets/{DATA}"]

    def runner(self, *arguments, **environment):
        worker = pathlib.Path(__file__).resolve().parent.parent / "fake_worker.py"
        return self.run_runner(*arguments, MVN_WORKER=str(worker),
                               XDG_CACHE_HOME=str(self.folder / "cache"), **environment)

    def ran(self, *arguments, **environment):
        done = self.runner(*arguments, **environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def configurations(self):
        return [json.loads(row["config"]) for row in
                self.query("SELECT config FROM mvn_trial WHERE current ORDER BY id")]

    def check_pinned(self, config, model=None):
        commit = (model or self.model).commit
        self.assertEqual(config["model"]["weights"], f"hf:{MODEL}@{commit}")
        self.assertEqual(config["model"]["tokenizer"], f"hf:{MODEL}@{commit}")
        self.assertEqual(config["task"]["data"], f"hf:datasets/{DATA}@{self.data.commit}/train.jsonl")

    def test_a_plan_asks_for_commits_and_fetches_nothing(self):
        out = self.ran("sweep.yaml", "--dry-run")
        self.assertIn(f"first fetches: hf:{MODEL}@{self.model.commit} (4 files, 3.0 MB)", out)
        self.assertIn(f"first fetches: hf:datasets/{DATA}@{self.data.commit}/train.jsonl (1 file, ",
                      out)
        plan = json.loads(self.ran("plan", "sweep.yaml", "--format", "json"))
        self.assertEqual(len(plan["first_fetches"]), 3)
        self.assertEqual(self.hub.requests("hub", "/resolve/"), [])
        self.assertEqual(list(self.home.rglob("blobs")), [])
        self.assertFalse((self.folder / "results").exists())

    def test_a_run_fetches_and_the_worker_gets_paths(self):
        out = self.ran("sweep.yaml")
        self.assertIn("2 of 2 trials done", out)
        for config in self.configurations():
            self.check_pinned(config)
        trial_files = list((self.folder / "results").rglob("trial.json"))
        self.assertEqual(len(trial_files), 2)
        for file in trial_files:
            config = json.loads(file.read_text())["config"]
            self.assertEqual(config["model"]["weights"], str(self.snapshot()))
            self.assertEqual(config["model"]["tokenizer"], str(self.snapshot()))
            self.assertTrue(config["task"]["data"].endswith("/train.jsonl"))
            self.assertTrue(config["task"]["data"].startswith(str(self.home)))
        # The fingerprint of what was read is that of the file.
        prints = self.query("SELECT DISTINCT value FROM environments WHERE name LIKE 'data.%'")
        content = (self.root / "datasets" / DATA / "train.jsonl").read_bytes()
        self.assertEqual([row["value"] for row in prints], [hashlib.sha256(content).hexdigest()])
        before = len(self.hub.seen)
        self.assertIn("nothing to do", self.ran("sweep.yaml"))
        self.assertEqual(len(self.hub.seen), before)

    def test_a_trial_is_the_same_on_another_machine(self):
        self.ran("sweep.yaml")
        elsewhere = self.folder / "elsewhere"
        self.ran("--results", "others", "sweep.yaml", HF_HOME=str(elsewhere))
        ids = [sorted(path.parent.parent.parent.name
                      for path in (self.folder / results).rglob("trial.json"))
               for results in ("results", "others")]
        self.assertEqual(ids[0], ids[1])

    def move_main(self):
        (self.root / "models" / MODEL / "config.json").write_text('{"model_type": "mamba"}')
        self.hub.reload()
        return self.hub.repositories[f"models/{MODEL}"]

    def test_a_sweep_keeps_its_commits(self):
        self.ran("sweep.yaml")
        moved = self.move_main()
        self.assertNotEqual(moved.commit, self.model.commit)
        self.assertIn("nothing to do", self.ran("sweep.yaml"))
        out = self.ran("sweep.yaml", "--set", "optimizer.lr=0.5")
        self.assertIn("1 of 1 trial done", out)
        for config in self.configurations():
            self.check_pinned(config)
        self.ran("sweep.yaml", "--rerun-changed")
        for config in self.configurations():
            self.check_pinned(config, moved)
        self.assertIn("nothing to do", self.ran("sweep.yaml"))

    def test_a_split_is_what_the_hub_made_of_it(self):
        folder = self.root / "datasets" / f"{DATA}@refs%2Fconvert%2Fparquet" / "default" / "train"
        folder.mkdir(parents=True)
        (folder / "0000.parquet").write_text("PAR1")
        self.hub.reload()
        converted = self.hub.repositories[f"datasets/{DATA}"].revisions["refs/convert/parquet"]
        self.sweep.write_text(self.SWEEP.replace("train.jsonl", "default/train"))
        self.assertIn("2 of 2 trials done", self.ran("sweep.yaml"))
        for config in self.configurations():
            self.assertEqual(config["task"]["data"], f"hf:datasets/{DATA}@{converted.commit}"
                                                     "/default/train/0000.parquet")
        shutil.rmtree(self.home)
        before = len(self.hub.seen)
        self.assertIn("nothing to do", self.ran("sweep.yaml"))
        self.assertEqual(len(self.hub.seen), before)

    def test_without_a_network(self):
        done = self.runner("sweep.yaml", HF_HUB_OFFLINE="1")
        self.assertEqual(done.returncode, 64)
        self.assertIn("sweep.yaml:3:", done.stderr)
        self.assertIn("mvn-runner fetch", done.stderr)
        self.ran("fetch", "sweep.yaml")
        before = len(self.hub.seen)
        self.assertIn("2 of 2 trials done", self.ran("sweep.yaml", HF_HUB_OFFLINE="1"))
        self.assertEqual(len(self.hub.seen), before)

    def test_mistakes_are_shown_where_they_are(self):
        self.sweep.write_text(self.SWEEP.replace(f"weights: hf:{MODEL}", "weights: hf:acme/nothing"))
        done = self.runner("sweep.yaml")
        self.assertEqual(done.returncode, 64)
        self.assertIn("sweep.yaml:3:31: model.weights: hf:acme/nothing: ", done.stderr)
        self.assertIn("has no such model", done.stderr)
        self.sweep.write_text(self.SWEEP.replace("train.jsonl", ""))
        self.assertIn("name a file of it", self.runner("sweep.yaml").stderr)
        self.sweep.write_text(self.SWEEP.replace("train.jsonl", "trian.jsonl"))
        done = self.runner("sweep.yaml", "--dry-run")
        self.assertEqual(done.returncode, 64)
        self.assertIn("sweep.yaml:4:38: task.data: ", done.stderr)
        self.assertIn("did you mean 'train.jsonl'?", done.stderr)
        self.assertFalse((self.folder / "results").exists())

    def test_results_of_others_name_no_other_repository(self):
        kept = self.folder / "results" / "hubbed" / "hub.json"
        kept.parent.mkdir(parents=True)
        for text in ('{"commits": {"hf:acme/tiny@main": "../../x"}, "splits": {}}', "[]",
                     '{"commits": {}, "splits": {"hf:datasets/acme/texts@main/train.jsonl": '
                     f'"hf:datasets/evil/x@{self.data.commit}/a"}}}}'):
            kept.write_text(text)
            done = self.runner("sweep.yaml")
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn("is not what a run writes there", done.stderr)

    def test_the_token_is_nowhere(self):
        self.faults.hidden = {f"models/{MODEL}"}
        out = self.ran("sweep.yaml", "--verbose", "--log-level", "debug", HF_TOKEN=TOKEN)
        self.assertNotIn(TOKEN, out)
        for place in (self.folder / "results", self.home, self.folder / "cache"):
            for path in place.rglob("*"):
                if path.is_file():
                    self.assertNotIn(TOKEN.encode(), path.read_bytes(), path)

    def test_a_trial_again_after_the_cache_is_gone(self):
        self.ran("sweep.yaml")
        shutil.rmtree(self.home)
        trial = self.query("SELECT hash FROM mvn_trial ORDER BY id LIMIT 1")[0]["hash"]
        self.assertIn("bit-equal", self.ran("rerun", trial[:12], "--verify"))


class Released(HubTest):
    """The experiment with released models, with tiny ones of their kinds in their place."""

    SOURCE = pathlib.Path(__file__).resolve().parents[3]
    TINY = """name: tiny
model: {tokenizer: tokenizer.json}
task: {plugin: classification, train: train.jsonl, validation: dev.jsonl, text: text, label: label}
training: {steps: 0}
resources: {device: cpu, workers: 1}
zip:
  - model.plugin: [mamba, gptneo, mistral]
    model.config:
      - {vocab_size: VOCABULARY, hidden_size: 16, num_hidden_layers: 1}
      - {vocab_size: VOCABULARY, hidden_size: 16, num_layers: 1, num_heads: 2,
         attention_types: [[[global], 1]]}
      - {vocab_size: VOCABULARY, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2,
         num_key_value_heads: 1, intermediate_size: 32}
"""
    NAMES = {"mamba": [f"state-spaces/mamba-{size}-hf" for size in ("130m", "1.4b", "2.8b")],
             "gpt_neo": [f"EleutherAI/gpt-neo-{size}" for size in ("125m", "1.3B", "2.7B")],
             "mistral": ["intfloat/e5-mistral-7b-instruct"]}
    SETS = ["sst2", "trec", "banking77", "ag_news", "emotion", "massive_en_intent"]

    def setUp(self):
        super().setUp()
        if self.options.worker is None or not self.options.worker.exists():
            self.skipTest("mvn-worker is not built")
        data = self.root / "datasets" / "SetFit" / "sst2"
        data.mkdir(parents=True)
        for name, count in (("train.jsonl", 40), ("dev.jsonl", 10), ("test.jsonl", 10)):
            (data / name).write_text("".join(
                json.dumps({"text": f"a {'good' if i % 2 else 'bad'} film {i}", "label": i % 2,
                            "label_text": "positive" if i % 2 else "negative"}) + "\n"
                for i in range(count)))
            shutil.copy(data / name, self.folder)
        self.write_models()
        self.hub.reload()

    def write_models(self):
        tokenizer = self.SOURCE / "tests" / "exactness" / "trajectory" / "tokenizer.json"
        shutil.copy(tokenizer, self.folder)
        self.vocabulary = max(json.loads(tokenizer.read_text())["model"]["vocab"].values()) + 8
        (self.folder / "tiny.yaml").write_text(self.TINY.replace("VOCABULARY", str(self.vocabulary)))
        self.trained("tiny.yaml")
        for folder in (self.folder / "results" / "tiny").glob("*/model"):
            kind = json.loads((folder / "config.json").read_text())["model_type"]
            for name in self.NAMES[kind]:
                shutil.copytree(folder, self.root / "models" / name)
        shutil.rmtree(self.folder / "results")

    def trained(self, *arguments):
        done = self.run_runner(*arguments, MVN_WORKER=str(self.options.worker),
                               HF_HUB_DOWNLOAD_TIMEOUT="60")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_what_is_cut_off_is_said_once(self):
        out = self.trained("tiny.yaml", "--set", "training.max_length=4", "--set",
                           "repeats.seeds=[0, 1]")
        self.assertIn("6 of 6 trials done", out)
        warnings = [line for line in out.splitlines() if line.startswith("warning: ")]
        self.assertEqual(sorted(line for line in warnings if " longer than " in line), [
            "warning: 10 of 10 texts of validation are longer than the model reads and lose their end"
            " (training.max_length)",
            "warning: 40 of 40 texts of train are longer than the model reads and lose their end"
            " (training.max_length)"])
        self.assertEqual(len(warnings), len(set(warnings)))

    def test_quick(self):
        sweep = str(self.SOURCE / "experiments" / "released" / "quick.yaml")
        out = self.trained("plan", sweep)
        self.assertIn("released-quick: 24 trials, 0 done, 24 to run", out)
        for names in (self.NAMES["mamba"], self.NAMES["gpt_neo"]):
            self.assertIn(f"first fetches: hf:{names[0]}@", out)
        out = self.trained(sweep, "--set", "optimizer.lr=1e-2", "--set", "repeats.seeds=[0]", "--set",
                           "training.precision=fp32", "--set", "resources.device=cpu")
        self.assertIn("2 of 2 trials done", out)

    SENTENCES = """name: sentences
metric: {name: test/sts_spearman, goal: maximize}
model: {plugin: gptneo, tokenizer: tokenizer.json,
        config: {vocab_size: VOCABULARY, hidden_size: 16, num_layers: 1, num_heads: 2,
                 attention_types: [[[global], 1]]}}
task: {plugin: embedding, test_sts: sts.jsonl}
training: {steps: 0}
resources: {device: cpu, workers: 1}
parameters:
  task.pooling: {values: [mean, last]}
stages:
  made: {}
  fetched:
    model: {weights: "hf:acme/sentences", tokenizer: null, config: null}
    parameters: {task.pooling: {values: [null, mean, last]}}
"""

    def write_scored_pairs(self):
        """sts.jsonl; its texts, all different to the tokenizer."""
        draw = random.Random(4)
        texts = ["".join(draw.choices("abcdefgh ", k=12)) + "i" for _ in range(60)]
        (self.folder / "sts.jsonl").write_text("".join(
            json.dumps({"sentence1": texts[i], "sentence2": texts[-1 - i], "score": i * 5 % 7}) + "\n"
            for i in range(30)))
        return texts

    def test_a_model_of_sentence_transformers(self):
        """What the hub has of one makes the same vectors, in a sweep and by `embed`."""
        texts = self.write_scored_pairs()
        (self.folder / "texts.txt").write_text("\n".join(texts) + "\n")
        sweep = self.SENTENCES.replace("VOCABULARY", str(self.vocabulary))
        # `made` alone first: what it makes is what the hub has.
        (self.folder / "sentences.yaml").write_text(sweep.split("  fetched:")[0])
        self.trained("sentences.yaml")
        made = {row["params"]: row for row in self.query(
            "SELECT params, folder, objective FROM trials WHERE stage = 'made'")}
        mean = self.folder / "results" / made["pooling=mean"]["folder"] / "model"
        shutil.copytree(mean, self.root / "models" / "acme" / "sentences")
        (self.root / "models" / "acme" / "sentences" / "README.md").write_text("# sentences")
        self.hub.reload()
        (self.folder / "sentences.yaml").write_text(sweep)
        self.trained("sentences.yaml")
        found = {row["params"]: row["objective"] for row in self.query(
            "SELECT params, objective FROM trials WHERE stage = 'fetched'")}
        self.assertEqual(found["pooling=null"], made["pooling=mean"]["objective"])
        self.assertEqual(found["pooling=mean"], made["pooling=mean"]["objective"])
        self.assertEqual(found["pooling=last"], made["pooling=last"]["objective"])
        self.assertNotEqual(found["pooling=mean"], found["pooling=last"])
        for source, output in ((str(mean), "here.npy"), ("hf:acme/sentences", "there.npy")):
            self.trained("embed", source, "--input", "texts.txt", "--output", output, "--device", "cpu")
        self.assertEqual((self.folder / "here.npy").read_bytes(),
                         (self.folder / "there.npy").read_bytes())
        self.assertIn("acme/nothing", self.refused_embedding("hf:acme/nothing"))

    LEARNT = """name: learnt
metric: {name: test/sts_spearman, goal: maximize}
model: {plugin: gptneo}
task: {plugin: embedding, pooling: mean, test_sts: sts.jsonl}
resources: {device: cpu, workers: 1}
retry: {same_error: never}
stages:
  learn:
    model: {tokenizer: tokenizer.json,
            config: {vocab_size: VOCABULARY, hidden_size: 16, num_layers: 1, num_heads: 2,
                     attention_types: [[[global], 1]]}}
    adapter: {plugin: lora, target_modules: [q_proj, c_fc]}
    optimizer: {lr: 1e-1}
    task: {train: sts.jsonl, anchor: sentence1, positive: sentence2, validation_sts: sts.jsonl}
    training: {steps: 3, batch_size: 8}
  measure:
    model: {weights: {stage: learn}}
    training: {steps: 0}
  on:
    model: {weights: {stage: learn}}
    optimizer: {lr: 1e-3}
    task: {train: sts.jsonl, anchor: sentence1, positive: sentence2, validation_sts: sts.jsonl}
    training: {steps: 1, batch_size: 8}
"""

    def test_what_an_adapter_learnt_is_measured(self):
        """A later stage begins from the adapter and its base; to train on, it has to say how."""
        self.write_scored_pairs()
        (self.folder / "learnt.yaml").write_text(
            self.LEARNT.replace("VOCABULARY", str(self.vocabulary)))
        done = self.run_runner("learnt.yaml", MVN_WORKER=str(self.options.worker))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("holds an adapter (lora) and no whole model: `mvn-runner merge` makes one of it,"
                      " and adapter: {plugin: lora, weights: ...} goes on training it", done.stdout)
        found = {row["stage"]: row["objective"] for row in self.query(
            "SELECT stage, objective FROM trials")}
        self.assertIsNotNone(found["learn"])
        self.assertAlmostEqual(found["measure"], found["learn"], 12)

    def refused_embedding(self, model):
        done = self.run_runner("embed", model, "--input", "texts.txt", "--output", "no.npy",
                               MVN_WORKER=str(self.options.worker))
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse((self.folder / "no.npy").exists())
        return done.stderr

    def test_every_size(self):
        """Each as its file has it, but for one learning rate, one seed and what this machine has."""
        shutil.copytree(self.SOURCE / "experiments", self.folder / "experiments")
        for name in self.SETS:
            data = self.folder / "data" / "small-verdict" / name
            data.mkdir(parents=True)
            shutil.copy(self.folder / "train.jsonl", data)
            shutil.copy(self.folder / "dev.jsonl", data / "test.jsonl")
        for name, models in (("130m", 2), ("1.4b", 2), ("2.8b", 2), ("e5-mistral", 1)):
            sweep = str(self.folder / "experiments" / "released" / f"{name}.yaml")
            self.assertIn(f"released-{name}: {108 * models} trials", self.trained("plan", sweep))
            out = self.trained(sweep, "--set", "optimizer.lr=1e-3", "--set", "repeats.seeds=[0]",
                               "--set", "training.precision=fp32", "--set", "resources.device=cpu",
                               "--set", "training.epochs=1")
            self.assertIn(f"{6 * models} of {6 * models} trials done", out)


class Parquet(HubTest):
    """A data set in the hub's own form, trained on to the end."""

    SOURCE = pathlib.Path(__file__).resolve().parents[3]
    OWNED = "stanfordnlp/sst2"
    SWEEP = """name: parquet
metric: {name: eval/accuracy, goal: maximize}
model: {plugin: gptneo, tokenizer: tokenizer.json,
        config: {vocab_size: VOCABULARY, hidden_size: 16, num_layers: 1, num_heads: 2,
                 attention_types: [[[global], 1]]}}
task: {plugin: classification, train: "hf:stanfordnlp/sst2/TRAIN",
       validation: "hf:stanfordnlp/sst2/VALIDATION", text: text, label: label}
training: {steps: 6, batch_size: 8}
optimizer: {lr: 1e-2}
resources: {device: cpu, workers: 1}
"""

    def setUp(self):
        super().setUp()
        for program in (self.options.worker, self.options.writer):
            if program is None or not program.exists():
                self.skipTest(f"{program} is not built (docs/building.md)")
        tokenizer = self.SOURCE / "tests" / "exactness" / "trajectory" / "tokenizer.json"
        shutil.copy(tokenizer, self.folder)
        self.vocabulary = max(json.loads(tokenizer.read_text())["model"]["vocab"].values()) + 8

    @staticmethod
    def rows(first, count):
        return [{"text": f"a {'good' if i % 2 else 'bad'} film {i}", "label": i % 2}
                for i in range(first, first + count)]

    def write(self, name, rows, revision="", names=("negative", "positive")):
        file = self.root / "datasets" / (self.OWNED + revision) / name
        subprocess.run([self.options.writer, file, *names], check=True, text=True,
                       input="".join(json.dumps(row) + "\n" for row in rows))

    def run_sweep(self, train, validation):
        self.hub.reload()
        text = self.SWEEP.replace("VOCABULARY", str(self.vocabulary), 1)
        text = text.replace("VALIDATION", validation).replace("TRAIN", train)
        (self.folder / "parquet.yaml").write_text(text)
        return self.run_runner("parquet.yaml", MVN_WORKER=str(self.options.worker),
                               HF_HUB_DOWNLOAD_TIMEOUT="60")

    def trained(self, train, validation):
        done = self.run_sweep(train, validation)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("1 of 1 trial done", done.stdout)
        return done.stdout

    def check(self, out):
        self.assertIn("train: 48 texts of ", out)
        self.assertIn("2 classes (negative: 24, positive: 24)", out)
        self.assertIn("validation: 10 texts of ", out)
        card = {row["name"]: row["value"] for row in self.query(
            "SELECT name, value FROM environments WHERE name LIKE 'card.%'")}
        self.assertEqual((card["card.train.rows"], card["card.validation.rows"]), (48, 10))
        labelled, = self.query("SELECT value FROM metrics WHERE name = 'eval/labelled/positive' "
                               "ORDER BY step DESC LIMIT 1")
        self.assertEqual(labelled["value"], 5)
        data = self.query("SELECT name FROM environments WHERE name LIKE 'data.%'")
        return sorted(pathlib.Path(row["name"]).name for row in data)

    def test_what_the_hub_made_of_a_split(self):
        branch = "@refs%2Fconvert%2Fparquet"
        self.write("README.jsonl", self.rows(0, 2))
        self.write("sst2/train/0000.parquet", self.rows(0, 40), branch)
        self.write("sst2/train/0001.parquet", self.rows(40, 8), branch)
        self.write("sst2/validation/0000.parquet", self.rows(100, 10), branch)
        names = self.check(self.trained("sst2/train", "sst2/validation"))
        self.assertEqual(names, ["0000.parquet", "0000.parquet", "0001.parquet"])
        commit = self.hub.repositories[f"datasets/{self.OWNED}"].revisions[
            "refs/convert/parquet"].commit
        config, = self.query("SELECT config FROM mvn_trial")
        self.assertEqual(json.loads(config["config"])["task"]["train"],
                         f"hf:datasets/{self.OWNED}@{commit}/sst2/train")
        before = len(self.hub.seen)
        self.assertIn("nothing to do", self.run_sweep("sst2/train", "sst2/validation").stdout)
        self.assertEqual(len(self.hub.seen), before)

    def test_the_parts_of_a_split(self):
        self.write("data/train-00000-of-00002.parquet", self.rows(0, 40))
        self.write("data/train-00001-of-00002.parquet", self.rows(40, 8))
        self.write("data/test-00000-of-00001.parquet", self.rows(200, 9))
        self.write("data/validation-00000-of-00001.parquet", self.rows(100, 10))
        names = self.check(self.trained("data/train",
                                        "data/validation-00000-of-00001.parquet"))
        self.assertEqual(names, ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet",
                                 "validation-00000-of-00001.parquet"])

    def test_a_split_that_is_not_whole(self):
        self.write("data/train-00000-of-00002.parquet", self.rows(0, 40))
        self.write("data/validation-00000-of-00001.parquet", self.rows(100, 10))
        done = self.run_sweep("data/train", "data/validation")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("data/train: 1 of its 2 parts are there", done.stdout + done.stderr)

    def test_arrow_files_as_datasets_saves_them(self):
        self.write("train.arrow", self.rows(0, 48))
        self.write("validation.arrow", self.rows(100, 10))
        self.check(self.trained("train.arrow", "validation.arrow"))


def main():
    options, rest = ARGUMENTS.parse_known_args()
    options.runner = options.runner.absolute()
    options.worker = options.worker and options.worker.absolute()
    HubTest.options = options
    unittest.main(argv=[sys.argv[0], *rest], verbosity=1)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
