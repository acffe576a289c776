#!/usr/bin/env python3
"""A small Hugging Face hub on this machine, with the faults of networks.

    hub_server.py ROOT [--port PORT]

ROOT/models/OWNER/NAME and ROOT/datasets/OWNER/NAME are its repositories: their files are what each has
at `main`, whose commit is a hash of them. NAME@REVISION (with %2F for '/') has those of another one. Files of --large bytes and more are kept as Git LFS keeps
them: elsewhere, under the name of their SHA-256. Prints the address to give to HF_ENDPOINT.
"""
import argparse
import collections
import hashlib
import http.client
import http.server
import json
import pathlib
import socket
import ssl
import threading
import urllib.parse

LARGE = 100_000


def git_hash(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class File:
    """A file of a repository, by its content."""

    def __init__(self, path, source, large):
        self.path = path
        self.source = source
        self.size = source.stat().st_size
        self.is_large = self.size >= large
        if self.is_large:
            with source.open("rb") as stream:
                self.hash = hashlib.file_digest(stream, "sha256").hexdigest()
        else:
            self.hash = git_hash(source.read_bytes())

    def entry(self):
        """As /tree lists it."""
        entry = {"type": "file", "path": self.path, "size": self.size, "oid": self.hash}
        if self.is_large:
            entry["oid"] = git_hash(self.hash.encode())  # of the pointer
            entry["lfs"] = {"oid": self.hash, "size": self.size, "pointerSize": 134}
        return entry


class Repository:
    def __init__(self, folder, large):
        names = sorted(path for path in folder.rglob("*") if path.is_file())
        self.files = {str(path.relative_to(folder)): File(str(path.relative_to(folder)), path, large)
                      for path in names}
        text = "".join(f"{file.path} {file.hash}\n" for file in self.files.values())
        self.commit = hashlib.sha1(text.encode()).hexdigest()
        self.revisions = {"main": self}  # and what each has there

    def at(self, revision):
        """The files of a branch, a tag or a commit, or None."""
        found = self.revisions.get(revision)
        return found or next((each for each in self.revisions.values() if each.commit == revision),
                             None)


class Faults:
    """What goes wrong; tests set these, and each of a list is used up once."""

    def __init__(self):
        self.cuts = []            # a file's bytes end at this share of it
        self.stalls = []          # nothing comes any more from this share on
        self.statuses = []        # (part of the path, status, headers) instead of an answer
        self.damages = 0          # so many times, a byte is another one
        self.lengths = 0          # so many times, the storage says a byte more than there is
        self.ignores_ranges = False
        self.redirect_loop = False
        self.gated = set()        # repositories
        self.hidden = set()       # repositories that want the token
        self.token = "hf_secret"  # the one that is known
        self.page_size = 1000     # files of a page of /tree


Seen = collections.namedtuple("Seen", "host method path headers")


class Hub:
    """The two servers, of the hub and of its storage, in threads of this process."""

    def __init__(self, root, port=0, large=LARGE, tls=None):
        self.root = pathlib.Path(root)
        self.tls = tls  # a certificate and its key
        self.large = large
        self.faults = Faults()
        self.seen = []  # requests
        self.lock = threading.Lock()
        self.released = threading.Event()  # ends what stalls
        self.storage_server = self.serve("storage", 0)
        self.hub_server = self.serve("hub", port)
        scheme = "https" if tls else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{self.hub_server.server_address[1]}"
        # Another host by its name, as the hub's storage is.
        self.storage = f"{scheme}://localhost:{self.storage_server.server_address[1]}"
        self.reload()

    def reload(self):
        """Reads the repositories anew: what changed is at another commit."""
        self.repositories = {}
        for kind in ("models", "datasets"):
            for folder in sorted((self.root / kind).glob("*/*")):
                name, _, revision = f"{kind}/{folder.relative_to(self.root / kind)}".partition("@")
                repository = Repository(folder, self.large)
                if revision:
                    self.repositories[name].revisions[urllib.parse.unquote(revision)] = repository
                else:
                    self.repositories[name] = repository

    def serve(self, host, port):
        handler = type("Handler", (Handler,), {"hub": self, "host": host})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        server.handle_error = lambda *_: None  # of a client that went away
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def close(self):
        self.released.set()
        for server in (self.hub_server, self.storage_server):
            server.shutdown()
            server.server_close()

    def requests(self, host, part=""):
        with self.lock:
            return [seen for seen in self.seen if seen.host == host and part in seen.path]

    def take(self, name):
        """The next of a list of faults, or None."""
        with self.lock:
            faults = getattr(self.faults, name)
            return faults.pop(0) if faults else None

    def take_status(self, path):
        with self.lock:
            for i, (part, status, headers) in enumerate(self.faults.statuses):
                if part in path:
                    del self.faults.statuses[i]
                    return status, headers
        return None

    def take_one(self, name):
        with self.lock:
            count = getattr(self.faults, name)
            setattr(self.faults, name, max(0, count - 1))
            return count > 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub = None
    host = ""

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.handle_request()

    def do_GET(self):
        self.handle_request()

    def handle_request(self):
        with self.hub.lock:
            self.hub.seen.append(Seen(self.host, self.command, self.path, dict(self.headers)))
        fault = self.hub.take_status(self.path)
        try:
            if fault:
                self.answer(fault[0], fault[1], b"there is trouble")
            elif self.host == "storage":
                self.answer_storage()
            else:
                self.answer_hub()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(self, status, headers=None, body=b""):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code, message):
        self.answer(status, {"X-Error-Code": code, "X-Error-Message": message},
                    json.dumps({"error": message}).encode())

    # The hub

    def answer_hub(self):
        url = urllib.parse.urlsplit(self.path)
        parts = [urllib.parse.unquote(part) for part in url.path.strip("/").split("/")]
        if parts[0] == "api":
            self.answer_api(parts[1:], urllib.parse.parse_qs(url.query))
        else:
            kind = parts.pop(0) if parts[0] == "datasets" else "models"
            if len(parts) < 5 or parts[2] != "resolve":
                self.answer(404)
                return
            self.answer_file(kind, "/".join(parts[:2]), parts[3], "/".join(parts[4:]))

    def repository(self, kind, name):
        """The repository where whoever asks may read it; answers otherwise."""
        known = f"Bearer {self.hub.faults.token}"
        given = self.headers.get("Authorization")
        if given and given != known:
            self.answer(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
            return None
        full = f"{kind}/{name}"
        found = self.hub.repositories.get(full)
        if found is None or (full in self.hub.faults.hidden and given != known):
            status = 404 if given else 401
            self.refuse(status, "RepoNotFound", "Repository not found")
            return None
        if full in self.hub.faults.gated:
            self.refuse(403, "GatedRepo", f"Access to model {name} is restricted")
            return None
        return found

    def revision_of(self, repository, revision):
        found = repository.at(revision)
        if found is None:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return found

    def answer_api(self, parts, query):
        kind, name, what = parts[0], "/".join(parts[1:3]), parts[3:4]
        repository = self.repository(kind, name)
        if repository is None:
            return
        repository = self.revision_of(repository, parts[4] if len(parts) > 4 else "main")
        if repository is None:
            return
        if what == ["tree"]:
            self.answer_tree(repository, query)
            return
        self.answer(200, {"Content-Type": "application/json"}, json.dumps({
            "id": name, "sha": repository.commit, "private": False, "gated": False, "tags": [], "downloads": 0,
            "likes": 0, "siblings": [{"rfilename": path} for path in repository.files]}).encode())

    def answer_tree(self, repository, query):
        start = int(query.get("cursor", ["0"])[0])
        entries = [file.entry() for file in repository.files.values()]
        end = start + self.hub.faults.page_size
        headers = {"Content-Type": "application/json"}
        if end < len(entries):
            path = urllib.parse.urlsplit(self.path).path
            headers["Link"] = f'<{self.hub.endpoint}{path}?recursive=true&cursor={end}>; rel="next"'
        self.answer(200, headers, json.dumps(entries[start:end]).encode())

    def answer_file(self, kind, name, revision, path):
        repository = self.repository(kind, name)
        if repository is None:
            return
        repository = self.revision_of(repository, revision)
        if repository is None:
            return
        file = repository.files.get(path)
        if file is None:
            self.refuse(404, "EntryNotFound", "Entry not found")
            return
        headers = {"X-Repo-Commit": repository.commit, "Accept-Ranges": "bytes"}
        if self.hub.faults.redirect_loop:
            self.answer(302, {**headers, "Location": self.path})
        elif file.is_large:
            self.answer(302, {**headers, "X-Linked-Size": str(file.size),
                              "X-Linked-ETag": f'"{file.hash}"', "ETag": f'"{git_hash(b"")}"',
                              "Location": f"{self.hub.storage}/{file.hash}?signature=x"})
        else:
            self.send_file(file, {**headers, "ETag": f'"{file.hash}"'})

    # The storage

    def answer_storage(self):
        name = urllib.parse.urlsplit(self.path).path.strip("/")
        for repository in self.hub.repositories.values():
            for file in [file for each in repository.revisions.values() for file in each.files.values()]:
                if file.hash == name:
                    self.send_file(file, {"ETag": f'"{name}"', "Accept-Ranges": "bytes"})
                    return
        self.answer(404)

    def first_byte(self):
        asked = self.headers.get("Range", "")
        if self.hub.faults.ignores_ranges or not asked.startswith("bytes="):
            return None
        return int(asked[len("bytes="):].split("-")[0])

    def send_file(self, file, headers):
        first = self.first_byte()
        if first is not None and first >= file.size:
            self.answer(416, {"Content-Range": f"bytes */{file.size}"})
            return
        self.send_response(200 if first is None else 206)
        first, partial = first or 0, first is not None
        for key, value in headers.items():
            self.send_header(key, value)
        if partial:
            self.send_header("Content-Range", f"bytes {first}-{file.size - 1}/{file.size}")
        more = 1 if self.command == "GET" and self.hub.take_one("lengths") else 0
        self.send_header("Content-Length", str(file.size - first + more))
        self.end_headers()
        if self.command == "GET":
            self.send_bytes(file, first)

    def send_bytes(self, file, first):
        share = self.hub.take("cuts")
        stall = self.hub.take("stalls") if share is None else None
        end = file.size
        for limit in (share, stall):
            if limit is not None:
                end = max(first, int(file.size * limit))
        self.wfile.flush()
        with file.source.open("rb") as stream:
            if self.hub.faults.damages and end > first and self.hub.take_one("damages"):
                stream.seek(first)
                content = bytearray(stream.read(end - first))
                content[len(content) // 2] ^= 1
                self.wfile.write(content)
            elif end > first:
                self.connection.sendfile(stream, first, end - first)
        if stall is not None:
            self.hub.released.wait()
        if end < file.size:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)


class Proxy:
    """Passes plain HTTP on to whom it is addressed, and knows what it passed."""

    def __init__(self):
        passed = self.passed = []

        class Relay(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                passed.append(self.path)
                address = urllib.parse.urlsplit(self.path)
                connection = http.client.HTTPConnection(address.netloc, timeout=60)
                headers = {name: value for name, value in self.headers.items()
                           if not name.lower().startswith("proxy-")}
                target = address.path + (f"?{address.query}" if address.query else "")
                connection.request(self.command, target, headers=headers)
                answer = connection.getresponse()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    self.send_header(name, value)
                self.end_headers()
                while piece := answer.read(1 << 16):
                    self.wfile.write(piece)
                connection.close()

            do_HEAD = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--large", type=int, default=LARGE, metavar="BYTES")
    arguments = parser.parse_args()
    hub = Hub(arguments.root, arguments.port, arguments.large)
    print(hub.endpoint, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
