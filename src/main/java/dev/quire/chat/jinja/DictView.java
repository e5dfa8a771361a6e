package dev.quire.chat.jinja;

import java.util.Iterator;
import java.util.Map;

/** Keys, values or items of a dict, as its methods return them. */
record DictView(Part part, Map<?, ?> map) implements TemplateObject {
    enum Part {
        KEYS,
        VALUES,
        ITEMS
    }

    Iterator<Object> iterator() {
        Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return entries.hasNext();
            }

            @Override
            public Object next() {
                Map.Entry<?, ?> entry = entries.next();
                return switch (part) {
                    case KEYS -> entry.getKey();
                    case VALUES -> entry.getValue();
                    case ITEMS -> Tuple.of(entry.getKey(), entry.getValue());
                };
            }
        };
    }

    @Override
    public String typeName() {
        return "dict_" + part.name().toLowerCase();
    }

    @Override
    public boolean truth() {
        return !map.isEmpty();
    }

    @Override
    public String repr() {
        return Repr.repr(this);
    }
}
