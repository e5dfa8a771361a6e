package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Expr.Arguments;
import dev.quire.chat.jinja.Expr.BinaryOperator;
import dev.quire.chat.jinja.Expr.CompareOperator;
import dev.quire.chat.jinja.TemplateException.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Expressions to closures over the slots of their scope. */
final class ExpressionCompiler {

    Code compile(Expr expr, Scope scope) {
        if (expr instanceof Expr.Const constant) {
            Object value = constant.value();
            return f -> value;
        }
        if (expr instanceof Expr.Name name) {
            return name(name.name(), scope);
        }
        if (expr instanceof Expr.Attribute attribute) {
            Code target = compile(attribute.target(), scope);
            String name = attribute.name();
            return f -> Members.attribute(f.rendering, target.eval(f), name);
        }
        if (expr instanceof Expr.Item item) {
            return item(item, scope);
        }
        if (expr instanceof Expr.Call call) {
            return call(call, scope, Function.identity());
        }
        if (expr instanceof Expr.Filter filter) {
            return filter(filter, compile(filter.input(), scope), scope);
        }
        if (expr instanceof Expr.Test test) {
            return test(test, scope);
        }
        if (expr instanceof Expr.Compare compare) {
            return compare(compare, scope);
        }
        if (expr instanceof Expr.Conditional conditional) {
            return conditional(conditional, scope.soften());
        }
        return operator(expr, scope);
    }

    private Code operator(Expr expr, Scope scope) {
        if (expr instanceof Expr.And and) {
            Code left = compile(and.left(), scope);
            Code right = compile(and.right(), scope);
            return f -> {
                Object value = left.eval(f);
                return Values.truth(value) ? right.eval(f) : value;
            };
        }
        if (expr instanceof Expr.Or or) {
            Code left = compile(or.left(), scope);
            Code right = compile(or.right(), scope);
            return f -> {
                Object value = left.eval(f);
                return Values.truth(value) ? value : right.eval(f);
            };
        }
        if (expr instanceof Expr.Unary unary) {
            Code operand = compile(unary.operand(), scope);
            return switch (unary.operator()) {
                case NOT -> f -> !Values.truth(operand.eval(f));
                case NEGATE -> f -> Operators.negate(operand.eval(f));
                case PLUS -> f -> Operators.plus(operand.eval(f));
            };
        }
        if (expr instanceof Expr.Binary binary) {
            BinaryOperator operator = binary.operator();
            Code left = compile(binary.left(), scope);
            Code right = compile(binary.right(), scope);
            return f -> Operators.binary(f.rendering, operator, left.eval(f), right.eval(f));
        }
        return collection(expr, scope);
    }

    private Code collection(Expr expr, Scope scope) {
        if (expr instanceof Expr.Concat concat) {
            Code[] parts = all(concat.parts(), scope);
            return f -> {
                StringBuilder text = new StringBuilder();
                for (Code part : parts) {
                    text.append(Repr.str(part.eval(f)));
                    f.rendering.checkSize(text.length());
                }
                return f.rendering.built(text.toString());
            };
        }
        if (expr instanceof Expr.ListOf list) {
            Code[] items = all(list.items(), scope);
            return f -> new ArrayList<>(Arrays.asList(values(items, f)));
        }
        if (expr instanceof Expr.TupleOf tuple) {
            Code[] items = all(tuple.items(), scope);
            return f -> Tuple.of(values(items, f));
        }
        if (expr instanceof Expr.DictOf dict) {
            Code[] items = all(dict.keysAndValues(), scope);
            return f -> {
                Map<Object, Object> map = new LinkedHashMap<>();
                for (int i = 0; i < items.length; i += 2) {
                    Values.put(f.rendering, map, items[i].eval(f), items[i + 1].eval(f));
                }
                return map;
            };
        }
        throw TemplateException.syntax("invalid syntax", expr.line());
    }

