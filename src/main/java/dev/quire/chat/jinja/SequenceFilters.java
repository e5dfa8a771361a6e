package dev.quire.chat.jinja;

import dev.quire.chat.jinja.TemplateException.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Filters that take sequences apart, put them in order, or add them up. */
final class SequenceFilters {
    private SequenceFilters() {}

    static void addTo(Map<String, FilterFunction> table) {
        table.put("length", (r, v, a) -> Values.length(Filters.none("len", v, a)));
        table.put("count", table.get("length"));
        table.put("list", (r, v, a) -> Values.list(r, Filters.none("do_list", v, a)));
        table.put("first", (r, v, a) -> {
            Iterator<Object> items = Values.iterate(Filters.none("do_first", v, a));
            return items.hasNext() ? items.next() : Undefined.hint("No first item, sequence was empty.");
        });
        table.put("last", (r, v, a) -> {
            Iterator<Object> items = reversed(r, Filters.none("do_last", v, a));
            return items.hasNext() ? items.next() : Undefined.hint("No last item, sequence was empty.");
        });
        table.put("reverse", SequenceFilters::reverse);
        table.put("items", SequenceFilters::items);
        table.put("join", SequenceFilters::join);
        table.put("sort", SequenceFilters::sort);
        table.put("dictsort", SequenceFilters::dictSort);
        table.put("min", (r, v, a) -> extreme(r, v, a, "do_min", 1));
        table.put("max", (r, v, a) -> extreme(r, v, a, "do_max", -1));
        table.put("sum", SequenceFilters::sum);
        table.put("batch", SequenceFilters::batch);
        table.put("slice", SequenceFilters::slice);
    }

    private static Iterator<Object> reversed(Rendering r, Object value) {
        List<Object> items;
        if (Values.sequence(value) != null
                || Values.isString(value)
                || value instanceof Map
                || value instanceof DictView) {
            items = Values.list(r, value);
        } else if (value instanceof Undefined) {
            // reversed() reads Undefined as a sequence of length 0.
            items = List.of();
        } else {
            throw TemplateException.type(Repr.repr(Values.typeName(value)) + " object is not reversible");
        }
        Collections.reverse(items);
        return items.iterator();
    }

    private static Object reverse(Rendering r, Object value, Args args) {
        Filters.none("do_reverse", value, args);
        if (Values.isString(value)) {
            Object text = Slicing.slice(r, value, null, null, -1L);
            return text;
        }
        if (!Values.isIterable(value)) {
            throw new TemplateException(Kind.FILTER_ARGUMENT, "argument must be iterable");
        }
        List<Object> items = Values.list(r, value);
        Collections.reverse(items);
        return value instanceof Generator ? items : new Generator("list_reverseiterator", items.iterator());
    }

    private static Object items(Rendering r, Object value, Args args) {
        Filters.none("do_items", value, args);
        Iterator<Object> empty = Collections.emptyIterator();
        if (value instanceof Undefined) {
            return Generator.of(empty);
        }
        if (value instanceof Map<?, ?> map) {
            return Generator.of(new DictView(DictView.Part.ITEMS, map).iterator());
        }
        // The reference fails when the first item is asked for, not before.
        return Generator.of(new LazyIterator() {
            @Override
            Object compute() {
                throw TemplateException.type("Can only get item pairs from a mapping.");
            }
        });
    }

    private static Object join(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_join", 0, "d", "attribute");
        String separator = Repr.str(Args.or(v[0], ""));
        Object attribute = Args.or(v[1], null);
        StringBuilder out = new StringBuilder();
        Iterator<Object> items = Values.iterate(value);
        boolean first = true;
        while (items.hasNext()) {
            r.step();
            Object item = items.next();
            item = attribute == null ? item : AttributePath.of(attribute).get(r, item);
            out.append(first ? "" : separator).append(Repr.str(item));
            r.checkSize(out.length());
            first = false;
        }
        return r.built(out.toString());
    }

    private static Object sort(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_sort", 0, "reverse", "case_sensitive", "attribute");
        boolean caseSensitive = Values.truth(Args.or(v[1], false));
        List<AttributePath> paths = AttributePath.all(Args.or(v[2], null));
        List<Object> items = Values.list(r, value);
        return sorted(r, items, Values.truth(Args.or(v[0], false)), item -> {
            List<Object> key = new ArrayList<>();
            paths.forEach(path -> key.add(AttributePath.folded(path.get(r, item), caseSensitive)));
            return key;
        });
    }

