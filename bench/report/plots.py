"""Small SVG plots: bars and lines, nothing else. Colours read on light and dark pages."""
import html
import math

COLOURS = ["#2f7ed8", "#8bbc21", "#e08214", "#b2182b", "#7b3294", "#1b9e77", "#888888", "#a6761d"]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 760, 380, 70, 50, 40, 180


def frame(title, body, labels, legend):
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
             'font-family="sans-serif" font-size="12" fill="#666">' % (WIDTH, HEIGHT, WIDTH, HEIGHT),
             '<rect width="100%" height="100%" fill="#fff"/>',
             '<text x="%d" y="22" font-size="15" fill="#222">%s</text>' % (LEFT, html.escape(title))]
    parts += body + labels
    for i, name in enumerate(legend):
        y = TOP + 18 * i
        parts.append('<rect x="%d" y="%d" width="11" height="11" fill="%s"/><text x="%d" y="%d">%s</text>'
                     % (WIDTH - RIGHT + 15, y, COLOURS[i % len(COLOURS)], WIDTH - RIGHT + 31, y + 10,
                        html.escape(name)))
    return "\n".join(parts + ["</svg>", ""])


def step(most):
    """A round number, four to eight of which reach most."""
    power = 10 ** math.floor(math.log10(most))
    return next(power * s for s in (0.2, 0.5, 1, 2) if most / (power * s) <= 8)


def short(value):
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return "%g%s" % (value / unit, name)
    return "%g" % value


class Axes:
    def __init__(self, most_x, most_y):
        self.x = lambda v: LEFT + (WIDTH - LEFT - RIGHT) * v / most_x
        self.y = lambda v: HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * v / most_y
        self.lines = []
        unit, value = step(most_y), 0.0
        while value <= most_y:
            self.lines.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/>'
                              '<text x="%d" y="%.1f" text-anchor="end">%s</text>'
                              % (LEFT, WIDTH - RIGHT, self.y(value), self.y(value), LEFT - 6,
                                 self.y(value) + 4, short(round(value, 6))))
            value += unit

    def label(self, x, text, y=HEIGHT - BOTTOM + 18):
        self.lines.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>'
                          % (x, y, html.escape(text)))


def bars(title, groups, names):
    """groups: [(label, {name: value})]"""
    most = max(v for _, values in groups for v in values.values()) * 1.05
    axes, body = Axes(len(groups), most), []
    wide = (axes.x(1) - axes.x(0)) * 0.85 / len(names)
    for i, (label, values) in enumerate(groups):
        axes.label(axes.x(i + 0.5), label)
        for k, name in enumerate(names):
            value = values.get(name, 0)
            body.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>'
                        % (axes.x(i + 0.075) + wide * k, axes.y(value), wide * 0.9,
                           axes.y(0) - axes.y(value), COLOURS[k % len(COLOURS)]))
    return frame(title, axes.lines, body, names)


def lines(title, x_title, series):
    """series: [(name, [(x, y)])], drawn with a dot at each point that was measured."""
    most_x = max(x for _, points in series for x, _ in points) * 1.02
    most_y = max(y for _, points in series for _, y in points) * 1.05
    axes, body = Axes(most_x, most_y), []
    unit, value = step(most_x), 0.0
    while value <= most_x:
        axes.label(axes.x(value), short(round(value, 6)))
        value += unit
    axes.label((LEFT + WIDTH - RIGHT) / 2, x_title, HEIGHT - 12)
    for k, (_, points) in enumerate(series):
        colour = COLOURS[k % len(COLOURS)]
        body.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (
            colour, " ".join("%.1f,%.1f" % (axes.x(x), axes.y(y)) for x, y in points)))
        if len(points) < 20:
            body += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (axes.x(x), axes.y(y), colour)
                     for x, y in points]
    return frame(title, axes.lines, body, [name for name, _ in series])
