package dev.quire.chat.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The arguments of one call; never changed after construction. */
final class Args {
    static final Args NONE = new Args(new Object[0], Map.of());

    private final Object[] positional;
    private final Map<String, Object> keywords;

    Args(Object[] positional, Map<String, Object> keywords) {
        this.positional = positional;
        this.keywords = keywords;
    }

    static Args of(Object... positional) {
        return new Args(positional, Map.of());
    }

    int size() {
        return positional.length;
    }

    Object get(int index) {
        return positional[index];
    }

    Map<String, Object> keywords() {
        return keywords;
    }

    List<Object> from(int index) {
        return index >= positional.length
                ? List.of()
                : Collections.unmodifiableList(Arrays.asList(positional).subList(index, positional.length));
    }

    /** These arguments without the first {@code count} positional ones. */
    Args drop(int count) {
        return new Args(
                Arrays.copyOfRange(positional, Math.min(count, positional.length), positional.length), keywords);
    }

    Args withKeyword(String name, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(keywords);
        more.put(name, value);
        return new Args(positional, more);
    }

    /**
     * The values of the parameters {@code names}, {@link Missing} where none was given.
     *
     * @throws TemplateException as Python's TypeError, when one of the first {@code required} is missing, or there are
     *     too many or unknown ones
     */
    Object[] bind(String function, int required, String... names) {
        if (positional.length > names.length) {
            throw TemplateException.type(function + "() takes at most " + names.length + " argument"
                    + (names.length == 1 ? "" : "s") + " (" + positional.length + " given)");
        }
        Object[] bound = new Object[names.length];
        Arrays.fill(bound, Missing.MISSING);
        System.arraycopy(positional, 0, bound, 0, positional.length);
        for (Map.Entry<String, Object> keyword : keywords.entrySet()) {
            int index = Arrays.asList(names).indexOf(keyword.getKey());
            if (index < 0) {
                throw TemplateException.type(
                        function + "() got an unexpected keyword argument " + Repr.repr(keyword.getKey()));
            }
            if (index < positional.length) {
                throw TemplateException.type(
                        function + "() got multiple values for argument " + Repr.repr(keyword.getKey()));
            }
            bound[index] = keyword.getValue();
        }
        List<String> absent = new ArrayList<>();
        for (int i = 0; i < required; i++) {
            if (bound[i] == Missing.MISSING) {
                absent.add(names[i]);
            }
        }
        if (!absent.isEmpty()) {
            throw TemplateException.type(function + "() missing " + absent.size() + " required positional argument"
                    + (absent.size() == 1 ? "" : "s") + ": "
                    + absent.stream().map(Repr::repr).collect(Collectors.joining(" and ")));
        }
        return bound;
    }

    /** {@code value}, or {@code fallback} when it is {@link Missing}. */
    static Object or(Object value, Object fallback) {
        return value == Missing.MISSING ? fallback : value;
    }
}
