"""The house: what may import what, and what nothing may say."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lib import errors

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "lib").rglob("*.py"))
_WRAPPER = ROOT / "lib" / "access" / "credentials.py"  # of streamlit-authenticator


def imports(tree: ast.AST) -> set[str]:
    """The top packages that some code imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


def at_top(tree: ast.Module) -> set[str]:
    """The top packages that a module imports when it is imported itself."""
    inside = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))]
    for node in inside:
        if not isinstance(node, ast.Lambda):
            node.body = []
    return imports(tree)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_pages_and_their_pieces_know_streamlit(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    if (ROOT / "lib" / "ui") in path.parents:
        return
    forbidden = {"streamlit", "streamlit_authenticator"}
    if path == _WRAPPER:
        assert imports(tree) & forbidden == {"streamlit_authenticator"} and not at_top(tree) & forbidden
    else:
        assert not imports(tree) & forbidden


def test_streamlit_is_not_loaded_by_the_register() -> None:
    code = (
        "import sys, lib.store, lib.register, lib.output.excel_list, lib.installation, lib.operations, lib.__main__\n"
        "import lib.statistics, lib.sample\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('streamlit', 'streamlit_authenticator')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "name", ["register", "retention", "statistics", "search", "duplicates", "schema", "errors"], ids=str
)
def test_the_rules_touch_no_file_and_ask_no_clock(name: str) -> None:
    source = (ROOT / "lib" / f"{name}.py").read_text("utf-8")
    assert not imports(ast.parse(source)) & {"os", "pathlib", "time", "shutil", "tempfile", "socket"}
    assert not re.search(r"\.(today|now|utcnow)\(\)|(?<!\w)open\(|read_bytes|write_bytes", source)


def test_a_file_is_one_idea() -> None:
    long = {p.name: n for p in SOURCES if (n := len(p.read_text("utf-8").splitlines())) > 420}
    assert long == {}


def test_nothing_names_a_domain_that_is_somebodys() -> None:
    """RFC 2606 gives example.com, example.org and example.net; example.fi and the like belong to someone."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    forbidden = re.compile(r"\b(example|esimerkki|exempel|firma|yritys|testi?|domain)\.(fi|se|eu|com|net|org)\b", re.I)
    allowed = {"example.com", "example.org", "example.net"}
    found = []
    for name in listed:
        path = ROOT / name
        if name.startswith("tests/") or not path.is_file():
            continue
        text = path.read_text("utf-8", errors="ignore")
        found += [(name, match[0]) for match in forbidden.finditer(text) if match[0].lower() not in allowed]
    assert found == []


def test_the_tree_of_errors_at_the_top_of_the_file_is_the_tree() -> None:
    tree: list[tuple[str, str]] = []
    above: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^([│├└─ ]*)([A-Z][A-Za-z]+)\b", line):
            if match[1] or match[2] == "AppError":
                depth = len(match[1]) // 4
                above[depth] = match[2]
                tree.append((match[2], above[depth - 1] if depth else "Exception"))
    classes = [c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, errors.AppError)]
    assert sorted(tree) == sorted((c.__name__, c.__bases__[0].__name__) for c in classes)


def test_every_error_that_is_raised_is_in_the_tree() -> None:
    """Nobody makes errors of the application elsewhere."""
    for path in SOURCES:
        if path.name == "errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
                assert not bases & {name for name in vars(errors) if name[0].isupper()} - {"Any", "Text", "Mapping"}


def test_every_module_says_what_it_is_for() -> None:
    for path in SOURCES:
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), path
