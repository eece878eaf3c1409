"""The filter of pages about images: a text and names of dimensions in the address, with facets."""

from collections.abc import Iterable, Mapping

from flask import request

from receiver.domain.model import DIMENSIONS

MOST_VALUES = 12  # of a facet


class AskedImages:
    """The filter in the address: a text, and names of dimensions; it acts on the whole page."""

    def __init__(self) -> None:
        self.text = request.args.get("q", "").strip()
        asked = {name: request.args.get(name, "").strip() for name in DIMENSIONS}
        self.names = {name: text for name, text in asked.items() if text}

    @property
    def is_any(self) -> bool:
        """Whether something is asked for."""
        return bool(self.text or self.names)

    @property
    def arguments(self) -> dict[str, str]:
        """The parameters of the page's own links."""
        return self.names | ({"q": self.text} if self.text else {})

    def fits(self, row: Mapping[str, object], more: str = "") -> bool:
        """Return whether a row is asked for; `more` are further words that it is found by."""
        if not self.is_any:
            return True
        if any(row[name] != text for name, text in self.names.items()):
            return False
        words = f"{' '.join(str(row[name] or '') for name in DIMENSIONS)} {more}".lower()
        return all(word in words for word in self.text.lower().split())

    def facets(self, rows: Iterable[Mapping[str, str | None]]) -> dict[str, list[tuple[str, int]]]:
        """Return how many of the images have each name, by dimension that nothing is asked of."""
        counts: dict[str, dict[str, int]] = {
            name: {} for name in DIMENSIONS if name not in self.names
        }
        for row in rows:
            for name, of_name in counts.items():
                if value := row[name]:
                    of_name[value] = of_name.get(value, 0) + 1
        return {
            name: sorted(each.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]
            for name, each in counts.items()
            if len(each) > 1
        }
