"""The Prometheus text format, parsed strictly."""
import re

LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([-+0-9.eEinfINFaN]+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SUFFIXES = ("_bucket", "_sum", "_count")


class Metrics:
    def __init__(self, text):
        self.series = {}  # (name, ((label, value), …)) → number
        self.types = {}
        current = None
        if not text.endswith("\n"):
            raise AssertionError("the last line is not ended")
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                if name in self.types:
                    raise AssertionError(f"two TYPE lines for {name}")
                self.types[name] = kind
                current = name
                continue
            if not line or line.startswith("#"):
                continue
            match = LINE.match(line)
            if not match:
                raise AssertionError(f"not a sample: {line!r}")
            name, labels = match[1], tuple(sorted(LABEL.findall(match[2] or "")))
            family = name
            if family not in self.types:
                family = next((name[:-len(s)] for s in SUFFIXES if name.endswith(s) and name[:-len(s)] in self.types), None)
            if family is None or family != current:
                raise AssertionError(f"{name} stands apart from its TYPE line")
            if (name, labels) in self.series:
                raise AssertionError(f"the series came twice: {line!r}")
            self.series[name, labels] = float(match[3])

    def find(self, name, **labels):
        wanted = set(labels.items())
        return [v for (n, ls), v in self.series.items() if n == name and wanted <= set(ls)]

    def get(self, name, **labels):
        """The sum of the series that match; there must be one."""
        found = self.find(name, **labels)
        if not found:
            raise AssertionError(f"no metric {name} {labels}")
        return sum(found)
