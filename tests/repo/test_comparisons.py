"""No secret is compared with == or !=, whose time tells how much of a guess was right."""

import ast
import re
from collections.abc import Iterator

from tests.support import ROOT

SECRET = re.compile(r"secret|token|password|passwd|(^|_)sig(nature)?s?($|_)|digest|hmac", re.I)
NOT_SECRET = {
    # Of a body that is kept: nobody guesses it.
    "receiver/storage/deliveries.py: hashlib.sha256(delivery.request.body).digest()",
    # Of an entry of the audit trail: whoever may verify the chain may read it.
    "receiver/storage/audit_chain.py: row['digest']",
    "receiver/storage/audit_chain.py: hashlib.sha256(row['text'].encode()).hexdigest()",
    "receiver/storage/audit_chain.py: known.get(place, row['digest'])",
    # Of a row that a build keeps, to see whether it changed.
    "receiver/storage/projections.py: digest",
    # A message of the day, not a hash.
    "receiver/server/notice_times.py: str(notice.digest)",
}


def names(node: ast.expr) -> Iterator[str]:
    """Every name in an expression: variables, attributes, what is called, constant keys."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        if isinstance(each, ast.Attribute):
            yield each.attr
        if isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Constant):
            yield str(each.slice.value)


def compared(text: str) -> Iterator[str]:
    """What looks secret and is compared by ==, != or `in` a list; its length may be."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Compare):
            continue
        if not any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops):
            continue
        for side in [node.left, *node.comparators]:
            for part in side.elts if isinstance(side, ast.Tuple) else [side]:
                is_length = isinstance(part, ast.Call) and ast.unparse(part.func) == "len"
                if not is_length and any(SECRET.search(name) for name in names(part)):
                    yield ast.unparse(part)


def test_what_is_secret_is_compared_in_constant_time():
    found = {
        f"{path.relative_to(ROOT)}: {what}"
        for path in sorted((ROOT / "receiver").rglob("*.py"))
        for what in compared(path.read_text())
    }
    assert found == NOT_SECRET


def test_the_rule_sees_what_it_forbids():
    assert list(compared("given == secret")) == ["secret"]
    assert list(compared("headers['x-token'] != known")) == ["headers['x-token']"]
    assert list(compared("(1, hmac.digest(k, m, 'sha256')) == (2, x)")) == [
        "hmac.digest(k, m, 'sha256')"
    ]
    assert not list(compared("len(token) == 5 or hmac.compare_digest(a, b)"))
