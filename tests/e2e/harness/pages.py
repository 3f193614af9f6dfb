"""The documentation as data: pages, blocks, tables, links, anchors. What tests of the docs share."""
import os
import re

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
DOCS = sorted(f"docs/{name}" for name in os.listdir(os.path.join(ROOT, "docs")) if name.endswith(".md"))
PAGES = ("README.md", "CONTRIBUTING.md", "bench/README.md", *DOCS)
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        return f.read()


def blocks(name):
    """[(what stands behind the opening ```, text)]"""
    return [(m[1].strip(), m[2]) for m in FENCE.finditer(read(name))]


def prose(name):
    """The page without its blocks."""
    return FENCE.sub("", read(name))


def section(name, title):
    """What stands below a heading, up to the next one of its level or above."""
    m = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,9}} |\Z)", prose(name), re.M | re.S)
    if not m:
        raise AssertionError(f"{name} has no section {title!r}")
    rest = prose(name)[m.start(2):]
    end = re.search(rf"^#{{1,{len(m[1])}}} ", rest, re.M)
    return rest[:end.start()] if end else rest


def table(text, head):
    """The rows, as lists of cells, of the table whose first heading cell this is."""
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if line.startswith("|") and cells(line)[0] == head and i + 1 < len(lines) and re.match(r"^\|[ :|-]+\|$", lines[i + 1]):
            rows = []
            for row in lines[i + 2:]:
                if not row.startswith("|"):
                    break
                rows.append(cells(row))
            return rows
    raise AssertionError(f"no table that begins with {head!r}")


def cells(line):
    return [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def quoted(text):
    """What stands in `…`."""
    return [" ".join(q.split()) for q in re.findall(r"`([^`]+)`", text)]


def links(name):
    """Where [text](here) and ![image](here) lead."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose(name)))


def anchors(name):
    """The names by which a browser finds the page's headings."""
    found = set()
    for title in re.findall(r"^#+ (.*)$", prose(name), re.M):
        slug = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()).strip().replace(" ", "-")
        while slug in found:
            slug += "-1"
        found.add(slug)
    return found
