package dev.quire.chat.jinja;

import dev.quire.chat.jinja.TemplateException.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** Filters that map, select and group; all but grouping work while their result is read. */
final class SelectionFilters {
    private SelectionFilters() {}

    static void addTo(Map<String, FilterFunction> table) {
        table.put("map", SelectionFilters::map);
        table.put("select", (r, v, a) -> select(r, v, a, false, true));
        table.put("reject", (r, v, a) -> select(r, v, a, false, false));
        table.put("selectattr", (r, v, a) -> select(r, v, a, true, true));
        table.put("rejectattr", (r, v, a) -> select(r, v, a, true, false));
        table.put("unique", SelectionFilters::unique);
        table.put("groupby", SelectionFilters::groupBy);
    }

    private static Object map(Rendering r, Object value, Args args) {
        return Generator.of(new LazyIterator() {
            private Iterator<Object> items;
            private UnaryOperator<Object> function;

            @Override
            Object compute() {
                if (items == null) {
                    if (!Values.truth(value)) {
                        return Missing.MISSING;
                    }
                    function = mapping(r, args);
                    items = Values.iterate(value);
                }
                r.step();
                return items.hasNext() ? function.apply(items.next()) : Missing.MISSING;
            }
        });
    }

    private static UnaryOperator<Object> mapping(Rendering r, Args args) {
        if (args.size() == 0 && args.keywords().containsKey("attribute")) {
            Map<String, Object> rest = new LinkedHashMap<>(args.keywords());
            AttributePath path = AttributePath.of(rest.remove("attribute"));
            Object fallback = rest.remove("default");
            if (!rest.isEmpty()) {
                throw new TemplateException(
                        Kind.FILTER_ARGUMENT,
                        "Unexpected keyword argument "
                                + Repr.repr(rest.keySet().iterator().next()));
            }
            return item -> path.get(r, item, fallback);
        }
        if (args.size() == 0) {
            throw new TemplateException(Kind.FILTER_ARGUMENT, "map requires a filter argument");
        }
        String name = Repr.str(args.get(0));
        FilterFunction filter = Filters.find(name);
        Args rest = args.drop(1);
        return item -> {
            // As in the reference, nobody misses the filter of an empty sequence.
            if (filter == null) {
                throw new TemplateException(Kind.RUNTIME, "No filter named " + Repr.repr(name) + ".");
            }
            r.read(item);
            return filter.apply(r, item, rest);
        };
    }

    private static Object select(Rendering r, Object value, Args args, boolean byAttribute, boolean wanted) {
        return Generator.of(new LazyIterator() {
            private Iterator<Object> items;
            private Predicate<Object> test;

            @Override
            Object compute() {
                if (items == null) {
                    if (!Values.truth(value)) {
                        return Missing.MISSING;
                    }
                    test = test(r, args, byAttribute);
                    items = Values.iterate(value);
                }
                while (items.hasNext()) {
                    r.step();
                    Object item = items.next();
                    if (test.test(item) == wanted) {
                        return item;
                    }
                }
                return Missing.MISSING;
            }
        });
    }

    private static Predicate<Object> test(Rendering r, Args args, boolean byAttribute) {
        int offset = byAttribute ? 1 : 0;
        if (args.size() < offset) {
            throw new TemplateException(Kind.FILTER_ARGUMENT, "Missing parameter for attribute name");
        }
        AttributePath path = AttributePath.of(byAttribute ? args.get(0) : null);
        if (args.size() == offset) {
            return item -> Values.truth(path.get(r, item));
        }
        String name = Repr.str(args.get(offset));
        TestFunction test = Tests.find(name);
        Args rest = args.drop(offset + 1);
        return item -> {
            if (test == null) {
                throw new TemplateException(Kind.RUNTIME, "No test named " + Repr.repr(name) + ".");
            }
            return test.holds(r, path.get(r, item), rest);
        };
    }

    private static Object unique(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_unique", 0, "case_sensitive", "attribute");
        boolean caseSensitive = Values.truth(Args.or(v[0], false));
        AttributePath path = AttributePath.of(Args.or(v[1], null));
        Iterator<Object> items = Values.iterate(value);
        Set<Object> seen = new HashSet<>();
        return Generator.of(new LazyIterator() {
            @Override
            Object compute() {
                while (items.hasNext()) {
                    r.step();
                    Object item = items.next();
                    Object key = AttributePath.folded(path.get(r, item), caseSensitive);
                    Values.checkHashable(key);
                    if (seen.add(hashKey(key))) {
                        return item;
                    }
                }
                return Missing.MISSING;
            }
        });
    }

    /** A Java key that is equal exactly when the Python values are. */
    private static Object hashKey(Object value) {
        if (value instanceof Boolean) {
            return Numbers.integer(Numbers.big(value));
        }
        if (value instanceof Double d && !Double.isInfinite(d) && d == Math.rint(d)) {
            return Numbers.truncate(d);
        }
        if (value instanceof Tuple tuple) {
            return tuple.items().stream().map(SelectionFilters::hashKey).toList();
        }
        return value instanceof Markup markup ? markup.text() : value instanceof Undefined ? Undefined.class : value;
    }

    private static Object groupBy(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_groupby", 1, "attribute", "default", "case_sensitive");
        AttributePath path = AttributePath.of(v[0]);
        Object fallback = Args.or(v[1], null);
        boolean caseSensitive = Values.truth(Args.or(v[2], false));
        UnaryOperator<Object> key = item -> AttributePath.folded(path.get(r, item, fallback), caseSensitive);
        List<Object> groups = new ArrayList<>();
        List<Object> members = null;
        Object current = Missing.MISSING;
        for (Object item : SequenceFilters.sorted(r, Values.list(r, value), false, key)) {
            Object itemKey = key.apply(item);
            if (members == null || !Comparison.equal(r, current, itemKey)) {
                members = new ArrayList<>();
                current = itemKey;
                // The group is shown under the first member's own spelling.
                groups.add(new Tuple(Arrays.asList(path.get(r, item, fallback), members), List.of("grouper", "list")));
            }
            members.add(item);
        }
        return groups;
    }
}