    private Code[] all(List<Expr> exprs, Scope scope) {
        return exprs.stream().map(e -> compile(e, scope)).toArray(Code[]::new);
    }

    private static Object[] values(Code[] codes, Frame f) {
        Object[] values = new Object[codes.length];
        f.rendering.charge(codes.length);
        for (int i = 0; i < codes.length; i++) {
            values[i] = codes[i].eval(f);
        }
        return values;
    }

    Code name(String name, Scope scope) {
        Scope.Variable variable = scope.variable(name);
        int slot = variable.slot();
        int hops = variable.hops();
        Undefined undefined = Undefined.variable(name);
        if (hops == 0) {
            return f -> {
                Object value = f.get(slot);
                return value == Missing.MISSING ? undefined : value;
            };
        }
        return f -> {
            Object value = f.outer(hops).get(slot);
            return value == Missing.MISSING ? undefined : value;
        };
    }

    private Code item(Expr.Item item, Scope scope) {
        Code target = compile(item.target(), scope);
        if (item.index() instanceof Expr.Slice slice) {
            Code start = bound(slice.start(), scope);
            Code stop = bound(slice.stop(), scope);
            Code step = bound(slice.step(), scope);
            return f -> Slicing.slice(f.rendering, target.eval(f), start.eval(f), stop.eval(f), step.eval(f));
        }
        Code index = compile(item.index(), scope);
        return f -> Members.item(f.rendering, target.eval(f), index.eval(f));
    }

    private Code bound(Expr bound, Scope scope) {
        return bound == null ? f -> null : compile(bound, scope);
    }

    /** A call, whose arguments {@code extend} may add to. */
    Code call(Expr.Call call, Scope scope, Function<ArgsCode, ArgsCode> extend) {
        Code callee = compile(call.callee(), scope);
        ArgsCode arguments = extend.apply(arguments(call.arguments(), scope));
        int line = call.line();
        return f -> {
            Object function = callee.eval(f);
            Args args = arguments.eval(f);
            f.rendering.line(line);
            f.rendering.step();
            if (function instanceof Callable callable) {
                return callable.call(f.rendering, args);
            }
            throw function instanceof Undefined undefined
                    ? undefined.fail()
                    : TemplateException.type(Repr.repr(Values.typeName(function)) + " object is not callable");
        };
    }

    /** Compiled arguments. */
    interface ArgsCode {
        Args eval(Frame frame);
    }

    private ArgsCode arguments(Arguments arguments, Scope scope) {
        Code[] positional = all(arguments.positional(), scope);
        Code[] named = all(arguments.named(), scope);
        List<String> names = arguments.names();
        if (arguments.positionals() == null && arguments.keywords() == null) {
            if (names.isEmpty()) {
                return positional.length == 0 ? f -> Args.NONE : f -> new Args(values(positional, f), Map.of());
            }
            return f -> new Args(values(positional, f), keywords(names, named, f));
        }
        Code positionals = bound(arguments.positionals(), scope);
        Code keywords = bound(arguments.keywords(), scope);
        boolean star = arguments.positionals() != null;
        boolean doubleStar = arguments.keywords() != null;
        return f -> {
            List<Object> all = new ArrayList<>(Arrays.asList(values(positional, f)));
            if (star) {
                all.addAll(Values.list(f.rendering, positionals.eval(f)));
            }
            Map<String, Object> named2 = keywords(names, named, f);
            if (doubleStar) {
                addKeywords(named2, keywords.eval(f));
            }
            return new Args(all.toArray(), named2);
        };
    }

    private static Map<String, Object> keywords(List<String> names, Code[] named, Frame f) {
        Map<String, Object> keywords = new LinkedHashMap<>();
        for (int i = 0; i < named.length; i++) {
            if (keywords.put(names.get(i), named[i].eval(f)) != null) {
                throw TemplateException.syntax("keyword argument repeated: " + names.get(i), 0);
            }
        }
        return keywords;
    }

