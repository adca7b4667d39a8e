"""Every route of Stripe's API that the installed SDK can call, read out of its own source.

Its service classes name, for each method, the verb, the path, the parameters' type and the answer's class.
"""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import stripe

SOURCE = Path(stripe.__file__).parent

Reference = tuple[str, str]  # a module of the SDK, and a name in it


@dataclass(frozen=True)
class Route:
    """One call of the API: `template` has its ids in braces."""

    method: str
    template: str
    params: Reference | None
    answer: Reference | None

    @property
    def pattern(self) -> str:
        """A regular expression whose groups are the ids."""
        return re.sub(r"\{[^}]+\}", "([^/]+)", self.template)


@cache
def routes(family: str = "/v") -> tuple[Route, ...]:
    """The routes of every service that calls a path beginning like this, those without ids first."""
    found = [route for source in _sources() if f'"{family}' in source for route in _routes_in(source)]
    return tuple(sorted(found, key=lambda route: route.template.count("{")))


@cache
def match(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route of this call and the ids in its path; None where the SDK knows no such call."""
    family = "/".join(path.split("/")[:3])
    for route in routes(family):
        if route.method == method and (ids := re.fullmatch(route.pattern, path)):
            return route, ids.groups()
    return None


@cache
def _sources() -> tuple[str, ...]:
    return tuple(file.read_text() for file in sorted(SOURCE.rglob("_*_service.py")))


def _routes_in(source: str) -> list[Route]:
    tree = ast.parse(source)
    imported = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    methods = (node for cls in tree.body if isinstance(cls, ast.ClassDef) for node in cls.body)
    return [
        Route(*call, _params_of(method, imported), _answer_of(method, imported))
        for method in methods
        if isinstance(method, ast.FunctionDef) and (call := _call_in(method))
    ]


def _call_in(method: ast.FunctionDef) -> tuple[str, str] | None:
    """The verb and path of `self._request("post", "/v1/…/{id}/…".format(…))`."""
    for node in ast.walk(method):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_request":
            verb, path = node.args[:2]
            if isinstance(path, ast.Call) and isinstance(path.func, ast.Attribute):
                path = path.func.value
            if isinstance(verb, ast.Constant) and isinstance(path, ast.Constant):
                return str(verb.value).upper(), str(path.value)
    return None


def _params_of(method: ast.FunctionDef, imported: dict[str, Reference]) -> Reference | None:
    for argument in method.args.args + method.args.posonlyargs:
        if argument.arg == "params" and argument.annotation is not None:
            name = re.search(r"\w+Params\b", ast.unparse(argument.annotation))
            return imported.get(name.group()) if name else None
    return None


def _answer_of(method: ast.FunctionDef, imported: dict[str, Reference]) -> Reference | None:
    returned = ast.unparse(method.returns).strip("'\"") if method.returns else ""
    name = re.match(r"(?:(?:ListObject|SearchResultObject)\[)?(\w+)", returned)
    return imported.get(name.group(1)) if name else None