    /** Stable in both directions, as Python's sort is. */
    static List<Object> sorted(
            Rendering r, List<Object> items, boolean reverse, java.util.function.UnaryOperator<Object> key) {
        record Keyed(Object key, Object item) {}
        List<Keyed> keyed = new ArrayList<>(items.size());
        items.forEach(item -> keyed.add(new Keyed(key.apply(item), item)));
        Comparator<Object> order = Comparison.sorting(r);
        // Equal items keep their order also when the result is reversed.
        if (reverse) {
            Collections.reverse(keyed);
        }
        keyed.sort((a, b) -> order.compare(a.key(), b.key()));
        if (reverse) {
            Collections.reverse(keyed);
        }
        List<Object> result = new ArrayList<>(items.size());
        keyed.forEach(k -> result.add(k.item()));
        return result;
    }

    private static Object dictSort(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_dictsort", 0, "case_sensitive", "by", "reverse");
        boolean caseSensitive = Values.truth(Args.or(v[0], false));
        Object by = Args.or(v[1], "key");
        if (!"key".equals(by) && !"value".equals(by)) {
            throw new TemplateException(Kind.FILTER_ARGUMENT, "You can only sort by either \"key\" or \"value\"");
        }
        int position = "key".equals(by) ? 0 : 1;
        Object items = Members.attribute(r, value, "items");
        if (!(items instanceof Callable callable)) {
            throw TemplateException.noAttribute(value, "items");
        }
        List<Object> pairs = Values.list(r, callable.call(r, Args.NONE));
        return sorted(
                r,
                pairs,
                Values.truth(Args.or(v[2], false)),
                pair -> AttributePath.folded(((Tuple) pair).items().get(position), caseSensitive));
    }

    private static Object extreme(Rendering r, Object value, Args args, String name, int sign) {
        Object[] v = args.bind(name, 0, "case_sensitive", "attribute");
        boolean caseSensitive = Values.truth(Args.or(v[0], false));
        AttributePath path = AttributePath.of(Args.or(v[1], null));
        Iterator<Object> items = Values.iterate(value);
        if (!items.hasNext()) {
            return Undefined.hint("No aggregated item, sequence was empty.");
        }
        Object best = items.next();
        Object bestKey = AttributePath.folded(path.get(r, best), caseSensitive);
        while (items.hasNext()) {
            r.step();
            Object item = items.next();
            Object key = AttributePath.folded(path.get(r, item), caseSensitive);
            if (Comparison.ordered(r, sign > 0 ? "<" : ">", key, bestKey)) {
                best = item;
                bestKey = key;
            }
        }
        return best;
    }

    private static Object sum(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_sum", 0, "attribute", "start");
        AttributePath path = AttributePath.of(Args.or(v[0], null));
        Object sum = Args.or(v[1], 0L);
        if (Values.isString(sum)) {
            throw TemplateException.type("sum() can't sum strings [use ''.join(seq) instead]");
        }
        Iterator<Object> items = Values.iterate(value);
        while (items.hasNext()) {
            r.step();
            sum = Operators.binary(r, Expr.BinaryOperator.ADD, sum, path.get(r, items.next()));
        }
        return sum;
    }

    private static Object batch(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_batch", 1, "linecount", "fill_with");
        long size = Numbers.index(v[0]);
        Object fill = Args.or(v[1], null);
        Iterator<Object> items = Values.iterate(value);
        return Generator.of(new LazyIterator() {
            @Override
            Object compute() {
                List<Object> row = new ArrayList<>();
                while (items.hasNext() && (row.size() < size || row.isEmpty() && size <= 0)) {
                    r.step();
                    row.add(items.next());
                }
                while (!row.isEmpty() && fill != null && row.size() < size) {
                    r.step();
                    row.add(fill);
                }
                return row.isEmpty() ? Missing.MISSING : row;
            }
        });
    }

    private static Object slice(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_slice", 1, "slices", "fill_with");
        long slices = Numbers.index(v[0]);
        Object fill = Args.or(v[1], null);
        List<Object> all = Values.list(r, value);
        if (slices == 0) {
            throw new TemplateException(Kind.ZERO_DIVISION, "integer division or modulo by zero");
        }
        int per = (int) (all.size() / Math.max(1, slices));
        long extra = all.size() % Math.max(1, slices);
        return Generator.of(new LazyIterator() {
            private long number;
            private int start;

            @Override
            Object compute() {
                if (number >= slices) {
                    return Missing.MISSING;
                }
                r.step();
                boolean longer = number++ < extra;
                int end = start + per + (longer ? 1 : 0);
                List<Object> part = new ArrayList<>(all.subList(start, end));
                start = end;
                if (fill != null && !longer) {
                    part.add(fill);
                }
                return part;
            }
        });
    }
}
