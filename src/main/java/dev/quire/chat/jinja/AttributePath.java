package dev.quire.chat.jinja;

import java.util.ArrayList;
import java.util.List;

/** The dotted {@code attribute} argument of a filter; an empty path is the item itself. */
record AttributePath(List<Object> parts) {

    static AttributePath of(Object attribute) {
        if (attribute == null) {
            return new AttributePath(List.of());
        }
        if (!Values.isString(attribute)) {
            return new AttributePath(List.of(attribute));
        }
        List<Object> parts = new ArrayList<>();
        for (String part : Values.text(attribute).split("\\.", -1)) {
            boolean index = part.length() < 19 && StringMethods.all(part, c -> c >= '0' && c <= '9');
            parts.add(index ? (Object) Long.parseLong(part) : part);
        }
        return new AttributePath(parts);
    }

    /** The paths of a list of attributes separated by commas. */
    static List<AttributePath> all(Object attribute) {
        if (!Values.isString(attribute)) {
            return List.of(of(attribute));
        }
        List<AttributePath> paths = new ArrayList<>();
        for (String one : Values.text(attribute).split(",", -1)) {
            paths.add(of(one));
        }
        return paths;
    }

    Object get(Rendering rendering, Object item) {
        return get(rendering, item, null);
    }

    Object get(Rendering rendering, Object item, Object fallback) {
        Object value = item;
        for (Object part : parts) {
            value = Members.item(rendering, value, part);
            if (fallback != null && value instanceof Undefined) {
                value = fallback;
            }
        }
        return value;
    }

    /** The key under which values are compared: texts without case, unless it matters. */
    static Object folded(Object value, boolean caseSensitive) {
        return !caseSensitive && Values.isString(value) ? Text.lower(Values.text(value)) : value;
    }
}