    private static void addKeywords(Map<String, Object> keywords, Object more) {
        if (!(more instanceof Map<?, ?> map)) {
            throw TemplateException.type("argument after ** must be a mapping, not " + Values.typeName(more));
        }
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (!(entry.getKey() instanceof String name)) {
                throw TemplateException.type("keywords must be strings");
            }
            if (keywords.containsKey(name)) {
                throw TemplateException.type("got multiple values for keyword argument " + Repr.repr(name));
            }
            keywords.put(name, entry.getValue());
        }
    }

    /** A filter over {@code input}, which stands for the filter's own input expression. */
    Code filter(Expr.Filter filter, Code input, Scope scope) {
        FilterFunction function = Filters.find(filter.name());
        ArgsCode arguments = arguments(filter.arguments(), scope);
        int line = filter.line();
        if (function == null) {
            return unknown("filter", filter.name(), line, input, arguments, scope);
        }
        return f -> {
            Object value = input.eval(f);
            Args args = arguments.eval(f);
            f.rendering.line(line);
            f.rendering.read(value);
            return function.apply(f.rendering, value, args);
        };
    }

    private static Code unknown(String kind, String name, int line, Code input, ArgsCode arguments, Scope scope) {
        if (!scope.soft()) {
            throw new TemplateException(Kind.ASSERTION, "No " + kind + " named " + Repr.repr(name) + ".", line);
        }
        return f -> {
            input.eval(f);
            arguments.eval(f);
            throw new TemplateException(Kind.RUNTIME, "No " + kind + " named " + Repr.repr(name) + " found.", line);
        };
    }

    private Code test(Expr.Test test, Scope scope) {
        TestFunction function = Tests.find(test.name());
        Code input = compile(test.input(), scope);
        ArgsCode arguments = arguments(test.arguments(), scope);
        int line = test.line();
        if (function == null) {
            return unknown("test", test.name(), line, input, arguments, scope);
        }
        return f -> {
            Object value = input.eval(f);
            Args args = arguments.eval(f);
            f.rendering.read(value);
            return function.holds(f.rendering, value, args);
        };
    }

    private Code conditional(Expr.Conditional conditional, Scope scope) {
        Code test = compile(conditional.test(), scope);
        Code then = compile(conditional.then(), scope);
        Undefined none = Undefined.hint("the inline if-expression on line " + conditional.line()
                + " evaluated to false and no else section was defined.");
        Code otherwise = conditional.otherwise() == null ? f -> none : compile(conditional.otherwise(), scope);
        return f -> Values.truth(test.eval(f)) ? then.eval(f) : otherwise.eval(f);
    }

    private Code compare(Expr.Compare compare, Scope scope) {
        Code first = compile(compare.first(), scope);
        Code[] operands = all(compare.operands(), scope);
        CompareOperator[] operators = compare.operators().toArray(CompareOperator[]::new);
        if (operators.length == 1) {
            Code second = operands[0];
            CompareOperator operator = operators[0];
            return f -> holds(f.rendering, operator, first.eval(f), second.eval(f));
        }
        return f -> {
            Object left = first.eval(f);
            for (int i = 0; i < operators.length; i++) {
                Object right = operands[i].eval(f);
                if (!holds(f.rendering, operators[i], left, right)) {
                    return false;
                }
                left = right;
            }
            return true;
        };
    }

    private static boolean holds(Rendering r, CompareOperator operator, Object a, Object b) {
        return switch (operator) {
            case EQ -> Comparison.equal(r, a, b);
            case NE -> !Comparison.equal(r, a, b);
            case LT -> Comparison.ordered(r, "<", a, b);
            case LE -> Comparison.ordered(r, "<=", a, b);
            case GT -> Comparison.ordered(r, ">", a, b);
            case GE -> Comparison.ordered(r, ">=", a, b);
            case IN -> Comparison.contains(r, b, a);
            case NOT_IN -> !Comparison.contains(r, b, a);
        };
    }
}
