"""wandb.Artifact: files that belong together, kept in the trial's folder."""

import contextlib
import pathlib
import shutil
import tempfile

from wandb._program import trial
from wandb.errors import CommError


def _copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


class Artifact:
    def __init__(self, name, type="", description=None, metadata=None, **_options):
        self.name = name
        self.type = type
        self.description = description
        self.metadata = dict(metadata or {})
        self.aliases = []
        self.version = "v0"
        self.folder = None  # once it is logged
        self._added = []  # (what, name in it)

    def add_file(self, local_path, name=None, is_tmp=False, **_options):
        path = pathlib.Path(local_path)
        if not path.is_file():
            raise ValueError(f"Path is not a file: {local_path}")
        # Kept as it is now: the program may remove or change it.
        self._added.append((self._stage(path), name or path.name))

    def add_dir(self, local_path, name=None, **_options):
        path = pathlib.Path(local_path)
        if not path.is_dir():
            raise ValueError(f"Path is not a directory: {local_path}")
        for file in sorted(each for each in path.rglob("*") if each.is_file()):
            inside = file.relative_to(path)
            self._added.append((self._stage(file), str(pathlib.Path(name or "") / inside)))

    def add_reference(self, uri, name=None, **_options):
        text = str(getattr(uri, "ref_url", lambda: uri)())
        folder = self._scratch()
        path = folder / f"{len(self._added)}"
        path.write_text(text + "\n", encoding="utf-8")
        self._added.append((path, (name or pathlib.PurePath(text).name) + ".reference"))
        return []

    def add(self, obj, name, **_options):
        if hasattr(obj, "write_csv"):
            path = self._scratch() / f"{len(self._added)}"
            obj.write_csv(path)
            self._added.append((path, name + ".table.csv"))
        return obj

    @contextlib.contextmanager
    def new_file(self, name, mode="w", encoding=None):
        path = self._scratch() / f"{len(self._added)}"
        with open(path, mode, encoding=encoding) as file:
            yield file
        self._added.append((path, name))

    def _scratch(self):
        if not hasattr(self, "_temporary"):
            beside = trial().folder / "wandb"
            beside.mkdir(parents=True, exist_ok=True)
            self._temporary = tempfile.TemporaryDirectory(prefix="artifact.", dir=beside)
        return pathlib.Path(self._temporary.name)

    def _stage(self, path):
        target = self._scratch() / f"{len(self._added)}"
        shutil.copy2(path, target)
        return target

    def _write(self, root):
        """Into the next version's folder."""
        own = root / self.name.split(":")[0].replace("/", "_")
        number = len(list(own.glob("v*"))) if own.is_dir() else 0
        self.version = f"v{number}"
        partial = own / f"{self.version}.partial"
        partial.mkdir(parents=True, exist_ok=True)
        for path, name in self._added:
            if self.folder is None:
                (partial / name).parent.mkdir(parents=True, exist_ok=True)
                path.rename(partial / name)
            else:
                _copy(path, partial / name)
        partial.rename(own / self.version)
        self.folder = own / self.version
        self._added = [(self.folder / name, name) for _, name in self._added]
        return self.folder

    @classmethod
    def _find(cls, root, name):
        """What this trial logged under a name, "model:latest"."""
        plain, _, version = name.rpartition("/")[2].partition(":")
        own = root / plain.replace("/", "_")
        known = sorted(
            own.glob("v*"), key=lambda path: int(path.name[1:]) if path.name[1:].isdigit() else -1
        )
        wanted = [path for path in known if path.name == version] or known[-1:]
        if not wanted or (
            version.startswith("v") and version[1:].isdigit() and wanted[0].name != version
        ):
            raise CommError(
                f"artifact {name!r} was not logged by this trial, and no server is asked for it: "
                "give the program a path instead (args of the sweep)"
            )
        found = cls(plain)
        found.version = wanted[0].name
        found.folder = wanted[0]
        found._added = [
            (path, str(path.relative_to(found.folder)))
            for path in sorted(found.folder.rglob("*"))
            if path.is_file()
        ]
        return found

    # What it holds

    def download(self, root=None, **_options):
        if root is None:
            return str(self.folder)
        for path, name in self._added:
            _copy(path, pathlib.Path(root) / name)
        return str(root)

    checkout = download

    def file(self, root=None):
        return str(self._added[0][0])

    def files(self, *_args, **_options):
        return [path for path, _ in self._added]

    def get_path(self, name):
        found = [path for path, each in self._added if each == name]
        if not found:
            raise KeyError(f"Path not contained in artifact: {name}")
        return _Entry(found[0])

    get_entry = get_path

    def wait(self, timeout=None):
        return self

    def finalize(self):
        return None

    def save(self, *_args, **_options):
        return None

    def is_draft(self):
        return self.folder is None

    def link(self, *_args, **_options):
        return None

    @property
    def id(self):
        return f"{self.name}:{self.version}"

    @property
    def qualified_name(self):
        return self.id

    @property
    def size(self):
        return sum(path.stat().st_size for path, _ in self._added)


class _Entry:
    def __init__(self, path):
        self.path = str(path)

    def download(self, root=None, **_options):
        return self.path
