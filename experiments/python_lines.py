"""Text that every machine with Python has: lines of Python's own standard library.

debian_packages.py takes these where apt knows of no packages. A line of code stands for a package's
synopsis, the module that it is from ("asyncio", "email") for the section.
"""
import collections
import hashlib
import pathlib
import sysconfig

SECTIONS = 10
MOST_LINES = 3000  # of a module
SHORTEST, LONGEST = 20, 160  # characters of a line


def module_files():
    """Name of a module of the standard library -> its files."""
    root = pathlib.Path(sysconfig.get_path("stdlib"))
    files = collections.defaultdict(list)
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).parts
        name = parts[0].removesuffix(".py")
        foreign = parts[0] in ("site-packages", "dist-packages") or "test" in name
        # Other than the rest of the library: tables, and what is no module.
        if not foreign and name not in ("encodings", "pydoc_data") and name.isidentifier():
            files[name].append(file)
    return files


def lines_of(files):
    lines = set()
    for file in files:
        text = file.read_text(encoding="utf-8", errors="ignore")
        for line in text.splitlines():
            line = " ".join(line.split())
            # A quotation mark could begin a quoted field of the table.
            if SHORTEST <= len(line) <= LONGEST and len(line.split()) > 2 and '"' not in line:
                lines.add(line)
    return lines


def lines_by_module():
    """The modules with the most lines, and what no other of them has."""
    found = {name: lines_of(files) for name, files in module_files().items()}
    largest = sorted(found, key=lambda name: (-len(found[name]), name))[:SECTIONS]
    count = collections.Counter(line for name in largest for line in found[name])
    chosen = {}
    for name in sorted(largest):
        own = [line for line in found[name] if count[line] == 1]
        own.sort(key=lambda line: hashlib.sha256(line.encode()).digest())
        chosen[name] = own[:MOST_LINES]
    return chosen
