"""Mutants: a source file with one small error in it."""

import ast
import copy
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
NAMES = {
    "min": "max", "max": "min", "any": "all", "all": "any",
    "minimum": "maximum", "maximum": "minimum", "argmax": "argmin",
    "NEAREST": "FLOOR", "FLOOR": "NEAREST", "TOWARD_ZERO": "FLOOR",
}  # fmt: skip
"""Functions and roundings that are easily mistaken for each other."""
DROPPED = {"clip", "abs", "sign", "copy", "sorted", "sort"}
"""Calls in whose place their argument, or the object, still has the right type."""


@dataclass(frozen=True)
class Mutant:
    """One error.

    Attributes:
        file: path from the root.
        scope: names of the classes and functions around it, joined by dots.
        line: where it is, from 1.
        text: that line.
        original: what stands there.
        mutant: what stands there instead.
        occurrence: number of this change in lines of its scope that read the same, from 0.
        span: bytes of the file that are replaced, first and behind the last.
        header: first and last line of the statement, without the statements inside it.
    """

    file: str
    scope: str
    line: int
    text: str
    original: str
    mutant: str
    occurrence: int
    span: tuple[int, int]
    header: tuple[int, int]

    @property
    def key(self) -> str:
        """What it is called from one version of the file to the next: no line number."""
        again = f" #{self.occurrence}" if self.occurrence else ""
        where = f"{self.file} | {self.scope} | {self.text}"
        return f"{where} | {self.original} -> {self.mutant}{again}"

    def applied(self, source: bytes) -> bytes:
        """The file with the error in it."""
        first, last = self.span
        statement = self.mutant in ("pass", "return None")
        text = self.mutant if statement else f"({self.mutant})"
        return source[:first] + text.encode() + source[last:]


def mutants(file: str, source: bytes) -> list[Mutant]:
    """Every mutant of a Python file, in the order of the text.

    Left alone are annotations, decorators, imports, texts, and what an exception says.
    """
    lines = source.splitlines(keepends=True)
    starts = [0, *itertools.accumulate(map(len, lines))]
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for place in _places(ast.parse(source), "", (1, 1)):
        node = place.node
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        span = (
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )
        text, original = lines[node.lineno - 1].decode().strip(), ast.unparse(node)
        for mutant in place.mutants:
            name = (place.scope, text, original, mutant)
            found.append(
                Mutant(file, place.scope, node.lineno, *name[1:], seen[name], span, place.header)
            )
            seen[name] += 1
    return found


@dataclass(frozen=True)
class _Place:
    """A node, and what may stand there instead."""

    node: ast.expr | ast.stmt
    mutants: tuple[str, ...]
    scope: str
    header: tuple[int, int]


def _places(node: ast.AST, scope: str, header: tuple[int, int]) -> Iterator[_Place]:
    if isinstance(node, ast.stmt):
        header = _header(node)
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        scope = f"{scope}.{node.name}" if scope else node.name
    if isinstance(node, ast.expr | ast.stmt):
        changed = tuple(dict.fromkeys(_changes(node)))
        if changed:
            yield _Place(node, changed, scope, header)
    for condition in _conditions(node):
        yield _Place(condition, (f"not {ast.unparse(condition)}",), scope, header)
    for child in _children(node):
        yield from _places(child, scope, header)


def _header(node: ast.stmt) -> tuple[int, int]:
    body = getattr(node, "body", None)
    last = body[0].lineno - 1 if body else node.end_lineno or node.lineno
    return node.lineno, max(node.lineno, last)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What may be changed inside ``node``."""
    match node:
        case ast.FunctionDef():
            yield from node.args.defaults
            yield from (default for default in node.args.kw_defaults if default is not None)
            yield from node.body
        case ast.ClassDef(bases=[*_, ast.Name(id="Protocol")]):
            return  # says what others do
        case ast.ClassDef():
            yield from node.body
        case ast.AnnAssign():
            yield from (node.value,) if node.value is not None else ()
        case ast.Raise() | ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Assert():
            return
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()) | ast.keyword(arg="strict"):
            return
        case _:
            yield from ast.iter_child_nodes(node)


def _changes(node: ast.expr | ast.stmt) -> Iterator[str]:
    """What may stand in the place of ``node``."""
    match node:
        case ast.Constant(value=bool() as value):
            yield repr(not value)
        case ast.Constant(value=int() | float() as value):
            yield from (repr(value + 1), repr(value - 1))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            yield from (repr(-value + 1), repr(-value - 1))
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield ast.unparse(node.operand)
        case ast.Compare():
            for place, op in enumerate(node.ops):
                for other in COMPARISONS[type(op)]:
                    changed = copy.deepcopy(node)
                    changed.ops[place] = other()
                    yield ast.unparse(changed)
        case ast.BinOp() if type(node.op) in ARITHMETIC:
            yield ast.unparse(ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right))
        case ast.BoolOp():
            other_op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield ast.unparse(ast.BoolOp(other_op, node.values))
        case ast.Name(ctx=ast.Load()) if node.id in NAMES:
            yield NAMES[node.id]
        case ast.Attribute() if node.attr in NAMES:
            yield ast.unparse(ast.Attribute(node.value, NAMES[node.attr]))
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in DROPPED:
            if node.args:
                yield ast.unparse(node.args[0])
            elif isinstance(node.func, ast.Attribute):
                yield ast.unparse(node.func.value)
        case ast.IfExp():
            yield from (ast.unparse(node.body), ast.unparse(node.orelse))
        case ast.Raise() | ast.Assert() | ast.Continue() | ast.Break() | ast.AugAssign():
            yield "pass"
        case ast.Expr() if not isinstance(node.value, ast.Constant | ast.Yield | ast.YieldFrom):
            yield "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "pass"
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield "return None"


def _conditions(node: ast.AST) -> Iterator[ast.expr]:
    """Calls and names that decide something; a comparison has an opposite of its own."""
    conditions: list[ast.expr] = []
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        conditions = [node.test]
    elif isinstance(node, ast.BoolOp):
        conditions = node.values
    elif isinstance(node, ast.comprehension):
        conditions = node.ifs
    for condition in conditions:
        if isinstance(condition, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            yield condition


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
