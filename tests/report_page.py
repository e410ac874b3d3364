"""A page taken apart: elements with their attributes, text outside of script and style, tables, scripts."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input", "path", "circle", "rect"}


class Page(HTMLParser):
    """What stands in a page: elements with their attributes, text outside of script and style, scripts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[tuple[str | None, str]] = []
        self.rows: dict[str, dict[str, list[str]]] = {}
        self._table, self._cells = "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs).get("type"), ""))
        if tag == "div" and dict(attrs).get("role") == "region":
            self._table = dict(attrs).get("aria-label") or ""
        if tag == "tr":
            self._cells = []
        if tag in {"td", "th"}:
            self._cells.append("")

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()
        if tag == "tr" and len(self._cells) > 1:
            name, *cells = (" ".join(cell.split()) for cell in self._cells)
            self.rows.setdefault(self._table, {}).setdefault(name, []).extend(cells)

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            kind, text = self.scripts[-1]
            self.scripts[-1] = kind, text + data
        elif self.open and self.open[-1] != "style":
            self.text += data
            if {"td", "th"} & set(self.open):
                self._cells[-1] += data

    def attributes(self, *names: str) -> list[str | None]:
        return [values[name] for _, values in self.elements for name in names if name in values]
