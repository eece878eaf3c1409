"""`milepost` with a defect in its parser of GitLab's deliveries."""

import sys

from msgspec.structs import replace

from receiver.cli.main import main
from receiver.domain.delivery import Content, Request
from receiver.domain.model import Json
from receiver.sources import SOURCES


def _parse(_: Request, _document: Json) -> Content:
    raise TypeError("unsupported operand type(s) for +: 'NoneType' and 'int'")


if __name__ == "__main__":
    SOURCES["gitlab"] = replace(SOURCES["gitlab"], parse=_parse)
    sys.exit(main())
