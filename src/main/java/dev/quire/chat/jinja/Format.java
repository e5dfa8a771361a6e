package dev.quire.chat.jinja;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Python's {@code str.format}, whose fields go through the sandbox's attributes and items. */
final class Format {
    private final Rendering rendering;
    private final Args args;
    private final @Nullable Map<?, ?> mapping;
    private int automatic;
    private boolean manual;

    private Format(Rendering rendering, Args args, @Nullable Map<?, ?> mapping) {
        this.rendering = rendering;
        this.args = args;
        this.mapping = mapping;
    }

    static String format(Rendering rendering, String template, Args args) {
        return rendering.built(new Format(rendering, args, null).expand(template, 2));
    }

    static String formatMap(Rendering rendering, String template, Args args) {
        Object mapping = args.bind("format_map", 1, "mapping")[0];
        if (!(mapping instanceof Map<?, ?> map)) {
            throw TemplateException.type(Repr.repr(Values.typeName(mapping)) + " object is not subscriptable");
        }
        return rendering.built(new Format(rendering, Args.NONE, map).expand(template, 2));
    }

    private String expand(String template, int depth) {
        if (depth < 0) {
            throw TemplateException.value("Max string recursion exceeded");
        }
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < template.length(); i++) {
            char c = template.charAt(i);
            if (c != '{' && c != '}') {
                out.append(c);
            } else if (i + 1 < template.length() && template.charAt(i + 1) == c) {
                out.append(c);
                i++;
            } else if (c == '}') {
                throw TemplateException.value("Single '}' encountered in format string");
            } else {
                int end = fieldEnd(template, i + 1);
                out.append(field(template.substring(i + 1, end), depth));
                rendering.checkSize(out.length());
                i = end;
            }
        }
        return out.toString();
    }

    private static int fieldEnd(String template, int from) {
        int open = 1;
        for (int i = from; i < template.length(); i++) {
            char c = template.charAt(i);
            open += c == '{' ? 1 : c == '}' ? -1 : 0;
            if (open == 0) {
                return i;
            }
        }
        throw TemplateException.value(
                from == template.length()
                        ? "Single '{' encountered in format string"
                        : "expected '}' before end of string");
    }

    private String field(String field, int depth) {
        rendering.step();
        int nameEnd = 0;
        int brackets = 0;
        while (nameEnd < field.length()) {
            char c = field.charAt(nameEnd);
            brackets += c == '[' ? 1 : c == ']' ? -1 : 0;
            if (brackets <= 0 && (c == ':' || c == '!')) {
                break;
            }
            nameEnd++;
        }
        String conversion = null;
        int specStart = nameEnd;
        if (nameEnd < field.length() && field.charAt(nameEnd) == '!') {
            specStart = field.indexOf(':', nameEnd);
            specStart = specStart < 0 ? field.length() : specStart;
            conversion = field.substring(nameEnd + 1, specStart);
        }
        Object value = FormatSpec.converted(lookup(field.substring(0, nameEnd)), conversion);
        String spec = specStart < field.length() ? expand(field.substring(specStart + 1), depth - 1) : "";
        return FormatSpec.format(rendering, value, spec);
    }

    private Object lookup(String path) {
        int i = 0;
        while (i < path.length() && path.charAt(i) != '.' && path.charAt(i) != '[') {
            i++;
        }
        Object value = root(path.substring(0, i));
        while (i < path.length()) {
            int start = i + 1;
            if (path.charAt(i) == '.') {
                i = start;
                while (i < path.length() && path.charAt(i) != '.' && path.charAt(i) != '[') {
                    i++;
                }
                value = Members.attribute(rendering, value, path.substring(start, i));
            } else {
                int end = path.indexOf(']', start);
                if (path.charAt(i) != '[' || end < 0) {
                    throw TemplateException.value("Missing ']' in format string");
                }
                String key = path.substring(start, end);
                value = Members.item(rendering, value, isNumber(key) ? (Object) Long.parseLong(key) : key);
                i = end + 1;
            }
        }
        return value;
    }

    private static boolean isNumber(String text) {
        return text.length() < 10 && StringMethods.all(text, c -> c >= '0' && c <= '9');
    }

    private Object root(String name) {
        if (name.isEmpty() || isNumber(name)) {
            boolean isManual = !name.isEmpty();
            if (isManual ? automatic > 0 : manual) {
                throw TemplateException.value(
                        "cannot switch from manual field specification to automatic field numbering");
            }
            manual = isManual;
            int index = isManual ? Integer.parseInt(name) : automatic++;
            if (index >= args.size()) {
                throw new TemplateException(TemplateException.Kind.INDEX, "tuple index out of range");
            }
            return args.get(index);
        }
        Map<?, ?> names = mapping == null ? args.keywords() : mapping;
        Object value = Values.lookup(rendering, names, name);
        if (value == Missing.MISSING) {
            throw new TemplateException(TemplateException.Kind.KEY, Repr.repr(name));
        }
        return value;
    }
}
