package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Expr.BinaryOperator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tests of jinja2/tests.py 3.1. */
final class Tests {
    private static final Map<String, TestFunction> TABLE = Map.ofEntries(
            Map.entry("defined", plain("defined", (r, v) -> !(v instanceof Undefined))),
            Map.entry("undefined", plain("undefined", (r, v) -> v instanceof Undefined)),
            Map.entry("none", plain("none", (r, v) -> v == null)),
            Map.entry("boolean", plain("boolean", (r, v) -> v instanceof Boolean)),
            Map.entry("true", plain("true", (r, v) -> Boolean.TRUE.equals(v))),
            Map.entry("false", plain("false", (r, v) -> Boolean.FALSE.equals(v))),
            Map.entry("integer", plain("integer", (r, v) -> Values.isInteger(v) && !(v instanceof Boolean))),
            Map.entry("float", plain("float", (r, v) -> v instanceof Double)),
            Map.entry("number", plain("number", (r, v) -> Values.isNumber(v))),
            Map.entry("string", plain("string", (r, v) -> Values.isString(v))),
            Map.entry("mapping", plain("mapping", (r, v) -> v instanceof Map)),
            Map.entry("sequence", plain("sequence", (r, v) -> isSequence(v))),
            Map.entry("iterable", plain("iterable", (r, v) -> Values.isIterable(v))),
            Map.entry("callable", plain("callable", (r, v) -> v instanceof Callable || v instanceof Undefined)),
            Map.entry("escaped", plain("escaped", (r, v) -> v instanceof Markup)),
            Map.entry("lower", plain("lower", (r, v) -> StringSearch.isLower(Repr.str(v)))),
            Map.entry("upper", plain("upper", (r, v) -> StringSearch.isUpper(Repr.str(v)))),
            Map.entry("odd", plain("odd", (r, v) -> Comparison.equal(r, modulo(r, v, 2L), 1L))),
            Map.entry("even", plain("even", (r, v) -> Comparison.equal(r, modulo(r, v, 2L), 0L))),
            Map.entry("divisibleby", binary("divisibleby", (r, v, n) -> Comparison.equal(r, modulo(r, v, n), 0L))),
            Map.entry("filter", plain("filter", (r, v) -> Values.isString(v) && Filters.find(Values.text(v)) != null)),
            Map.entry("test", plain("test", (r, v) -> Values.isString(v) && isTest(Values.text(v)))),
            Map.entry("sameas", binary("sameas", Tests::isSame)),
            Map.entry("in", binary("in", (r, v, other) -> Comparison.contains(r, other, v))),
            Map.entry("eq", binary("eq", Comparison::equal)),
            Map.entry("ne", binary("ne", (r, v, other) -> !Comparison.equal(r, v, other))),
            Map.entry("lt", binary("lt", (r, v, other) -> Comparison.ordered(r, "<", v, other))),
            Map.entry("le", binary("le", (r, v, other) -> Comparison.ordered(r, "<=", v, other))),
            Map.entry("gt", binary("gt", (r, v, other) -> Comparison.ordered(r, ">", v, other))),
            Map.entry("ge", binary("ge", (r, v, other) -> Comparison.ordered(r, ">=", v, other))));

    private Tests() {}

    private interface Plain {
        boolean holds(Rendering r, Object value);
    }

    private interface Binary {
        boolean holds(Rendering r, Object value, Object other);
    }

    private static TestFunction plain(String name, Plain plain) {
        return (r, value, args) -> {
            args.bind("test_" + name, 0);
            return plain.holds(r, value);
        };
    }

    private static TestFunction binary(String name, Binary binary) {
        return (r, value, args) -> binary.holds(r, value, args.bind("test_" + name, 1, "other")[0]);
    }

    static @Nullable TestFunction find(String name) {
        return TABLE.get(
                switch (name) {
                    case "==", "equalto" -> "eq";
                    case "!=" -> "ne";
                    case "<", "lessthan" -> "lt";
                    case "<=" -> "le";
                    case ">", "greaterthan" -> "gt";
                    case ">=" -> "ge";
                    default -> name;
                });
    }

    private static boolean isTest(String name) {
        return find(name) != null;
    }

    private static boolean isSequence(Object value) {
        return Values.sequence(value) != null
                || value instanceof Map
                || Values.isString(value)
                || value instanceof Undefined;
    }

    private static Object modulo(Rendering r, Object value, Object by) {
        return Operators.binary(r, BinaryOperator.MOD, value, by);
    }

    /** Identity; numbers and texts, which have none in Java, compare by type and value. */
    private static boolean isSame(Rendering r, Object a, Object b) {
        return a == b
                || a != null
                        && b != null
                        && a.getClass() == b.getClass()
                        && (Values.isNumber(a) || a instanceof String)
                        && a.equals(b);
    }
}
