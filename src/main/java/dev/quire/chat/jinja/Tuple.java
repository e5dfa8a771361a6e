package dev.quire.chat.jinja;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Python's tuple.
 *
 * @param names attributes under which the items are found too, as in a named tuple; empty for a plain one
 */
record Tuple(List<Object> items, List<String> names) implements TemplateObject {

    Tuple(List<Object> items) {
        this(items, List.of());
    }

    static Tuple of(Object... items) {
        return new Tuple(Collections.unmodifiableList(Arrays.asList(items)));
    }

    @Override
    public Object attribute(String name) {
        int index = names.indexOf(name);
        return index < 0 ? Missing.MISSING : items.get(index);
    }

    @Override
    public String typeName() {
        return "tuple";
    }

    @Override
    public boolean truth() {
        return !items.isEmpty();
    }

    @Override
    public String repr() {
        return Repr.repr(this);
    }
}
