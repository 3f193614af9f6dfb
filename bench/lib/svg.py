"""Line plots as SVG, nothing but text. Axes linear or logarithmic; every line is labelled at its end and in words, so
that colour alone carries nothing."""

import html
import math

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 170, 46, 56
COLOURS = ["#c2185b", "#1565c0", "#2e7d32", "#ef6c00", "#6a1b9a", "#455a64", "#00838f", "#9e9d24"]
DASHES = ["", "6 3", "2 3", "8 3 2 3", "", "6 3", "2 3", "8 3 2 3"]


def number(value):
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    if value >= 1e3:
        return f"{value / 1e3:g}k"
    return f"{value:g}"


class Axis:
    def __init__(self, values, log, from_zero=False):
        low, high = min(values), max(values)
        self.log = log
        if log:
            self.low, self.high = math.floor(math.log10(low)), math.ceil(math.log10(high))
            self.high = self.high if self.high > self.low else self.low + 1
            self.ticks = [10.0**e for e in range(self.low, self.high + 1)]
        else:
            low = 0 if from_zero else low
            step = 10 ** math.floor(math.log10((high - low) or 1))
            for factor in (0.2, 0.5, 1, 2):
                if (high - low) / (step * factor) <= 7:
                    step *= factor
                    break
            self.low, self.high = math.floor(low / step) * step, math.ceil(high / step) * step
            self.ticks = [self.low + i * step for i in range(int(round((self.high - self.low) / step)) + 1)]

    def at(self, value, start, length):
        v = math.log10(value) if self.log else value
        return start + (v - self.low) / ((self.high - self.low) or 1) * length


def plot(title, x_title, y_title, lines, log_x=False, log_y=False):
    """lines: name → [(x, y), …]; points that are not numbers are left out. Returns the SVG's text, or None."""
    lines = {n: [(x, y) for x, y in p if y == y and (y > 0 or not log_y)] for n, p in lines.items()}
    lines = {n: p for n, p in lines.items() if p}
    if not lines:
        return None
    xs = Axis([x for p in lines.values() for x, _ in p], log_x)
    ys = Axis([y for p in lines.values() for _, y in p], log_y, from_zero=True)
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def px(x):
        return xs.at(x, LEFT, wide)

    def py(y):
        return TOP + high - ys.at(y, 0, high)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12"'
           f' role="img" aria-label="{html.escape(title)}">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold">{html.escape(title)}</text>']
    for t in xs.ticks:
        out.append(f'<line x1="{px(t):.1f}" y1="{TOP}" x2="{px(t):.1f}" y2="{TOP + high}" stroke="#e0e0e0"/>'
                   f'<text x="{px(t):.1f}" y="{TOP + high + 18}" text-anchor="middle">{number(t)}</text>')
    for t in ys.ticks:
        out.append(f'<line x1="{LEFT}" y1="{py(t):.1f}" x2="{LEFT + wide}" y2="{py(t):.1f}" stroke="#e0e0e0"/>'
                   f'<text x="{LEFT - 8}" y="{py(t) + 4:.1f}" text-anchor="end">{number(t)}</text>')
    out.append(f'<text x="{LEFT + wide / 2}" y="{HEIGHT - 12}" text-anchor="middle">{html.escape(x_title)}</text>'
               f'<text transform="translate(18 {TOP + high / 2}) rotate(-90)" text-anchor="middle">'
               f'{html.escape(y_title)}</text>')
    out += _lines(lines, px, py, LEFT + wide + 10)
    return "\n".join(out) + "\n</svg>\n"


def _lines(lines, px, py, label_x):
    out, labels = [], []
    for i, (name, points) in enumerate(lines.items()):
        colour, dash = COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)]
        path = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>')
        out += [f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
        labels.append([py(points[-1][1]) + 4, name, colour])
    labels.sort()
    for above, label in zip(labels, labels[1:]):  # labels must not cover each other
        label[0] = max(label[0], above[0] + 15)
    out += [f'<text x="{label_x}" y="{y:.1f}" fill="{c}">{html.escape(n)}</text>' for y, n, c in labels]
    return out
